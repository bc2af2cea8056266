"""What a file holds of each class, what of it is due, and what legal holds keep of that: the lines of a plan."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from whodid_indexer.holds.hold import Hold, active
from whodid_indexer.retention.document import spelled
from whodid_indexer.retention.due import cutoff, moment_of, period_of, stamped
from whodid_indexer.retention.plan import Held, Kept, Part, RetentionPlan, held_part
from whodid_indexer.store.sqlite.held import Keeper
from whodid_indexer.store.sqlite.holds import read_holds
from whodid_schema.errors import StateError
from whodid_schema.meta import IMPORTED, Meta

_COUNT = """
SELECT count(*), min(ts) FROM event INDEXED BY fx
WHERE ts >= ? AND ts < ? AND combo IN (SELECT value FROM json_each(?))
"""
FIRST, END = -(1 << 63), (1 << 63) - 1
"""Before and behind all times."""


class Holding(NamedTuple):
    """What the file holds of a class: `combos` (see `schema`), kept for `days`; what is before `before` is due.

    Of imported records a month of imports is due as a whole, whatever their own times: `before` is then the end of
    time, or its beginning, and `due` says when.
    """

    class_: str
    what: str
    days: int | None
    combos: list[int]
    before: int
    due: datetime | None = None

    @property
    def listed(self) -> str:
        """The combos, as JSON."""
        return msgspec.json.encode(self.combos).decode()

    @property
    def why(self) -> str:
        """Why what is due goes."""
        return f"older than {self.days} days" if self.due is None else f"imported {self.days} days ago"


def holdings(connection: apsw.Connection, meta: Meta, now: datetime) -> tuple[list[Holding], list[str]]:
    """What there is of each class, and notes of what is of none."""
    combos: dict[str, list[int]] = {}
    for number, home in connection.execute("SELECT id, class FROM combo"):
        combos.setdefault(home, []).append(number)
    by_class: dict[str, list[int]] = {}
    found: list[Holding] = []
    notes: list[str] = []
    for home in sorted(combos):
        period = period_of(home)
        name = period.class_ if period is not None else home.removeprefix("whodid-")
        kept = meta.classes.get(name)
        if period is not None and name == IMPORTED:
            days = kept.days if kept is not None else None
            due = None if days is None else period.due(days)
            before = END if due is not None and due <= now else FIRST
            found.append(Holding(name, home, days, combos[home], before, due))
        elif kept is None:
            notes.append(f"records sent to {home} are of no class of this store: kept")
        else:
            by_class.setdefault(name, []).extend(combos[home])
    for name, numbers in by_class.items():
        days = meta.classes[name].days
        before = FIRST if days is None else cutoff(now, days)
        what = f"before {stamped(moment_of(before))}" if days is not None else "all"
        found.append(Holding(name, what, days, numbers, before))
    return found, notes


class Planner:
    """Makes the plan of one file over a connection that reads it."""

    def __init__(self, connection: apsw.Connection, keeper: Keeper) -> None:
        self._connection = connection
        self._keeper = keeper

    def plan(self, path: Path, meta: Meta, now: datetime) -> RetentionPlan:
        """What goes, when and why. Raises apsw's errors."""
        holds = active(read_holds(self._connection), now)
        found, notes = holdings(self._connection, meta, now)
        held = [self._held(hold, found) for hold in holds]
        problems = [one.problem for one in held if one.problem is not None]
        parts = [part for holding in found for part in self._parts(holding, holds, held, now)]
        return RetentionPlan(at=stamped(now), store=str(path), parts=parts, holds=held, notes=[*problems, *notes])

    def _held(self, hold: Hold, found: Sequence[Holding]) -> Held:
        """What the plan says of a hold."""
        about = {name: getattr(hold, name) for name in ("name", "query", "reason", "by", "at", "until")}
        try:
            keeps = [
                Kept(
                    class_=one.class_, what=one.what, records=self._keeper.count([hold], FIRST, one.before, one.listed)
                )
                for one in found
            ]
            matches = self._keeper.covered(hold)
        except StateError as error:
            return Held(**about, problem=error.message)
        return Held(**about, matches=matches, keeps=[kept for kept in keeps if kept.records])

    def _parts(self, holding: Holding, holds: list[Hold], told: list[Held], now: datetime) -> Iterator[Part]:
        """A line of the plan for what is due, one for what is held of it, one for what stays."""
        kept = spelled(holding.days)
        due, _ = self._counted(FIRST, holding.before, holding.listed)
        if due:
            unknown = any(hold.problem is not None for hold in told)
            held = due if unknown else self._keeper.count(holds, FIRST, holding.before, holding.listed)
            part = Part(
                class_=holding.class_,
                kept=kept,
                what=holding.what,
                records=due - held,
                goes=stamped(now),
                due=True,
                why=holding.why,
            )
            yield from [part] if due > held else []
            yield from [held_part(msgspec.structs.replace(part, records=held), told)] if held else []
        rest, oldest = self._counted(holding.before, END, holding.listed)
        if rest:
            yield _staying(holding, kept, rest, moment_of(oldest))

    def _counted(self, since: int, until: int, combos: str) -> tuple[int, int]:
        """How many records there are of these combos, and the time of the oldest (0: there is none)."""
        row: Any = self._connection.execute(_COUNT, (since, until, combos)).fetchall()[0]
        return row[0], row[1] or 0


def _staying(holding: Holding, kept: str, records: int, oldest: datetime) -> Part:
    goes, what = holding.due, holding.what
    if what.startswith("before"):
        what = f"since {what.removeprefix('before ')}"
    if holding.days is None:
        why = "kept for ever"
    elif goes is None:
        goes = moment_of(cutoff(oldest, -holding.days))
        why = f"the oldest is {holding.days} days old then"
    else:
        why = f"imported {holding.days} days before"
    return Part(
        class_=holding.class_,
        kept=kept,
        what=what,
        records=records,
        goes=None if goes is None else stamped(goes),
        due=False,
        why=why,
    )
