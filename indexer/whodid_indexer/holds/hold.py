"""A legal hold: a question whose records stay, with who asked for it, why, and how it ended.

    active      from the moment it is added: nothing that matches is deleted, also what arrives later
    expired     its `until` has passed: it holds nothing any more, and stays listed
    released    somebody let it go, and said why: it stays listed

A hold is never changed and never removed; its name is used once.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.query.printer import to_text
from whodid_schema.errors import BadQuery, StateError, UsageError

LONGEST_REASON = 1_000
MOST = 500
"""Holds of a store, those that have ended counted."""

MOST_ACTIVE = 50
"""Holds at a time: each is asked of every record that is about to go."""

State = Literal["active", "expired", "released"]

_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch


class Hold(Struct, frozen=True, kw_only=True):
    """`query` is in the query language, times in full; `at`, `until` and `released_at` are RFC 3339 in UTC."""

    name: str
    query: str
    reason: str
    by: str
    at: str
    until: str | None = None
    released_by: str | None = None
    released_at: str | None = None
    released_reason: str | None = None

    def state_at(self, now: datetime) -> State:
        """Whether it holds anything."""
        if self.released_at is not None:
            return "released"
        return "active" if self.until is None or now < datetime.fromisoformat(self.until) else "expired"

    def asked(self) -> AuditQuery:
        """What it holds. Raises StateError where that cannot be read: then nobody knows what may be deleted."""
        try:
            return read_query((), [self.query], context=Context(datetime.now(UTC))).query
        except BadQuery as error:
            raise cannot_tell(self, error) from error


class Holds(Protocol):
    """Where the holds of a store are kept. What `add` and `release` did is durable and in force when they return."""

    def all(self) -> list[Hold]:
        """Every hold there is or was, the oldest first."""

    def add(self, hold: Hold) -> None:
        """Keep a new one. Raises UsageError where there is one of its name."""

    def release(self, name: str, by: str, reason: str, now: datetime) -> Hold:
        """Let go of one. Raises UsageError where there is none of this name, or it has ended already."""


def active(holds: Iterable[Hold], now: datetime) -> list[Hold]:
    """Those that hold something."""
    return [hold for hold in holds if hold.state_at(now) == "active"]


def new_hold(
    query: AuditQuery, reason: str, by: str, now: datetime, *, name: str | None = None, until: datetime | None = None
) -> Hold:
    """A hold that makes sense. Raises UsageError, and BadQuery where its question is too long to be written down.

    Without `name` it has yet to be given one (`named`).
    """
    if query == ALL:
        raise UsageError("the hold says nothing of what it holds", "-q 'id:*' holds every record; else say which")
    if name is not None and not _name(name):
        raise UsageError(f"{name[:80]!r} is no name for a hold", "letters, digits, - _ and . ; at most 64 of them")
    if until is not None and until <= now:
        raise UsageError(f"until {_stamp(until)} is past already", "name a later time, or none")
    ends = None if until is None else _stamp(until)
    hold = Hold(name=name or "", query=to_text(query), reason=said(reason), by=by, at=_stamp(now), until=ends)
    read_query((), [hold.query], context=Context(now))
    return hold


def named(hold: Hold, there: Sequence[Hold], now: datetime) -> Hold:
    """The hold with a name that no other has or had. Raises UsageError for a name that is taken, and for too many."""
    if len(there) >= MOST or len(active(there, now)) >= MOST_ACTIVE:
        raise UsageError(f"a store has at most {MOST} holds, {MOST_ACTIVE} of them active", "release one, or join two")
    taken = {one.name for one in there}
    if hold.name in taken:
        raise UsageError(f"there is, or was, a hold {hold.name!r}", "choose another name")
    if hold.name:
        return hold
    number = next(number for number in range(1, MOST + 2) if f"hold-{number}" not in taken)
    return replace(hold, name=f"hold-{number}")


def released(there: Sequence[Hold], name: str, by: str, reason: str, now: datetime) -> Hold:
    """The hold of this name as it is when it was let go. Raises UsageError where there is none to let go."""
    hold = next((one for one in there if one.name == name), None)
    if hold is None:
        known = ", ".join(one.name for one in active(there, now))
        raise UsageError(f"there is no hold {name[:80]!r}", f"active are: {known}" if known else "none is active")
    if hold.released_at is not None:
        raise UsageError(f"the hold {name} was released at {hold.released_at} by {hold.released_by}")
    return replace(hold, released_by=by, released_at=_stamp(now), released_reason=said(reason))


def said(reason: str) -> str:
    """The reason on one line. Raises UsageError where none is given."""
    text = " ".join(reason.split())
    if not text or len(text) > LONGEST_REASON:
        raise UsageError(f"a reason has 1 to {LONGEST_REASON:,} characters, this has {len(text):,}", "say why")
    return text


def cannot_tell(hold: Hold, error: Exception) -> StateError:
    """What is raised where a hold cannot be evaluated: nothing may be deleted then."""
    return StateError(
        f"the hold {hold.name} cannot be evaluated, and so nothing is deleted: {getattr(error, 'message', error)}",
        "add it anew under another name with a question that can be answered, then release this one",
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
