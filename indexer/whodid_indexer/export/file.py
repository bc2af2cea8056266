"""Writing an export to a file: all of it or nothing, never over a file that is there."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from whodid_schema.errors import UsageError, WhodidError


def write_whole(path: Path, chunks: Iterable[bytes], *, force: bool) -> None:
    """Write `chunks` beside `path` and rename when everything is on disk; whatever fails leaves `path` as it was.

    Raises UsageError where `path` exists and there is no `force`, WhodidError where it cannot be written.
    """
    if not force and path.exists():
        raise UsageError(f"{path} exists already", "choose another name, or --force to replace it")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(part, path, force=force)
    except OSError as error:
        raise WhodidError(f"cannot write {path}: {error.strerror}", "is the folder there and writable?") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _put_in_place(part: Path, path: Path, *, force: bool) -> None:
    """Rename; without `force` by a hard link, which cannot replace a file that came up in the meantime."""
    if force:
        part.replace(path)
    else:
        try:
            path.hardlink_to(part)
        except FileExistsError as error:
            raise UsageError(f"{path} exists already", "choose another name, or --force to replace it") from error
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
