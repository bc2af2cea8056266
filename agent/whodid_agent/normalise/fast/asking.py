"""What a guess asks of an event: the lines that look at it, and the tests that hold it to be like the one that was met.

    v0 = p0[k2]                               each place once, the objects on the way first
    if type(v0) is not str …: return None     held: the kind of what stands there
    if len(p0) != 4: return None              held: just these keys

A place is known by the steps that lead there in the event that was met: keys, numbers in arrays, and behind those a
tuple of steps where the rest of the way leads through a text. Tests that cost something, because a value is made for
them, are asked last (`later`).
"""

from typing import Any, NamedTuple

from whodid_agent.normalise.fast.source import Source
from whodid_agent.normalise.language.path import INSIDE, Cut, Like, Path, Pick, Steps, at, table_key
from whodid_agent.normalise.language.profile import Profile

NOTHING = "None"
"""A slot that nothing fills."""

MOST_MEMBERS = 8
"""Of a longer array the members are not asked one by one."""

_MOST_LINES = 400
_LONGEST_WORD = 64

Way = tuple[Any, ...]
"""The steps to a place; see the module."""


class Unfit(Exception):
    """The event that was met is too odd for a function of its own."""


class Place(NamedTuple):
    """What stands somewhere in the event that was met, and the local that holds it in one like it."""

    name: str
    value: Any
    way: Way


