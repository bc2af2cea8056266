"""Files that appear whole or not at all: put in place by a rename, with everything on disk before and after it."""

import os
from pathlib import Path

from whodid_schema.errors import UsageError


def put_in_place(part: Path, path: Path, *, force: bool) -> None:
    """Rename `part`, whose content is on disk; without `force` in a way that replaces no file.

    Raises UsageError where `path` exists and there is no `force`.
    """
    if force:
        part.replace(path)
    else:
        try:
            path.hardlink_to(part)  # unlike a rename, this fails where a file came up in the meantime
        except FileExistsError as error:
            raise exists(path) from error
        part.unlink()
    sync_folder(path.parent)


def write_state(path: Path, content: bytes) -> None:
    """Replace a small file by `content`: after a power cut it is the old one or the new one. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def exists(path: Path, way_out: str = "choose another name, or --force to replace it") -> UsageError:
    """What is said where a file would be replaced."""
    return UsageError(f"{path} exists already", way_out)
