"""What a request asks for: the query, the range as it was said, the zone, the page of the list.

    filters, q, last, since, until     as on the command line and in the API; without a range: the last seven days
    tz          zone of all times shown and typed (IANA name)
    scope       mine, all: only where it is known who "me" is
    interval    of the chart: hour, day, week
    columns     further columns of the list, comma-separated or each for itself: those of exports
    page        1 …, up to row 10,000; further on after, before: the place that a page named
    snapshot    `now.top.mark`: the moment that relative times mean and the newest row (microseconds), and how far
                arrivals had come (`Found.mark`), so that pages stay whatever arrives, however old it is

A form sends its empty fields too; they say nothing.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.export.columns import parse_columns
from whodid_indexer.query.access import Access
from whodid_indexer.query.calendar import EPOCH, MICROSECOND, zone_named
from whodid_indexer.query.counting import Interval
from whodid_indexer.query.model import AuditQuery, Group, Term
from whodid_indexer.query.own import without_own
from whodid_indexer.query.parse import Hint
from whodid_indexer.query.times import format_time
from whodid_indexer.store.base import Key, Page
from whodid_schema.errors import UsageError
from whodid_schema.taxonomy import OWN_SURFACE

ROWS = 20
MOST_COLUMNS = 12
DEEPEST_ROW = 10_000
"""Numbered pages reach so far."""

DEFAULT_SPAN = "7d"
PAGING = frozenset({"page", "after", "before", "snapshot"})
KNOWN = frozenset({*FILTERS, *PAGING, "tz", "scope", "interval", "columns"}) - {"query"}
_BLANK = frozenset({"q", "since", "until", "last", "tz", "interval", "columns"})
"""Fields of forms: empty, they were not filled in."""

Scope = Literal["mine", "all"]
Said = tuple[tuple[str, str], ...]
"""Parameters as they stand in an address."""

_snapshot = re.compile(r"([0-9]{1,17})\.(-?[0-9]{1,17})(?:\.([0-9]{1,17}))?").fullmatch


class Snapshot(Struct, frozen=True):
    """A list as somebody began to read it: what `now` was, the newest row (microseconds since the epoch), arrivals."""

    now: int
    top: int
    mark: int | None = None

    def __str__(self) -> str:
        return f"{self.now}.{self.top}" if self.mark is None else f"{self.now}.{self.top}.{self.mark}"


class Question(Struct, frozen=True):
    """One request. `asked` is the query as said, its range resolved; `range` and `said` are how it was said.

    That whodid's own events are left out where nothing asks for them is not in `asked`: every query means it.

    `said` are the parameters beside query and range that every link takes along (zone, scope, interval).
    """

    asked: AuditQuery
    access: Access
    now: datetime
    zone: tzinfo
    zone_name: str
    range: Said
    said: Said
    scope: Scope = "all"
    interval: Interval | None = None
    columns: tuple[str, ...] = ()
    page: int = 1
    after: Key | None = None
    before: Key | None = None
    snapshot: Snapshot | None = None
    hints: tuple[Hint, ...] = ()

    @property
    def now_micros(self) -> int:
        """The moment of the question, in microseconds since the epoch."""
        return (self.now - EPOCH) // MICROSECOND

    @property
    def query(self) -> AuditQuery:
        """What the store is asked: of what was said, what is in scope; what is allowed, the readers see to."""
        return self.scoped(self.asked)

    def scoped(self, asked: AuditQuery) -> AuditQuery:
        """Of any query what is in scope, without whodid's own events unless it asks for them."""
        return without_own(self.meant(asked))

    def meant(self, asked: AuditQuery) -> AuditQuery:
        """Any query with the scope in it: what a command line, an export or a program asks for the same rows."""
        if self.scope == "all":
            return asked
        return replace(asked, groups=(*asked.groups, Group((Term("actor", self.access.me.values),))))

    @property
    def listed(self) -> AuditQuery:
        """The query of the list's rows: nothing that is newer than the snapshot."""
        query = self.query
        if self.snapshot is None:
            return query
        until = self.snapshot.top + 1
        return replace(query, until=until if query.until is None else min(until, query.until))

    @property
    def part(self) -> Page:
        """Which rows of the list."""
        mark, pinned = None if self.snapshot is None else self.snapshot.mark, self.snapshot is None
        if self.before is not None:
            return Page(ROWS, after=self.before, ascending=True, mark=mark, pinned=pinned)
        offset = 0 if self.after is not None else (self.page - 1) * ROWS
        return Page(ROWS, after=self.after, offset=offset, mark=mark, pinned=pinned)


