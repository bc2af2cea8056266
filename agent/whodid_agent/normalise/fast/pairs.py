r"""What an event's metadata is found by, as JSON: two texts with gaps, kept for lists of keys, that are filled in.

    {"request_id": "Req_1", "auth": {"method": "sso"}}
    pairs  ["request_id=req_1","auth.method=sso"]      folding.meta_pairs
    lines  request_id\nReq_1\nauth\nmethod\nsso        folding.lines_of, as it stands inside a JSON text

Metadata of another kind (flags, lists, deeper objects, long or not ASCII) is asked the complete way.
"""

from typing import Any

import msgspec

from whodid_schema import folding

_to_json = msgspec.json.Encoder().encode

_Keys = tuple[str | tuple[str, ...], ...]
"""The keys of metadata; of an object in it its key and those that it has."""

_FLAT = frozenset({str, int, float})
_MOST_KEYS = 32
_LONGEST_KEY = 64
_MOST_KNOWN = 1_024
"""Bounds of what is kept for the keys that senders make up."""


class Pairs:
    """See the module; `with_lines`: the lines are wanted too."""

    def __init__(self, *, with_lines: bool) -> None:
        self._with_lines = with_lines
        self._known: dict[_Keys, tuple[str, str]] = {}

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
