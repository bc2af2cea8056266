"""Cuts in the bytes: from the scan's hits to the chunk with its secrets masked.

    "key": "text" | number | ["text", …] | {"from": "text", "scopes": ["text", …], …}    cut in place
    anything else                                                                         that one line on its own

A mask is cut for the text between a string's quotes, or `"[FILTERED]"` for a number. Lines without a hit keep
their bytes.
"""

import re
from collections.abc import Callable

from whodid_agent.normalise.redact import patterns
from whodid_agent.normalise.redact.card import card_length
from whodid_agent.normalise.redact.continuation import Continuation, Cut
from whodid_agent.normalise.redact.keys import Key, KeyRules, Level, combined, is_name
from whodid_agent.normalise.redact.scan import CARD, KEY, KEY_ID, NAME, Hit
from whodid_agent.normalise.redact.text import MASKED, Span
from whodid_schema import redaction as rules

_QUOTED_MASK = b'"' + MASKED + b'"'
_SPACE = rb"[ \t]*+"
_STRING = rb"\"[^\"\\\x00-\x1f]*+\""
_SCALAR = rb"(?:" + _STRING + rb"|-?[0-9][0-9.eE+-]*+|true|false|null)"
_ITEM = _SPACE + _SCALAR + _SPACE
_ARRAY = rb"\[(?:" + _ITEM + rb"(?:," + _ITEM + rb")*+)?" + _SPACE + rb"\]"
_PAIR = _SPACE + _STRING + _SPACE + rb":" + _SPACE + rb"(?:" + _SCALAR + rb"|" + _ARRAY + rb")" + _SPACE
_VALUE = re.compile(
    _SPACE
    + rb"(?:"
    + rb"\"([^\"\\\x00-\x1f]*+)\""
    + rb"|(-?[0-9][0-9.eE+-]*+)|(true|false|null)"
    + rb"|(\{(?:"
    + _PAIR
    + rb"(?:,"
    + _PAIR
    + rb")*+)?"
    + _SPACE
    + rb"\})"
    + rb"|("
    + _ARRAY
    + rb")"
    + rb")(?="
    + _SPACE
    + rb"[,}\]\r\n]|"
    + _SPACE
    + rb"\Z)"
)
_PLAIN = (2, 3)
"""Groups of `_VALUE`: 1 string, 2 number, 3 literal, 4 object of scalars and flat arrays, 5 flat array."""
_SCALARS = re.compile(
    rb"(?:\"([^\"]*)\"" + _SPACE + rb":" + _SPACE + rb")?(?:\"([^\"]*)\"|(-?[0-9][^,\s}\]]*)|[a-z]+|(\[)|(\]))"
)
_NAME_BEFORE = re.compile(rb"\"([^\"\\]+)\"[ \t]*:[ \t]*\[?[ \t]*\"\Z")
_MARKER_BEFORE = re.compile(patterns.MARKER.encode() + rb"\Z")
_CARD = re.compile(patterns.CARD_TEXT.encode())
_LONGEST_NAME = 256
_KEY_ID_LENGTH = 20
_CACHED_NAMES = 4096

# Bound here: looking a member up on its enum is dear in the inner loop.
_OPEN, _BARE, _STRICT = Level.OPEN, Level.BARE, Level.STRICT


