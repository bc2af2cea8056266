"""Any JSON event: who, what, when and from where, found by the names that audit logs usually give them.

    event ─► spread (objects, shape) ─► plan of that shape ─► values that fit (`find`) ─► draft

The names are data (`names:` in profiles/generic.yaml); `search` says where to look, `shapes` what a value must look
like. Nothing is invented: what is not found stays empty, what is not used stays in the metadata.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from whodid_agent.normalise.draft import GROUPS, RECORD_SLOTS, Draft
from whodid_agent.normalise.find import Finder
from whodid_agent.normalise.interpret import rest
from whodid_agent.normalise.lexicon import Lexicon
from whodid_agent.normalise.profile import Profile
from whodid_agent.normalise.search import Plan, make_plan
from whodid_agent.normalise.spread import Spread
from whodid_schema.record import Actor, Record

_MOST_PLANS = 512
_LONGEST_SHAPE = 192


class Evidence(NamedTuple):
    """Where a slot was filled from: the keys that lead there, and how sure it is (0 to 1)."""

    path: tuple[str, ...]
    confidence: float


class Search:
    """A profile that searches, at work: its tables, and the plans of the shapes that were met (bounded)."""

    def __init__(self, profile: Profile) -> None:
        self._lift = profile.lift
        self._lexicon = Lexicon(profile.names)
        self._plans: dict[tuple[Hashable, ...], Plan] = {}

    def extract(self, event: dict[str, Any]) -> Draft:
        """The draft of an event of unknown form. Takes what it uses out of `event`."""
        finder = self._searched(event)
        finder.remove()
        return _draft(finder.found, rest(event, self._lift) if self._lift else event or None)

    def evidence(self, event: dict[str, Any]) -> dict[str, Evidence]:
        """Slot → where it would be filled from. The event stays whole."""
        finder = self._searched(event)
        path = finder.spread.path
        return {slot: Evidence(path(*place), sure) for slot, (place, sure) in finder.sources().items()}

    def look(self, event: dict[str, Any]) -> Finder:
        """The search of an event, which stays whole."""
        return self._searched(event)

    def _searched(self, event: dict[str, Any]) -> Finder:
        spread = Spread(event)
        plan = self._plans.get(spread.shape)
        if plan is None:
            plan = self._planned(spread)
        finder = Finder(spread, plan)
        finder.run()
        return finder

    def _planned(self, spread: Spread) -> Plan:
        plan = make_plan(spread, self._lexicon)
        if len(spread.shape) <= _LONGEST_SHAPE:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[spread.shape] = plan
        return plan


def _draft(found: dict[str, dict[str, Any]], metadata: dict[str, Any] | None) -> Draft:
    """The draft of what was found: group ("" for what is in none) → member → value; as `draft.build`, in less time."""
    top = found.pop("")
    record = Record(metadata=metadata)
    draft = Draft(record, label=top.pop("label", None))
    for slot, value in top.items():
        setattr(record if slot in RECORD_SLOTS else draft, slot, value)
    for group in sorted(found):  # an actor before its token
        members = found[group]
        one = GROUPS[group][0](**members)
        if "." not in group:
            setattr(record, group, one)
        else:
            if record.actor is None:
                record.actor = Actor()
            setattr(record.actor, group.rpartition(".")[2], one)
    return draft
