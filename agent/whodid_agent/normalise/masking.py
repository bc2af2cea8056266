"""What profiles mask themselves (`mask:`), in the bytes of what the inputs read.

    chunk ─► no key of any mask in it: the same object
          └► a line with such a key ─► decoded, recognised, masked, encoded

So spool, raw, quarantine, ids and sentences see masked bytes only. A line that is no JSON is searched for the keys'
names alone: rather too much is masked in it than too little.
"""

import operator
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.envelope import put_back, unwrapped
from whodid_agent.normalise.language.path import INSIDE, Path, Pick, Steps, at, table_key
from whodid_agent.normalise.mapper import Mapper
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.normalise.redact import Redactor
from whodid_schema.record import MASK

_ESCAPE = re.compile(rb"\\u00(?!3[cCeE]|26)[2-7]")
"""A letter, digit or mark that needs no escape; many writers escape < > and &."""
_OPENINGS = (b"{", b"[")
_PLAIN = re.compile(r"[\w .:@-]+", re.ASCII)
"""Keys that every writer writes alike."""


class Masks:
    """The masks of all profiles, or of the one that an input names."""

    def __init__(self, profiles: ProfileSet, named: Mapper | None) -> None:
        self._profiles = profiles
        self._named = named
        chosen = [named] if named is not None else list(profiles)
        paths = [path for mapper in chosen for path in mapper.head.mask]
        self._names = sorted({_keys(path.steps)[-1] for path in paths})
        self._written = sorted({tuple(map(_written, filter(_PLAIN.fullmatch, _keys(path.steps)))) for path in paths})
        self._last = sorted({keys[-1] if keys else b"" for keys in self._written})
        self._by_name: Redactor | None = None

    def mask(self, chunk: bytes) -> bytes:
        """The chunk with what its profiles mask, with as many newlines as before; the same object where nothing is."""
        if not self._written:
            return chunk
        escaped = _is_escaped(chunk)
        if not escaped and not any(key in chunk for key in self._last):
            return chunk
        places = [keys for keys in self._written if all(key in chunk for key in keys)]
        lines = chunk.split(b"\n")
        if places or escaped:
            masked = [self._line(line, places, escaped=escaped) for line in lines]
        else:
            masked = [line if line[:1] in _OPENINGS else self._no_json(line) for line in lines]
        return chunk if all(map(operator.is_, masked, lines)) else b"\n".join(masked)

    def _line(self, line: bytes, places: list[tuple[bytes, ...]], *, escaped: bool) -> bytes:
        """The line, masked: it may hold all keys of one of these places, or have letters that are escaped."""
        if line[:1] not in _OPENINGS:
            return self._no_json(line)
        for keys in places:
            for key in keys:
                if key not in line:
                    break
            else:
                return self._json(line)
        return self._json(line) if escaped and _is_escaped(line) else line

    def _json(self, line: bytes) -> bytes:
        try:
            value = decode_json(line)
        except Exception:  # noqa: BLE001  # whatever is wrong with it is said where it is refused
            return self._unread(line)
        return msgspec.json.encode(value) if self._value(value) else line

    def _no_json(self, line: bytes) -> bytes:
        # An indented line is one of a document that is written over several; it is masked when it is whole.
        return line if line[:1].isspace() else self._unread(line)

    def _unread(self, line: bytes) -> bytes:
        if not line:
            return line
        if self._by_name is None:
            self._by_name = Redactor(self._names)
        return self._by_name.redact(line)

    def _value(self, value: Any) -> bool:
        """Mask what a line holds, one event or many; whether there was anything."""
        if type(value) is list:
            return sum(self._value(item) for item in value if type(item) is dict) > 0
        if type(value) is not dict:
            return False
        inner = [value[key] for key in self._profiles.splits if type(value.get(key)) is list]
        hit = sum(self._value(items) for items in inner) > 0
        for one in unwrapped(value, self._profiles.knows):
            if self._value(one.event):
                put_back(one)
                hit = True
        mapper = self._named or self._profiles.mapper_of(value, tuple(value))
        return set_masks(mapper.head.mask, value) or hit


def _is_escaped(data: bytes) -> bool:
    """Whether a key may be written with letters that are escaped."""
    return b"\\" in data and b"\\u00" in data and _ESCAPE.search(data) is not None  # one byte is found the fastest


def set_masks(paths: Iterable[Path], event: dict[str, Any]) -> bool:
    """Mask these places of the event; whether any was there and not masked yet."""
    hit = False
    for path in paths:
        if path.steps[0] in event and _set(event, path.steps):
            hit = True
    return hit


def _set(value: Any, steps: Steps) -> bool:
    step, *rest = steps
    if type(value) is list:
        if type(step) is Pick:
            chosen = [one for one in value if type(one) is dict and table_key(at(one, step.key)) in step.values]
            return sum(_set(one, tuple(rest)) for one in chosen) > 0
        if type(step) is str and step.isdecimal():
            return bool(rest) and int(step) < len(value) and _set(value[int(step)], tuple(rest))
        return sum(_set(one, steps) for one in value) > 0
    if type(value) is not dict or type(step) is not str or value.get(step) in (None, MASK):
        return False
    if rest and not (rest[0] is INSIDE and type(value[step]) is str):
        return _set(value[step], tuple(rest[1:] if rest[0] is INSIDE else rest))
    value[step] = MASK
    return True


def _written(key: str) -> bytes:
    """How a key begins, in JSON and in JSON that stands in a text (there a backslash stands before either quote)."""
    return b'"%b' % key.encode()


def _keys(steps: Steps) -> list[str]:
    """The keys that must be written in a line for this place to be there."""
    outer = steps[: steps.index(INSIDE)] if INSIDE in steps else steps
    return [step for step in outer if type(step) is str and not step.isdecimal()]
