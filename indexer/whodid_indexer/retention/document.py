"""What whodid.yaml says of retention, classes and categories, and how it becomes the store's document.

    whodid.yaml ─► Wanted ─► renewed(the document there is) ─► the document that `setup` and `serve` write

The document is the one truth for agents and for deletion. Whoever reads no configuration leaves it as it is.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from whodid_schema import taxonomy
from whodid_schema.meta import IMPORTED, Meta, Retention, Rule, sealed

MOST_CLASSES = 16
"""Surfaces, `imported`, and what rules make: on OpenSearch each is a row of indices of its own."""

FOREVER = "forever"

_DAILY = 31
"""Up to so many days an index holds one day, so that what is kept is never twice as much as was asked for."""

_days = re.compile(r"([1-9][0-9]{0,4})d").fullmatch
is_class_name = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
"""Part of an index's name; a hyphen would make two classes' names run into each other."""


class Wanted(NamedTuple):
    """What the configuration says: class → days (None: for ever), class rules in order, slug → label of categories."""

    days: Mapping[str, int | None]
    rules: Sequence[Rule]
    categories: Mapping[str, str]


NOTHING = Wanted({}, (), {})


def read_days(text: str) -> int | None:
    """`365d` as a number, `forever` as None. Raises ValueError with what is wrong."""
    if text == FOREVER:
        return None
    match = _days(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number of days: write it like 365d, or {FOREVER}")
    return int(match.group(1))


def known_classes(rules: Sequence[Rule]) -> list[str]:
    """Every class that a record can have under these rules."""
    made = [rule.class_ for rule in rules if rule.class_]
    return list(dict.fromkeys([*taxonomy.SURFACES, IMPORTED, *made]))


def near(name: str, known: Sequence[str]) -> str:
    """`did you mean …?`, or what is known."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {found[0]!r}?" if found else f"known are {', '.join(known)}"


def renewed(meta: Meta, wanted: Wanted, now: datetime, *, fresh: bool = False) -> Meta:
    """The document with what is wanted in place of what it said of these things.

    A class keeps the period it has: with another, a record's second delivery would go into another index. For the
    same reason changed rules hold for records from tomorrow on (UTC), and those of a `fresh` store always.
    """
    rules = _followed(meta.class_rules, wanted.rules, now, fresh=fresh)
    there = {} if fresh else meta.classes
    names = dict.fromkeys([*taxonomy.SURFACES, *there, *wanted.days, *(rule.class_ for rule in rules if rule.class_)])
    classes = {name: _kept(there.get(name), wanted.days.get(name)) for name in names}
    categories = dict(taxonomy.CATEGORIES) | dict(wanted.categories)
    return sealed(msgspec.structs.replace(meta, classes=classes, class_rules=rules, categories=categories))


def _kept(there: Retention | None, days: int | None) -> Retention:
    period = there.period if there is not None else "month" if days is None or days > _DAILY else "day"
    return Retention(days, period)


def _followed(there: Sequence[Rule], wanted: Sequence[Rule], now: datetime, *, fresh: bool) -> list[Rule]:
    """The rules with the days they hold for: changed ones end where the new ones begin."""
    if fresh:
        return list(wanted)
    current = [rule for rule in there if rule.until is None]
    if [_bare(rule) for rule in current] == [_bare(rule) for rule in wanted]:
        return list(there)
    tomorrow = (now.astimezone(UTC) + timedelta(days=1)).date().isoformat()
    ended = [msgspec.structs.replace(rule, until=rule.until or tomorrow) for rule in there]
    past = [rule for rule in ended if (rule.since or "") < (rule.until or "")]
    return [*past, *(msgspec.structs.replace(rule, since=tomorrow, until=None) for rule in wanted)]


def _bare(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, since=None, until=None)


def differences(meta: Meta, wanted: Wanted, now: datetime) -> list[str]:
    """In words, what the configuration says and the store's document does not; nothing where they agree."""
    return list(_differences(meta, renewed(meta, wanted, now)))


def _differences(there: Meta, then: Meta) -> Iterator[str]:
    for name, kept in then.classes.items():
        days = there.classes.get(name, Retention()).days
        if kept.days != days:
            yield f"{name}: the configuration says {spelled(kept.days)}, the store {spelled(days)}"
    if there.class_rules != then.class_rules:
        yield "the class rules of the configuration are not the store's"
    if there.categories != then.categories:
        yield "the categories of the configuration are not the store's"


def longer(meta: Meta) -> Iterator[str]:
    """Notes on classes whose index runs over more days than they are kept: what is first in it stays so much longer."""
    for name, kept in meta.classes.items():
        if meta.partitions == "period" and kept.period == "month" and kept.days is not None and kept.days < _DAILY:
            yield (
                f"{name} is kept for {kept.days} days in indices of a month, which go as a whole: its records stay up "
                f"to {_DAILY} days longer; a class has the period that it was set up with"
            )


def spelled(days: int | None) -> str:
    """`365d`, or `forever`."""
    return FOREVER if days is None else f"{days}d"