class Asked:
    """The parameters of a request's address, read step by step, so that what can be read survives what cannot."""

    def __init__(self, items: Iterable[tuple[str, str]], remembered: dict[str, str], more: Iterable[str] = ()) -> None:
        self.items = [(name, value) for name, value in items if value or name not in _BLANK]
        self.given = Parameters(self.items, KNOWN | set(more))
        self._remembered = remembered

    def question(self, access: Access, clock: datetime) -> Question:
        """The question. Raises UsageError and BadQuery."""
        given = self.given
        zone_name = given.one("tz") or self._remembered.get("tz", "UTC")
        zone = zone_named(zone_name)
        snapshot = _read_snapshot(given.one("snapshot"))
        now = clock if snapshot is None else EPOCH + timedelta(microseconds=snapshot.now)
        everything = Access("platform", access.me)
        asked = _bare(given.query(everything, now, zone))
        asked, ranged = self._ranged(asked, everything, now, zone)
        scope, interval, columns = self._scope(access), self._interval(), self._columns()
        return Question(
            asked=asked,
            access=access,
            now=now,
            zone=zone,
            zone_name="UTC" if zone is UTC else zone_name,
            range=ranged,
            said=self._said(zone, zone_name, scope if access.me.values else None, columns),
            scope=scope,
            interval=interval,
            columns=columns,
            page=given.number("page", 1, 1, DEEPEST_ROW // ROWS),
            after=given.key("after"),
            before=given.key("before"),
            snapshot=snapshot,
            hints=given.hints,
        )

    def _ranged(self, asked: AuditQuery, access: Access, now: datetime, zone: tzinfo) -> tuple[AuditQuery, Said]:
        """The query with its range, and how that is said: as the parameters do, but as times where the text has one."""
        said = tuple(item for item in self.items if item[0] in ("last", "since", "until"))
        plain = Parameters(said, KNOWN).query(access, now, zone)
        if (plain.since, plain.until) != (asked.since, asked.until):
            return asked, range_of(asked)
        if not said:
            since = (now - EPOCH - timedelta(days=7)) // MICROSECOND
            return replace(asked, since=since), (("last", DEFAULT_SPAN),)
        return asked, said

    def _scope(self, access: Access) -> Scope:
        scope = self.given.one("scope") or self._remembered.get("scope") or "mine"
        if scope not in get_args(Scope):
            raise UsageError(f"scope={scope[:40]}: not a scope", "mine or all")
        return cast("Scope", scope) if access.me.values else "all"

    def _interval(self) -> Interval | None:
        interval = self.given.one("interval")
        if interval is not None and interval not in get_args(Interval):
            raise UsageError(f"interval={interval[:40]}: not an interval", ", ".join(get_args(Interval)))
        return cast("Interval | None", interval)

    def _columns(self) -> tuple[str, ...]:
        named = ",".join(self.given.all("columns"))
        columns = tuple(dict.fromkeys(parse_columns(named))) if named else ()
        if len(columns) > MOST_COLUMNS:
            raise UsageError(f"{len(columns)} columns are more than a page has room for", f"at most {MOST_COLUMNS}")
        return columns

    def _said(self, zone: tzinfo, zone_name: str, scope: Scope | None, columns: tuple[str, ...]) -> Said:
        """An address says what differs from what somebody else would see, so that it shows the same to everybody."""
        beside = [("tz", "UTC" if zone is UTC else zone_name)] if zone is not UTC or "tz" in self._remembered else []
        beside += [] if scope is None else [("scope", scope)]
        beside += [item for item in self.items if item[0] == "interval"]
        return (*beside, *([("columns", ",".join(columns))] if columns else []))


def _bare(query: AuditQuery) -> AuditQuery:
    """The query without what `without_own` puts there."""
    for place, term in enumerate(query.terms):
        if term.field == "surface" and term.negated and OWN_SURFACE in term.values:
            values = tuple(value for value in term.values if value != OWN_SURFACE)
            kept = (replace(term, values=values),) if values else ()
            bare = replace(query, terms=(*query.terms[:place], *kept, *query.terms[place + 1 :]))
            return bare if without_own(bare) == query else query
    return query


def range_of(query: AuditQuery) -> Said:
    """A range as parameters that mean the same moments at any time."""
    moments = (("since", query.since), ("until", query.until))
    said = tuple((name, format_time(moment)) for name, moment in moments if moment is not None)
    return said or (("last", "all"),)


def _read_snapshot(text: str | None) -> Snapshot | None:
    if text is None:
        return None
    read = _snapshot(text)
    if read is None:
        raise UsageError(f"snapshot={text[:60]}: not one that a page named", "leave it out to see the newest")
    return Snapshot(int(read[1]), int(read[2]), None if read[3] is None else int(read[3]))
