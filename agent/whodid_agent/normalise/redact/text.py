"""Secrets inside one string, or in a line that is no JSON: value shapes, `key=value`, JSON in prose.

Works on bytes. One search runs through the text; each hit says what to mask and where the search goes on, so
that nothing is looked at twice and the time stays proportional to the length.
"""

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise.redact import patterns
from whodid_agent.normalise.redact.card import card_length
from whodid_agent.normalise.redact.keys import ROOT, Key, KeyRules, Level, is_name
from whodid_agent.normalise.redact.scan import Scan
from whodid_schema import redaction as rules
from whodid_schema.record import MASK

MASKED = MASK.encode()

Span = tuple[int, int]
Compile = Callable[[bytes], Any]

_SHORTEST = rules.SHORTEST_SHAPE
_LONGEST_KEY = 64
_HEAD = 256
_KEY_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_HITS = 8
_BYTES_PER_HIT = 1024
"""A text with more hits than that was made to cost time: the rest of it is masked unseen."""

_ESCAPED_LETTER = re.compile(patterns.ESCAPED_LETTER.replace(r"\\u", r"\\+u").encode())
_LETTERS = {f"{code:02{case}}".encode(): bytes((code,)) for code in range(128) for case in "xX"}
_OPENING_QUOTE = re.compile(patterns.QUOTE.encode())
_UNQUOTED = re.compile(rb"[^\s&\"'<>]+")
_LITERALS = frozenset({b"true", b"false", b"null", b"none", b"undefined", b"nil"})
_SCHEMES = frozenset({b"bearer", b"basic", b"token", b"digest"})
_CODE_WORD = re.compile(rb"[a-z_.]+")
_SCHEME_VALUE = re.compile(rb"[ \t]+[^\s&\"'<>]+")
_BRACKETS = re.compile(rb"\"(?:[^\"\\]++|\\.)*+\"?|[{}\[\]]", re.DOTALL)


_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"')
_ESCAPES, _ESCAPES_PER_KEY = 64, 8
"""A line of more has few strings and long ones, which are scanned sooner than found."""
_ARRAY = '["%s"]'
_decode = msgspec.json.Decoder(list[str]).decode


class Assigned(NamedTuple):
    """`key = ` found in a text: how the key was written, and where the value begins."""

    level: Level
    quoted: bool
    separator: bytes
    before: bytes
    value: int


class Suspected(NamedTuple):
    """What one scan says of the strings of a line: those that may hold a secret, the new keys that name none."""

    texts: frozenset[str]
    names: frozenset[str]


