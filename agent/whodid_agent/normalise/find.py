"""One event searched by a plan: its candidates are tried in their order, and the first that fits its slot is taken.

What somebody or something is called comes from one place each: the members of one object, or keys with one beginning.
"""

from collections.abc import Iterable
from typing import Any

from whodid_agent.normalise import shapes, values
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.search import GUESSED, LIKELY, Candidate, Cluster, Place, Plan
from whodid_agent.normalise.spread import Spread

_NAMING = ("id", "name", "email")
_PEOPLE = ("actor", "actor.on_behalf_of")
_LONGEST_TYPE = 64

Source = tuple[Place, float]
Group = dict[str, Any]


class Finder:
    """The search of one event.

    `found`: group ("" for slots of none) → member → value.
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
        found, used, objects = self.found, self._used, self.spread.objects
        for group, member, accept, candidates in plan.steps:
            for place, confidence in candidates:
                value = objects[place[0]].get(place[1])
                if value is None or place in used:
                    continue
                got = accept(value)
                if got is not None:
                    if group not in found:
                        found[group] = {}
                    found[group][member] = got
                    used[place] = (group, member, confidence)
                    break
        self._weaker()

    def sources(self) -> dict[str, Source]:
        """Slot → its place and how sure it is."""
        found = {
            (f"{group}.{member}" if group else member): (place, confidence)
            for place, (group, member, confidence) in self._used.items()
        }
        return found if self._outcome is None else found | {"outcome": self._outcome}

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

    def _take(self, group: str, member: str, value: Any, source: Source) -> None:
        self.found.setdefault(group, {})[member] = value
        self._used[source[0]] = (group, member, source[1])

    def _try(self, group: str, member: str, accept: shapes.Accept, candidates: Iterable[Candidate]) -> bool:
        objects, used = self.spread.objects, self._used
        for candidate in candidates:
            place = candidate[0]
            if place in used:
                continue
            value = objects[place[0]].get(place[1])
            got = None if value is None else accept(value)
            if got is not None:
                self._take(group, member, got, candidate)
                return True
        return False

    def _weaker(self) -> None:
        """What the usual names did not give: a weaker name, or a value's looks; and objects as they are."""
        top, plan = self.found[""], self._plan
        if "actor.token" in self.found and "role" not in self.found.get("actor", ()):
            # The role that a token acts under stands beside its name.
            self._try("actor", "role", values.text, (Candidate(place, LIKELY) for place in plan.roles))
        if plan.wholes:
            self._wholes()
        singles = plan.singles
        if "action" not in top:
            self._try("", "action", shapes.any_action, singles.get("action", ()))
        if "time" not in top and not self._guess("", "time", plan.times, shapes.moment):
            self._try("", "time", values.KINDS["moment"], singles.get("time", ()))
        ip = self.found["client"].get("ip") if "client" in self.found else None
        if ip is None:
            self._guess("client", "ip", plan.addresses, _written_address)
        elif len(singles["ip"]) > 1 and not shapes.is_public(ip):
            self._public(singles["ip"])
        if "outcome" not in top and "outcome.error" in singles:
            self._failed(singles["outcome.error"])

    def _failed(self, candidates: Iterable[Candidate]) -> None:
        """What an error says of the outcome; it stays where it is, being the reason as well."""
        for place, confidence in candidates:
            got = shapes.failure(self.at(place))
            if got is not None:
                self.found[""]["outcome"] = got
                self._outcome = (place, min(confidence, LIKELY))
                return

    def _guess(self, group: str, member: str, places: Iterable[Place], accept: shapes.Accept) -> bool:
        return self._try(group, member, accept, (Candidate(place, GUESSED) for place in places))

    def _public(self, candidates: Iterable[Candidate]) -> None:
        """A public address beside a private one is the client's, the private one a proxy's."""
        for candidate in candidates:
            got = shapes.client(self.at(candidate.place))
            if got is not None and shapes.is_public(got):
                for place in [place for place, taken in self._used.items() if taken[:2] == ("client", "ip")]:
                    del self._used[place]
                self._take("client", "ip", got, candidate)
                return

    def _wholes(self) -> None:
        """Objects that are a slot's value as they are: changes, and both sides of them."""
        for slot, place in self._plan.wholes:
            value = self.at(place)
            if slot not in self.found[""] and values.whole(value) is not None:
                self._take("", slot, value, (place, LIKELY))

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
        """Name or e-mail of somebody who is told apart by an id alone, from a plain value beside it."""
        for place in (*other.bare, *(place for listed in other.members.values() for _, place in listed)):
            if place in self._used or self.spread.where[place[0]].item is not None:
                continue
            read = shapes.person(self.at(place))
            for member, value in zip(_NAMING[1:], read[1:], strict=True) if read is not None else ():
                if value is not None and member not in actor:
                    self._take("actor", member, value, (place, LIKELY))

    def _fill(self, group: str, cluster: Cluster) -> bool:
        """Fill a group's slots from this cluster; False: nobody and nothing is named there, and nothing is taken."""
        got, places = self._members(group, cluster)
        used, confidence = self._used, cluster.confidence
        for place in cluster.bare:
            if place not in used:
                for member, read in _bare(group, self.at(place)):
                    if member not in got and not (member == "label" and "id" in got):
                        got[member] = read
                        places[place] = ("" if member == "label" else group, member, confidence)
        if not ("id" in got or "name" in got or "email" in got or "label" in got):
            return False
        if "label" in got:
            self.found[""]["label"] = got.pop("label")
        self.found[group] = got
        used.update(places)
        return True

    def _members(self, group: str, cluster: Cluster) -> tuple[Group, dict[Place, tuple[str, str, float]]]:
        """What the cluster's members say, and where; an e-mail address is one, whatever its key says.

        What is called the e-mail address is that, before anything that only looks like one: people choose their names.
        """
        got: Group = {}
        places: dict[Place, tuple[str, str, float]] = {}
        objects, used, confidence = self.spread.objects, self._used, cluster.confidence
        people = group in _PEOPLE
        for member, accept, listed in sorted(cluster.tries, key=_email_first) if people else cluster.tries:
            if member in got:
                continue
            for place in listed:
                value = objects[place[0]].get(place[1])
                read = None if value is None or place in used or place in places else accept(value)
                if read is None or (member == "type" and len(read) > _LONGEST_TYPE):
                    continue
                if people and member != "email" and shapes.is_email(read):
                    if "email" not in got:
                        got["email"] = read
                        places[place] = (group, "email", confidence)
                        continue
                    if read == got["email"]:
                        continue
                got[member] = read
                places[place] = (group, member, confidence)
                break
        return got, places


def _email_first(tried: tuple[str, Any, Any]) -> bool:
    """Sorts what is called the e-mail address to the front, and leaves the others in their order."""
    return tried[0] != "email"


def _bare(group: str, value: Any) -> list[tuple[str, Any]]:
    """Members that a plain value under a group's own word (`actor: jane`) stands for."""
    if type(value) is list:
        value = value[0] if value and type(value[0]) in (str, int) else None
    if value is None or type(value) is bool:
        return []
    if group == "target":
        text = values.name(value)
        if text is None:
            return []
        return [("id" if type(value) is not str or shapes.is_id(text) else "label", text)]
    read = shapes.person(value)
    if read is None:
        return []
    return [
        (member, part)
        for member, part in zip(_NAMING, read, strict=True)
        if part is not None and f"{group}.{member}" in SLOTS
    ]


def _written_address(value: Any) -> str | None:
    """An address that can be nothing else: version numbers and times have colons and dots too."""
    if type(value) is not str or not (value.count(".") == 3 or value.count(":") >= 2):
        return None
    return values.address(value)
