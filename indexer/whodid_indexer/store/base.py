"""What every store can do: take records exactly once, answer questions about them, and let go of them in time.

`Reader` is what the commands, the API and the viewer ask; `Writer` is what `_bulk` feeds; `Lifecycle` is what
`retention` goes by. The contract suites in tests/contract hold every implementation to the same answers.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec import Struct

from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.retention.plan import Done, RetentionPlan
from whodid_schema.bulk import Result
from whodid_schema.meta import Meta


class Stored(NamedTuple):
    """One stored record: its JSON as it was sent, and the store's cursor right behind it in arrival order."""

    body: bytes
    cursor: str = ""


class Key(NamedTuple):
    """A place in the time order: microseconds since the epoch and the record's id. Lists sort by it, newest first."""

    micros: int
    id: str


class Page(Struct, frozen=True):
    """Which part of a list is wanted: at most `limit` records, those that come after `after` in the list's order.

    `offset` skips that many records behind `after` (numbered pages). `ascending` turns the order round.

    `mark` leaves out what arrived after the page whose `Found.mark` it is, whatever its time: so that a list that is
    read page by page stays as it was. Where none is given, `pinned` asks for one.

    `counted` is False where nobody reads the total: a store may then stop as soon as it has the page.
    """

    limit: int = 20
    after: Key | None = None
    offset: int = 0
    ascending: bool = False
    mark: int | None = None
    pinned: bool = False
    counted: bool = True


class Found(NamedTuple):
    """A page of records with the exact number of all that match; `next` is where the next page starts.

    `mark` is how far arrivals had come, where it was asked for and the store can tell: in a SQLite file the number of
    the last one; in OpenSearch, which has none for all of its shards, the time of receipt of the last that matches.
    """

    records: list[bytes]
    total: int
    next: Key | None
    mark: int | None = None


class Changes(NamedTuple):
    """Records as they arrived, and the cursor to ask with next time (the one given where nothing came)."""

    records: list[Stored]
    cursor: str


class Analyst(Protocol):
    """The counting side of a store: what facets, charts and top lists ask."""

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """One facet for each axis, in order. `budget`: seconds for all; what it ends is not complete.

        Raises BadQuery for an axis that there is not.
        """

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """The figures of the query. Raises BadQuery for an unknown zone, or a series of more than 10,000 buckets."""


class Reader(Analyst, Protocol):
    """The reading side of a store. Bodies are the records' JSON as it was sent."""

    def search(self, query: AuditQuery, page: Page) -> Found:
        """A page of the matching records, newest first, with the exact total."""

    def count(self, query: AuditQuery) -> int:
        """How many records match."""

    def explain(self, query: AuditQuery) -> list[str]:
        """What the store is asked for the matching records, in its own language, in lines for people."""

    def get(self, identifier: str) -> bytes | None:
        """The record with this id; None where there is none."""

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """Every matching record in time order, newest first unless `ascending`, as of the start, at constant memory."""

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """Up to `limit` records that arrived after the cursor; None: from the beginning. See also `now`.

        In order of arrival, as far as the store has one: OpenSearch has one for each shard. Each comes once.
        """

    def now(self) -> str:
        """The cursor behind everything that has arrived; a search that follows finds all of that."""

    def meta(self) -> Meta:
        """The store's template document. Raises StoreUnreachable where the store is not set up."""

    def close(self) -> None:
        """Give back files and connections."""


class Item(NamedTuple):
    """One record to create: the index the sender named, its id, its JSON."""

    index: str  # type: ignore[assignment]  # a tuple has a method of that name; the wire calls it _index
    id: str
    body: bytes


class Writer(Protocol):
    """The writing side. A bad item is rejected alone, everything else of the call is stored."""

    def create(self, items: Sequence[Item]) -> list[Result]:
        """Store what is not there yet, durably, in one transaction; one result per item, in order."""


class Lifecycle(Protocol):
    """The keeping side. Nothing younger than its class's retention is ever deleted, and nothing that a hold keeps.

    `now` is given, so that a plan can be made for any day.
    """

    def plan(self, now: datetime) -> RetentionPlan:
        """What the store holds, and when each part of it goes. Raises StoreUnreachable where that cannot be read."""

    def apply(self, now: datetime, done: Callable[[Done], None]) -> None:
        """Do what the plan of `now` says is due; `done` hears of each deletion. Ended early, the next goes on."""

    def meta(self) -> Meta:
        """The store's document, whose classes are gone by. Raises StoreUnreachable where the store is not set up."""

    def close(self) -> None:
        """Give back files and connections."""