class TextMasker:
    """Masks what a text holds.

    `compile_` is `re2.compile` or `re.compile`: both read the patterns alike. `suspect` is the scan of whole chunks,
    where there is one (`scans`): a text without a hit needs no closer look.
    """

    def __init__(self, keys: KeyRules, compile_: Compile, suspect: Scan | None) -> None:
        self._keys = keys
        self._suspect = suspect
        self.scans = suspect is not None
        pattern = patterns.text_patterns(keys.extra)
        self._places = compile_(patterns.without_groups(pattern).encode("latin-1")).search
        self._groups = re.compile(pattern.encode("latin-1")).match
        self._search = compile_(pattern.encode("latin-1")).search
        self._marker = compile_(patterns.marker(keys.extra).encode("latin-1")).search
        self._change_values = compile_(patterns.CHANGE_VALUE.encode()).search

    def mask(self, text: bytes, key: Key = ROOT) -> bytes:
        """The text with its secrets masked; the same object where there is none. `key` is the one it stands under."""
        return self.closely(text, key) if self.suspects(text) else text

    def suspects(self, text: bytes) -> bool:
        """Whether the text needs a closer look."""
        return not self._suspect or bool(self._suspect(text))

    def suspected(self, line: str) -> Suspected | None:
        """What of a line of JSON needs a closer look; None: nobody knows.

        One scan for all: asking about each string costs a hundred times what scanning it does.
        """
        if not self._suspect or line.count("\\") > _ESCAPES + _ESCAPES_PER_KEY * line.count('":'):
            return None
        strings, odd = _strings(line)
        texts = self._hit([text for text in strings if len(text) < _SHORTEST or not text.isdecimal()], "\n")
        known = self._keys.known
        fresh = [name for name in strings if name not in known and name not in texts and not name.isdecimal()]
        return Suspected(texts | self._hit_odd(odd), frozenset(fresh) - self._hit(fresh, '":\n'))

    def _hit(self, strings: list[str], end: str) -> frozenset[str]:
        """Those of the strings (without newlines and quotes) that the scan hits, with this behind each."""
        joined = end.join((*strings, "")).encode()
        found: set[str] = set()
        stop = -1
        for at, _ in self._suspect(joined) if self._suspect else ():
            if at > stop:
                begin = joined.rfind(b"\n", 0, at) + 1
                stop = joined.find(b"\n", at)
                found.add(joined[begin : stop - len(end) + 1].decode())
        return frozenset(found)

    def _hit_odd(self, strings: list[str]) -> frozenset[str]:
        """As `_hit`, of strings that have newlines or quotes; a hit may end behind the newline between two."""
        if not strings or not self._suspect:
            return frozenset()
        parts = [text.encode(errors="surrogatepass") for text in strings]
        ends = list(accumulate(len(part) + 1 for part in parts))
        hits = {at for at, kind in self._suspect(b"\n".join(parts))}
        found = {bisect_left(ends, at) for at in hits} | {bisect_left(ends, at - 1) for at in hits}
        return frozenset(strings[place] for place in found if place < len(strings))

    def closely(self, text: bytes, key: Key = ROOT) -> bytes:
        """As `mask`, of a text that is suspected."""
        if b"u00" in text:
            plain = _ESCAPED_LETTER.sub(lambda escape: _LETTERS[escape[0][-2:]], text)
            masked = self._without_changes(splice(plain, self._spans(plain, key)))
            return text if masked is plain else masked
        return self._without_changes(splice(text, self._spans(text, key)))

    def _without_changes(self, text: bytes) -> bytes:
        """The text with what stands beside `"field": "password"` masked, in JSON that could not be decoded."""
        if not _has_quote(text) or not self._marker(text):
            return text
        spans: list[Span] = []
        at = 0
        while found := self._change_values(text, at):
            span = _value(text, Assigned(Level.STRICT, True, b":", b"", found.end()))
            at = span[1] if span else found.end()
            if span:
                spans.append(span)
        return splice(text, spans)

    def _spans(self, text: bytes, key: Key) -> list[Span]:
        spans: list[Span] = []
        at = 0
        patience = _HITS + len(text) // _BYTES_PER_HIT
        while found := self._next(text, at):
            patience -= 1
            if patience < 0:
                spans.append((max(at, found.start()), len(text)))
                break
            group = found.lastindex
            span: Span | None = found.span(group)
            # The separator or boundary in front of the next hit may be the last byte of this one.
            at = max(at + 1, found.end(group) - 1)
            if group == 3:
                span = self._assigned_value(text, found)
            elif (group == 4 and key.key_id) or (group == 5 and not _is_credential(found[0], found[5])):
                span = None
            elif group == 6:
                start = found.start(6)
                length = card_length(found[6].decode()) if key.card else 0
                span = (start, start + length) if length else None
                at = start + 1
            if span:
                at = span[1]
                if text[slice(*span)] != MASKED:
                    spans.append(span)
        return spans

    def _next(self, text: bytes, at: int) -> Any:
        """The next hit with its groups; None: there is none.

        RE2 finds it in linear time, and without groups in half of that; what each group holds says `re`, at that place.
        """
        place = self._places(text, at) if at < len(text) else None
        if place is None:
            return None
        start, end = place.span()
        found = self._groups(text, start)
        # Outside of ASCII the two may not fold letters alike.
        return found if found and found.end() == end else self._search(text, at)

    def _assigned_value(self, text: bytes, found: Any) -> Span | None:
        start, end = found.span(1)
        while start and found.start(1) - start < _LONGEST_KEY and text[start - 1] in _KEY_BYTES:
            start -= 1
        if start and text[start - 1] == 0x5C and not found[2]:
            start += 1  # the n of a raw line's \n belongs to no word
        level = self._keys.key(text[start:end].decode(errors="replace")).level
        if level is Level.OPEN:
            return None
        return _value(text, Assigned(level, bool(found[2]), found[3], text[max(start - 1, 0) : start], found.end()))


def _strings(line: str) -> tuple[set[str], list[str]]:
    """The strings of a line of JSON as they are decoded, and apart those that have newlines or quotes."""
    if "\\" not in line:
        return set(line.split('"')[1::2]), []
    written = set(_STRING.findall(line))
    escaped = [text for text in written if "\\" in text]
    decoded = set(_decode(_ARRAY % '","'.join(escaped))) if escaped else set()
    odd = [text for text in decoded if '"' in text or "\n" in text]
    return (written - set(escaped)) | (decoded - set(odd)), odd


