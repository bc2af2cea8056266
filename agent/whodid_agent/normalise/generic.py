"""Any JSON event: who, what, when and from where, found by the names that audit logs usually give them.

    event ─► spread (values, shape) ─► plan of that shape ─► values that fit ─► draft

The names are data (`names:` in profiles/generic.yaml); `search` says where to look, `shapes` what a value must look
like. Nothing is invented: what is not found stays empty, what is not used stays in the metadata.
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from whodid_agent.normalise import shapes, values
from whodid_agent.normalise.draft import GROUPS, SLOTS, Draft, build
from whodid_agent.normalise.interpret import rest
from whodid_agent.normalise.lexicon import PERHAPS, STRONG, Lexicon
from whodid_agent.normalise.profile import Profile
from whodid_agent.normalise.search import GUESSED, LIKELY, Candidate, Cluster, Plan, make_plan
from whodid_agent.normalise.spread import Spread

_MOST_PLANS = 512
_LONGEST_SHAPE = 512

_ACCEPT: dict[str, shapes.Accept] = {
    "time": shapes.moment,
    "action": shapes.action,
    "client.ip": shapes.client,
    "client.user_agent": shapes.words,
    "outcome": shapes.outcome,
    "outcome.error": shapes.failure,
}
_SINGLES = (
    "time", "action", "ip", "user_agent", "device", "country", "outcome", "reason", "description", "session_id",
    "request_id", "app", "category", "layer", "surface",
)  # fmt: skip
_CLIENT = frozenset(GROUPS["client"][1])


class Place(NamedTuple):
    """Where a slot was filled from: the keys that lead there, and how sure it is (0 to 1)."""

    path: tuple[str, ...]
    confidence: float


class Search:
    """A profile that searches, at work: its tables, and the plans of the shapes that were met (bounded)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lexicon = Lexicon(profile.names)
        self._plans: dict[tuple[Hashable, ...], Plan] = {}

    def extract(self, event: dict[str, Any]) -> Draft:
        """The draft of an event of unknown form. Takes what it uses out of `event`."""
        finder = self._searched(event)
        finder.remove()
        return build(finder.found, rest(event, self._profile.lift), None)

    def places(self, event: dict[str, Any]) -> dict[str, Place]:
        """Slot → the place that it would be filled from. The event stays whole."""
        return self._searched(event).places()

    def _searched(self, event: dict[str, Any]) -> "_Finder":
        spread = Spread(event)
        finder = _Finder(spread, self._plan(spread))
        finder.run()
        return finder

    def _plan(self, spread: Spread) -> Plan:
        shape = spread.shape
        found = self._plans.get(shape)
        if found is None:
            found = make_plan(spread, self._lexicon)
            if len(shape) <= _LONGEST_SHAPE:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[shape] = found
        return found


