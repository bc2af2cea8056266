r"""What a container's runtime puts around each line of its output, taken off again.

    docker  {"log":"{\"user\":…}\n","stream":"stdout","time":"2026-…Z"}
    cri     2026-…Z stdout F {"user":…}

The line that was written is the event; what is around it is only where and when the runtime read it. A long line comes
in fragments, of each stream its own: CRI marks all but the last with `P`, Docker's end without a newline. They are
joined, and the line stands where its first fragment stands. A fragment that is a whole JSON object is a line.
"""

import re
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

Mode = Literal["auto", "none", "docker", "cri"]

_CRI = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.]{0,10}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::\w+)* ?(.*)", re.DOTALL
)
_DOCKER_KEYS = frozenset(
    {"log", "stream", "time", "attrs", "partial_message", "partial_id", "partial_ordinal", "partial_last"}
)
_DOCKER_MARKS = (b'"log"', b'"stream"')
_decode = msgspec.json.Decoder().decode


class Written(NamedTuple):
    """A line: its bytes, and where those that the file has begin and end."""

    data: bytes
    start: int
    end: int


class _Fragment(NamedTuple):
    stream: str
    data: bytes
    ends: bool
    marked: bool


class _Open(Struct):
    """A line of which fragments came, but not the last."""

    parts: list[bytes]
    start: int
    end: int


def may_be_wrapped(raw: bytes, mode: Mode) -> bool:
    """Whether there is anything to look at in these bytes."""
    if mode == "none":
        return False
    docker = mode != "cri" and all(mark in raw for mark in _DOCKER_MARKS)
    return docker or (mode != "docker" and (b" stdout " in raw or b" stderr " in raw))


def unwrapped(lines: list[Written], mode: Mode) -> tuple[list[Written], int | None]:
    """The lines without what is around them, and where the first unfinished one begins.

    Of the unfinished what there is of it comes last, so that it can be had where nothing will follow.
    """
    found: list[Written] = []
    waiting: dict[str, _Open] = {}
    for line in lines:
        fragment = _fragment(line.data, mode)
        if fragment is None:
            found.append(line)
            continue
        one = waiting.get(fragment.stream)
        if one is not None and not fragment.marked and _is_object(fragment.data):
            found.append(_joined(waiting.pop(fragment.stream)))
            one = None
        if one is None:
            one = _Open([], line.start, line.end)
        one.parts.append(fragment.data)
        one.end = line.end
        if fragment.ends or (not fragment.marked and len(one.parts) == 1 and _is_object(fragment.data)):
            waiting.pop(fragment.stream, None)
            found.append(_joined(one))
        else:
            waiting[fragment.stream] = one
    unfinished = min((one.start for one in waiting.values()), default=None)
    return [*found, *map(_joined, waiting.values())], unfinished


def _joined(one: _Open) -> Written:
    # A newline inside of JSON is white space, and outside of it the line is no event: one line it must be.
    return Written(b"".join(one.parts).replace(b"\n", b" ").removesuffix(b"\r"), one.start, one.end)


def _fragment(data: bytes, mode: Mode) -> _Fragment | None:
    """What a runtime wrote; None: the line is not wrapped."""
    if mode != "cri" and data[:1] == b"{":
        return _docker(data)
    found = _CRI.fullmatch(data) if mode != "docker" else None
    if found is None:
        return None
    return _Fragment(found[1].decode(), found[3], found[2] == b"F", marked=True)


def _docker(data: bytes) -> _Fragment | None:
    if not all(mark in data for mark in _DOCKER_MARKS):
        return None
    try:
        value = _decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return None
    if type(value) is not dict or not value.keys() <= _DOCKER_KEYS or value.get("stream") not in ("stdout", "stderr"):
        return None
    log = value.get("log")
    if type(log) is not str or "time" not in value:
        return None
    return _Fragment(value["stream"], log.removesuffix("\n").encode(), log.endswith("\n"), marked=False)


def _is_object(data: bytes) -> bool:
    """Whether the bytes are a JSON object by themselves."""
    text = data.strip()
    if text[:1] != b"{" or text[-1:] != b"}":
        return False
    try:
        return type(_decode(text)) is dict
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return False
