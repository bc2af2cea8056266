"""What a guess asks of an event: the lines that look at it, and the tests that hold it to be like the one that was met.

    v0 = p0[k2]                               each place once, the objects on the way first
    if type(v0) is not str …: return None     held: the kind of what stands there
    if len(p0) != 4: return None              held: just these keys

Tests that cost something, because a value is made for them, are asked last (`later`).
"""

from typing import Any

from whodid_agent.normalise.expression import looked_at
from whodid_agent.normalise.path import Steps, at
from whodid_agent.normalise.profile import Profile
from whodid_agent.normalise.source import Source

NOTHING = "None"
"""A slot that nothing fills."""


class Unfit(Exception):
    """The event that was met is too odd for a function of its own."""


class Asking(Source):
    """The function for events like `event` (whole), as far as it looks at them."""

    def __init__(self, profile: Profile, event: dict[str, Any]) -> None:
        super().__init__()
        self.profile = profile
        self.event = event
        self.parents: dict[Steps, str] = {(): "e"}
        self.loaded: dict[Steps, str] = {}
        self.later: list[str] = []

    def unless(self, test: str) -> None:
        """Held from here on: that this is not so."""
        self.put(f"if {test}: return {NOTHING}")

    def make(self, name: str, expression: str) -> str:
        """A local for what is made of values; asked last, since another guess may fit better."""
        self.later += (f"{name} = {expression}", f"if {name} is None: return {NOTHING}")
        return name

    def load(self, steps: Steps) -> str:
        """A local for what stands there; the objects on the way are objects."""
        if steps not in self.loaded:
            outer = steps[:-1]
            if outer not in self.parents:
                self.parents[outer] = self.load(outer)
                self.unless(f"type({self.parents[outer]}) is not dict")
            self.loaded[steps] = name = f"v{len(self.loaded)}"
            self.put(f"{name} = {self.parents[outer]}[{self.bind(steps[-1])}]")
        return self.loaded[steps]

    def is_there(self, steps: Steps) -> bool:
        """Whether the place is there; what it lies in is held to be as it is."""
        parent = at(self.event, steps[:-1])
        return type(parent) is dict and steps[-1] in parent

    def hold_containers(self) -> None:
        """Objects keep their keys where something is taken from them; else nothing of what is looked for turns up."""
        for container in self.profile.containers:
            if not self.is_there(container.steps):
                continue
            name = self.load(container.steps)
            inside = at(self.event, container.steps)
            if type(inside) is not dict:
                self.unless(f"type({name}) is dict")
            elif any(steps[:-1] == container.steps for steps in self.loaded):
                self.hold_keys(container.steps, name, inside)
            else:
                self.unless(f"type({name}) is not dict or not {name}")
                self._hold_open(container.steps, name)

    def hold_keys(self, steps: Steps, name: str, inside: dict[str, Any]) -> None:
        """The object at these steps, in the local `name`, has just the keys of `inside`."""
        self.unless(f"len({name}) != {len(inside)}")
        for key in inside:
            if (*steps, key) not in self.loaded:
                self.unless(f"{self.bind(key)} not in {name}")

    def _hold_open(self, steps: Steps, name: str) -> None:
        if not at(self.event, steps):
            raise Unfit
        slots = [path for expr in self.profile.slots.values() for path in looked_at(expr)]
        for path in (*slots, *self.profile.native, *self.profile.ignore):
            if path.steps[: len(steps)] == steps and len(path.steps) > len(steps):
                self.unless(f"{self.bind(path.steps[len(steps)])} in {name}")
