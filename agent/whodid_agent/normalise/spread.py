"""An event spread out: its values one after another, where each stands, and its shape.

    {"actor": {"id": 7}, "ip": "…"}  ─►  shape   ("actor", 1, "ip", 0, "id", 0)
                                         values  ["…", 7]

Level by level, so that what lies near the top comes first; bounded, since events are the sender's. The shape tells
two events apart where a search by names could end differently: it has every key in its place, and the names in arrays of
names and values (`[{"Name": "UserId", "Value": "…"}]`), but no other value. JSON inside of a string is spread like the rest.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from whodid_agent.normalise.decode import decode_json

MOST_VALUES = 256
_MOST_HOLDERS = 96
_MOST_ITEMS = 4
_MOST_PAIRS = 32
_DEEPEST = 12
_LONGEST_KEY = 128
_INNER_BYTES = 16 * 1024

_OBJECT, _ARRAY, _PAIRS, _END = 1, 2, 3, 0
_PAIR_NAMES = ("name", "Name", "key", "Key", "field")
_PAIR_VALUES = ("value", "Value", "newValue")


class Holder(NamedTuple):
    """An object (or an array of names and values) of the event; `inside` is the number of the one that holds it.

    `key` is None for the members of an array: what they stand for is said by the array's own key. What lies in a
    string or an array cannot be taken out of the event (`loose` false).
    """

    value: Any
    inside: int
    key: str | None
    depth: int
    loose: bool


class Spread:
    """The values of one event: `values[n]` is called `keys[n]` and stands in `holders[inside[n]]`."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.holders: list[Holder] = [Holder(event, -1, None, 0, True)]
        self.values: list[Any] = []
        self.keys: list[str] = []
        self.inside: list[int] = []
        self._shape: list[Hashable] = []
        self._inner = 0
        number = 0
        while number < len(self.holders) and len(self.values) < MOST_VALUES:
            self._members(number, self.holders[number])
            self._shape.append(_END)
            number += 1

    @property
    def shape(self) -> tuple[Hashable, ...]:
        """Equal for events that have the same keys in the same places."""
        return tuple(self._shape)

    def _members(self, number: int, holder: Holder) -> None:
        values, keys, inside, shape = self.values, self.keys, self.inside, self._shape
        if type(holder.value) is list:
            self._pairs(number, holder.value)
            return
        room = MOST_VALUES - len(values)
        for key, value in holder.value.items():
            kind = type(value)
            if kind is dict:
                if value:
                    shape.append(key)
                    self._hold(value, number, key, holder)
                    continue
            elif kind is list:
                if value and type(value[0]) is dict:
                    shape.append(key)
                    self._array(value, number, key, holder)
                    continue
            elif kind is str and value[:1] == "{" and self._opened(value, number, key, holder):
                continue
            if room <= 0:
                return
            room -= 1
            values.append(value)
            keys.append(key)
            inside.append(number)
            shape.append(key)

    def _hold(self, value: Any, number: int, key: str | None, outer: Holder, *, loose: bool = True) -> None:
        if len(self.holders) < _MOST_HOLDERS and outer.depth < _DEEPEST:
            self.holders.append(Holder(value, number, key, outer.depth + 1, loose and outer.loose))
            self._shape.append(_ARRAY if type(value) is list else _OBJECT)

    def _array(self, value: list[Any], number: int, key: str, outer: Holder) -> None:
        if _pair_keys(value[0]) is not None:
            self._hold(value, number, key, outer)
            return
        for item in value[:_MOST_ITEMS]:
            if type(item) is dict:
                self._hold(item, number, key, outer, loose=False)

    def _pairs(self, number: int, pairs: list[Any]) -> None:
        """An array of names and values is an object with these names."""
        self._shape.append(_PAIRS)
        for pair in pairs[:_MOST_PAIRS]:
            found = _pair_keys(pair) if type(pair) is dict else None
            name = pair[found[0]] if found is not None else None
            if found is None or type(name) is not str or len(name) > _LONGEST_KEY or len(self.values) >= MOST_VALUES:
                continue
            self.values.append(pair[found[1]])
            self.keys.append(name)
            self.inside.append(number)
            self._shape.append(name)

    def _opened(self, text: str, number: int, key: str, outer: Holder) -> bool:
        """Whether this text is a JSON object, which then counts as one."""
        if text[-1] != "}" or self._inner + len(text) > _INNER_BYTES:
            return False
        self._inner += len(text)
        try:
            value = decode_json(text)
        except (ValueError, RecursionError):
            return False
        self._shape.append(key)
        self._hold(value, number, key, outer, loose=False)
        return True

    def can_be_taken(self, number: int) -> bool:
        """Whether a value can be removed from the event without moving or rewriting others."""
        holder = self.holders[self.inside[number]]
        return holder.loose and type(holder.value) is dict

    def path(self, number: int) -> tuple[str, ...]:
        """The keys that lead to a value."""
        return (*self.holder_path(self.inside[number]), self.keys[number])

    def holder_path(self, at: int) -> tuple[str, ...]:
        """The keys that lead to an object."""
        steps: list[str] = []
        while at > 0:
            holder = self.holders[at]
            if holder.key is not None:
                steps.append(holder.key)
            at = holder.inside
        return tuple(reversed(steps))


def _pair_keys(item: dict[str, Any]) -> tuple[str, str] | None:
    """The keys that an array's members have for name and value; None: they are no pairs."""
    if not 2 <= len(item) <= 4:
        return None
    for name in _PAIR_NAMES:
        if name in item:
            for value in _PAIR_VALUES:
                if value in item:
                    return name, value
    return None
