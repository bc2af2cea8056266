"""The store's own word on how records are filed: the template's `_meta`, its rules, and where an event goes.

`whodid setup` writes the document, agents read it from the template, a whodid server serves the same. Form:

    {"schema": 1, "epoch": "2025-11-21", "rules": "3f2a…", "partitions": "period", "hold": false,
     "classes": {"activity": {"days": 365, "period": "month"}, …},
     "categories": {"auth": "Auth", …},
     "class_rules": [{"name": "…", "when": {"action": "login.*"}, "class": "…", "since": "2026-11-22"}]}

A rule's `when` maps a field to a value, a list of values, or a `prefix*`; all fields must match, any of a list. A class
rule holds for records of the days from `since` up to `until`, so that a record which is read again is filed again
where it is; rules that were taken out stay, with the day on which they ended.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from whodid_schema import SCHEMA_VERSION, taxonomy
from whodid_schema.errors import ConfigError
from whodid_schema.record import Record

Condition = str | list[str]


class Rule(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename={"class_": "class"}):
    """A named condition on a record; `class_` is where a class rule sends what it matches.

    `since` and `until` are days (UTC, of the record's time); the rule holds from the one up to, not on, the other.
    """

    name: str
    when: dict[str, Condition]
    class_: str | None = None
    since: str | None = None
    until: str | None = None


class Retention(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How long a class is kept (`days`, None: for ever) and over what time one index runs."""

    days: int | None = None
    period: str = "month"


class Meta(Struct, frozen=True, kw_only=True):
    """The template's `_meta`. `partitions` is `period` (an index per period) or `server` (the server files it)."""

    schema: int = SCHEMA_VERSION
    epoch: str
    rules: str = ""
    partitions: str = "period"
    hold: bool = False
    classes: dict[str, Retention] = {}
    categories: dict[str, str] = msgspec.field(default_factory=lambda: dict(taxonomy.CATEGORIES))
    class_rules: list[Rule] = []


def default_meta(now: datetime, partitions: str = "server") -> Meta:
    """The document of a store set up `now` with nothing configured: every surface its class, kept for ever."""
    first = now.astimezone(UTC)
    epoch = first.replace(year=first.year - 1, day=1).date().isoformat()
    return sealed(Meta(epoch=epoch, partitions=partitions, classes={name: Retention() for name in taxonomy.SURFACES}))


def sealed(meta: Meta) -> Meta:
    """The same document with `rules` set to the version of its contents: what `ingest.rules` names."""
    bare = msgspec.structs.replace(meta, rules="")
    return msgspec.structs.replace(
        meta, rules=hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()[:12]
    )


def read_meta(document: Any) -> Meta:
    """The Meta of a decoded `_meta` object. Raises ConfigError where it is not one."""
    try:
        return msgspec.convert(document, Meta)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the store's template does not carry whodid's _meta: {error}", "run whodid setup") from error


def compile_when(when: Mapping[str, Condition], where: str = "rule") -> Callable[[Record], bool]:
    """A test for a rule's `when` on a record. Raises ConfigError for a field that no record has, or a value no text."""
    tests = [_test(field, condition, where) for field, condition in when.items()]
    return lambda record: all(test(record) for test in tests)


def _test(field: str, condition: Condition, where: str) -> Callable[[Record], bool]:
    read = _reader(field, where)
    wanted = [condition] if isinstance(condition, str) else condition
    if not isinstance(wanted, list | tuple) or not all(isinstance(value, str) for value in wanted):
        raise ConfigError(f"{where}: {field}: {condition!r} is no text", "a text, or a list of texts; quote numbers")
    exact = frozenset(value for value in wanted if not value.endswith("*"))
    prefixes = tuple(value[:-1] for value in wanted if value.endswith("*"))

    def test(record: Record) -> bool:
        value = read(record)
        return value is not None and (value in exact or (bool(prefixes) and value.startswith(prefixes)))

    return test


RULE_FIELDS: Mapping[str, Sequence[str]] = {
    "app": ("app",),
    "surface": ("surface",),
    "kind": ("kind",),
    "category": ("category",),
    "action": ("action",),
    "verb": ("verb",),
    "outcome": ("outcome",),
    "layer": ("layer",),
    "actor.type": ("actor", "type"),
    "role": ("actor", "role"),
    "type": ("target", "type"),
    "workspace": ("workspace", "id"),
    "project": ("project", "id"),
}
"""What a rule may ask about: query name → attributes of the record to follow."""


def _reader(field: str, where: str) -> Callable[[Record], str | None]:
    path = RULE_FIELDS.get(field)
    if path is None:
        raise ConfigError(f"{where}: rules cannot ask about {field!r}", f"they can about {', '.join(RULE_FIELDS)}")

    def read(record: Record) -> str | None:
        value: Any = record
        for name in path:
            if value is None:
                return None
            value = getattr(value, name)
        return value if isinstance(value, str) else None

    return read


IMPORTED = "imported"
"""The class of what was older than its retention when it arrived, and was wanted nevertheless: it ages from then."""


def imported_index(record: Record) -> str:
    """The index of what is imported although it is too old: the month of its receipt, on every kind of store."""
    return f"whodid-{IMPORTED}-{(record.received_at or record.timestamp or '')[:7]}"


_ALWAYS = ("", "~")
"""Days before and behind every date."""


class Router:
    """Where a record goes: its class, and the index of that class."""

    def __init__(self, meta: Meta) -> None:
        self.meta = meta
        self._daily = frozenset(name for name, kept in meta.classes.items() if kept.period == "day")
        self._rules = [
            (rule.since or _ALWAYS[0], rule.until or _ALWAYS[1], compile_when(rule.when, rule.name), rule.class_)
            for rule in meta.class_rules
            if rule.class_
        ]

    def class_of(self, record: Record) -> str:
        """The class that retention and indices go by: of the first rule of its day that matches, else the surface."""
        if self._rules:
            day = (record.timestamp or "")[:10]
            for since, until, matches, name in self._rules:
                if since <= day < until and matches(record):
                    return name
        return record.surface or "activity"

    def index_of(self, record: Record) -> str:
        """The index that a finished record (it has its timestamp) is created in."""
        return self.index_in(self.class_of(record), record.timestamp or "")

    def index_in(self, name: str, stamp: str) -> str:
        """The index of a class for records of this time."""
        if self.meta.partitions == "server":
            return f"whodid-{name}"
        if stamp[:10] < self.meta.epoch:
            return f"whodid-{name}-{stamp[:4]}"
        return f"whodid-{name}-{stamp[:10] if name in self._daily else stamp[:7]}"
