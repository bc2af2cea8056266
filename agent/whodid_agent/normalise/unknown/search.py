"""Where an event of unknown form can have what a record asks for: a plan, made of the event's keys alone.

    shape of an event ─► plan: for each slot the values to try, the best first, each with a confidence

A key is read in its context (`context`). Which of the candidates serves is up to their values (`find`). Plans are kept
by shape: events of one application come in few.
"""

from collections.abc import Sequence

from msgspec import structs

from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.unknown.context import TOP, Context, Contexts, parts_of
from whodid_agent.normalise.unknown.lexicon import OTHER, PERHAPS, STRONG, Lexicon, Member, Word, all_plain, plain
from whodid_agent.normalise.unknown.plan import (
    LIKELY,
    SURE,
    Candidate,
    Cluster,
    Place,
    Plan,
    accept_of,
    email,
    known_id,
    steps_of,
)
from whodid_agent.normalise.unknown.shapes import Accept
from whodid_agent.normalise.unknown.spread import Spread

_MOST_CANDIDATES = 6
_MOST_PERSONS = 6
_MOST_SCANNED = 16
_DEPTH = 3
_ASIDE = 12
_FAR_DOWN = 40
_FEW = 4
"""Keys of an object that are looked at one by one."""
_MOST_TOLD, _MOST_STEPS = 64, 96
"""Keys of an event that say something, and steps in its keys with dots, that are looked at: twice what events have."""

_BANNED = {
    "actor": frozenset(
        {
            "time",
            "action",
            "outcome",
            "outcome.error",
            "reason",
            "category",
            "description",
            "changes",
            "before",
            "after",
        }
    ),
    "actor.token": frozenset({"time", "action", "outcome", "outcome.error", "reason", "category", "description"}),
    "target": frozenset({"time", "ip", "user_agent", "device", "country", "description", "session_id", "reason"}),
    "workspace": frozenset({"time", "ip", "user_agent", "action", "outcome", "description"}),
    "project": frozenset({"time", "ip", "user_agent", "action", "outcome", "description"}),
}
_BANNED["actor.on_behalf_of"] = _BANNED["actor"] | {"ip", "user_agent"}
_GROUPS = ("actor", "actor.token", "actor.on_behalf_of", "target", "workspace", "project")
_ROLES_IN = (None, "actor", "actor.token")
_LOOKED_AT = (None, "actor")
_EITHER = "subject"
_WHOLES = frozenset({"changes", "before", "after"})
_OFTEN_ELSE = frozenset({"type", "name", "method", "status", "level", "source", "location", "state", "info", "code"})
_NOT_THE_CLIENTS = (
    "server",
    "dest",
    "dst",
    "target",
    "local",
    "version",
    "listen",
    "bind",
    "node",
    "cluster",
    "new",
    "old",
)
_DATE, _TIME = "date", "time"
_TIMELY = ("time", "date", "stamp", "at", "ts", "when", "epoch", "datetime", "on")
_NOT_THE_TIME = (
    "expir",
    "valid",
    "until",
    "duration",
    "last",
    "birth",
    "update",
    "modif",
    "next",
    "elapsed",
    "due",
    "login",
)


def make_plan(spread: Spread, lexicon: Lexicon) -> Plan:
    """The plan for events of this shape."""
    return _Planner(spread, lexicon).plan()


