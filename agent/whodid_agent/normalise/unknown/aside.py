"""Objects in which the search looks for nothing (changes, settings, what stands in `other`): told by their keys alone.

Such objects differ from event to event, field by field, and yet make no difference to what is found.
"""

from typing import Any

from whodid_agent.normalise.unknown.lexicon import Lexicon, plain
from whodid_agent.normalise.unknown.spread import pair_keys

MANY = 1_000
"""More objects than any event has that is looked at: there is something to be looked for."""

_MOST_KNOWN = 4_096


class Aside:
    """Which keys say nothing in such an object, by the last plain key that led there; remembered, bounded."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._idle: dict[str, dict[str, str]] = {}
        self._room = _MOST_KNOWN

    def objects(self, one: dict[str, Any], last: str) -> int:
        """How many objects this is, itself counted; MANY or more where the search may find something in one of them."""
        idle = self._idle.get(last)
        if idle is None or not idle.keys() >= one.keys():
            idle = self._learnt(one, last)
            if idle is None:
                return MANY
        count = 1
        for key, value in one.items():
            kind = type(value)
            if kind is dict:
                count += self.objects(value, idle[key])
            elif kind is list and value:
                count += self._members(value, idle[key])
        return count

    def _members(self, values: list[Any], last: str) -> int:
        first = values[0]
        if type(first) is dict and pair_keys(first) is not None:
            return MANY
        return sum(self.objects(value, last) for value in values if type(value) is dict)

    def _learnt(self, one: dict[str, Any], last: str) -> dict[str, str] | None:
        """The keys known to say nothing, this object's among them; None: one of these says something."""
        for key in one:
            name = plain(key)
            if not key or key[0] in ".$" or "." in key or "/" in key or self._lexicon.singles.get(last + name):
                return None
        self._room -= len(one)
        if self._room < 0:
            self._idle.clear()
            self._room = _MOST_KNOWN - len(one)
        idle = self._idle.setdefault(last, {})
        for key in one:
            idle[key] = plain(key) or last
        return idle
