"""An event spread out: its objects one after another, level by level, and the event's shape.

    {"actor": {"id": 7}, "ip": "…"}  ─►  objects  [{"actor": …, "ip": …}, {"id": 7}]
                                         shape    (("actor", "ip"), "actor", 1, ("id",))

What lies near the top comes first; bounded, since events are the sender's. Two events of one shape have the same keys
in the same objects, so that a search by names ends alike. An array of names and values (`[{"Name": "UserId", "Value":
…}]`) is an object with these names, JSON inside of a string is spread like the rest.
"""

from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from whodid_agent.normalise.decode import decode_json

MOST_VALUES = 256
MOST_OBJECTS = 64
MOST_ITEMS = 4
_MOST_PAIRS = 32
_DEEPEST = 12
_LONGEST_KEY = 128
_KEYS = 8 * 1024
"""Characters of all keys, of events whose shape is kept."""
_INNER_BYTES = 16 * 1024

_OBJECT, _MEMBERS, _PAIRS, _TEXT = 1, 2, 3, 4
_PAIR_NAMES = ("name", "Name", "key", "Key", "field")
_PAIR_VALUES = ("value", "Value", "newValue")

Object = dict[str, Any]


class Where(NamedTuple):
    """Where an object stands: in the object `inside`, under `key`; `item` is its place in an array there.

    What lies in a text (`text`) or an array cannot be taken out of the event (`loose` false); of an array of names and
    values `pair` is what its members call them.
    """

    inside: int
    key: str
    depth: int
    loose: bool
    item: int | None = None
    text: bool = False
    pair: tuple[str, str] | None = None


_TOP = Where(-1, "", 0, loose=True)


class Spread:
    """The objects of one event, each with where it stands (`where[n]` of `objects[n]`)."""

    __slots__ = ("_inner", "objects", "shape", "where")

    def __init__(self, event: Object) -> None:
        self.objects: list[Object] = [event]
        self.where: list[Where] = [_TOP]
        self._inner = 0
        shape: list[Hashable] = []
        room = MOST_VALUES
        for number, one in enumerate(self.objects):  # grows on the way
            shape.append(tuple(one))
            room -= len(one)
            if room < 0:
                break
            for key, value in one.items():
                kind = type(value)
                if kind is dict:
                    if value:
                        self._hold(value, number, key, _OBJECT, shape)
                elif kind is list:
                    if value and type(value[0]) is dict:
                        self._array(value, number, key, shape)
                elif kind is str and value[:1] == "{":
                    self._text(value, number, key, shape)
        self.shape = tuple(shape)

    def is_large(self) -> bool:
        """Whether its keys are too many or too long to be kept."""
        return sum(map(len, self.objects)) > MOST_VALUES or sum(len(key) for one in self.objects for key in one) > _KEYS

    def _hold(
        self,
        value: Object,
        inside: int,
        key: str,
        kind: int,
        shape: list[Hashable],
        item: int | None = None,
        pair: tuple[str, str] | None = None,
    ) -> None:
        outer = self.where[inside]
        if len(self.objects) < MOST_OBJECTS and outer.depth < _DEEPEST:
            shape.append(key)
            shape.append(kind)
            self.objects.append(value)
            loose = outer.loose and kind == _OBJECT
            self.where.append(Where(inside, key, outer.depth + 1, loose, item, kind == _TEXT, pair))

    def _array(self, value: list[Any], inside: int, key: str, shape: list[Hashable]) -> None:
        names = pair_keys(value[0])
        if names is not None:
            self._hold(dict(_pairs(value, *names)), inside, key, _PAIRS, shape, pair=names)
            return
        for item, member in enumerate(value[:MOST_ITEMS]):
            if type(member) is dict:
                self._hold(member, inside, key, _MEMBERS, shape, item)

    def _text(self, text: str, inside: int, key: str, shape: list[Hashable]) -> None:
        """A text that is a JSON object counts as one."""
        if text[-1] != "}" or self._inner + len(text) > _INNER_BYTES or len(self.objects) >= MOST_OBJECTS:
            return
        self._inner += len(text)
        try:
            value = decode_json(text)
        except (ValueError, RecursionError):
            return
        if value:
            self._hold(value, inside, key, _TEXT, shape)

    def places(self) -> Iterator[tuple[int, list[str]]]:
        """Of each object the keys of the values that are none of the objects, together at most MOST_VALUES."""
        held: dict[int, set[str]] = {}
        for where in self.where:
            held.setdefault(where.inside, set()).add(where.key)
        room = MOST_VALUES
        for number, one in enumerate(self.objects):
            inner = held.get(number)
            keys = list(islice(one, room) if inner is None else islice((key for key in one if key not in inner), room))
            room -= len(keys)
            yield number, keys
            if not room:
                return

    def path(self, number: int, key: str) -> tuple[str, ...]:
        """The keys that lead to a member of an object."""
        steps = [key]
        while number > 0:
            where = self.where[number]
            if where.text or where.pair is not None:
                steps.append("(JSON)" if where.text else "(names and values)")
            if where.item is not None:
                steps.append(str(where.item))
            steps.append(where.key)
            number = where.inside
        return tuple(reversed(steps))


def pair_keys(item: Object) -> tuple[str, str] | None:
    """The keys that an array's members have for name and value; None: they are no pairs."""
    if not 2 <= len(item) <= 4:
        return None
    for name in _PAIR_NAMES:
        if name in item:
            for value in _PAIR_VALUES:
                if value in item:
                    return name, value
    return None


def _pairs(items: list[Any], name: str, value: str) -> Iterator[tuple[str, Any]]:
    for item in items[:_MOST_PAIRS]:
        if type(item) is dict and value in item:
            called = item.get(name)
            if type(called) is str and len(called) <= _LONGEST_KEY:
                yield called, item[value]
