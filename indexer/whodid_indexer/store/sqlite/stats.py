"""Statistics from columns: one pass over the query's range, a shorter one over the time before it."""

from collections.abc import Callable, Sequence
from functools import partial

from whodid_indexer.query.axis import askable
from whodid_indexer.query.calendar import edges, interval_for, zone_named
from whodid_indexer.query.check import check_query
from whodid_indexer.query.counting import MOST_CATEGORIES, Bucket, Measure, Stats, TopActor, Totals, Value
from whodid_indexer.query.initials import initials
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.sqlite.arrays import np
from whodid_indexer.store.sqlite.columns import Batch, Ints, Mask, batches
from whodid_indexer.store.sqlite.dictionaries import Key
from whodid_indexer.store.sqlite.lists import nearest
from whodid_indexer.store.sqlite.masks import Masks, members_of, places
from whodid_indexer.store.sqlite.session import Session
from whodid_indexer.store.sqlite.tally import Tally, ranked, tally_of

SERIES = ("auth", "write", "other")


def stats(session: Session, query: AuditQuery, measure: Measure) -> Stats:
    """See Analyst."""
    check_query(query)
    zone = zone_named(measure.zone)
    early = None if query.since is None else 2 * query.since - (query.until if query.until is not None else measure.now)
    masks = Masks(session, session.columns.first(early, query.until))
    mask = masks.of(members_of(query))
    since, until = _range(session, query, mask, measure.now)
    interval = measure.interval or interval_for(since, until)
    found = _Figures(session, edges(since, until, interval, zone) if since is not None else [])
    previous = None
    if since is not None:
        found.add(since, until, mask)
    if query.since is not None:
        previous = _Figures(session, [])
        previous.add(2 * query.since - until, query.since, mask)
    return Stats(
        since=since,
        until=until,
        interval=interval,
        zone=measure.zone,
        current=found.totals(),
        previous=previous.totals() if previous is not None else None,
        previous_since=2 * query.since - until if query.since is not None else None,
        series=found.series(),
        mix=found.mix(),
        actors=found.actors(measure.actors),
        categories=found.categories(),
    )


def _range(session: Session, query: AuditQuery, mask: Mask | None, now: int) -> tuple[int | None, int]:
    """From the first record, where the query has no beginning, to now or behind the last, where it has no end."""
    since, until = query.since, query.until
    found = session.columns.pieces(since, until) if since is None or until is None else []
    if since is None:
        first, _ = nearest(found, partial(places, mask), 1, ascending=True)
        since = int(first.min()) if len(first) else None
    if until is None:
        last, _ = nearest(found, partial(places, mask), 1)
        later = [moment for moment in (since, int(last.max()) + 1 if len(last) else None) if moment is not None]
        until = max([now, *later])
    return since, until


class _Figures:
    """What is counted of one range; the series and the actors only where there are edges."""

    def __init__(self, session: Session, moments: Sequence[int]) -> None:
        self._session = session
        self._moments = np.array(moments, np.int64)
        self._combos = self._zeros("combo")
        self._addresses = np.zeros(len(self._zeros("ip")), np.bool_)
        self._actors = self._zeros("actor")
        self._last = self._zeros("actor") + np.iinfo(np.int64).min
        self._series = np.zeros(len(SERIES) * max(len(moments) - 1, 0), np.int64)
        kinds = session.dictionaries.rows("kind")
        places = {kind: place for place, kind in enumerate(SERIES)}
        self._kinds = np.array([places.get(kind, len(SERIES) - 1) for kind in kinds], np.int64)

    def _zeros(self, column: str) -> Ints:
        highest: int = self._session.connection.execute(f"SELECT coalesce(max(id), 0) FROM {column}").get  # noqa: S608  ours
        return np.zeros(highest + 1, np.int64)

    def add(self, since: int, until: int, mask: Mask | None) -> None:
        """Count the records of a range that the mask lets through."""
        for batch in batches(self._session.columns.pieces(since, until)):
            rows = batch.places(mask)
            self._add(partial(_chosen, batch, rows))
            if len(self._moments):
                buckets = batch.buckets(self._moments)
                self._spread(partial(_chosen, batch, rows), buckets if rows is None else buckets[rows])

    def _add(self, of: Callable[[str], Ints]) -> None:
        self._combos += np.bincount(of("combo"), minlength=len(self._combos))
        self._addresses[of("ip")] = True

    def _spread(self, of: Callable[[str], Ints], buckets: Ints) -> None:
        places = self._kinds.take(of("combo")) * (len(self._moments) - 1) + buckets
        self._series += np.bincount(places, minlength=len(self._series))
        actors = of("actor")
        self._actors += np.bincount(actors, minlength=len(self._actors))
        np.maximum.at(self._last, actors, of("ts"))

    def totals(self) -> Totals:
        """The five figures."""
        rows = self._session.dictionaries
        verbs, kinds = rows.rows("verb"), rows.rows("kind")
        signed = written = 0
        for number in np.flatnonzero(self._combos).tolist():
            if verbs[number] == "sign_in":
                signed += int(self._combos[number])
            elif kinds[number] == "write":
                written += int(self._combos[number])
        total = int(self._combos.sum())
        return Totals(total, signed, written, total - signed - written, int(np.count_nonzero(self._addresses[1:])))

    def series(self) -> tuple[Bucket, ...]:
        """The buckets, each with its records."""
        moments = self._moments.tolist()
        columns = self._series.reshape(len(SERIES), -1).tolist()
        return tuple(Bucket(*bucket) for bucket in zip(moments[:-1], moments[1:], *columns, strict=True))

    def mix(self) -> dict[str, int]:
        """The sums of the series."""
        return dict(zip(SERIES, map(int, self._series.reshape(len(SERIES), -1).sum(axis=1)), strict=True))

    def actors(self, most: int) -> tuple[TopActor, ...]:
        """The most active."""
        dictionaries = self._session.dictionaries
        top = self._tally("actor", self._actors).top(most, lambda key: askable("actor.key", str(key)))
        last: dict[Key, int] = {}
        handles = dictionaries.rows("actor")
        counted = dict.fromkeys(np.flatnonzero(self._actors).tolist())
        for number in counted:
            if handles[number] in top:
                last[handles[number]] = max(last.get(handles[number], int(self._last[number])), int(self._last[number]))
        found = []
        for key, number in top.items():
            name = dictionaries.shown("actor", key, counted)
            found.append(TopActor(str(key), name, initials(name), number, last[key]))
        return tuple(found)

    def categories(self) -> tuple[Value, ...]:
        """The most frequent ones."""
        tally = self._tally("category", self._combos)
        top = tally.top(MOST_CATEGORIES, lambda value: askable("category", str(value)))
        known = self._session.dictionaries
        return ranked(
            Value(known.compared("category", value), known.shown("category", value), number)
            for value, number in top.items()
        )

    def _tally(self, axis: str, counted: Ints) -> Tally:
        present = np.flatnonzero(counted)
        numbers = dict(zip(present.tolist(), counted[present].tolist(), strict=True))
        return tally_of(axis, self._session.dictionaries.rows(axis), numbers)


def _chosen(batch: Batch, rows: Ints | None, column: str) -> Ints:
    numbers = batch.column(column)
    return numbers if rows is None else numbers[rows]