def _has_quote(text: bytes) -> bool:
    """Whether something in it may be a quote (see `patterns.QUOTE`)."""
    return b'"' in text or b"'" in text or b"`" in text or b"u002" in text or b"%2" in text


def splice(text: bytes, spans: list[Span]) -> bytes:
    """The text with the mask in place of each span (ascending, apart); the same object where there is none."""
    if not spans:
        return text
    parts: list[bytes] = []
    at = 0
    for start, end in spans:
        parts += (text[at:start], MASKED)
        at = end
    parts.append(text[at:])
    return b"".join(parts)


def _value(text: bytes, assigned: Assigned) -> Span | None:
    """What to mask of the value that begins at `assigned.value`; None: nothing."""
    at = assigned.value
    while at < len(text) and text[at] in b" \t":
        at += 1
    if text.startswith(MASKED, at):
        return None
    opening = _OPENING_QUOTE.match(text, at)
    if opening:
        span = (opening.end(), _closing(text, opening[0], opening.end()))
        # Of a value that breaks off nobody knows the length.
        level = Level.STRICT if span[1] == len(text) and assigned.level is Level.LENIENT else assigned.level
        return span if _is_secret(text[slice(*span)], level) else None
    if text[at : at + 1] in {b"{", b"["}:
        return None if assigned.level is Level.BARE else (at, _container_end(text, at))
    return _unquoted(text, at, assigned)


def _unquoted(text: bytes, at: int, assigned: Assigned) -> Span | None:
    """`_value` without quotes. Decides by the value's head: only what gets masked is read to its end."""
    found = _UNQUOTED.match(text, at, at + _HEAD)
    if not found:
        return None
    head = found[0].rstrip(b"\\")
    if head.lower().rstrip(b",;)]}") in _LITERALS or _is_prose(head, at, assigned):
        return None
    if head.lower() in _SCHEMES:
        credential = _SCHEME_VALUE.match(text, at + len(head))
        if credential:
            return at, credential.end()
    if assigned.separator.startswith(b"%"):
        head = head.partition(b"%26")[0]
    if not _is_secret(head, assigned.level):
        return None
    return at, _unquoted_end(text, at, assigned.separator)


def _unquoted_end(text: bytes, at: int, separator: bytes) -> int:
    found = _UNQUOTED.match(text, at)
    value = found[0].rstrip(b"\\") if found else b""
    if separator.startswith(b"%"):
        value = value.partition(b"%26")[0]
    return at + len(value)


def _is_prose(value: bytes, at: int, assigned: Assigned) -> bool:
    """Whether `word: value` is a sentence or a compound name (`secret:read`, an ARN) rather than an assignment."""
    if assigned.quoted or assigned.separator != b":":
        return False
    if assigned.level is not Level.STRICT:
        return at == assigned.value or (not any(byte in b"0123456789" for byte in value) and len(value) < 20)
    return at == assigned.value and (assigned.before in {b":", b"/"} or bool(_CODE_WORD.fullmatch(value)))


def _is_secret(value: bytes, level: Level) -> bool:
    if not value or value == MASKED:
        return False
    if level is Level.STRICT:
        return True
    text = value.decode(errors="replace")
    return len(text) >= rules.LENIENT_MINIMUM and not (level is Level.BARE and is_name(text))


def _closing(text: bytes, quote: bytes, at: int) -> int:
    """Where the quote is closed: its like, not behind a further backslash; else the end."""
    while (end := text.find(quote, at)) >= 0:
        if text[end - 1] != 0x5C or end == at:
            return end
        at = end + 1
    return len(text)


def _container_end(text: bytes, at: int) -> int:
    """Behind the bracket that closes the one at `at`; else the end."""
    depth = 0
    for found in _BRACKETS.finditer(text, at):
        bracket = found[0]
        if bracket in {b"{", b"["}:
            depth += 1
        elif bracket in {b"}", b"]"}:
            depth -= 1
            if depth == 0:
                return found.end()
    return len(text)


def _is_credential(match: bytes, value: bytes) -> bool:
    """Whether what follows `Bearer` or `Basic` is a credential and not the next word of a sentence."""
    if match[:6].lower() == b"bearer":
        return value.rstrip(b"=.").lower().decode(errors="replace") not in rules.BEARER_WORDS
    return not value.rstrip(b".").isalpha() or _decodes_to_pair(value)


def _decodes_to_pair(value: bytes) -> bool:
    """Whether the value is Base64 of `user:password`."""
    try:
        return b":" in base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False
