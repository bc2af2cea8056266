"""Where an event of unknown form can have what a record asks for: a plan, made of the event's keys alone.

    shape of an event ─► plan: for each slot the values to try, the best first, each with a confidence

A key is read in its context: `name` inside of `actor` is the actor's, inside of `target` the target's, inside of
`server` nobody's. Which of the candidates serves is up to their values (`generic`). Plans are kept by shape: events of
one application come in few.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from whodid_agent.normalise import shapes, values
from whodid_agent.normalise.draft import GROUPS, SLOTS
from whodid_agent.normalise.lexicon import OTHER, PERHAPS, STRONG, Lexicon, Member, Word, plain
from whodid_agent.normalise.shapes import Accept
from whodid_agent.normalise.spread import Spread

_MOST_CANDIDATES = 6
_MOST_PERSONS = 6
_MOST_SCANNED = 16
_DEPTH = 3
_ASIDE = 12
_FAR_DOWN = 40

SURE, LIKELY, GUESSED = 0.95, 0.75, 0.4
"""Confidence: a name that can hardly mean anything else; one that often means it; found by the value's looks alone."""

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


Place = tuple[int, str]
"""An object of the spread, and a key in it."""


class Context(NamedTuple):
    """What an object of the event is part of; `root` is the number of the object (or text of the keys) that says so."""

    group: str | None
    strength: int
    rank: float
    root: str
    aside: bool
    depth: int


_TOP = Context(None, PERHAPS, 0, "", aside=False, depth=0)


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
    """What to try for an event of one shape."""

    singles: dict[str, list[Candidate]]
    clusters: dict[str, list[Cluster]]
    things: list[str]
    steps: list[tuple[str, str, Accept, list[Candidate]]]
    times: list[Place]
    addresses: list[Place]
    wholes: list[tuple[str, Place]]
    roles: list[Place]


def make_plan(spread: Spread, lexicon: Lexicon) -> Plan:
    """The plan for events of this shape."""
    return _Planner(spread, lexicon).plan()


