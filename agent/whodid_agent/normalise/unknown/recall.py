"""What the search found in one event, found again in those that are built alike, without searching.

    an event ─► just these keys, in its objects too ─► its values answer like those of the event that was met
             ─► the same places are taken

A search is decided by the event's shape (`spread`) and by what its values answer (`Finder._ask`). Where both are as
they were, so is all that is taken; else the event is searched: a recall never says what the search would not. Objects
that say nothing to the search (`aside`) may have any keys.

No value is looked at for being an object, or a text that holds one. That there are no others than those that are known
is told by the number of opening braces in the event's bytes.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from operator import call
from typing import Any, NamedTuple

from msgspec import Struct

from whodid_agent.normalise.assemble import type_by_name
from whodid_agent.normalise.draft import Draft, grouped
from whodid_agent.normalise.interpret import rest
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.unknown.aside import Aside
from whodid_agent.normalise.unknown.shapes import Accept
from whodid_agent.normalise.unknown.spread import MOST_OBJECTS, MOST_VALUES

Event = dict[str, Any]
_Pick = Callable[[Sequence[Any]], tuple[Any, ...]]


class Held(NamedTuple):
    """An object that must be there: in the object `inside` under `key`, as member `item` of `of` (0: in no array)."""

    inside: int
    key: str
    item: int
    of: int
    keys: tuple[str, ...]


class Idle(NamedTuple):
    """An object that says nothing, in the object `inside` under `key`; `last` is the plain key that leads there."""

    inside: int
    key: str
    last: str


class Used(NamedTuple):
    """What leaves an object: some of its keys, and where nothing is left of it `key` of the object `inside`."""

    number: int
    keys: tuple[str, ...]
    inside: int
    key: str


class Recall(Struct, frozen=True, gc=False):
    """The search of one event, to be repeated.

    `pick` gives of all values of the objects those that are asked, by `questions`; the answers must be of `kinds`,
    those of several parts of kinds of their own (`parts`, by their numbers), and equal or not as `compared` says.
    `slots` tells group, member and number of what is taken of the answers, behind which all `parts` stand.
    Of a plain event `plain` takes the values for `Plain`; behind the parts stand nothing and the actor's type, which
    for somebody with no more than a name (its number: `named`) the name says.
    """

    held: tuple[Held, ...]
    idle: tuple[Idle, ...]
    braces: int
    pick: _Pick
    questions: tuple[Accept, ...]
    kinds: list[type]
    parts: tuple[tuple[int, list[type]], ...]
    compared: tuple[tuple[int, int, bool], ...]
    used: tuple[Used, ...]
    slots: tuple[tuple[str, str, int], ...]
    plain: _Pick | None
    named: int | None
    told: str | None
    lift: tuple[str, ...]

    def __call__(self, event: Event, aside: Aside, braces: int) -> Draft | Plain | None:
        """The draft of an event with the same keys at the top, or what a plain one is made of; uses the event up.

        `braces`: how many its bytes have. None: the event must be searched, and is as it was.
        """
        objects = self._objects(event, aside, braces)
        answers = None if objects is None else self._answers(objects)
        if objects is None or answers is None:
            return None
        for number, _ in self.parts:
            answers += answers[number]
        self._remove(objects)
        metadata = rest(event, self.lift)
        if self.plain is not None:
            answers += (None, "user" if self.named is None else type_by_name(answers[self.named]))
            return (*self.plain(answers), self.told, metadata)
        found: dict[str, dict[str, Any]] = {"": {}}
        for group, member, number in self.slots:
            if group not in found:
                found[group] = {}
            found[group][member] = answers[number]
        return grouped(found, metadata)

    def _answers(self, objects: list[Event]) -> list[Any] | None:
        """What the values answer, if it is of the kinds that it was."""
        values = list(chain.from_iterable(map(dict.values, objects)))
        answers = list(map(call, self.questions, self.pick(values)))
        if list(map(type, answers)) != self.kinds:
            return None
        for number, kinds in self.parts:
            if list(map(type, answers[number])) != kinds:
                return None
        for one, other, equal in self.compared:
            if (answers[one] == answers[other]) is not equal:
                return None
        return answers

    def _objects(self, event: Event, aside: Aside, braces: int) -> list[Event] | None:
        """The objects that are held, if they are all there and no others."""
        expected, idle = self.braces, self.idle
        if braces < expected or (braces > expected and not idle):
            return None
        objects = [event]
        for inside, key, item, of, keys in self.held:
            one = objects[inside][key]
            if of:
                if type(one) is not list or len(one) != of:
                    return None
                one = one[item]
            if type(one) is not dict or tuple(one) != keys:
                return None
            objects.append(one)
        for inside, key, last in idle:
            one = objects[inside][key]
            if type(one) is not dict or not one:
                return None
            expected += aside.objects(one, last)
        return objects if expected == braces else None

    def _remove(self, objects: list[Event]) -> None:
        """Take what is used out, the innermost first, and the objects that nothing is left of."""
        for number, keys, inside, key in self.used:
            one = objects[number]
            for used in keys:
                del one[used]
            if not one and number:
                del objects[inside][key]


_FEW = 5 * MOST_VALUES
"""No event of fewer bytes has too many values: each has two quotes, a colon, a comma and itself."""


def braces_of(data: bytes) -> int:
    """The opening braces in an event's bytes; 0: something may be an escaped brace, or too much to be looked at."""
    if (len(data) > _FEW and data.count(b":") > MOST_VALUES) or (b"\\" in data and b"u007" in data):
        return 0
    braces = data.count(b"{")
    return braces if braces <= MOST_OBJECTS else 0
