"""Any JSON event: who, what, when and from where, found by the names that audit logs usually give them.

The names are data (`names:` in profiles/generic.yaml). Keys are compared without letter case and punctuation, so
`sourceIPAddress`, `source_ip_address` and `source-ip-address` are one. A group (`actor`, `target` …) is looked for as
an object (`actor: {id: …}`), as flat keys (`actor_id`) and as a plain value (`actor: "jane"`). Nearest to the top wins.
Nothing is invented: what is not found stays empty, what is not used stays in the metadata.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import GROUPS, SLOTS, Draft, build
from whodid_agent.normalise.interpret import rest
from whodid_agent.normalise.profile import Profile

_DEEPEST = 6
_NEAR = 2
_MOST_KEYS = 600
"""Where the search ends: what lies deeper or comes later is still kept, and found by its path."""


_BARE = frozenset({"actor", "target", "workspace", "project"})
"""Groups that a plain value can stand for; a token as a plain value is a secret and no name."""


class Found(NamedTuple):
    """Where a value stands."""

    parent: dict[str, Any]
    key: str
    value: Any
    depth: int = 0


class _Plain(dict[str, str]):
    """Key → key without case and punctuation; bounded, since keys are the sender's."""

    def __missing__(self, key: str) -> str:
        plain = "".join(filter(str.isalnum, key)).lower()
        if len(self) < 16384 and len(key) < 128:
            self[key] = plain
        return plain


_plain = _Plain()


def plain(key: str) -> str:
    """The key without letter case and punctuation."""
    return _plain[key]


