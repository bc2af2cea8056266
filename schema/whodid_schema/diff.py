"""What changed: from an application's from/to map or from two payloads to a list of `Change`, and back to a line.

Equal sides are no change, unless both are masked: a mask hides whether the value changed, so such a change is kept
and marked `redacted`. Objects are compared key by key, lists element by element (`scopes.0`); a huge comparison is
cut at `CHANGES_LIMIT`, and the last change says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from whodid_schema.record import MASK, Change

CHANGES_LIMIT = 1_000
PATH_LENGTH = 1_024
"""A longer dotted path is cut: a thousand changes below one endless key must not repeat it a thousand times."""

MORE = "…"
"""The `field` of the change that stands for all beyond the limit; its `to` says so in words."""

_DEEPEST = 32
_INLINE_VALUE = 80


def changes_from_map(fields: Mapping[str, Any]) -> list[Change]:
    """The changes of `{field: {"from": …, "to": …}}`; old/new and before/after are understood, `[from, to]` too.

    A side that is absent counts as null. An entry in none of these forms is the field's new value.
    """
    found: list[Change] = []
    for field, value in fields.items():
        # Nearly every entry is from and to of texts, numbers or null, which need no walk.
        if (
            type(value) is not dict
            or len(value) != 2
            or type(before := value.get("from", value)) not in _SCALARS
            or type(after := value.get("to", value)) not in _SCALARS
        ):
            return _bounded(change for field, value in fields.items() for change in _of_entry(field, value))
        redacted = (before and is_masked(before)) or (after and is_masked(after))
        if redacted or before != after:
            if len(found) == CHANGES_LIMIT:
                found.append(_more())
                break
            found.append(Change(field, before, after, redacted or None))
    return found


_SCALARS = frozenset({str, int, float, type(None)})


def changes_between(before: Any, after: Any) -> list[Change]:
    """The changes that lead from one payload to the other, by dotted path, in the order of the keys."""
    return _bounded(_between("", before, after, 0))


_SIDES = (("from", "to"), ("old", "new"), ("before", "after"), ("old_value", "new_value"))


def _of_entry(field: str, value: Any) -> Iterator[Change]:
    if isinstance(value, Mapping):
        for old, new in _SIDES:
            if (old in value or new in value) and value.keys() <= {old, new}:
                return _between(field, value.get(old), value.get(new), 0)
    if isinstance(value, list) and len(value) == 2:
        return _between(field, value[0], value[1], 0)
    return _between(field, None, value, _DEEPEST)


def _between(path: str, before: Any, after: Any, depth: int) -> Iterator[Change]:
    if depth < _DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _between(_join(path, key), before.get(key), after.get(key), depth + 1)
    elif depth < _DEEPEST and isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from _between(_join(path, str(place)), _at(before, place), _at(after, place), depth + 1)
    elif is_masked(before) or is_masked(after):
        yield Change(path, before, after, redacted=True)
    elif not _equal(before, after):
        yield Change(path, before, after)


def _join(path: str, key: str) -> str:
    return (f"{path}.{key}" if path else key)[:PATH_LENGTH]


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _equal(before: Any, after: Any) -> bool:
    """JSON equality: true is not 1, but 1 and 1.0 are one number."""
    if isinstance(before, bool) != isinstance(after, bool):
        return False
    try:
        return bool(before == after)
    except RecursionError:
        return False


MASK_BEGINNINGS = frozenset("[*•")
"""What every mask begins with."""


def is_masked(value: Any) -> bool:
    """Whether a value is the mask, or a text of nothing but asterisks or bullets as applications write theirs."""
    return (
        type(value) is str
        and value[:1] in MASK_BEGINNINGS
        and (value == MASK or (len(value) >= 3 and not value.strip("*•")))
    )


def _bounded(changes: Iterator[Change]) -> list[Change]:
    found = list(islice(changes, CHANGES_LIMIT))
    if next(changes, None) is not None:
        found.append(_more())
    return found


def _more() -> Change:
    return Change(MORE, None, f"more than {CHANGES_LIMIT} changes; the rest is left out")


def show(value: Any) -> str:
    """A value as a person reads it: texts without quotes, null as "none", true and false, others as JSON."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value or "empty"
    return msgspec.json.encode(value).decode()


def inline(change: Change) -> str:
    """A change in one phrase: "hourly limit 30k → 50k", "name (hidden)", "role set to admin", "note removed"."""
    name = change.field.replace("_", " ")
    if change.redacted:
        return f"{name} (hidden)"
    if change.field == MORE:
        return str(change.to)
    if change.from_ is None:
        return f"{name} set to {_short(change.to)}"
    if change.to is None:
        return f"{name} removed (was {_short(change.from_)})"
    return f"{name} {_short(change.from_)} → {_short(change.to)}"


def _short(value: Any) -> str:
    text = show(value)
    return text if len(text) <= _INLINE_VALUE else f"{text[:_INLINE_VALUE]}…"


def lines(changes: Sequence[Change]) -> list[str]:
    """A detail view's lines: each field's path, then `- old` and `+ new`; a hidden side says so."""
    shown: list[str] = []
    for change in changes:
        shown.append(change.field)
        for mark, value in (("-", change.from_), ("+", change.to)):
            if value is not None:
                shown.append(f"{mark} {'(hidden)' if is_masked(value) else show(value)}")
        if change.redacted and change.from_ is None and change.to is None:
            shown.append("  (hidden)")
    return shown
