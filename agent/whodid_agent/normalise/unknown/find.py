"""One event searched by a plan: its candidates are tried in their order, and the first that fits its slot is taken.

What somebody or something is called comes from one place each: the members of one object, or keys with one beginning.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.unknown import shapes
from whodid_agent.normalise.unknown.plan import GUESSED, LIKELY, SURE, Candidate, Cluster, Place, Plan, email
from whodid_agent.normalise.unknown.shapes import Accept
from whodid_agent.normalise.unknown.spread import Spread

_NAMING = ("id", "name", "email")
_THING = ("id", "label")
_SORTS = frozenset({"resource", "object", "entity", "record", "item", "model", "auditable"})
"""Words for a thing that say what sort it is where its id stands beside them."""
_PEOPLE = ("actor", "actor.on_behalf_of")

Source = tuple[Place, float]
Group = dict[str, Any]


class Took(NamedTuple):
    """A value taken: whose, from where, and the question that it answered (`part`: of an answer of several)."""

    group: str
    member: str
    value: Any
    place: Place
    confidence: float
    question: Accept
    part: int | None = None


class Finder:
    """The search of one event.

    `found`: group ("" for slots of none) → member → value. All that the search wants to know of values it asks by
    `_ask`, `_equal` and `_joined`, and all that it finds goes through `_keep`: events of one shape whose values answer
    alike are searched alike (see `recall`).
    """

    __slots__ = ("_outcome", "_plan", "_used", "found", "spread")

    def __init__(self, spread: Spread, plan: Plan) -> None:
        self.spread = spread
        self._plan = plan
        self.found: dict[str, Group] = {"": {}}
        self._used: dict[Place, tuple[str, str, float]] = {}
        self._outcome: Source | None = None

    def run(self) -> None:
        """Fill `found`."""
        plan = self._plan
        self._actor(plan.clusters["actor"])
        for group in plan.things:
            for cluster in plan.clusters[group]:
                if self._fill(group, cluster):
                    break
        for group, member, accept, candidates in plan.steps:
            self._try(group, member, accept, candidates)
        self._weaker()

    def sources(self) -> dict[str, Source]:
        """Slot → its place and how sure it is."""
        found = {
            (f"{group}.{member}" if group else member): (place, confidence)
            for place, (group, member, confidence) in self._used.items()
        }
        return found if self._outcome is None else found | {"outcome": self._outcome}

    def used(self) -> Iterable[Place]:
        """The places that something was taken from, which leaves the event."""
        return self._used

    def remove(self) -> None:
        """Take what was used out of the event, and the objects that nothing is left of."""
        objects, where = self.spread.objects, self.spread.where
        emptied = set()
        for inside, key in self._used:
            if where[inside].loose:
                one = objects[inside]
                one.pop(key, None)
                if not one:
                    emptied.add(inside)
        while emptied:
            number = emptied.pop()
            inside, key = where[number][:2]
            if inside >= 0 and not objects[number]:
                objects[inside].pop(key, None)
                emptied.add(inside)

    def at(self, place: Place) -> Any:
        """The value at a place."""
        return self.spread.objects[place[0]].get(place[1])

    def _ask(self, place: Place, question: Accept) -> Any:
        """What the value at a place answers; None: nothing."""
        value = self.spread.objects[place[0]].get(place[1])
        return None if value is None else question(value)

    def _equal(self, one: Took, other: Took) -> bool:
        """Whether the values of two places are equal."""
        return bool(one.value == other.value)

    def _keep(self, took: Took) -> None:
        """Fill a slot; the value stays in the event."""
        found = self.found.get(took.group)
        if found is None:
            found = self.found[took.group] = {}
        found[took.member] = took.value

    def _take(self, took: Took) -> None:
        """Fill a slot with what leaves the event."""
        self._keep(took)
        self._used[took.place] = (took.group, took.member, took.confidence)

    def _try(self, group: str, member: str, accept: Accept, candidates: Iterable[Candidate]) -> bool:
        used, ask = self._used, self._ask
        for place, confidence in candidates:
            if place not in used:
                got = ask(place, accept)
                if got is not None:
                    self._take(Took(group, member, got, place, confidence, accept))
                    return True
        return False

    def _weaker(self) -> None:
        """What the usual names did not give: a weaker name, or a value's looks; and objects as they are."""
        top, plan = self.found[""], self._plan
        if "actor.token" in self.found and "role" not in self.found.get("actor", ()):
            # The role that a token acts under stands beside its name.
            self._try("actor", "role", values.text, (Candidate(place, LIKELY) for place in plan.roles))
        for slot, place in plan.wholes:
            # Objects that are a slot's value as they are: changes, and both sides of them.
            if slot not in top:
                self._try("", slot, values.whole, (Candidate(place, LIKELY),))
        singles = plan.singles
        if "action" not in top:
            self._try("", "action", shapes.any_action, singles.get("action", ()))
        if "time" not in top and not self._guess("", "time", plan.times, shapes.moment):
            self._try("", "time", values.KINDS["moment"], singles.get("time", ()))
        if plan.clocks:
            self._join(plan.clocks)
        if "ip" not in self.found.get("client", ()):
            self._guess("client", "ip", plan.addresses, _written_address)
        elif len(singles["ip"]) > 1:
            self._public(singles["ip"])
        if "outcome" not in top and "outcome.error" in singles:
            self._failed(singles["outcome.error"])

    def _join(self, clocks: Mapping[Place, Place]) -> None:
        """Date and time of day that stand in two places."""
        taken = next(
            (place for place, (group, member, _) in self._used.items() if (group, member) == ("", "time")), None
        )
        for date, clock in clocks.items():
            if clock in self._used or taken not in (None, date) or (taken is None and date in self._used):
                continue
            day, hour = self._ask(date, shapes.day), self._ask(clock, shapes.clock)
            moment = None if day is None or hour is None else self._joined(day, hour)
            if moment is not None:
                self._take(Took("", "time", moment, clock, SURE, shapes.clock))
                self._used[date] = ("", "time", SURE)
                return

    def _joined(self, day: str, clock: str) -> Any:
        """What the answers of two places are together."""
        return shapes.joined(day, clock)

    def _failed(self, candidates: Iterable[Candidate]) -> None:
        """What an error says of the outcome; it stays where it is, being the reason as well."""
        for place, confidence in candidates:
            got = self._ask(place, shapes.failure)
            if got is not None:
                self._outcome = (place, min(confidence, LIKELY))
                self._keep(Took("", "outcome", got, place, confidence, shapes.failure))
                return

    def _guess(self, group: str, member: str, places: Iterable[Place], accept: Accept) -> bool:
        return self._try(group, member, accept, (Candidate(place, GUESSED) for place in places))

    def _public(self, candidates: Iterable[Candidate]) -> None:
        """A public address beside a private one is the client's, the private one a proxy's."""
        (taken,) = (place for place, (group, member, _) in self._used.items() if (group, member) == ("client", "ip"))
        for place, confidence in candidates:
            got = None if place == taken else self._ask(place, _public_client)
            if got is not None:
                if self._ask(taken, _public_client) is None:
                    del self._used[taken]
                    self._take(Took("client", "ip", got, place, confidence, _public_client))
                return

    def _actor(self, clusters: list[Cluster]) -> None:
        """The actor: the surest place where somebody is named; another may add what that one lacks."""
        for position, cluster in enumerate(clusters):
            if self._fill("actor", cluster):
                actor = self.found["actor"]
                if "email" not in actor and "name" not in actor:
                    for other in clusters[position + 1 :]:
                        self._supplement(actor, other)
                return

    def _supplement(self, actor: Group, other: Cluster) -> None:
        """Name or e-mail of somebody who is told apart by an id alone, from a plain value beside it.

        What is called an id there gives no name: it is the same one, perhaps.
        """
        tried = [(place, member == "id") for member, listed in other.members.items() for _, place in listed]
        for place, is_id in (*((place, False) for place in other.bare), *tried):
            if place in self._used or self.spread.where[place[0]].item is not None:
                continue
            read = self._ask(place, shapes.person)
            for part in () if read is None else (2,) if is_id else (1, 2):
                if read[part] is not None and _NAMING[part] not in actor:
                    self._take(Took("actor", _NAMING[part], read[part], place, LIKELY, shapes.person, part))

    def _fill(self, group: str, cluster: Cluster) -> bool:
        """Fill a group's slots from this cluster; False: nobody and nothing is named there, and nothing is taken."""
        got = self._members(group, cluster)
        question, names = (_thing, _THING) if group == "target" else (_person, _NAMING)
        for place in cluster.bare:
            if place not in self._used:
                if cluster.word in _SORTS and "id" in got and "type" not in got:
                    kind = self._ask(place, shapes.kind)
                    if kind is not None:  # `resource: invoice` beside `resource_id: 9`
                        got["type"] = Took(group, "type", kind, place, cluster.confidence, shapes.kind)
                        continue
                read = self._ask(place, question)
                for part, member in enumerate(names) if read is not None else ():
                    if read[part] is None or member in got or not _takes(group, member):
                        continue
                    if not (member == "label" and "id" in got):
                        whose = "" if member == "label" else group
                        got[member] = Took(whose, member, read[part], place, cluster.confidence, question, part)
        if not ("id" in got or "name" in got or "email" in got or "label" in got):
            return False
        self.found[group] = {}  # a thing may have a label alone
        for took in got.values():
            self._take(took)
        return True

    def _members(self, group: str, cluster: Cluster) -> dict[str, Took]:
        """What the cluster's members say; an e-mail address is one, whatever its key says.

        What is called the e-mail address is that, before anything that only looks like one: people choose their names.
        """
        got: dict[str, Took] = {}
        taken: set[Place] = set()
        used, confidence, ask = self._used, cluster.confidence, self._ask
        people = group in _PEOPLE
        for member, accept, listed in sorted(cluster.tries, key=_email_first) if people else cluster.tries:
            if member in got:
                continue
            for place in listed:
                read = None if place in used or place in taken else ask(place, accept)
                if read is None:
                    continue
                took = Took(group, member, read, place, confidence, accept)
                if people and member != "email" and ask(place, email) is not None:
                    if "email" not in got:
                        took = took._replace(member="email")
                    elif self._equal(got["email"], took):
                        continue
                got[took.member] = took
                taken.add(place)
                if took.member == member:
                    break
        return got


