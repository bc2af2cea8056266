"""What files there are now: the configured ones and their rotated siblings, the oldest first.

Patterns are globs (`**` goes through folders); a pattern that names an existing file is that file, whatever
characters its name has.
"""

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from whodid_agent.inputs.file.siblings import configured_name, rotation_number


class Found(NamedTuple):
    """A file of this input. `configured` is the path that the file belongs to; its own, if it is no sibling."""

    path: str
    configured: str
    stat: os.stat_result

    @property
    def inode(self) -> tuple[int, int]:
        """Device and inode."""
        return self.stat.st_dev, self.stat.st_ino

    @property
    def current(self) -> bool:
        """Whether the application writes here, rather than to another name."""
        return self.path == self.configured


class Scan:
    """The files behind some patterns; `look` may be called as often as one likes."""

    def __init__(self, patterns: Sequence[str | Path]) -> None:
        self._patterns = [str(Path(pattern).absolute()) for pattern in patterns]
        self._names: dict[tuple[str, str], str | None] = {}
        self.problems: dict[str, str] = {}

    @property
    def several(self) -> bool:
        """Whether the patterns may mean more than one configured file."""
        return len(self._patterns) != 1 or glob.has_magic(self._patterns[0])

    def directories(self) -> list[str]:
        """The folders that are looked at, as far as they exist and may be seen."""
        folders = {folder for pattern in self._patterns for folder in _folders(pattern)}
        return sorted(folder for folder in folders if os.path.isdir(folder))  # noqa: PTH112 - never raises

    def look(self) -> list[Found]:
        """Every file once (by device and inode), the oldest first; `problems` says what could not be looked at."""
        self.problems = {}
        found: dict[tuple[int, int], Found] = {}
        for pattern in self._patterns:
            literal = not glob.has_magic(pattern) or os.path.isfile(pattern)  # noqa: PTH113 - never raises
            before = len(found)
            for folder in [str(Path(pattern).parent)] if literal else _folders(pattern):
                for file in self._in_folder(folder, pattern, literal=literal):
                    found.setdefault(file.inode, file)
            self._explain_nothing(pattern, literal=literal, empty=len(found) == before)
        return sorted(found.values(), key=_age)

    def _in_folder(self, folder: str, pattern: str, *, literal: bool) -> list[Found]:
        name_pattern = Path(pattern).name
        matches = name_pattern.__eq__ if literal else _matcher(name_pattern)
        try:
            names = os.listdir(folder)  # noqa: PTH208 - thousands of names: strings, not Path objects
        except OSError as error:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                self.problems[folder] = f"{folder}: cannot be listed: {error.strerror}"
            return []
        return [file for name in sorted(names) if (file := self._file(folder, name, pattern, matches))]

    def _file(self, folder: str, name: str, pattern: str, matches: Callable[[str], bool]) -> Found | None:
        key = (pattern, name)
        if key not in self._names:
            if len(self._names) > 100_000:
                self._names.clear()
            self._names[key] = configured_name(name, matches)
        configured = self._names[key]
        if configured is None:
            return None
        path = f"{folder.rstrip('/')}/{name}"
        try:
            status = os.stat(path)  # noqa: PTH116 - as above
        except FileNotFoundError:
            return None
        except OSError as error:
            self.problems[path] = f"{path}: cannot be looked at: {error.strerror}"
            return None
        if not stat.S_ISREG(status.st_mode):
            if name == configured:
                what = (
                    "a directory: name a file or a pattern such as {}/*.jsonl" if stat.S_ISDIR(status.st_mode) else ""
                )
                self.problems[path] = f"{path}: is {what.format(path) or 'not a regular file'}"
            return None
        return Found(path, f"{folder.rstrip('/')}/{configured}", status)

    def _explain_nothing(self, pattern: str, *, literal: bool, empty: bool) -> None:
        if empty and not any(path == pattern or pattern.startswith(f"{path}/") for path in self.problems):
            what = "there is no such file yet" if literal else "no file matches yet"
            self.problems[pattern] = f"{pattern}: {what}; it is waited for"


def _folders(pattern: str) -> list[str]:
    folder = str(Path(pattern).parent)
    if not glob.has_magic(folder):
        return [folder]
    return sorted({path.rstrip("/") or "/" for path in glob.glob(f"{folder}/", recursive=True)})  # noqa: PTH207 - a Path has no folder-only glob


def _matcher(pattern: str) -> Callable[[str], bool]:
    expression = re.compile(fnmatch.translate(pattern), re.DOTALL)
    hidden = pattern.startswith(".")
    return lambda name: (hidden or not name.startswith(".")) and expression.match(name) is not None


def _age(file: Found) -> tuple[str, bool, int, int, str]:
    """Files of one name together; of these the one being written last, else by the time of the last write."""
    return file.configured, file.current, file.stat.st_mtime_ns, -rotation_number(file.path), file.path
