"""Axes that only the bodies know: targets, changed fields, metadata. Each record is unpacked and read."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from whodid_indexer.store.sqlite.dictionaries import Key
from whodid_indexer.store.sqlite.tally import Tally
from whodid_schema.fields import META_PREFIX
from whodid_schema.folding import shadow
from whodid_schema.record import Target


class Body(Struct, gc=False):
    """What of a record is read."""

    target: Target | None = None
    targets: list[Target] | None = None
    changed: list[str] | None = None
    meta: list[str] | None = None


read_body = msgspec.json.Decoder(Body).decode


class _Has(NamedTuple):
    """What a record has: the axis' values as written, and everything else that a query for the field finds it by."""

    values: list[str]
    others: list[str]


class Contents:
    """The values of one axis, of the records read so far."""

    def __init__(self, axis: str) -> None:
        self.axis = axis
        self.complete = True
        self._found: Counter[str] = Counter()
        self._groups: Counter[tuple[Key, ...]] = Counter()
        self._labels: dict[Key, str] = {}

    def add(self, body: Body) -> None:
        """Count a record."""
        has = _has(body, self.axis)
        if not has.values:
            return
        values: dict[str, str] = {}
        for text in has.values:
            values.setdefault(shadow(text), text)
        for value, text in values.items():
            self._labels.setdefault(value, text)
        self._groups[tuple(values)] += 1
        self._found.update({*values, *map(shadow, has.others)})

    def tally(self) -> Tally:
        """What was counted."""
        counts: dict[Key, int] = {value: self._found[value] for values in self._groups for value in map(str, values)}
        return Tally(counts, self._groups.items())

    def shown(self, value: Key) -> str:
        """One spelling of a value."""
        return self._labels.get(value, str(value))


def _has(body: Body, axis: str) -> _Has:
    if axis == "target":
        return _targets(body.targets or ([body.target] if body.target else []))
    if axis == "changed":
        return _Has([path for path in body.changed or () if path], [])
    before = f"{shadow(axis.removeprefix(META_PREFIX))}="
    pairs = body.meta or ()
    return _Has([value for pair in pairs if pair.startswith(before) and (value := pair[len(before) :])], [])


def _targets(targets: Iterable[Target]) -> _Has:
    has = _Has([], [])
    for target in targets:
        whole = f"{target.type}:{target.id}" if target.type and target.id else None
        names = [name for name in (whole, target.id, target.name) if name]
        has.values.extend(names[:1])
        has.others.extend(names[1:])
    return has