class Cutter:
    """Turns hits into cuts and the cuts into the new chunk."""

    def __init__(self, keys: KeyRules, redact_line: Callable[[bytes], bytes]) -> None:
        self._keys = keys
        self._redact_line = redact_line
        self._continuation = Continuation(keys)
        self._known: dict[bytes, Key] = {}

    def cut(self, chunk: bytes, hits: list[Hit]) -> bytes:
        """The chunk with what the hits (ascending) prove masked; the same object where that is nothing."""
        cuts: list[Cut] = []
        done = 0
        for end, kind in hits:
            if end <= done:
                continue
            if not (self._key(chunk, end, cuts) if kind == KEY else self._is_harmless(chunk, end, kind)):
                start = chunk.rfind(b"\n", 0, end - 1) + 1
                stop = chunk.find(b"\n", end - 1)
                done = len(chunk) if stop < 0 else stop
                while cuts and cuts[-1][0] >= start:
                    cuts.pop()
                line = chunk[start:done]
                masked = self._redact_line(line)
                if masked is not line:
                    cuts.append((start, done, masked))
                beyond = self._continuation.after(chunk, line, done)
                if beyond:
                    cuts += beyond
                    done = beyond[-1][1]
        return _joined(chunk, cuts)

    def _is_harmless(self, chunk: bytes, end: int, kind: int) -> bool:
        """Whether a hit that is no key is none on a closer look."""
        if kind == NAME:
            quote = chunk.rfind(b'"', 0, end)
            start = chunk.rfind(b'"', max(0, quote - _LONGEST_NAME), quote)
            if start < 0 or chunk[start - 1 : start] == b"\\":
                return False
            return not _MARKER_BEFORE.search(chunk, max(0, start - 64), start)
        if kind == KEY_ID:
            start = end - _KEY_ID_LENGTH
            name = _NAME_BEFORE.search(chunk, max(0, start - 64), start)
            return bool(name and self._named(name[1]).key_id)
        if kind == CARD:
            window = chunk[max(0, end - 14) : end + 30]
            return not any(card_length(found[1].decode()) for found in _CARD.finditer(window))
        return False

    def _named(self, name: bytes) -> Key:
        found = self._known.get(name)
        if found is None:
            found = self._keys.key(name.decode(errors="replace"))
            if len(self._known) >= _CACHED_NAMES:
                self._known.clear()
            self._known[name] = found
        return found

    def _key(self, chunk: bytes, end: int, cuts: list[Cut]) -> bool:
        """Cuts for the value of the key whose colon stands before `end`; False: not to be cut in place."""
        quote = chunk.rfind(b'"', 0, end)
        start = chunk.rfind(b'"', 0, quote) + 1
        name = chunk[start:quote]
        if b"\\" in name or chunk[start - 2 : start - 1] == b"\\":
            return False
        level = self._named(name).level
        if level is _OPEN:
            return True
        value = _VALUE.match(chunk, end)
        if value is None:
            return False
        group = value.lastindex or 0
        if group == 1:
            return _cut_string(value[1], value.start(1), level, cuts)
        if group == 2:
            _cut_number(*value.span(2), level, cuts)
        return group in _PLAIN or self._cut_flat(chunk, value.span(group), level, cuts)

    def _cut_flat(self, chunk: bytes, span: Span, level: Level, cuts: list[Cut]) -> bool:
        """Cuts for the scalars of an object or array, and of the arrays in it; False: as above."""
        own = within = level
        for found in _SCALARS.finditer(chunk, *span):
            if found[1] is not None:
                own = combined(level, found[1].decode(errors="replace"), self._named(found[1]).level)
            if found[4] is not None:
                within = own
            elif found[5] is not None:
                own = within = level
            elif found[1] is None:
                own = within
            if found[2] is not None and not _cut_string(found[2], found.start(2), own, cuts):
                return False
            if found[3] is not None:
                _cut_number(*found.span(3), own, cuts)
        return True


def _cut_string(value: bytes, start: int, level: Level, cuts: list[Cut]) -> bool:
    if level is _STRICT or (level is not _OPEN and _long_enough(value)):
        if level is _BARE:
            # Only the whole object tells whether the key is one of a pair.
            return is_name(value.decode(errors="replace"))
        if value != MASKED:
            cuts.append((start, start + len(value), MASKED))
    return True


def _cut_number(start: int, end: int, level: Level, cuts: list[Cut]) -> None:
    if level is _STRICT:
        cuts.append((start, end, _QUOTED_MASK))


def _long_enough(value: bytes) -> bool:
    length = len(value) if value.isascii() else len(value.decode(errors="replace"))
    return length >= rules.LENIENT_MINIMUM


def _joined(chunk: bytes, cuts: list[Cut]) -> bytes:
    if not cuts:
        return chunk
    parts: list[bytes] = []
    at = 0
    for start, end, mask in sorted(set(cuts)):  # a key inside a flat object is hit on its own as well
        if start >= at:
            parts += (chunk[at:start], mask)
            at = end
    parts.append(chunk[at:])
    return b"".join(parts)