class Index:
    """The event's keys by their plain names, the one nearest to the top for each; objects and values apart."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.leaves: dict[str, Found] = {}
        self.objects: dict[str, Found] = {}
        self.containers: list[Found] = []
        level, keys = [event], 0
        for depth in range(_DEEPEST):
            deeper: list[dict[str, Any]] = []
            for parent in level:
                for key, value in parent.items():
                    keys += 1
                    inner = value[0] if type(value) is list and value and type(value[0]) is dict else value
                    if type(inner) is dict:
                        self.objects.setdefault(_plain[key], Found(parent, key, inner))
                        self.containers.append(Found(parent, key, inner))
                        deeper.append(inner)
                    elif value is not None:
                        self.leaves.setdefault(_plain[key], Found(parent, key, value, depth))
                if keys > _MOST_KEYS:
                    return
            level = deeper


class _Search:
    """One event being searched; `taken` collects what a slot was filled from."""

    def __init__(self, event: dict[str, Any], names: Mapping[str, Sequence[str]]) -> None:
        self.index = Index(event)
        self.names = names
        self.taken: list[Found] = []
        self.places: dict[str, str] = {}
        self.holders: dict[str, dict[str, Any]] = {}
        self.values: dict[str, Any] = {}

    def fill(self) -> dict[str, Any]:
        for slot, names in self.names.items():
            if "." not in slot:
                self._single(slot, names)
            elif slot.endswith(".within"):
                self._group(slot.removesuffix(".within"), names)
        if "actor.role" not in self.values:
            self._role_of_token()
        return self.values

    def _role_of_token(self) -> None:
        """The role that a token acts under stands beside its name, inside or outside of the token."""
        for slot in ("actor.token.id", "actor.token.name"):
            holder = self.holders.get(slot)
            for place in (holder, self.index.event) if holder is not None else ():
                for key, value in place.items():
                    if plain(key) in self.names.get("actor.role", ()) and self._take(
                        "actor.role", Found(place, key, value), values.name
                    ):
                        return

    def _single(self, slot: str, names: Sequence[str]) -> None:
        target = "client." + slot if slot in GROUPS["client"][1] or slot == "ip" else slot
        accept = values.KINDS[SLOTS[target]]
        source = self.index.objects if SLOTS[target] in ("whole", "anything") else self.index.leaves
        candidates = [source[name] for name in names if name in source]
        # What lies deep inside belongs to some part of the event more often than to the event: asked last.
        for found in sorted(candidates, key=lambda found: found.depth > _NEAR):
            if self._take(target, found, accept):
                return

    def _take(self, slot: str, found: Found, accept: values.Accept) -> bool:
        if any(found.parent is other.parent and found.key == other.key for other in self.taken):
            return False
        value = accept(found.parent[found.key])
        if value is None:
            return False
        self.values[slot] = value
        self.places[slot] = found.key
        self.holders[slot] = found.parent
        self.taken.append(found)
        return True

    def _group(self, group: str, within: Sequence[str]) -> None:
        members = {
            slot.rpartition(".")[2]: names
            for slot, names in self.names.items()
            if slot.rpartition(".")[0] == group and not slot.endswith(".within")
        }
        for name in within:
            if self._from_object(group, self.index.objects.get(name), members):
                return
            bare = self.index.leaves.get(name) if group in _BARE else None
            if bare is not None and (type(bare.value) not in (str, int) or not values.name(bare.value)):
                bare = None
            flat = self._from_flat_keys(group, name, members, bare)
            if bare is not None:
                flat = self._from_bare(group, bare) or flat
            if flat:
                return

    def _from_object(self, group: str, found: Found | None, members: Mapping[str, Sequence[str]]) -> bool:
        if found is None:
            return False
        own = {plain(key): Found(found.value, key, value) for key, value in found.value.items() if value is not None}
        others = self.names.get(f"{group}.token.within", ())
        inner = [entry.value for name, entry in own.items() if type(entry.value) is dict and name not in others]
        deeper = [{plain(key): Found(part, key, value) for key, value in part.items()} for part in inner]
        for member, names in members.items():
            slot = f"{group}.{member}"
            accept = values.KINDS[SLOTS[slot]]
            # An object inside (actor.user.email) speaks only where the object itself is silent.
            for keys in [own, *deeper]:
                places = (keys[name] for name in names if name in keys)
                if any(self._take(slot, place, accept) for place in places):
                    break
        return self._named(group)

    def _from_flat_keys(
        self, group: str, name: str, members: Mapping[str, Sequence[str]], beside: Found | None
    ) -> bool:
        """`actor_id`, `actor_name` …: all in one object, that of the plain `actor` where there is one."""
        parent = beside.parent if beside is not None else None
        for member, names in members.items():
            slot = f"{group}.{member}"
            for suffix in names:
                found = self.index.leaves.get(name + suffix)
                if found is None or (parent is not None and found.parent is not parent):
                    continue
                if self._take(slot, found, values.KINDS[SLOTS[slot]]):
                    parent = found.parent
                    break
        return self._named(group)

    def _from_bare(self, group: str, found: Found) -> bool:
        is_email = group == "actor" and type(found.value) is str and values.looks_like_email(found.value)
        slots = [f"{group}.email"] if is_email else [f"{group}.name", f"{group}.id"]
        if group == "target" and type(found.value) is str:
            slots = ["target.label"]
        empty = [slot for slot in slots if slot not in self.values]
        return bool(empty) and self._take(empty[0], found, values.name)

    def _named(self, group: str) -> bool:
        return any(f"{group}.{member}" in self.values for member in ("id", "name", "email", "label"))


def places(profile: Profile, event: dict[str, Any]) -> dict[str, str]:
    """Slot → the key that it would be filled from. The event stays whole."""
    search = _Search(event, profile.names)
    search.fill()
    return search.places


def extract_anything(profile: Profile, event: dict[str, Any]) -> Draft:
    """The draft of an event of unknown form. Takes what it uses out of `event`."""
    search = _Search(event, profile.names)
    found = search.fill()
    for place in search.taken:
        place.parent.pop(place.key, None)
    for container in reversed(search.index.containers):
        if not container.value and container.parent.get(container.key) == {}:
            del container.parent[container.key]
    return build(found, rest(event, profile.lift), None)
