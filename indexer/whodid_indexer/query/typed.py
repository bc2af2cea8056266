"""What a text in the query language is read with, and what it says: `parser` reads one, `parse` joins several."""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from whodid_indexer.query.identity import HOW, ME, NOBODY, UNKNOWN, Me
from whodid_indexer.query.model import Member
from whodid_schema.errors import BadQuery


class Context(NamedTuple):
    """What a text does not say itself: this moment (aware), the zone of its times, and who `actor:me` is."""

    now: datetime
    zone: tzinfo = UTC
    me: Me = NOBODY


class Hint(NamedTuple):
    """Something that may have been meant otherwise, marked in `text`."""

    message: str
    position: int
    length: int
    text: str


class Typed(NamedTuple):
    """What a text says: members that all must hold, its time range (microseconds), and hints."""

    members: tuple[Member, ...]
    since: int | None = None
    until: int | None = None
    hints: tuple[Hint, ...] = ()


def me_values(me: Me) -> tuple[str, ...]:
    """The values of `actor` that stand for me. Raises BadQuery where nobody said who that is."""
    if not me.values:
        raise BadQuery(UNKNOWN, HOW, length=len(ME))
    return me.values


def latest(one: int | None, other: int | None) -> int | None:
    """The later beginning of two; None is none."""
    return one if other is None else other if one is None else max(one, other)


def earliest(one: int | None, other: int | None) -> int | None:
    """The earlier end of two; None is none."""
    return one if other is None else other if one is None else min(one, other)