class _Planner:
    """The making of one plan."""

    def __init__(self, spread: Spread, lexicon: Lexicon) -> None:
        self.spread = spread
        self.lexicon = lexicon
        self._contexts = Contexts(lexicon)
        self.scored: dict[str, list[tuple[float, Place, float]]] = {}
        self.clusters: dict[tuple[str, str, str], Cluster] = {}
        self.wholes: list[tuple[int, str, Place]] = []
        self.times: list[Place] = []
        self.roles: list[Place] = []
        self.addresses: list[Place] = []
        self.contexts: list[tuple[Context, Context, str]] = []
        self._told = 0
        self._dotted: dict[tuple[int, str], tuple[Context, Context, str]] = {}
        self._steps = 0

    def plan(self) -> Plan:
        for number, where in enumerate(self.spread.where):
            if number == 0:
                self.contexts.append((TOP, TOP, ""))
            else:
                outer, _, last = self.contexts[where.inside]
                self.contexts.append(self._contexts.through(outer, last, where.key, number))
                self._whole(number)
        for number, keys in self.spread.places():
            if self._told > _MOST_TOLD:
                break
            self._values(number, keys)
        singles = {
            slot: [Candidate(place, confidence) for _, place, confidence in sorted(found)[:_MOST_CANDIDATES]]
            for slot, found in self.scored.items()
        }
        clusters = {group: self._best(group) for group in _GROUPS}
        if not clusters["actor"]:  # a token's subject is who acts, a log entry's what it was done to
            clusters["actor"] = [_who(one) for one in clusters["target"] if one.word == _EITHER]
        wholes = [(slot, place) for _, slot, place in sorted(self.wholes)[:_MOST_CANDIDATES]]
        things = [group for group in _GROUPS[1:] if clusters[group]]
        return Plan(
            singles,
            clusters,
            things,
            steps_of(singles),
            self.times,
            self.addresses,
            wholes,
            self.roles[:_MOST_CANDIDATES],
            self._clocks(),
            {number: last for number, (one, _, last) in enumerate(self.contexts) if one.group == OTHER},
        )

    def _best(self, group: str) -> list[Cluster]:
        found = sorted((one for one in self.clusters.values() if one.group == group), key=lambda one: one.score)
        for one in found[:_MOST_PERSONS]:
            one.tries = [
                (member, accept_of(group, member), [place for _, place in sorted(listed)[:_MOST_CANDIDATES]])
                for member, listed in one.members.items()
                if f"{group}.{member}" in SLOTS
            ]
            del one.bare[_MOST_CANDIDATES:]
        return found[:_MOST_PERSONS]

    def _clocks(self) -> dict[Place, Place]:
        """`date` and `time`, `log_date` and `log_time` of one object."""
        found: dict[Place, Place] = {}
        for _, (number, key), _ in self.scored.get("time", ()):
            name = plain(key)
            if name.endswith(_DATE):
                clock = name.removesuffix(_DATE) + _TIME
                beside = [other for other in self.spread.objects[number] if plain(other) == clock]
                if len(beside) == 1:
                    found[number, key] = number, beside[0]
        return found

    def _whole(self, number: int) -> None:
        """Slots that take an object: changes, and both sides of them."""
        inside, key = self.spread.where[number][:2]
        context = self.contexts[inside][0]
        for single in self.lexicon.singles.get(plain(key), ()):
            if single.slot in _WHOLES and context.group in (None, "target") and context.depth <= _DEPTH:
                self.wholes.append((single.rank + _DEPTH * context.depth, single.slot, (inside, key)))

    def _values(self, inside: int, keys: Sequence[str]) -> None:
        """The values of one object: most say nothing, if they are many."""
        names = all_plain(keys) if len(keys) > _FEW else None
        if names is None:
            for key in keys:
                self._value(inside, key)
            return
        context, around, last = self.contexts[inside]
        silent = self.lexicon.is_silent
        for key, name in zip(keys, names, strict=True):
            if not silent(name, last):
                self._named((inside, key), name, last, context, around)
            elif name and context.group in _LOOKED_AT:
                self._by_looks((inside, key), name, last, context)

    def _value(self, inside: int, key: str) -> None:
        context, around, last = self.contexts[inside]
        if key[:1] in ".$" and last:  # {"event_type": {".tag": …}}, {"ts": {"$date": …}}: the key above is the name
            name, last, context = ("type", last, context) if last in self.lexicon.words else (last, "", around)
        elif "." in key[1:] or "/" in key:
            *outer, final = parts_of(key)
            name = plain(final)
            led = self._led(inside, key[: len(key) - len(final)], outer)
            if led is None:
                return
            context, around, last = led
        else:
            name = plain(key)
        if not name:
            return
        if self.lexicon.is_silent(name, last):
            self._by_looks((inside, key), name, last, context)
        else:
            self._named((inside, key), name, last, context, around)

    def _named(self, place: Place, name: str, last: str, context: Context, around: Context) -> None:
        """A value whose key says something."""
        self._told += 1
        if self._told > _MOST_TOLD:
            return
        if context.group in _ROLES_IN and context.depth <= _DEPTH and self._is_role(name):
            self.roles.append(place)
        self._single(place, name, last, context, around)
        self._member(place, name, context)
        self._by_looks(place, name, last, context)

    def _led(self, inside: int, before: str, outer: Sequence[str]) -> tuple[Context, Context, str] | None:
        """As `contexts`, below the steps of a key that stand `before` its last; None: that is too much."""
        found = self._dotted.get((inside, before))
        if found is None:
            self._steps += len(outer)
            if self._steps > _MOST_STEPS:
                return None
            context, around, last = self.contexts[inside]
            for part in outer:
                step = plain(part)
                if step:
                    around, context, last = context, self._contexts.enter(context, step, inside), step
            root = before[:-1] if before[-1:] == "." else before.rpartition(".")[0]
            found = self._dotted[inside, before] = context._replace(root=f"{inside}:{root}"), around, last
        return found

    def _is_role(self, name: str) -> bool:
        found = self.lexicon.members.get("actor", {}).get(name)
        return found is not None and found.member == "role"

    def _single(self, place: Place, name: str, last: str, context: Context, around: Context) -> None:
        singles = self.lexicon.singles
        joined = singles.get(last + name, ()) if last else ()
        for single in joined:
            self._score(place, single.slot, single.rank - _DEPTH, around, name, named=True)
        for single in singles.get(name, ()):
            if all(single.slot != other.slot for other in joined):
                self._score(place, single.slot, single.rank, context, name, named=False)

    def _score(self, place: Place, slot: str, rank: float, context: Context, name: str, *, named: bool) -> None:
        group = context.group
        if group is not None and slot in _BANNED.get(group, ()):
            if not (slot == "action" and group == "target" and name == "action"):
                return
            rank += _FAR_DOWN
        if group == OTHER and not named:
            return
        often_else = name in _OFTEN_ELSE and not named
        if context.aside:
            rank += _ASIDE
        if often_else and context.depth > 1:
            rank += _ASIDE
        score = rank + _DEPTH * context.depth
        confidence = LIKELY if often_else or context.aside or context.depth > 3 else SURE
        self.scored.setdefault(slot, []).append((score, place, confidence))

    def _member(self, place: Place, name: str, context: Context) -> None:
        group = context.group
        if group in self.lexicon.members:
            found = self.lexicon.members[group].get(name)
            if found is not None and (not context.aside or name in self.lexicon.through):
                self._add(place, context.root, Word(group, context.strength, int(context.rank)), found, context.depth)
                return
            flat = self.lexicon.flat.get(name)
            if group == "actor" and flat is not None and flat.group == "actor.token" and not context.aside:
                self._add(place, f"{context.root}/{flat.word}", Word(flat.group, STRONG, 0), flat, context.depth)
            if group != "target":
                return
        elif group is not None:
            return
        flat = self.lexicon.flat.get(name)
        if group == "target" and (flat is None or flat.group != "target"):
            return
        root = context.root or f"@{place[0]}"
        if flat is not None:
            rank = self.lexicon.words[flat.word].rank
            self._add(place, f"{root}/{flat.word}", Word(flat.group, flat.strength, rank), flat, context.depth)
            return
        word = self.lexicon.word(name)
        if word is not None and word.group in _GROUPS and word.group != "actor.token":
            self._add(place, f"{root}/{name}", word, None, context.depth)
        elif word is None and group is None and self.lexicon.doer(name):
            self._add(place, f"{root}/{name}", Word("actor", PERHAPS, 60), None, context.depth)

    def _add(self, place: Place, root: str, word: Word, member: Member | None, depth: int) -> None:
        key = (word.group, root, "")
        cluster = self.clusters.get(key)
        if cluster is None:
            if len(self.clusters) >= 64:
                return
            score = 100 * word.strength + word.rank + _DEPTH * depth
            sure = SURE if word.strength == STRONG else LIKELY
            name = root.rpartition("/")[2] if "/" in root else self._contexts.words.get(root, "")
            cluster = self.clusters[key] = Cluster(score, sure, word.group, name, word.strength, {}, [])
        if member is None:
            cluster.bare.append(place)
        else:
            cluster.members.setdefault(member.member, []).append((member.rank, place))

    def _by_looks(self, place: Place, name: str, last: str, context: Context) -> None:
        """Values that can be a time or the client's address by their looks, where no name gives one."""
        if (
            context.group in _LOOKED_AT
            and len(self.addresses) < _MOST_SCANNED
            and not name.startswith(_NOT_THE_CLIENTS)
            and not last.startswith(_NOT_THE_CLIENTS)
        ):
            self.addresses.append(place)
        if (
            context.group is None
            and len(self.times) < _MOST_SCANNED
            and name.endswith(_TIMELY)
            and not any(part in name for part in _NOT_THE_TIME)
        ):
            self.times.append(place)


def _who(subject: Cluster) -> Cluster:
    """A subject as who acts: told by an id or an e-mail address. What a text says otherwise may be a mail's subject."""
    if not subject.bare:
        return subject
    tries: list[tuple[str, Accept, list[Place]]] = [("email", email, subject.bare), ("id", known_id, subject.bare)]
    return structs.replace(subject, bare=[], tries=[*subject.tries, *tries])
