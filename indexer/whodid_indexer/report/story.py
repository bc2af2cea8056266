"""From records in the order of time to what a report tells: days, stretches of one session, and what it adds up to.

    Story ─► Day ─► Stretch (one actor, session and address without a break) ─► Entry (one record)

Everything in a story is plain text exactly as the records have it; making it safe is the templates' work.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import groupby

from msgspec import Struct

from whodid_indexer.export.columns import actor_label
from whodid_indexer.report.kept import Kept, kept
from whodid_schema.diff import inline
from whodid_schema.record import Actor, Client, Record
from whodid_schema.sentence import actor_name

MOST = 20_000
"""Records a report may tell: nobody reads more, and they are in memory together."""

MOST_ROWS = 50
"""Rows of each table of the summary."""


class Entry(Struct, frozen=True):
    """One record: when, what happened in a sentence, how it ended, what changed, and where to look it up."""

    day: str
    time: str
    sentence: str
    outcome: str
    reason: str
    changes: tuple[str, ...]
    id: str


class Stretch(Struct, frozen=True):
    """Entries of one actor in one session from one address, one behind the other."""

    actor: str
    session: str
    ip: str
    device: str
    entries: tuple[Entry, ...]


class Day(Struct, frozen=True):
    """A day of the report's zone, with its stretches."""

    name: str
    stretches: tuple[Stretch, ...]


class Row(Struct, frozen=True):
    """A line of a table: what it is about, and how often; first and last time where that says something."""

    name: str
    count: int
    first: str = ""
    last: str = ""
    more: str = ""


class Table(Struct, frozen=True):
    """A table of the summary; `left` rows more are not shown."""

    rows: tuple[Row, ...]
    left: int = 0


class Story(Struct, frozen=True):
    """All that a report tells."""

    records: int
    first: str
    last: str
    days: tuple[Day, ...]
    outcomes: dict[str, int]
    sign_ins: int
    failed_sign_ins: int
    actors: Table
    origins: Table
    deeds: Table
    troubles: tuple[Entry, ...]
    kept: tuple[Kept, ...]


class _Told(Struct):
    """A record's entry with what it is grouped by."""

    entry: Entry
    actor: str
    session: str
    ip: str
    device: str


def tell(records: Iterable[Record], zone: tzinfo) -> Story:
    """The story of records that come oldest first; times are of `zone`."""
    told: list[_Told] = []
    outcomes: Counter[str] = Counter()
    actors, origins, deeds = _Seen(), _Seen(), _Seen()
    all_of_them: list[Record] = []
    for record in records:
        entry = _entry(record, zone)
        client = record.client or Client()
        one = _Told(entry, actor_name(record), record.session_id or "", client.ip or "", client.device or "")
        told.append(one)
        all_of_them.append(record)
        outcomes[record.outcome or "unknown"] += 1
        at = f"{entry.day} {entry.time}"
        actors.see(actor_label(record) or one.actor, at, _identity(record.actor))
        if one.ip:
            origins.see(one.ip, at, one.device)
        deeds.see(_deed(record), at)
    days = [_day(name, list(of_day)) for name, of_day in groupby(told, key=lambda one: one.entry.day)]
    sign_ins = [record for record in all_of_them if record.verb == "sign_in"]
    return Story(
        records=len(told),
        first=f"{told[0].entry.day} {told[0].entry.time}" if told else "",
        last=f"{told[-1].entry.day} {told[-1].entry.time}" if told else "",
        days=tuple(days),
        outcomes=dict(outcomes.most_common()),
        sign_ins=len(sign_ins),
        failed_sign_ins=sum(record.outcome == "failure" for record in sign_ins),
        actors=actors.table(),
        origins=origins.table(),
        deeds=deeds.table(),
        troubles=tuple(one.entry for one in told if one.entry.outcome in ("failure", "warning")),
        kept=kept(all_of_them, zone),
    )


class _Seen:
    """Counts things by name, with the first and last time and what else is said of each."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, str, str, dict[str, None]]] = {}

    def see(self, name: str, at: str, more: str = "") -> None:
        count, first, _, others = self._rows.get(name, (0, at, at, {}))
        if more and len(others) < MOST_ROWS:
            others[more] = None
        self._rows[name] = (count + 1, first, at, others)

    def table(self) -> Table:
        ranked = sorted(self._rows.items(), key=lambda item: (-item[1][0], item[0]))
        rows = [Row(name, count, first, last, ", ".join(others)) for name, (count, first, last, others) in ranked]
        return Table(tuple(rows[:MOST_ROWS]), max(len(rows) - MOST_ROWS, 0))


def _entry(record: Record, zone: tzinfo) -> Entry:
    at = datetime.fromisoformat(record.timestamp or "").astimezone(zone)
    sentence = record.description or record.action or record.id or ""
    changes = tuple(text for change in record.changes or () if (text := inline(change)) not in sentence)
    return Entry(
        day=f"{at:%Y-%m-%d}",
        time=f"{at:%H:%M:%S}",
        sentence=sentence,
        outcome=record.outcome or "unknown",
        reason="" if record.reason and record.reason in sentence else record.reason or "",
        changes=changes,
        id=record.id or "",
    )


def _day(name: str, told: list[_Told]) -> Day:
    date = datetime.fromisoformat(name)
    return Day(f"{date:%A} {date.day} {date:%B %Y}", tuple(_stretches(told)))


def _stretches(told: list[_Told]) -> Iterator[Stretch]:
    for (actor, session, ip), of_one in groupby(told, key=lambda one: (one.actor, one.session, one.ip)):
        together = list(of_one)
        device = next((one.device for one in together if one.device), "")
        yield Stretch(actor, session, ip, device, tuple(one.entry for one in together))


def _identity(actor: Actor | None) -> str:
    """What tells an actor from another of the same name."""
    if actor is None:
        return ""
    return " · ".join(part for part in (actor.key, actor.email, actor.role) if part)


def _deed(record: Record) -> str:
    kind = record.target.type if record.target is not None and record.target.type else ""
    verb = (record.verb or "other").replace("_", " ")
    return f"{verb} · {kind.replace('_', ' ')}" if kind and record.verb != "sign_in" else verb
