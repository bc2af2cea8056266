"""Secrets that go on in the next lines: a private key in plain text, a pretty-printed value behind its key.

No line of these is an event; all go to quarantine, and what they hold must not get there. Only lines that are no
JSON object or array are masked: nobody can hide the events that follow by writing half a line.
"""

import re
from collections.abc import Iterator

import msgspec

from whodid_agent.normalise.redact.keys import KeyRules, Level
from whodid_agent.normalise.redact.text import MASKED

_decode = msgspec.json.Decoder().decode
_TAIL = 300
_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_LINE = re.compile(rb"[^\n]+")
_KEY_ENDS = b"-----END "

Cut = tuple[int, int, bytes]


class Continuation:
    """Masks the lines behind one that breaks off in the middle of a secret."""

    def __init__(self, keys: KeyRules) -> None:
        self._keys = keys

    def after(self, chunk: bytes, line: bytes, end: int) -> list[Cut]:
        """The cuts for the lines behind `line`, whose newline stands at `end` of the chunk."""
        if _key_begins(line) and not _is_whole(line):
            return self._until_key_ends(chunk, end)
        found = _open_key(line[-_TAIL:])
        if found is None or self._keys.key(found[0].decode(errors="replace")).level < Level.LENIENT:
            return []
        return self._until_closed(chunk, end, found[1])

    def _until_key_ends(self, chunk: bytes, end: int) -> list[Cut]:
        cuts: list[Cut] = []
        for start, stop in _lines(chunk, end):
            line = chunk[start:stop]
            if _is_whole(line):
                break
            cuts.append((start, stop, MASKED))
            if _KEY_ENDS in line:
                break
        return cuts

    def _until_closed(self, chunk: bytes, end: int, depth: int) -> list[Cut]:
        cuts: list[Cut] = []
        for start, stop in _lines(chunk, end):
            line = chunk[start:stop]
            if _is_whole(line):
                break
            depth += line.count(b"{") + line.count(b"[") - line.count(b"}") - line.count(b"]")
            if line.strip(b" \t\r}],"):
                cuts.append((start, stop, MASKED))
            if depth <= 0:
                break
        return cuts


def _lines(chunk: bytes, end: int) -> Iterator[tuple[int, int]]:
    """Where the lines with content behind `end` begin and end."""
    return (found.span() for found in _LINE.finditer(chunk, end))


def _open_key(tail: bytes) -> tuple[bytes, int] | None:
    """The key at a line's end whose value is still to come, and how many brackets are open behind it."""
    rest = tail.rstrip(b" \t\r")
    inner = rest.removesuffix(b"{").removesuffix(b"[") if rest[-1:] in {b"{", b"["} else rest
    before = inner.rstrip(b" \t")
    if not before.endswith(b":"):
        return None
    name = before[:-1].rstrip(b" \t")
    name = name[:-1] if name[-1:] in {b'"', b"'"} else name
    key = name[len(name.rstrip(_WORD)) :]
    return (key, int(inner is not rest)) if key else None


def _key_begins(line: bytes) -> bool:
    """Whether a private key begins in the line and does not end there."""
    at = line.rfind(b"-----BEGIN ")
    return at >= 0 and bool(_KEY_BEGINS.match(line, at)) and line.find(_KEY_ENDS, at) < 0


def _is_whole(line: bytes) -> bool:
    """Whether the line is an event of its own."""
    try:
        return isinstance(_decode(line), dict | list)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return False
