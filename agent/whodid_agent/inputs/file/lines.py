"""Raw bytes of a file into redacted lines, each with the position of its original bytes.

Redaction changes lengths, so positions are counted on the original. What is no line is counted: blank lines (white
space only), and before a line the NULs that a writer leaves when its file is truncated under it, or a byte order
mark at the beginning of the file.
"""

from collections.abc import Callable
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from whodid_agent.inputs.contract import Line
from whodid_agent.inputs.file.unwrap import Written
from whodid_agent.normalise.contract import Origin, Stream

_BOM = b"\xef\xbb\xbf"
_SPACE = 32
_first_byte = itemgetter(0)


class Cut(NamedTuple):
    """The lines of some bytes, and how many of the bytes are none."""

    lines: list[Line]
    blank_bytes: int
    skipped_bytes: int


class _Parts(NamedTuple):
    data: list[bytes]
    lengths: list[int]
    skips: list[int] | None


def first_line(raw: bytes, max_line: int) -> bytes | None:
    """The first complete line of a file's beginning, cleaned but not redacted; None: not there yet, or too long."""
    start = 0
    while (end := raw.find(b"\n", start)) >= 0:
        line = _clean(raw[start:end], first=start == 0)
        if line.strip():
            return line if len(line) <= max_line else None
        start = end + 1
    return None


def cut(
    raw: bytes, start: int, stream_of: Callable[[bytes], Stream], redact: Callable[[bytes], bytes], received_at: str
) -> Cut:
    """The lines of `raw`, which begins at `start` and ends with a line's end (newline or not).

    `stream_of` gets the first line that is not blank, redacted. Raises ValueError where `redact` gives back another
    number of lines than it got.
    """
    parts = _split(raw, start)
    text = raw if parts.skips is None else b"\n".join(parts.data) + b"\n"
    redacted = redact(text)
    data = parts.data if redacted is text else redacted.split(b"\n", len(parts.data))[: len(parts.data)]
    if len(data) != len(parts.data) or redacted.count(b"\n") != text.count(b"\n"):
        raise ValueError("redaction changed the number of lines")
    return _build(_Parts(data, parts.lengths, parts.skips), start, stream_of, received_at)


def bounds(raw: bytes, start: int) -> tuple[list[Written], int]:
    """The lines of `raw` as the file has them, each with where it begins and ends, and how many bytes were skipped."""
    data, lengths, skips = _split(raw, start)
    found: list[Written] = []
    for number, line in enumerate(data):
        skip = skips[number] if skips is not None else 0
        found.append(Written(line, start + skip, start + lengths[number]))
        start += lengths[number]
    return found, sum(skips) if skips is not None else 0


def cut_written(
    written: list[Written], stream: Stream, redact: Callable[[bytes], bytes], received_at: str
) -> tuple[list[Line], int]:
    """As `cut`, of lines that were taken out of what was around them: the lines, and how many bytes were blank."""
    if not written:
        return [], 0
    text = b"\n".join([one.data for one in written]) + b"\n"
    data = redact(text).split(b"\n")
    if len(data) != len(written) + 1:
        raise ValueError("redaction changed the number of lines")
    lines: list[Line] = []
    blank = 0
    for line, one in zip(data, written, strict=False):
        if line.strip():
            lines.append(Line(Origin(stream, one.start, received_at), line, one.end))
        else:
            blank += one.end - one.start
    return lines, blank


def _split(raw: bytes, start: int) -> _Parts:
    """Lines without newline, their original lengths with it, and what was skipped before each (None: nothing)."""
    data = raw.split(b"\n")
    lengths = [len(line) + 1 for line in data]
    if data[-1]:
        lengths[-1] -= 1
    else:
        data.pop()
        lengths.pop()
    if b"\0" not in raw and b"\r" not in raw and not (start == 0 and raw.startswith(_BOM)):
        return _Parts(data, lengths, None)
    cleaned = [_clean(line, first=start == 0 and not number) for number, line in enumerate(data)]
    skips = [len(line) - len(clean) - line.endswith(b"\r") for line, clean in zip(data, cleaned, strict=True)]
    return _Parts(cleaned, lengths, skips)


def _clean(line: bytes, *, first: bool) -> bytes:
    """Without leading NULs, the byte order mark of a file's first line, and the CR of CRLF."""
    if first:
        line = line.removeprefix(_BOM)
    return line.lstrip(b"\0").removesuffix(b"\r")


def _build(parts: _Parts, start: int, stream_of: Callable[[bytes], Stream], received_at: str) -> Cut:
    data, lengths, skips = parts
    # a million lines a minute pass here: tuple.__new__ is what the NamedTuple constructors come to
    new = tuple.__new__
    if skips is None and all(data) and min(map(_first_byte, data)) > _SPACE:
        stream = stream_of(data[0])
        bounds = list(accumulate(lengths, initial=start))
        return Cut(
            [
                new(Line, (new(Origin, (stream, begin, received_at, "", 0)), line, end))
                for line, begin, end in zip(data, bounds, bounds[1:], strict=False)
            ],
            0,
            0,
        )
    return _build_with_gaps(parts, start, stream_of, received_at)


def _build_with_gaps(parts: _Parts, start: int, stream_of: Callable[[bytes], Stream], received_at: str) -> Cut:
    data, lengths, skips = parts
    lines: list[Line] = []
    stream: Stream | None = None
    blank = skipped = 0
    for number, line in enumerate(data):
        end = start + lengths[number]
        if skips is not None:
            skipped += skips[number]
            start += skips[number]
        if line.strip():
            if stream is None:
                stream = stream_of(line)
            lines.append(Line(Origin(stream, start, received_at), line, end))
        else:
            blank += end - start
        start = end
    return Cut(lines, blank, skipped)
