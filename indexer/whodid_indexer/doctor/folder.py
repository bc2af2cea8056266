"""The folder of archives, where there is one: can it take what retention will delete, and is what is in it whole."""

import os
from collections.abc import Iterator
from pathlib import Path

from whodid_indexer.archive.manifest import SUFFIX
from whodid_indexer.archive.writer import PART
from whodid_indexer.doctor.finding import Budget, Check, Finding, fail, ok, warn
from whodid_indexer.export.manifest import manifest_of

_GIB = 1 << 30


class Folder:
    """The checks of the folder that the configuration names; None: it names none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [("archive", self.archive)] if self._path is not None else []

    def archive(self, _: Budget) -> Iterator[Finding]:
        """Whether the folder is there, can be written, has room, and each archive its manifest."""
        path = self._path or Path()
        if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
            mend = "make it, for whoever deletes: until then retention deletes nothing"
            yield fail(f"{path} is not a folder that this user can write", mend)
            return
        disk = os.statvfs(path)
        if disk.f_bavail * disk.f_frsize < _GIB:
            yield warn(f"less than a GiB is free in {path}", "make room: without it retention deletes nothing")
        archives = sorted(path.glob(f"*{SUFFIX}"))
        bare = [file.name for file in archives if not manifest_of(file).exists()]
        if bare:
            mend = "whodid restore takes them with --unverified alone"
            yield warn(f"{len(bare)} archives have no manifest: {bare[0]}", mend)
        if (path / PART).exists():
            yield ok("an archiving was interrupted, or is under way: the next one begins anew")
        if not bare:
            yield ok(f"{len(archives)} archives in {path}, each with its manifest")
