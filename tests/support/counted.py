"""Facets and statistics by reading every record: the reference that stores are compared with.

It follows query/counting.py alone and shares nothing with the stores but the foldings. Slow and plain.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from zoneinfo import ZoneInfo

from support.questions import holds, matches, values_of
from whodid_indexer.query.counting import Axis, Facet, Interval, Measure, Totals, Value
from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_schema.canonical import target_type
from whodid_schema.fields import FIELDS
from whodid_schema.folding import shadow
from whodid_schema.record import Actor, Client, Record, Ref, Target

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLAIN = ("app", "surface", "kind", "category", "action", "verb", "outcome", "reason", "layer")


class Seen(NamedTuple):
    """A value of a record as it is compared, how it is written, and what `contains` may find besides."""

    value: str
    label: str
    more: str = ""


def micros(record: Record) -> int:
    return (datetime.fromisoformat(record.timestamp or "") - EPOCH) // timedelta(microseconds=1)


def _ref(ref: Ref | None) -> list[Seen]:
    if ref is None or not (ref.id or ref.name):
        return []
    return [Seen(shadow(ref.id or ref.name or ""), ref.name or ref.id or "")]


def _target(target: Target) -> str:
    if target.id:
        return f"{target.type}:{target.id}" if target.type else target.id
    return target.name or ""


def _targets(record: Record) -> list[Target]:
    return list(record.targets or ([record.target] if record.target else []))


def _address(text: str | None) -> list[Seen]:
    try:
        found = ip_address(text or "")
    except ValueError:
        return []
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return [Seen(str(found), str(found))]


def seen(record: Record, axis: str) -> list[Seen]:
    """What an axis has of a record, each value once."""
    actor, client = record.actor or Actor(), record.client or Client()
    if axis == "actor":
        name = actor.name or actor.email or actor.id or actor.key or ""
        return [Seen(actor.key, name, actor.email or "")] if actor.key else []
    if axis in ("workspace", "project"):
        return _ref(record.workspace if axis == "workspace" else record.project)
    if axis == "ip":
        return _address(client.ip)
    several: dict[str, Callable[[], Iterable[str | None]]] = {
        "target": lambda: map(_target, _targets(record)),
        "type": lambda: record.target_types or [record.target.type if record.target else None],
        "changed": lambda: record.changed or [],
        "device": lambda: [client.device],
        "email": lambda: [actor.email],
        "role": lambda: [actor.role],
        "provider": lambda: [actor.provider],
        "actor.type": lambda: [actor.type],
    }
    if axis in PLAIN:
        written: Iterable[str | None] = [getattr(record, axis)]
    elif axis.startswith("meta."):
        before = axis.removeprefix("meta.") + "="
        written = [pair.removeprefix(before) for pair in record.meta or () if pair.startswith(before)]
    else:
        written = several[axis]()
    return list({shadow(text): Seen(shadow(text), text) for text in written if text}.values())


def nameable(axis: str, value: str) -> bool:
    """Whether a query can ask for this value alone."""
    closed = FIELDS[axis].values if axis in FIELDS and FIELDS[axis].match == "closed" else ()
    if axis == "type" and target_type(value) != value:
        return False
    return "*" not in value and len(value) <= 1_000 and (not closed or value in closed)


def names(record: Record, axis: str) -> set[str]:
    """Every value without a wildcard for which `field:value` finds the record."""
    if axis in ("target", "workspace", "project"):
        return {shadow(value) for value in values_of(record, axis) if value}
    return {one.value for one in seen(record, axis)}


def finds(record: Record, axis: str, value: str) -> bool:
    """Whether `field:value` finds the record."""
    if axis in ("surface", "kind", "outcome", "layer"):
        return shadow(getattr(record, axis) or "") == shadow(value)
    return matches(record, Term("actor.key" if axis == "actor" else axis, (value,)))


def _holds(record: Record, part: Term | Text | Group) -> bool:
    if isinstance(part, Group):
        members = [_holds(record, member) for member in part.members]
        return (any(members) if part.any else all(members)) != part.negated
    if isinstance(part, Text):
        return holds(record, part) != part.negated
    if part.field in ("surface", "kind", "outcome", "layer"):
        return any(finds(record, part.field, value) for value in part.values) != part.negated
    return matches(record, part) != part.negated


class _Same:
    """A list that is compared by being the same one."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def __hash__(self) -> int:
        return id(self.records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.records is self.records


def chosen(records: Sequence[Record], query: AuditQuery) -> list[Record]:
    """The records that the query finds."""
    return _chosen(_Same(records), query)


@functools.lru_cache(64)
def _chosen(same: _Same, query: AuditQuery) -> list[Record]:
    records = same.records
    parts: list[Term | Text | Group] = [*query.terms, *query.texts, *query.groups]
    return [
        record
        for record in records
        if (query.since is None or micros(record) >= query.since)
        and (query.until is None or micros(record) < query.until)
        and all(_holds(record, part) for part in parts)
    ]


def facet(records: Sequence[Record], query: AuditQuery, axis: Axis) -> Facet:
    """The facet; of the spellings a label may have, the first."""
    own = {"actor", "actor.key"} if axis.name == "actor" else {axis.name}
    terms = tuple(term for term in query.terms if term.field not in own)
    among = chosen(records, AuditQuery(query.since, query.until, terms, query.texts, query.groups))
    texts: dict[str, list[Seen]] = defaultdict(list)
    for record in among:
        for one in seen(record, axis.name):
            texts[one.value].append(one)
    found = Counter(name for record in among for name in names(record, axis.name))
    counts = {value: found[value] for value in texts}
    ranked = sorted(filter(functools.partial(nameable, axis.name), counts), key=lambda value: (-counts[value], value))
    wanted = shadow(axis.contains)
    shown = [value for value in ranked if any(wanted in shadow("\n".join(one)) for one in texts[value])][: axis.limit]
    for value in axis.selected:
        plain = value if axis.name == "actor" else _compared(axis.name, value)
        if plain not in shown:
            shown.append(plain)
            counts.setdefault(plain, sum(finds(record, axis.name, plain) for record in among))
    other = sum(any(one.value not in shown for one in seen(record, axis.name)) for record in among)
    values = [Value(value, texts[value][0].label if value in texts else value, counts[value]) for value in shown]
    return Facet(axis.name, tuple(sorted(values, key=lambda one: (-one.count, one.value))), other, len(texts))


def _compared(axis: str, value: str) -> str:
    return _address(value)[0].value if axis == "ip" and _address(value) else shadow(value)


def totals(records: Sequence[Record]) -> Totals:
    """The five figures."""
    signed = sum(shadow(record.verb or "") == "sign_in" for record in records)
    written = sum(kind(record) == "write" and shadow(record.verb or "") != "sign_in" for record in records)
    addresses = {one.value for record in records for one in seen(record, "ip")}
    return Totals(len(records), signed, written, len(records) - signed - written, len(addresses))


def kind(record: Record) -> str:
    """Its series."""
    found = shadow(record.kind or "")
    return found if found in ("auth", "write") else "other"


def spread(records: Sequence[Record], query: AuditQuery, measure: Measure) -> tuple[int | None, int]:
    """The range that is counted."""
    times = [micros(record) for record in chosen(records, query)]
    since = query.since if query.since is not None else min(times, default=None)
    late = [measure.now, since if since is not None else measure.now, *(time + 1 for time in times)]
    until = query.until if query.until is not None else max(late)
    return since, until


@functools.cache
def edges(since: int, until: int, interval: Interval, zone: str) -> list[int]:
    """Found by looking at the clock every quarter of an hour."""
    quarter = 900_000_000
    where = ZoneInfo(zone)
    start = since // quarter * quarter - 8 * 96 * quarter
    found = [
        moment
        for moment in range(start, until + 8 * 96 * quarter, quarter)
        if _is_edge(_clock(moment, where), _clock(moment - quarter, where), interval)
    ]
    first = max(moment for moment in found if moment <= since)
    last = min(moment for moment in found if moment >= until)
    return [moment for moment in found if first <= moment <= last]


def _clock(moment: int, where: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=moment)).astimezone(where)


def _is_edge(here: datetime, before: datetime, interval: Interval) -> bool:
    if interval == "hour":
        return here.minute == 0
    return here.date() != before.date() and (interval == "day" or here.weekday() == 0)


def actors(records: Sequence[Record], most: int) -> list[tuple[str, int, int]]:
    """Key, records and time of the last one of the most active."""
    counts = Counter(one.value for record in records for one in seen(record, "actor") if nameable("actor", one.value))
    last: dict[str, int] = {}
    for record in records:
        for one in seen(record, "actor"):
            last[one.value] = max(last.get(one.value, micros(record)), micros(record))
    ranked = sorted(counts, key=lambda key: (-counts[key], key))[:most]
    return [(key, counts[key], last[key]) for key in ranked]