class _Planner:
    """The making of one plan."""

    def __init__(self, spread: Spread, lexicon: Lexicon) -> None:
        self.spread = spread
        self.lexicon = lexicon
        self.scored: dict[str, list[tuple[float, Place, float]]] = {}
        self.clusters: dict[tuple[str, str, str], Cluster] = {}
        self.wholes: list[tuple[int, str, Place]] = []
        self.times: list[Place] = []
        self.roles: list[Place] = []
        self.addresses: list[Place] = []
        self.contexts: list[tuple[Context, Context, str]] = []
        self.words_of: dict[str, str] = {}

    def plan(self) -> Plan:
        for number, where in enumerate(self.spread.where):
            if number == 0:
                self.contexts.append((_TOP, _TOP, ""))
            else:
                outer, _, last = self.contexts[where.inside]
                self.contexts.append(self._through(outer, last, where.key, number))
                self._whole(number)
        for inside, key in self.spread.places():
            self._value(inside, key)
        singles = {
            slot: [Candidate(place, confidence) for _, place, confidence in sorted(found)[:_MOST_CANDIDATES]]
            for slot, found in self.scored.items()
        }
        clusters = {group: self._best(group) for group in _GROUPS}
        if not clusters["actor"]:  # a token's subject is who acts, a log entry's what it was done to
            clusters["actor"] = [one for one in clusters["target"] if one.word == _EITHER]
        wholes = [(slot, place) for _, slot, place in sorted(self.wholes)[:_MOST_CANDIDATES]]
        things = [group for group in _GROUPS[1:] if clusters[group]]
        return Plan(
            singles,
            clusters,
            things,
            _steps_of(singles),
            self.times[:_MOST_SCANNED],
            self.addresses[:_MOST_SCANNED],
            wholes,
            self.roles[:_MOST_CANDIDATES],
        )

    def _best(self, group: str) -> list[Cluster]:
        found = [one for one in self.clusters.values() if one.group == group]
        for one in found:
            one.tries = [
                (member, _accept(group, member), [place for _, place in sorted(listed)[:_MOST_CANDIDATES]])
                for member, listed in one.members.items()
                if f"{group}.{member}" in SLOTS
            ]
            del one.bare[_MOST_CANDIDATES:]
        return sorted(found, key=lambda one: one.score)[:_MOST_PERSONS]

    def _through(self, context: Context, last: str, key: str, number: int) -> tuple[Context, Context, str]:
        """Context of an object, the one around it, and the last plain key that led there."""
        around = context
        for step in _steps(key):
            if step:
                around, context, last = context, self._enter(context, step, number), step
        return context, around, last

    def _enter(self, context: Context, step: str, number: int) -> Context:
        word = self.lexicon.word(step)
        depth = context.depth + 1
        group = context.group
        self.words_of[f"{number}"] = step
        if word is None:
            aside = context.aside or (group is not None and step not in self.lexicon.through)
            return context._replace(aside=aside, depth=depth)
        if group is None:
            return Context(word.group, word.strength, word.rank, f"{number}", aside=False, depth=depth)
        if group == word.group:
            # The innermost word has the members (`initiatedBy.user`), the outermost says how sure it is.
            rank = context.rank + word.rank / 100
            return Context(group, context.strength, rank, f"{number}", context.aside, depth)
        if group == "actor" and word.group in ("actor.token", "actor.on_behalf_of"):
            return Context(word.group, word.strength, word.rank, f"{number}", aside=False, depth=depth)
        if group in ("target", OTHER) or word.strength == PERHAPS or group == "actor":
            return context._replace(aside=True, depth=depth)
        return Context(word.group, word.strength, word.rank, f"{number}", aside=False, depth=depth)

    def _whole(self, number: int) -> None:
        """Slots that take an object: changes, and both sides of them."""
        inside, key = self.spread.where[number][:2]
        context = self.contexts[inside][0]
        for single in self.lexicon.singles.get(plain(key), ()):
            if single.slot in _WHOLES and context.group in (None, "target") and context.depth <= _DEPTH:
                self.wholes.append((single.rank + _DEPTH * context.depth, single.slot, (inside, key)))

    def _value(self, inside: int, key: str) -> None:
        context, around, last = self.contexts[inside]
        if key[:1] in ".$" and last:  # {"event_type": {".tag": …}}, {"ts": {"$date": …}}: the key above is the name
            name, last, context = ("type", last, context) if last in self.lexicon.words else (last, "", around)
        elif "." in key[1:] or "/" in key:
            *outer, final = _steps(key)
            for step in outer:
                if step:
                    around, context, last = context, self._enter(context, step, inside), step
            context = context._replace(root=f"{inside}:{key.rpartition('.')[0]}")
            name = final
        else:
            name = plain(key)
        if not name:
            return
        place = (inside, key)
        if context.group in _ROLES_IN and context.depth <= _DEPTH and self._is_role(name):
            self.roles.append(place)
        self._single(place, name, last, context, around)
        self._member(place, name, context)
        self._by_looks(place, name, last, context)

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
        context = context._replace(root=context.root or f"@{place[0]}")
        if flat is not None:
            rank = self.lexicon.words[flat.word].rank
            self._add(place, f"{context.root}/{flat.word}", Word(flat.group, flat.strength, rank), flat, context.depth)
            return
        word = self.lexicon.word(name)
        if word is not None and word.group in _GROUPS and word.group != "actor.token":
            self._add(place, f"{context.root}/{name}", word, None, context.depth)
        elif word is None and group is None and self.lexicon.doer(name):
            self._add(place, f"{context.root}/{name}", Word("actor", PERHAPS, 60), None, context.depth)

    def _add(self, place: Place, root: str, word: Word, member: Member | None, depth: int) -> None:
        key = (word.group, root, "")
        cluster = self.clusters.get(key)
        if cluster is None:
            if len(self.clusters) >= 64:
                return
            score = 100 * word.strength + word.rank + _DEPTH * depth
            sure = SURE if word.strength == STRONG else LIKELY
            name = root.rpartition("/")[2] if "/" in root else self.words_of.get(root, "")
            cluster = self.clusters[key] = Cluster(score, sure, word.group, name, word.strength, {}, [])
        if member is None:
            cluster.bare.append(place)
        else:
            cluster.members.setdefault(member.member, []).append((member.rank, place))

    def _by_looks(self, place: Place, name: str, last: str, context: Context) -> None:
        """Values that can be a time or the client's address by their looks, where no name gives one."""
        if context.group in (None, "actor") and not any(text.startswith(_NOT_THE_CLIENTS) for text in (name, last)):
            self.addresses.append(place)
        if context.group is None and name.endswith(_TIMELY) and not any(part in name for part in _NOT_THE_TIME):
            self.times.append(place)


def _steps(key: str) -> Iterator[str]:
    """The plain parts of a key: `actor.user.email`, `initiator/id` have several; an address its last."""
    if "://" in key or ("." not in key and "/" not in key):
        return iter((plain(key),))
    return iter([plain(part) for part in key.replace("/", ".").split(".", 7)])


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


def _steps_of(singles: dict[str, list[Candidate]]) -> list[tuple[str, str, Accept, list[Candidate]]]:
    """Group, member, what a value must be, and the candidates, for the slots that have any."""
    found = []
    for member in _SINGLES:
        if member in singles:
            group = "client" if member in _CLIENT else ""
            slot = f"{group}.{member}" if group else member
            found.append((group, member, _ACCEPT.get(slot) or values.KINDS[SLOTS[slot]], singles[member]))
    return found


def _accept(group: str, member: str) -> Accept:
    if member == "email":
        return _email
    return values.name if member in ("id", "name") else values.KINDS[SLOTS[f"{group}.{member}"]]


def _email(value: Any) -> str | None:
    return value if type(value) is str and shapes.is_email(value) else None
