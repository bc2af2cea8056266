r"""What an event's metadata is found by, as JSON: two texts with gaps, kept for lists of keys, that are filled in.

    {"request_id": "Req_1", "auth": {"method": "sso"}}
    pairs  ["request_id=req_1","auth.method=sso"]      folding.meta_pairs
    lines  request_id\nReq_1\nauth\nmethod\nsso        folding.lines_of, as it stands inside a JSON text

Metadata of another kind (flags, lists, deeper objects, long or not ASCII) is asked the complete way.

Metadata that is a text of a line (`of_text`) is taken apart by the pattern of its layout, which is found by the number
of quotation marks and the first key; it is only decoded where its layout is new or has no pattern.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise.fast.layout import Odd, pattern, pieces
from whodid_schema import folding

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode

_Keys = tuple[str | tuple[str, ...], ...]
"""The keys of metadata; of an object in it its key and those that it has."""

_FLAT = frozenset({str, int, float})
_MOST_KEYS = 32
_LONGEST_KEY = 64
_MOST_KNOWN = 1_024
"""Bounds of what is kept for the keys that senders make up."""


_TRIED_AT = frozenset({8, 64})
_MOST_ALIKE = 2


class _Laid(NamedTuple):
    """Of texts that one pattern finds: pairs, lines and JSON with a gap for each value; no JSON: the text itself is.

    `floats`: the places of values that are to be written as Python writes them.
    """

    match: Callable[[bytes], re.Match[bytes] | None]
    pairs: bytes
    lines: bytes
    json: bytes
    floats: tuple[int, ...]

    def odd(self, values: tuple[bytes, ...]) -> bool:
        """Whether a number is written in another way than it would be."""
        return any(repr(float(values[place])).encode() != values[place] for place in self.floats)


_Alike = tuple[int, bytes]
"""What is alike in texts of one layout: how many quotation marks, and the first key."""


class Pairs:
    """See the module; `with_lines`: the lines are wanted too."""

    def __init__(self, *, with_lines: bool) -> None:
        self._with_lines = with_lines
        self._known: dict[_Keys, tuple[str, str]] = {}
        self._laid: dict[_Alike, tuple[_Laid, ...]] = {}
        self._last: _Laid | None = None
        self._met: dict[_Alike, int] = {}

    def of(self, metadata: dict[str, Any] | None) -> tuple[str, str]:
        """The array of pairs, and the lines, of metadata in which nothing needs escapes."""
        if metadata is None:
            return "[]", ""
        keys: _Keys = tuple(metadata)
        values = tuple(metadata.values())
        flat = _FLAT.issuperset(map(type, values))
        if not flat:
            keys, values = _spread(metadata)
            flat = _FLAT.issuperset(map(type, values))
        if flat and "" not in values:
            pairs, lines = self._known.get(keys) or self._remember(keys)
            text = (pairs % values).lower() if pairs else ""
            if text and len(text) <= folding.META_PAIR_LENGTH and text.isascii():
                return text, lines and lines % values
        found = folding.meta_pairs(metadata)
        return '["' + '","'.join(found) + '"]' if found else "[]", self.lines(metadata)

    def of_text(self, text: bytes) -> tuple[bytes, bytes, bytes]:
        """As `of`, and the JSON itself, of metadata that stands so in a line; raises where this is no object."""
        last = self._last
        found = last and last.match(text)
        if not found:
            alike = text.count(b'"'), text[2 : text.find(b'"', 2)]
            for last in self._laid.get(alike, ()):
                found = last.match(text)
                if found is not None:
                    self._last = last
                    break
            else:
                self._meet(alike, text)
        if found and last is not None:
            values = found.groups()
            made = (last.pairs % values).lower()
            if len(made) <= folding.META_PAIR_LENGTH and made.isascii() and not (last.floats and last.odd(values)):
                return made, last.lines and last.lines % values, last.json % values if last.json else text
        metadata = _from_json(text)
        if type(metadata) is not dict:
            raise TypeError(text[:1])
        pairs, lines = self.of(metadata)
        return pairs.encode(), lines.encode(), _to_json(metadata)

    def _meet(self, alike: _Alike, text: bytes) -> None:
        """Count a text without a pattern; once those like it have been met often, make one."""
        known = self._laid.get(alike, ())
        if len(known) >= _MOST_ALIKE or len(alike[1]) > _LONGEST_KEY:
            return
        if len(self._met) >= _MOST_KNOWN:
            self._met.clear()
        met = self._met[alike] = self._met.get(alike, 0) + 1
        if met in _TRIED_AT:
            made = _laid(text.decode(), with_lines=self._with_lines)
            if made is not None:
                if len(self._laid) >= _MOST_KNOWN:
                    self._laid.clear()
                self._laid[alike] = (*known, made)

    def lines(self, metadata: dict[str, Any] | None) -> str:
        """The lines alone, whatever the metadata."""
        return _to_json(folding.lines_of(metadata)).decode()[1:-1] if self._with_lines else ""

    def _remember(self, keys: _Keys) -> tuple[str, str]:
        """Both with a gap for each value; empty where a pair of one key may be that of another."""
        words = [word for key in keys for word in ((key,) if isinstance(key, str) else key)]
        known = "", ""
        if len(words) <= _MOST_KEYS and all(0 < len(word) <= _LONGEST_KEY and "=" not in word for word in words):
            paths, lines = _gaps(keys)
            if len({path.lower() for path in paths}) == len(paths):
                pairs = ",".join(f'"{path}=%s"' for path in paths)
                known = f"[{pairs}]", r"\n".join(lines) if self._with_lines else ""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[keys] = known
        return known


def _spread(metadata: dict[str, Any]) -> tuple[_Keys, tuple[Any, ...]]:
    """Keys and values, those of the objects in it too."""
    keys: list[str | tuple[str, ...]] = []
    values: list[Any] = []
    for key, value in metadata.items():
        if type(value) is dict:
            keys.append((key, *value))
            values += value.values()
        else:
            keys.append(key)
            values.append(value)
    return tuple(keys), tuple(values)


def _gaps(keys: _Keys) -> tuple[list[str], list[str]]:
    """The path of each value; the lines of all, with a gap for each value."""
    paths: list[str] = []
    lines: list[str] = []
    for key in keys:
        outer, *inner = (name.replace("%", "%%") for name in ((key,) if isinstance(key, str) else key))
        if isinstance(key, str):
            paths.append(outer)
            lines.append(rf"{outer}\n%s")
        else:
            paths += [f"{outer}.{name}" for name in inner]
            lines += [outer, *(rf"{name}\n%s" for name in inner)]
    return paths, lines


def _laid(text: str, *, with_lines: bool) -> _Laid | None:
    """What is kept of texts laid out like this one, which is JSON; None where there is nothing to keep.

    Made of the text with marks for its values, so that what pairs and lines are is for `folding` to say.
    """
    try:
        parts = pieces(text)
    except Odd:
        return None
    metadata = _from_json(text)
    words = [*_words(metadata)]
    if len(words) > _MOST_KEYS or any(not 0 < len(word) <= _LONGEST_KEY or "=" in word for word in words):
        return None
    as_written = _to_json(metadata).decode() == text
    source, ways = pattern(parts, lambda _: False, lambda _: True)
    for number, way in enumerate(ways):
        inner = metadata
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = f"\x01{number}\x01"
    pairs = folding.meta_pairs(metadata)
    if len({pair.partition("=")[0] for pair in pairs}) < len(pairs):
        return None  # two pairs may be one
    kinds = {part.way: part.kind for part in parts}
    numbers = frozenset(number for number, way in enumerate(ways) if kinds[way] != "text")
    return _Laid(
        re.compile(source.encode()).fullmatch,
        _with_gaps('["' + '","'.join(pairs) + '"]' if pairs else "[]", len(ways)),
        _with_gaps(_to_json(folding.lines_of(metadata)).decode()[1:-1], len(ways)) if with_lines else b"",
        b"" if as_written else _with_gaps(_to_json(metadata).decode(), len(ways), numbers),
        tuple(number for number, way in enumerate(ways) if kinds[way] == "float"),
    )


def _words(metadata: dict[str, Any]) -> Iterator[str]:
    for key, value in metadata.items():
        yield key
        if type(value) is dict:
            yield from _words(value)


_MARK = re.compile(r'("?)(?:\\u0001|\x01)([0-9]+)(?:\\u0001|\x01)("?)')


def _with_gaps(text: str, count: int, bare: frozenset[int] = frozenset()) -> bytes:
    """The text with gaps for its marks, which are 0, 1, 2 … in order; those of `bare` without quotation marks."""
    marks = _MARK.findall(text)
    if [int(number) for _, number, _ in marks] != [*range(count)]:
        raise ValueError(text)
    gaps = _MARK.sub(
        lambda found: "%s" if int(found[2]) in bare else f"{found[1]}%s{found[3]}", text.replace("%", "%%")
    )
    return gaps.encode()
