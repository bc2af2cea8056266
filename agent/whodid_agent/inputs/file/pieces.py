"""The next whole lines of a file, as raw bytes: where a read ends, and what to do about a line that does not.

A line without a newline is held back. It ends all the same where nothing will follow (`Ending`): it is taken if it is
a complete JSON value, else refused or left. A line above the limit is refused when its end is found, so that it
stops nothing. NULs before a line are passed over in any number.
"""

from enum import Enum
from typing import NamedTuple

import msgspec

from whodid_agent.inputs.file.fingerprint import Readable

_STEP = 1 << 20


class Ending(Enum):
    """What the end of the file means for a line without newline."""

    HOLD = "more may follow"
    TAKE = "taken if it is complete, else left"
    CLOSE = "taken if it is complete, else refused"


class Piece(NamedTuple):
    """Bytes of a file up to `end`: lines (`raw`), or bytes that are none (skipped), or one refused line."""

    end: int
    raw: bytes = b""
    skipped: int = 0
    refused: tuple[tuple[int, str, str], ...] = ()


class Pieces:
    """Reads a file in pieces of about `chunk` bytes; no line is longer than `max_line` bytes."""

    def __init__(self, max_line: int) -> None:
        self.max_line = max_line

    def next(self, file: Readable, start: int, chunk: int, ending: Ending, stop: int | None = None) -> Piece | None:
        """The piece that begins at `start` (and ends at `stop` at the latest, as at the end); None: nothing whole."""
        size = chunk
        while True:
            wanted = size if stop is None else min(size, stop - start)
            raw = file.read(start, wanted)
            if end := raw.rfind(b"\n") + 1:
                return Piece(start + end, raw if end == len(raw) else raw[:end])
            if nuls := len(raw) - len(raw.lstrip(b"\0")):
                return Piece(start + nuls, skipped=nuls)
            if len(raw) > self.max_line:
                return self._too_long(file, start, ending, stop)
            if len(raw) < size:
                return self._unterminated(raw, start, ending)
            size = min(size * 2, self.max_line + 1) if size <= self.max_line else size

    def _unterminated(self, raw: bytes, start: int, ending: Ending) -> Piece | None:
        if not raw or ending is Ending.HOLD:
            return None
        if is_complete(raw):
            return Piece(start + len(raw), raw)
        if ending is Ending.TAKE:
            return None
        detail = f"the file ended in the middle of a line: {len(raw)} bytes are no complete JSON value"
        return Piece(start + len(raw), refused=((start, "unterminated", detail),))

    def _too_long(self, file: Readable, start: int, ending: Ending, stop: int | None) -> Piece | None:
        at = start + self.max_line
        while data := file.read(at, _STEP if stop is None else min(_STEP, stop - at)):
            newline = data.find(b"\n")
            if newline >= 0:
                return self._refuse_long(start, at + newline + 1)
            at += len(data)
        return self._refuse_long(start, at) if ending is Ending.CLOSE else None

    def _refuse_long(self, start: int, end: int) -> Piece:
        detail = f"a line of {end - start} bytes; {self.max_line} is the limit (max_line)"
        return Piece(end, refused=((start, "line_too_long", detail),))


def is_complete(raw: bytes) -> bool:
    """Whether the bytes are one whole JSON value."""
    try:
        msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
