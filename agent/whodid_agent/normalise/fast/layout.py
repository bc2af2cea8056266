r"""How a JSON text is laid out: everything in it but the values, and a pattern for texts that are laid out alike.

    {"id": "u1", "age": 5, "on": true, "more": {…}}     a text
    \{"id": "([^"]++)", "age": (0|-?[1-9]…), "on": true, "more": (\{…\})\}     its pattern

Order, spacing, true, false, null and what is empty belong to the layout; texts and numbers are gaps. An object of
which nothing is looked at is a gap as well: `opaque`. Where its gap ends is only guessed (nothing counts its braces),
so whoever takes it must read it.

A pattern never goes back: a text that nearly fits costs as much as one that does. It does not ask for control
characters and backslashes, which no layout has: see `is_plain`.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Way = tuple[str, ...]
"""The keys that lead to a value."""


class Odd(Exception):
    """The text is laid out in a way that is not worth a pattern: arrays, escapes, a key twice, much of everything."""


class Piece(NamedTuple):
    """A part of a text: what stands between the values (`kind` ""), or a value at `way`.

    `kind`: text (without its quotation marks), whole, float; open and close are an object's braces.
    """

    kind: str
    text: str
    way: Way = ()


LONGEST = 16_384
_MOST_PIECES = 400
_DEEPEST = 8

_TOKEN = re.compile(
    r'( *)(?:"([^"\\\x00-\x1f]*)"|(0|-?[1-9][0-9]{0,14})(?![0-9.eE])|(-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,17})(?![0-9eE])'
    r"|(true|false|null)|([{}:,]))"
)
_GAPS = {
    "text": '[^"]++',
    "whole": r"(?:0|-?[1-9][0-9]{0,14}+)",
    "float": r"-?(?:0|[1-9][0-9]{0,14}+)\.[0-9]{1,17}+",
}
_ESCAPED = bytes(range(32)) + b"\\"


def is_plain(data: bytes) -> bool:
    """Whether a text has no backslash and no control character: then what a pattern finds in it is JSON."""
    return len(data.translate(None, _ESCAPED)) == len(data)


def pieces(text: str) -> list[Piece]:
    """The parts of a JSON object's text, in order; together they are the text. Raises Odd."""
    if len(text) > LONGEST:
        raise Odd
    found = [*_Reader(text).all()]
    if len(found) > _MOST_PIECES:
        raise Odd
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def all(self) -> Iterator[Piece]:
        yield from self._value(self._next(), ())
        if self._at != len(self._text):
            raise Odd

    def _next(self) -> re.Match[str]:
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise Odd
        self._at = token.end()
        return token

    def _value(self, token: re.Match[str], way: Way) -> Iterator[Piece]:
        space, text, whole, real, fixed, mark = token.groups()
        if text:
            yield Piece("", f'{space}"')
            yield Piece("text", text, way)
            yield Piece("", '"')
        elif text == "" or fixed is not None:
            yield Piece("", token[0])
        elif whole is not None or real is not None:
            yield Piece("", space)
            yield Piece("float" if whole is None else "whole", whole or real, way)
        elif mark == "{" and len(way) < _DEEPEST:
            yield Piece("", space)
            yield from self._object(way)
        else:
            raise Odd

    def _object(self, way: Way) -> Iterator[Piece]:
        keys: set[str] = set()
        yield Piece("open", "{", way)
        token = self._next()
        while token[6] != "}":
            key, colon = token[2], self._next()
            if key is None or key in keys or colon[6] != ":":
                raise Odd
            keys.add(key)
            yield Piece("", token[0] + colon[0])
            yield from self._value(self._next(), (*way, key))
            token = self._next()
            if token[6] == ",":
                yield Piece("", token[0])
                token = self._next()
                if token[2] is None:
                    raise Odd
        yield Piece("close", token[0], way)


def pattern(parts: list[Piece], opaque: Callable[[Way], bool], wanted: Callable[[Way], bool]) -> tuple[str, list[Way]]:
    """The pattern of texts that are laid out so, and the ways of its groups: the values and objects that are wanted."""
    merged = [*_merged(parts, opaque)]
    source: list[str] = []
    ways: list[Way] = []
    for place, part in enumerate(merged):
        if not part.kind:
            source.append(re.escape(part.text))
            continue
        gap = _GAPS.get(part.kind) or _object_gap(part.text, merged[place + 1].text, last=place + 2 == len(merged))
        if wanted(part.way):
            ways.append(part.way)
            gap = f"({gap})"
        source.append(gap)
    return "".join(source), ways


def _merged(parts: list[Piece], opaque: Callable[[Way], bool]) -> Iterator[Piece]:
    """The gaps, and between every two the text; of an opaque object how it begins."""
    literal = ""
    skipped: Way | None = None
    for part, following in zip(parts, [*parts[1:], Piece("", "")], strict=True):
        if skipped is not None:
            if part.kind == "close" and part.way == skipped:
                skipped = None
        elif part.kind in _GAPS:
            yield Piece("", literal)
            yield part
            literal = ""
        elif part.kind == "open" and following.kind != "close" and opaque(part.way):
            yield Piece("", literal)
            yield Piece("object", "{" + following.text.partition('"')[0] + '"', part.way)
            literal, skipped = "", part.way
        else:
            literal += part.text
    yield Piece("", literal)


def _object_gap(begin: str, following: str, *, last: bool) -> str:
    """An object up to the first brace that the text behind it follows."""
    behind = re.escape(following) + (r"\Z" if last else "")
    return rf"(?>{re.escape(begin)}[^}}]*+\}}(?:[^}}]*+\}})*?(?={behind}))"
