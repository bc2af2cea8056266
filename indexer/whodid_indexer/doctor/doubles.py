"""Records that may be one event twice: what ids alone cannot tell, because they differ.

reused      an application's own id stands in records with other contents: it gave the id twice, or somebody made it
up; both are kept, so that nobody can suppress an event by guessing its id
read twice  an event without a time of its own has the same place (source, generation, offset, item) in two records:
its file was read again after the agent's state directory was lost, or under changed redaction rules
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from whodid_indexer.doctor.finding import Budget, Finding, ok, skipped, warn

MOST_SHOWN = 5
MOST_READ = 1_000_000
"""Records whose ids are held in memory: some 200 MB."""


class _Place(Struct, frozen=True):
    source: str | None = None
    generation: str | None = None
    offset: int | None = None
    item: int | None = None
    origin: str | None = None


class Told(Struct, frozen=True):
    """What of a record is looked at."""

    id: str
    app: str | None = None
    native_id: str | None = None
    time_precision: str | None = None
    ingest: _Place | None = None


read_told = msgspec.json.Decoder(Told).decode


class Doubles:
    """Gathers records, in any order, and says which of them may be doubles."""

    def __init__(self) -> None:
        self._native: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._places: defaultdict[_Place, set[str]] = defaultdict(set)
        self.looked = 0

    def add(self, told: Told) -> None:
        """One more record."""
        self.looked += 1
        if told.native_id:
            self._native[told.app or "", told.native_id].add(told.id)
        place = told.ingest
        if told.time_precision in ("received", "implausible") and place is not None and place.offset is not None:
            self._places[msgspec.structs.replace(place, origin=None)].add(told.id)

    def findings(self, *, whole: bool) -> Iterator[Finding]:
        """What there is to say; `whole`: every record was added."""
        reused = [(f"{app or 'no app'} {native}", ids) for (app, native), ids in self._native.items() if len(ids) > 1]
        twice = [(f"{at.source} at byte {at.offset}", ids) for at, ids in self._places.items() if len(ids) > 1]
        if reused:
            yield warn(
                f"{len(reused):,} native ids stand in records with other contents: {_some(reused)}",
                "whodid show ID of each: the application reused its id, its record changed, or somebody made it up",
            )
        if twice:
            yield warn(
                f"{len(twice):,} events without a time of their own are stored twice: {_some(twice)}",
                "their file was read again after the agent's state was lost; both stay (an audit log is only added to)",
            )
        of = f"{self.looked:,} records" if whole else f"the newest {self.looked:,} records"
        if not reused and not twice:
            yield ok(f"none among {of}")
        if not whole:
            yield skipped(f"only {of} were looked at", "--budget gives it more time")


def gather(records: Iterable[Told], budget: Budget) -> tuple[Doubles, bool]:
    """The doubles among the records as far as time and memory go; whether those were all."""
    doubles = Doubles()
    for told in records:
        doubles.add(told)
        if doubles.looked % 100 == 0 and (not budget.left() or doubles.looked >= MOST_READ):
            return doubles, False
    return doubles, True


def _some(found: list[tuple[str, set[str]]]) -> str:
    shown = "; ".join(f"{what} ({', '.join(sorted(ids)[:3])})" for what, ids in sorted(found)[:MOST_SHOWN])
    return shown + ("; …" if len(found) > MOST_SHOWN else "")