class Asking(Source):
    """The function for events like `event` (whole), as far as it looks at them."""

    def __init__(self, profile: Profile, event: dict[str, Any]) -> None:
        super().__init__()
        self.profile = profile
        self.event = event
        self.loaded: dict[Way, str] = {(): "e"}
        self.asked: dict[Way, list[str]] = {(): []}
        self.values: dict[Way, Any] = {(): event}
        self.same: set[Way] = set()
        self.later: list[str] = []
        self.texts: set[str] = set()
        self._held: set[str] = set()

    def unless(self, test: str) -> None:
        """Held from here on: that this is not so."""
        if test not in self._held:
            self._held.add(test)
            self.put(f"if {test}: return {NOTHING}")
            if len(self.lines) > _MOST_LINES:
                raise Unfit

    def hold_text(self, name: str) -> None:
        """Held: that the value of this local is a text."""
        if name not in self.texts:
            self.unless(f"type({name}) is not str")
            self.texts.add(name)

    def make(self, name: str, expression: str) -> str:
        """A local for what is made of values; asked last, since another guess may fit better."""
        line = f"{name} = {expression}"
        if line not in self.later:
            self.later += (line, f"if {name} is None: return {NOTHING}")
        return name

    def find(self, steps: Steps, base: Way = ()) -> Place | None:
        """What `at` gives for these steps, from the place `base` on; None for nothing, which is held as well."""
        way, value = base, self.values[base]
        for number, step in enumerate(steps):
            if type(step) is str:
                found = self._step(way, value, step)
            elif type(step) is Pick:
                found = self._pick(way, value, step)
            elif step is INSIDE:
                found = self._read(way, value, steps[number:])
                return None if found is None else self._place(found)
            else:
                found = self._like(way, value, step) if type(step) is Like else self._read(way, value, (step,))
            if found is None:
                return None
            way, value = found, self.values[found]
        return self._place(way)

    def _place(self, way: Way) -> Place:
        return Place(self.load(way), self.values[way], way)

    def _step(self, way: Way, value: Any, step: str) -> Way | None:
        number = step.isascii() and step.isdigit()
        if type(value) is dict:
            self.enter(way).append(step)
            if step == "0" and value.get(step) is None:
                if step in value:
                    raise Unfit
                return way
            return self._onward(way, step, value[step]) if step in value else None
        if type(value) is list and number:
            self.hold_length(way, value)
            return self._onward(way, int(step), value[int(step)]) if int(step) < len(value) else None
        self.unless(f"type({self.load(way)}) is dict")
        if number:
            self.unless(f"type({self.load(way)}) is list")
        return None

    def _onward(self, way: Way, step: Any, value: Any) -> Way:
        inner = (*way, step)
        self.values[inner] = value
        return inner

    def _pick(self, way: Way, value: Any, pick: Pick) -> Way | None:
        """Held: what every member is picked by, as it was; senders write few words there."""
        if type(value) is not list:
            self.unless(f"type({self.load(way)}) is list")
            return None
        if "" in pick.values:
            raise Unfit
        self.hold_length(way, value)
        chosen = None
        for number in range(len(value)):
            member = self.member(way, number)
            found = self.find(pick.key, member.way) if type(member.value) is dict else None
            if found is not None:
                self.hold_same(found)
                if chosen is None and table_key(found.value) in pick.values:
                    chosen = member.way
        return chosen

    def _like(self, way: Way, value: Any, like: Like) -> Way | None:
        passes = like.read(value) is not None
        if way not in self.same:
            name = self.load(way)
            if passes and type(value) is str and not like.but and not any("*" in form for form in like.forms):
                self.hold_same(self._place(way))
            elif type(value) is str:
                self.hold_text(name)
                self.unless(f"{'not ' * passes}{self.bind(like.passes)}[{name}]")
            else:
                self.unless(f"{self.bind(like.read)}({name}) is {'' if passes else 'not '}None")
        return way if passes else None

    def _read(self, way: Way, value: Any, steps: Steps) -> Way | None:
        """What a text says behind these steps."""
        inner = self._onward(way, steps, at(value, steps))
        self.unless(f"{self.load(inner)} is {'not ' if self.values[inner] is None else ''}None")
        return None if self.values[inner] is None else inner

    def hold_same(self, place: Place) -> None:
        """Held: the word that stands there, or true or false: one of few."""
        if place.way not in self.same:
            if type(place.value) is bool:
                self.unless(f"{place.name} is not {place.value}")
            elif type(place.value) is str and len(place.value) <= _LONGEST_WORD:
                self.unless(f"{place.name} != {self.bind(place.value)}")
                self.texts.add(place.name)
            else:
                raise Unfit
            self.same.add(place.way)

    def hold_length(self, way: Way, members: list[Any]) -> None:
        """Held: that there is an array of so many."""
        if len(members) > MOST_MEMBERS:
            raise Unfit
        name = self.load(way)
        self.unless(f"type({name}) is not list")
        self.unless(f"len({name}) != {len(members)}")

    def member(self, array: Way, number: int) -> Place:
        """A member of an array, held to be an object or none."""
        way = self._onward(array, number, self.values[array][number])
        place = self._place(way)
        if type(place.value) is dict:
            self.enter(way)
        else:
            self.unless(f"type({place.name}) is dict")
        return place

    def enter(self, way: Way) -> list[str]:
        """The keys that are asked for in the object that stands there."""
        if way not in self.asked:
            self.unless(f"type({self.load(way)}) is not dict")
            self.asked[way] = []
        return self.asked[way]

    def load(self, way: Way) -> str:
        """A local for what stands there; what it lies in is held to be an object, or long enough."""
        if way not in self.loaded:
            outer, step = self.load(way[:-1]), way[-1]
            self.loaded[way] = name = f"v{len(self.loaded)}"
            if type(step) is int:
                self.put(f"{name} = {outer}[{step}]")
            elif type(step) is str:
                self.put(f"{name} = {outer}[{self.bind(step)}]")
            elif type(step[0]) is Cut:
                self.put(f"{name} = {self.bind(step[0].read)}({outer})")
            else:
                self.put(f"{name} = at({outer}, {self.bind(step)})")
        return self.loaded[way]

    def hold_rest(self) -> None:
        """Objects and arrays that vanish when used up are there as they were, and nothing looked for turns up."""
        for container in self.profile.containers:
            place = self.find(container.steps)
            if place is not None and type(place.value) is dict:
                self.enter(place.way)
            elif place is not None:
                self.unless(f"type({place.name}) is dict")
        for array in self.profile.arrays:
            self._hold_members(array)
        for way in list(self.asked):
            name, inside = self.load(way), self.values[way]
            if not way or not inside or any((*way, key) in self.loaded for key in inside):
                self.hold_keys(way, name, inside)
            else:
                self._hold_open(way, name)

    def _hold_members(self, array: Path) -> None:
        place = self.find(array.steps)
        if place is None or type(place.value) is not list:
            if place is not None:
                self.unless(f"type({place.name}) is list")
            return
        self.hold_length(place.way, place.value)
        for number in range(len(place.value)):
            self.member(place.way, number)

    def hold_keys(self, way: Way, name: str, inside: dict[str, Any]) -> None:
        """The object there, in the local `name`, has just the keys of `inside`."""
        self.unless(f"len({name}) != {len(inside)}")
        for key in inside:
            if (*way, key) not in self.loaded:
                self.unless(f"{self.bind(key)} not in {name}")

    def _hold_open(self, way: Way, name: str) -> None:
        """The object there, of which nothing is taken, has something in it, and nothing of what is asked for."""
        self.unless(f"not {name}")
        for key in self.asked[way]:
            self.unless(f"{self.bind(key)} in {name}")