def _takes(group: str, member: str) -> bool:
    return f"{group}.{member}" in SLOTS


def _email_first(tried: tuple[str, Any, Any]) -> bool:
    """Sorts what is called the e-mail address to the front, and leaves the others in their order."""
    return tried[0] != "email"


def _first(value: Any) -> Any:
    """Of a list its first, if that is a text or a number; never true or false."""
    if type(value) is list:
        value = value[0] if value and type(value[0]) in (str, int) else None
    return None if type(value) is bool else value


def _person(value: Any) -> tuple[str | None, str | None, str | None] | None:
    """Id, name and e-mail that a plain value under a group's own word (`actor: jane`) stands for."""
    value = _first(value)
    return None if value is None else shapes.person(value)


def _thing(value: Any) -> tuple[str | None, str | None] | None:
    """Id or label that a plain value under a thing's own word (`target: "Contact: Ann"`) stands for."""
    value = _first(value)
    text = None if value is None else values.name(value)
    if text is None:
        return None
    return (text, None) if type(value) is not str or shapes.is_id(text) else (None, text)


def _public_client(value: Any) -> str | None:
    found = shapes.client(value)
    return found if found is not None and shapes.is_public(found) else None


def _written_address(value: Any) -> str | None:
    """An address that can be nothing else: version numbers and times have colons and dots too."""
    if type(value) is not str or not (value.count(".") == 3 or value.count(":") >= 2):
        return None
    return values.address(value)
