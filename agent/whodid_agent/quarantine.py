"""Quarantine: events that cannot be stored, kept fsynced until a person has looked at them.

`quarantine/<n>.jsonl` are segments of entries (see `entry`), appended in the order of batches. A line that was cut by
a crash is taken off at the next start. Entries of a batch that the checkpoint had not passed are written by that
batch's second try again: they are recognised, and not written twice. Replayed entries are named in the checkpoint
first, then taken out of their segments, so a crash between cannot count one twice.
"""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from whodid_agent.entry import Entry
from whodid_agent.state import replace_synced, sync_folder
from whodid_schema.errors import StateError

log = logging.getLogger(__name__)

SEGMENT = 16 << 20
QUOTA = 1 << 30


class Full(Exception):
    """The quota of a folder is used up; the message says what to do."""


def read(folder: Path) -> Iterator[Entry]:
    """Every entry in quarantine, oldest first; also while an agent writes there."""
    decoder = msgspec.json.Decoder(Entry)
    for path in _segments(folder):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        for number, line in enumerate(content.split(b"\n")[:-1]):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise StateError(
                    f"{path}:{number + 1}: damaged: {error}", "restore the file or take the line out"
                ) from error


def _segments(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.jsonl") if path.stem.isdigit()), key=lambda path: int(path.stem))


def _same(entry: Entry) -> tuple[str, int, int | None]:
    """What names an event however often its batch is tried."""
    return entry.stream, entry.offset, entry.item


class Quarantine:
    """The quarantine of a locked state directory. One thread writes."""

    def __init__(self, folder: Path, settled: int, segment: int = SEGMENT, quota: int = QUOTA) -> None:
        self._folder = folder
        self._segment = segment
        self._quota = quota
        self._encoder = msgspec.json.Encoder()
        for path in _segments(folder)[-1:]:
            _take_off_torn_line(path)
        unsettled = [entry for entry in read(folder) if entry.seq > settled]
        self._unsettled = Counter(map(_same, unsettled))
        self._numbers = Counter(entry.seq for entry in unsettled)

    def add(self, entries: Iterable[Entry]) -> None:
        """Append all of one batch, fsynced. Raises Full, OSError: none counts as written, the call may be repeated."""
        unsettled, numbers = self._unsettled.copy(), self._numbers.copy()
        lines = []
        for entry in entries:
            if unsettled[_same(entry)] > 0:
                unsettled[_same(entry)] -= 1
                continue
            entry.name = f"{entry.seq}.{numbers[entry.seq]}"
            numbers[entry.seq] += 1
            lines.append(self._encoder.encode(entry) + b"\n")
        if lines:
            self._append(b"".join(lines))
        self._unsettled = unsettled

    def _append(self, data: bytes) -> None:
        segments = _segments(self._folder)
        used = sum(path.stat().st_size for path in segments)
        if used + len(data) > self._quota:
            raise Full(
                f"quarantine {self._folder} has reached its limit of {self._quota >> 20} MB; "
                "look at it with whodid-agent quarantine list and replay it"
            )
        last = segments[-1] if segments else None
        if last is None or last.stat().st_size >= self._segment:
            last = self._folder / f"{int(last.stem) + 1 if last else 1:06d}.jsonl"
        descriptor = os.open(last, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(descriptor).st_size
        try:
            with os.fdopen(descriptor, "ab", closefd=False) as file:
                file.write(data)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)
        sync_folder(self._folder)

    def take_out(self, names: Collection[str]) -> None:
        """Remove entries by name, durably; names that are not there are fine."""
        decoder = msgspec.json.Decoder(Entry)
        for path in _segments(self._folder):
            lines = path.read_bytes().split(b"\n")[:-1]
            kept = [line for line in lines if decoder.decode(line).name not in names]
            if not kept and path != _segments(self._folder)[-1]:
                path.unlink()
            elif len(kept) < len(lines):
                replace_synced(path, b"".join(line + b"\n" for line in kept))
        sync_folder(self._folder)


def _take_off_torn_line(path: Path) -> None:
    """What stands behind the last newline was never finished."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        log.warning("%s: the last line was not finished before a crash and is taken off", path)
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
