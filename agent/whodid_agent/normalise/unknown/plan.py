"""A plan: what to try for an event of one shape, slot by slot, and what a value must look like to be taken for it."""

from typing import Any, NamedTuple

from msgspec import Struct

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import GROUPS, SLOTS
from whodid_agent.normalise.unknown import shapes
from whodid_agent.normalise.unknown.shapes import Accept

SURE, LIKELY, GUESSED = 0.95, 0.75, 0.4
"""Confidence: a name that can hardly mean anything else; one that often means it; found by the value's looks alone."""

_LONGEST_TYPE = 64

Place = tuple[int, str]
"""An object of the spread, and a key in it."""


class Candidate(NamedTuple):
    """A value to try."""

    place: Place
    confidence: float


class Cluster(Struct, gc=False):
    """Values that speak of one person or thing: `members` by name, and `bare` values that stand for it all."""

    score: float
    confidence: float
    group: str
    word: str
    strength: int
    members: dict[str, list[tuple[int, Place]]]
    bare: list[Place]
    tries: list[tuple[str, Accept, list[Place]]] = []


class Plan(NamedTuple):
    """What to try for an event of one shape.

    `clocks`: for a place that is called a date, the place beside it that is called the time of the same thing.
    `aside`: the objects in which nothing is looked for, each with the last plain word that leads there.
    """

    singles: dict[str, list[Candidate]]
    clusters: dict[str, list[Cluster]]
    things: list[str]
    steps: list[tuple[str, str, Accept, list[Candidate]]]
    times: list[Place]
    addresses: list[Place]
    wholes: list[tuple[str, Place]]
    roles: list[Place]
    clocks: dict[Place, Place]
    aside: dict[int, str]


_ACCEPT: dict[str, Accept] = {
    "time": shapes.moment,
    "action": shapes.action,
    "client.ip": shapes.client,
    "client.user_agent": shapes.words,
    "outcome": shapes.outcome,
}
_CLIENT = frozenset(GROUPS["client"][1])
_SINGLES = (
    "time", "action", "ip", "user_agent", "device", "country", "outcome", "reason", "description", "session_id",
    "request_id", "app", "category", "layer", "surface",
)  # fmt: skip
"""Slots of a single value, in the order in which they take theirs."""


def steps_of(singles: dict[str, list[Candidate]]) -> list[tuple[str, str, Accept, list[Candidate]]]:
    """Group, member, what a value must be, and the candidates, for the slots that have any."""
    found = []
    for member in _SINGLES:
        if member in singles:
            group = "client" if member in _CLIENT else ""
            slot = f"{group}.{member}" if group else member
            found.append((group, member, _ACCEPT.get(slot) or values.KINDS[SLOTS[slot]], singles[member]))
    return found


def accept_of(group: str, member: str) -> Accept:
    """What a value must look like to be this member of a group."""
    if member == "email":
        return email
    if member == "type":
        return _type
    return values.name if member in ("id", "name") else values.KINDS[SLOTS[f"{group}.{member}"]]


def email(value: Any) -> str | None:
    """Text that is an e-mail address."""
    return value if type(value) is str and shapes.is_email(value) else None


def _type(value: Any) -> str | None:
    found = values.text(value)
    return found if found is not None and len(found) <= _LONGEST_TYPE else None


def known_id(value: Any) -> str | None:
    """An id that can be no name."""
    found = values.name(value)
    return found if found is not None and (type(value) is not str or shapes.is_id(found)) else None
