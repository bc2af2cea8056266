"""Saved views of a person: `~/.config/whodid/views/NAME.query`, texts of the query language, one a line.

All lines must hold, as several -q must; empty lines and lines that begin with # say nothing. Times stay as they were
written, so that a view of the last seven days is one on every day. The file can be written by hand.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from whodid_schema.errors import StateError, UsageError, WhodidError

LARGEST = 64 << 10
"""Bytes of a view's file; no query is that long."""

_SUFFIX = ".query"
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch


def folder() -> Path:
    """Where the views are."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "whodid" / "views"


def names() -> list[str]:
    """The names of all views, in order; files that no view can have made are left out."""
    try:
        entries = list(folder().iterdir())
    except OSError:
        return []
    found = (entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX) and entry.is_file())
    return sorted(name for name in found if _name(name))


def read(name: str) -> tuple[str, ...]:
    """The texts of a view. Raises UsageError where there is none, StateError where the file cannot be one."""
    path = path_of(name)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        known = ", ".join(names())
        hint = f"there are: {known}" if known else "save one with: whodid views save NAME and the filters"
        raise UsageError(f"there is no view {name!r}", hint) from error
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise StateError(f"{path} is larger than any view", f"at most {LARGEST >> 10} KiB")
    try:
        return tuple(_lines(content.decode()))
    except UnicodeDecodeError as error:
        raise StateError(f"{path} is not text in UTF-8", "write it anew") from error


def save(name: str, texts: tuple[str, ...], *, force: bool) -> Path:
    """Write a view. Raises UsageError where there is one of this name and no `force`."""
    from whodid_indexer.export.file import write_state  # noqa: PLC0415  only where something is written

    path = path_of(name)
    if path.exists() and not force:
        raise UsageError(f"there is a view {name} already", "choose another name, or --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_state(path, "".join(f"{' '.join(text.split())}\n" for text in texts).encode())
    except OSError as error:
        raise WhodidError(f"cannot write {path}: {error.strerror}") from error
    return path


def delete(name: str) -> None:
    """Remove a view. Raises UsageError where there is none."""
    read(name)
    path_of(name).unlink()


def path_of(name: str) -> Path:
    """The file of a view. Raises UsageError for a name that none can have."""
    if not _name(name):
        raise UsageError(f"{name!r} is no name for a view", "letters, digits, - _ and . ; at most 64 of them")
    return folder() / f"{name}{_SUFFIX}"


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()
