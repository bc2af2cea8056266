"""What is left of a guess's event: what the interpreter takes out of the event that was met goes from one like it too.

del p1[k5]                 only where something else is left beside it, or a slot holds the object
del e[k2]                  what is left of the event is the metadata
e.update(v3)               members of an object that move up (`lift`)
"""

import copy
from typing import Any

from whodid_agent.normalise.fast.asking import NOTHING, Asking, Place, Unfit, Way
from whodid_agent.normalise.interpret import use_up
from whodid_agent.normalise.language.profile import Profile


class Leaving(Asking):
    """`used` is everything that goes, `whole` the objects and arrays that slots hold, `lifted` what moves up."""

    def __init__(self, profile: Profile, event: dict[str, Any]) -> None:
        super().__init__(profile, event)
        self.whole: set[Way] = set()
        self.used: set[Way] = set()
        self.lifted: str | None = None

    def _used(self) -> set[Way]:
        """What the interpreter takes out of the event that was met."""
        left = copy.deepcopy(self.event)
        twins = {way: twin for way in self.asked if (twin := _follow(left, way)) is not None}
        use_up(self.profile, left)
        return {(*way, key) for way, twin in twins.items() for key in self.values[way] if key not in twin}

    def _left(self) -> str:
        """What is left of the event, as an expression; the members of one object of `lift` move up."""
        left = [key for key in self.event if (key,) not in self.used]
        places = {key: place for key in self.profile.lift if key in left and (place := self.find((key,))) is not None}
        objects = [key for key, place in places.items() if type(place.value) is dict]
        for key in places.keys() - objects:
            self.unless(f"type({places[key].name}) is dict")
        if len(objects) > 1:
            raise Unfit
        for key in objects:
            self._lift(places[key], left)
            left.remove(key)
        if self.lifted is None or left:
            return "e" if left else NOTHING
        return self.lifted

    def _lift(self, place: Place, left: list[str]) -> None:
        """Held: that the object's members can move up beside what else is left."""
        name, inner = place.name, place.value
        self.used.add(place.way)
        self.whole.add(place.way)
        self.unless(f"type({name}) is not dict")
        self.unless(f"not {name}" if inner else name)
        if inner:
            self.lifted = name
        for key in dict.fromkeys((*left, *self.profile.lift)):
            if key in inner:
                raise Unfit
            self.unless(f"{self.bind(key)} in {name}")

    def _remove(self) -> None:
        """Take what was used out of the objects of which something is left, or that a slot takes whole."""
        for way in self.asked:
            outer = [way[:depth] for depth in range(1, len(way) + 1)]
            if way and not self.used.isdisjoint(outer) and self.whole.isdisjoint(outer):
                continue
            gone = [key for key in self.values[way] if (*way, key) in self.used]
            if way or len(gone) < len(self.event):
                for key in gone:
                    self.put(f"del {self.loaded[way]}[{self.bind(key)}]")
        if self.lifted is not None and any((key,) not in self.used for key in self.event):
            self.put(f"e.update({self.lifted})")


def _follow(value: Any, way: Way) -> dict[str, Any] | None:
    """The object at the end of this way; None where it leads through a text."""
    for step in way:
        if type(step) is tuple:
            return None
        value = value[step]
    return value if type(value) is dict else None
