"""Lists and totals from columns: for ranges so large that walking `fx` would take too long.

The total is counted in all pieces; the page is then looked for only in pieces that have matches, nearest first, until
no other piece can have a record that comes before the last one found. Where a piece has few matches, their places are
kept from the count. Of words alone, ft has the total at once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import apsw

from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Page
from whodid_indexer.store.sqlite.arrays import np
from whodid_indexer.store.sqlite.columns import Bools, Ints, Mask, Part, Piece, numbers_of
from whodid_indexer.store.sqlite.entry import halves
from whodid_indexer.store.sqlite.masks import Masks, members_of, places
from whodid_indexer.store.sqlite.session import Session

_FEW = 64
"""Matches of a piece whose places are kept."""

Row = tuple[int, int, int, int]
"""seq, microseconds, both halves of the id."""


class Lists:
    """What one question finds in some pieces; call within a read transaction.

    `places_in` says which records of a part are meant (see `masks.places`).
    """

    def __init__(
        self,
        connection: apsw.Connection,
        pieces: Sequence[Piece],
        places_in: Callable[[Part], Ints | None],
        total: int,
    ) -> None:
        self.total = total
        self._connection = connection
        self._pieces = pieces
        self._places_in = places_in

    def rows(self, page: Page, limit: int) -> list[Row]:
        """The page's records, at most `limit`, in order."""
        after = None if page.after is None else page.after.micros
        wanted = page.offset + limit
        times, seqs = nearest(self._pieces, self._places_in, wanted, after=after, ascending=page.ascending)
        sign = 1 if page.ascending else -1
        if page.after is not None:
            kept = ~np.isin(seqs, self._not_behind(seqs[times == after], halves(page.after.id), sign))
            times, seqs = times[kept], seqs[kept]
        order = np.sort(times * sign)[:wanted]
        if len(order) <= page.offset or not limit:
            return []
        inside = (times * sign >= order[page.offset]) & (times * sign <= order[-1])
        ahead = int(np.count_nonzero(times * sign < order[page.offset]))
        rows = self._read(seqs[inside])
        rows.sort(key=lambda row: (row[1], row[2]), reverse=not page.ascending)
        return rows[page.offset - ahead : page.offset - ahead + limit]

    def _not_behind(self, seqs: Ints, place: tuple[int, int] | None, sign: int) -> list[int]:
        """Of records of the very moment of the place, those that are not behind it."""
        if place is None:
            return []
        return [row[0] for row in self._read(seqs) if row[2] * sign <= place[0] * sign]

    def _read(self, seqs: Ints) -> list[Row]:
        run = self._connection.execute
        rows: list[Any] = [
            run("SELECT seq, ts, idh, idl FROM event WHERE seq = ?", (seq,)).fetchone() for seq in seqs.tolist()
        ]
        return rows


def listed(session: Session, query: AuditQuery, mark: int | None = None, *, counted: bool = True) -> Lists:
    """Any query, of what had arrived up to the mark; not `counted`, only the pieces nearest to a page are looked at."""
    mask = Masks(session, session.columns.first(query.since, query.until)).of(members_of(query))
    mask = mask if mark is None else _up_to(mark, mask)
    if not counted:
        return Lists(session.connection, session.columns.pieces(query.since, query.until), partial(places, mask), 0)
    known: dict[Piece, Ints] = {}
    numbers: dict[Piece, int] = {}
    for piece in session.columns.pieces(query.since, query.until):
        found = None if mask is None else mask(Part(piece))
        number = len(piece) if found is None else int(np.count_nonzero(found))
        if number:
            numbers[piece] = number
        if found is not None and 0 < number <= _FEW:
            known[piece] = np.flatnonzero(found)

    def places_in(part: Part) -> Ints | None:
        return known[part.piece] if part.piece in known else places(mask, part)

    return Lists(session.connection, list(numbers), places_in, sum(numbers.values()))


def worded(session: Session, match: str, total: int, mark: int | None = None) -> Lists:
    """Words alone, whose total ft has counted: it is asked for the records of one piece after the other."""

    def places_in(part: Part) -> Ints:
        seqs = part.chosen("seq", None)
        last = int(seqs.max()) if mark is None else min(int(seqs.max()), mark)
        select = "SELECT rowid FROM ft WHERE ft MATCH ? AND rowid BETWEEN ? AND ?"
        return np.flatnonzero(np.isin(seqs, numbers_of(session.connection, select, (match, int(seqs.min()), last))))

    return Lists(session.connection, session.columns.pieces(None, None), places_in, total)


def _up_to(mark: int, mask: Mask | None) -> Mask:
    """The mask of what it lets through and had arrived by then."""

    def arrived(part: Part) -> Bools:
        there: Bools = part.column("seq") <= mark - part.piece.base
        return there if mask is None else there & mask(part)

    return arrived


def nearest(
    among: Sequence[Piece],
    places_in: Callable[[Part], Ints | None],
    wanted: int,
    *,
    after: int | None = None,
    ascending: bool = False,
) -> tuple[Ints, Ints]:
    """Times and numbers of the `wanted` newest records (oldest if `ascending`) and all of the last one's moment.

    `places_in` says which records of a part are meant (see `masks.places`). `after` leaves out what is newer than this
    moment (older); records of the moment itself come beside those wanted.
    """
    sign = 1 if ascending else -1
    edges = [(piece.lo, piece.hi) if ascending else (-piece.hi, -piece.lo) for piece in among]
    start = None if after is None else after * sign
    found = _Nearest(wanted, start)
    for place in sorted(range(len(among)), key=edges.__getitem__):
        near, far = edges[place]
        if start is not None and far < start:
            continue
        if found.full and near > found.last:
            break
        part = Part(among[place])
        rows = places_in(part)
        found.add(part.chosen("ts", rows) * sign, part.chosen("seq", rows))
    return found.times * sign, found.seqs


class _Nearest:
    """The smallest times seen so far, with their records."""

    def __init__(self, wanted: int, start: int | None) -> None:
        self._wanted = max(wanted, 1)
        self._start = start
        self.times: Ints = np.empty(0, np.int64)
        self.seqs: Ints = np.empty(0, np.int64)
        self.full = False
        self.last = 0

    def add(self, times: Ints, seqs: Ints) -> None:
        """Take in more; what cannot be wanted any more is forgotten."""
        times, seqs = np.concatenate([self.times, times]), np.concatenate([self.seqs, seqs])
        if self._start is not None:
            kept = times >= self._start
            times, seqs = times[kept], seqs[kept]
        behind = times if self._start is None else times[times > self._start]
        if len(behind) >= self._wanted:
            self.full = True
            self.last = int(np.partition(behind, self._wanted - 1)[self._wanted - 1])
            kept = times <= self.last
            times, seqs = times[kept], seqs[kept]
        self.times, self.seqs = times, seqs
