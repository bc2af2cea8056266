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
_OPEN_KEY = re.compile(rb"[\"']?([\w.-]+)[\"']?[ \t]*:[ \t]*([{\[]?)[ \t\r]*\Z")
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
        found = _OPEN_KEY.search(line, max(0, len(line) - _TAIL))
        if not found or self._keys.key(found[1].decode(errors="replace")).level < Level.LENIENT:
            return []
        return self._until_closed(chunk, end, 1 if found[2] else 0)

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