class _Finder:
    """One event being searched; `taken` has the numbers of the values that slots were filled from."""

    def __init__(self, spread: Spread, plan: Plan) -> None:
        self.spread = spread
        self.plan = plan
        self.found: dict[str, Any] = {}
        self.taken: dict[int, str] = {}
        self.sure: dict[str, tuple[int, float]] = {}
        self.whole: dict[str, tuple[int, str]] = {}

    def run(self) -> None:
        """Fill `found`: slot → value."""
        self._person()
        for group in ("actor.token", "actor.on_behalf_of", "target", "workspace", "project"):
            self._group(group, self.plan.clusters[group])
        for single in _SINGLES:
            slot = f"client.{single}" if single in _CLIENT else single
            accept = _ACCEPT.get(slot) or values.KINDS[SLOTS[slot]]
            self._try(slot, self.plan.singles.get(single, ()), accept)
        self._missing()
        self._wholes()

    def _take(self, slot: str, number: int, value: Any, confidence: float) -> None:
        self.found[slot] = value
        self.taken[number] = slot
        self.sure[slot] = (number, confidence)

    def _try(self, slot: str, candidates: Iterable[Candidate], accept: shapes.Accept) -> bool:
        for number, confidence in candidates:
            if number in self.taken:
                continue
            value = self.spread.values[number]
            got = None if value is None else accept(value)
            if got is not None:
                self._take(slot, number, got, confidence)
                return True
        return False

    def _missing(self) -> None:
        """What the usual names did not give: a weaker name, or a value's looks."""
        found, plan = self.found, self.plan
        if "action" not in found:
            self._try("action", plan.singles.get("action", ()), shapes.any_action)
        if "time" not in found:
            self._try("time", (Candidate(number, GUESSED) for number in plan.times), shapes.moment)
            if "time" not in found:
                self._try("time", plan.singles.get("time", ()), values.KINDS["moment"])
        if "client.ip" not in found:
            self._try("client.ip", (Candidate(number, GUESSED) for number in plan.addresses), _written_address)
        elif not shapes.is_public(found["client.ip"]):
            self._public()
        if "outcome" not in found:
            for number, confidence in plan.singles.get("outcome.error", ()):
                got = shapes.failure(self.spread.values[number])
                if got is not None:
                    found["outcome"] = got
                    self.sure["outcome"] = (number, min(confidence, LIKELY))
                    break

    def _public(self) -> None:
        """A public address beside a private one is the client's, the private one a proxy's."""
        for number, confidence in self.plan.singles.get("ip", ()):
            got = shapes.client(self.spread.values[number])
            if got is not None and shapes.is_public(got):
                self.taken.pop(self.sure["client.ip"][0], None)
                self._take("client.ip", number, got, confidence)
                return

    def _person(self) -> None:
        """The actor: the surest cluster in which somebody is named; another may add what it lacks."""
        clusters = self.plan.clusters["actor"]
        for position, cluster in enumerate(clusters):
            if self._fill("actor", cluster):
                for other in clusters[position + 1 :]:
                    if "actor.email" in self.found or "actor.name" in self.found:
                        break
                    self._supplement(cluster, other)
                return
        for slot in [slot for slot in self.found if slot.startswith("actor.")]:
            if slot not in ("actor.type", "actor.role"):
                del self.found[slot]

    def _supplement(self, cluster: Cluster, other: Cluster) -> None:
        """Name or e-mail of a user who is told apart by an id alone, from a plain value beside it."""
        if other.strength == STRONG and cluster.strength == STRONG and not other.bare:
            return
        values_ = self.spread.values
        for number in (*other.bare, *(number for listed in other.members.values() for _, number in listed)):
            if number in self.taken:
                continue
            read = shapes.person(values_[number])
            if read is None:
                continue
            for member, value in zip(("name", "email"), read[1:], strict=True):
                if value is not None and f"actor.{member}" not in self.found:
                    self._take(f"actor.{member}", number, value, LIKELY)

    def _group(self, group: str, clusters: list[Cluster]) -> None:
        for cluster in clusters:
            if self._fill(group, cluster):
                return

    def _fill(self, group: str, cluster: Cluster) -> bool:
        """Fill a group's slots from this cluster; False: nobody and nothing is named there, and nothing is taken."""
        before = dict(self.found), dict(self.taken), dict(self.sure)
        for member, listed in cluster.members.items():
            slot = f"{group}.{member}"
            if slot not in SLOTS:
                continue
            accept = values.name if member in ("id", "name", "email") else values.KINDS[SLOTS[slot]]
            for _, number in listed:
                if number in self.taken:
                    continue
                value = self.spread.values[number]
                got = None if value is None else accept(value)
                if got is not None and self._fits(group, member, got):
                    self._place(group, member, number, got, cluster.confidence)
                    break
        for number in cluster.bare:
            self._bare(group, number, cluster.confidence)
        if any(f"{group}.{member}" in self.found for member in ("id", "name", "email", "label")):
            return True
        self.found, self.taken, self.sure = before
        return False

    def _fits(self, group: str, member: str, value: Any) -> bool:
        if member == "email":
            return values.looks_like_email(value)
        return not (group == "actor" and member == "type" and len(value) > 64)

    def _place(self, group: str, member: str, number: int, value: Any, confidence: float) -> None:
        """Put a member where it belongs: an e-mail address is one, whatever its key says."""
        mail = group in ("actor", "actor.on_behalf_of") and member in ("id", "name")
        if mail and values.looks_like_email(value) and f"{group}.email" not in self.found:
            member = "email"
        if f"{group}.{member}" not in self.found:
            self._take(f"{group}.{member}", number, value, confidence)

    def _bare(self, group: str, number: int, confidence: float) -> None:
        """A plain value under a group's own word."""
        value = self.spread.values[number]
        if number in self.taken or type(value) is bool:
            return
        if type(value) is list:
            value = value[0] if value and type(value[0]) in (str, int) else None
        if group == "target":
            text = values.name(value)
            if text is not None and "target.label" not in self.found and "target.id" not in self.found:
                label = "target.label" if type(value) is str and not shapes.is_id(text) else "target.id"
                self._take(label, number, text, confidence)
            return
        read = shapes.person(value)
        if read is None:
            return
        for member, got in zip(("id", "name", "email"), read, strict=True):
            slot = f"{group}.{member}"
            if got is not None and slot in SLOTS and slot not in self.found:
                self._take(slot, number, got, confidence)

    def places(self) -> dict[str, Place]:
        """Where the slots were filled from."""
        found = {slot: Place(self.spread.path(number), sure) for slot, (number, sure) in self.sure.items()}
        for slot, (holder, key) in self.whole.items():
            found[slot] = Place((*self.spread.holder_path(holder), key), LIKELY)
        return found

    def remove(self) -> None:
        """Take what was used out of the event, and the objects that nothing is left of."""
        holders = self.spread.holders
        emptied = set()
        for holder, key in self.whole.values():
            if holders[holder].loose:
                holders[holder].value.pop(key, None)
                emptied.add(holder)
        for number in self.taken:
            if self.spread.can_be_taken(number):
                inside = self.spread.inside[number]
                holders[inside].value.pop(self.spread.keys[number], None)
                emptied.add(inside)
        for inside in sorted(emptied, reverse=True):
            at = inside
            while at > 0 and not holders[at].value:
                outer = holders[holders[at].inside].value
                outer.pop(holders[at].key, None)
                at = holders[at].inside

    def _wholes(self) -> None:
        """Objects that are a slot's value as they are: changes, and both sides of them."""
        for slot, holder, key in self.plan.wholes:
            value = self.spread.holders[holder].value.get(key)
            if slot not in self.found and values.whole(value) is not None:
                self.found[slot] = value
                self.whole[slot] = (holder, key)


def _written_address(value: Any) -> str | None:
    """An address that can be nothing else: version numbers and times have colons and dots too."""
    if type(value) is not str or not (value.count(".") == 3 or value.count(":") >= 2):
        return None
    return values.address(value)
