"""Any JSON event: who, what, when and from where, found by the names that audit logs usually give them.

    event ─► recall of what was found in others like it (`memory`), else
             spread (objects, shape) ─► plan of that shape ─► values that fit (`find`) ─► draft

The names are data (`names:` in profiles/generic.yaml); `search` says where to look, `shapes` what a value must look
like. Nothing is invented: what is not found stays empty, what is not used stays in the metadata.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from whodid_agent.normalise.draft import Draft, grouped
from whodid_agent.normalise.interpret import rest
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.unknown.find import Finder
from whodid_agent.normalise.unknown.lexicon import Lexicon
from whodid_agent.normalise.unknown.memory import Memory
from whodid_agent.normalise.unknown.noting import Noting
from whodid_agent.normalise.unknown.plan import Plan
from whodid_agent.normalise.unknown.search import make_plan
from whodid_agent.normalise.unknown.spread import Spread

_MOST_PLANS = 512


class Evidence(NamedTuple):
    """Where a slot was filled from: the keys that lead there, and how sure it is (0 to 1)."""

    path: tuple[str, ...]
    confidence: float


class Search:
    """A profile that searches, at work: its tables, and the plans of the shapes that were met (bounded)."""

    def __init__(self, profile: Profile) -> None:
        self._lift = profile.lift
        self._lexicon = Lexicon(profile.names)
        self._memory = Memory(self._lexicon, tuple(profile.lift))
        self._plans: dict[Hashable, Plan] = {}

    def extract(self, event: dict[str, Any], data: bytes, shape: tuple[str, ...]) -> Draft | Plain:
        """The draft of an event of unknown form (its keys: `shape`), or what a plain one is made of; uses it up.

        `data`: the bytes that it was decoded from.
        """
        recalled = self._memory.recall(event, data, shape)
        if recalled is not None:
            return recalled
        spread = Spread(event)
        plan = self._plan(spread)
        finder = Noting(spread, plan) if self._memory.is_due(shape) else Finder(spread, plan)
        finder.run()
        if isinstance(finder, Noting):
            self._memory.keep(finder, data, shape)
        finder.remove()
        return grouped(finder.found, rest(event, self._lift))

    def evidence(self, event: dict[str, Any]) -> dict[str, Evidence]:
        """Slot → where it would be filled from. The event stays whole."""
        finder = self.look(event)
        path = finder.spread.path
        return {slot: Evidence(path(*place), sure) for slot, (place, sure) in finder.sources().items()}

    def look(self, event: dict[str, Any]) -> Finder:
        """The search of an event, which stays whole."""
        spread = Spread(event)
        finder = Finder(spread, self._plan(spread))
        finder.run()
        return finder

    def _plan(self, spread: Spread) -> Plan:
        # A hash of 64 bits that differs from process to process: nobody can make two shapes of one.
        shape = hash(spread.shape) if spread.is_large() else spread.shape
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[shape] = make_plan(spread, self._lexicon)
        return plan
