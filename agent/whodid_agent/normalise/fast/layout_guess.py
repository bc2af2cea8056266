"""A guess for lines that are laid out alike: the same function, but of the texts that the layout's pattern finds.

    def run(e, …):
        (b0, b3, r4, o5, o6) = e.groups()          texts, a number as it is written, objects' texts: bytes of the line
        v3 = b3.decode(); v4 = int(r4) …           only what is looked at
        if len(v3) <= 11 and name(v3) is None: return None
        v0_moment = moment(v0) …
        if k1 in o6: return None                   a key that would be looked for
        return ship(v0_moment, b3, …, o5, k7, k8 + o6[1:], …)

What a guess asks of an event's keys and kinds the layout has decided; what it asks of values is asked here too, by the
same lines. The metadata is JSON: texts of the line, put together. An object in which the profile looks for nothing that
is there stays a text; a key that would be looked for is not allowed to be written in it.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from whodid_agent.normalise import values
from whodid_agent.normalise.contract import Origin, Shipment
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.fast import guess
from whodid_agent.normalise.fast.asking import NOTHING, Unfit
from whodid_agent.normalise.fast.layout import Odd, Piece, Way, pattern, pieces
from whodid_agent.normalise.language.expression import looked_at
from whodid_agent.normalise.language.path import Path, Steps, at
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.plain import PLAIN, filled
from whodid_agent.normalise.signing import Signer

Guess = Callable[[re.Match[bytes], int, bytes, Origin, Signer], Shipment | None]
"""Of a match, the event's number, its line, where it came from, and who signs it."""

_VARIES = re.compile(r"\b[vtm]\d")
_OPAQUE = re.compile(r"\bo\d")
_LOCAL = re.compile(r"\b[bvro]\d+\b")
_NUMBERS = {"whole": "int", "float": "float"}
_DECIDING = frozenset({"time", "action", "outcome", "actor.type", "target.type", "changes"})
"""What is handed on as it is: no bytes of a record are made of it."""
_PREFIXES = {"text": "b", "whole": "r", "float": "r"}
_KIND_ALONE = re.compile(r"type\(\w+\) is dict")


def layout_guess(
    profile: Profile, event: dict[str, Any], line: str, settled: tuple[list[Path], list[Path]], ship: Callable[..., Any]
) -> tuple[str, Guess] | None:
    """A pattern for lines laid out like this one (decoded: `event`) and the function of its matches.

    It gives what `ship` does: see `Straight.straight`. `settled`: see `Recogniser.settled`. None where there can be no
    such function.
    """
    try:
        writer = _Writer(profile, event, pieces(line), *settled)
        writer.write()
        writer.names["ship"] = ship
        run: Any = writer.function(f"<layout {profile.name}>")
    except (Unfit, Odd):
        return None
    return writer.source, run


class _Writer(guess.Writer):
    def __init__(
        self,
        profile: Profile,
        event: dict[str, Any],
        parts: list[Piece],
        empty: Sequence[Path],
        looked: Sequence[Path],
    ) -> None:
        super().__init__(profile, event)
        self._parts = parts
        self._kinds = {part.way: part.kind for part in parts if part.kind}
        self._empty, self._looked = [*empty], looked
        self._names: dict[Way, str] = {}
        self._full: set[str] = set()
        self._lifted: Way | None = None
        self.source = ""

    # What a guess looks at.

    def load(self, steps: Steps) -> str:
        """A local for what stands there: `v…` varies, `o…` is an object, of the rest the value itself."""
        if steps in self.loaded:
            return self.loaded[steps]
        way = _way(steps)
        kind = self._kinds.get(way)
        if kind is None:
            name = self.bind(at(self.event, steps))
        else:
            name = f"{'o' if kind == 'close' else 'v'}{len(self.loaded)}"
            self._names[way] = name
            if kind == "text":
                self._full.add(f"not {name}")
        self.loaded[steps] = name
        return name

    def unless(self, test: str) -> None:
        """As in a guess; what only asks for kinds or emptiness the layout has decided."""
        if _VARIES.search(test) and not _KIND_ALONE.fullmatch(test) and test not in self._full:
            super().unless(test)

    def make(self, name: str, expression: str) -> str:
        if _OPAQUE.search(expression):
            raise Unfit
        return super().make(name, expression)

    def unlike(self, name: str, kind: str, value: Any) -> str | None:
        if kind == "text" and type(value) is str:
            return "False"
        if kind == "name" and type(value) is str:
            return f"len({name}) <= {values.PLACEHOLDER} and name({name}) is None"
        return super().unlike(name, kind, value)

    def hold_keys(self, steps: Steps, name: str, inside: dict[str, Any]) -> None:
        """The layout holds them."""

    def _hold_open(self, steps: Steps, name: str) -> None:
        """See `_hold_absent`."""

    def _remove(self) -> None:
        """Nothing is taken out of a text."""

    # What is left.

    def _left(self) -> str:
        left = {key: None for key in self.event if (key,) not in self.used}
        lifted = [key for key in self.profile.lift if key in left and type(self.event[key]) is dict]
        if not left:
            return NOTHING
        if len(lifted) > 1:
            raise Unfit
        if not lifted:
            return self._joined(["{", *self._members((), left), "}"])
        inner = self.event[lifted[0]]
        del left[lifted[0]]
        moved = {*left, *self.profile.lift}
        if not inner or any(key in inner for key in moved):
            raise Unfit
        before = ["{", *self._members((), left), ","] if left else ["{"]
        self._empty += [Path((lifted[0], key)) for key in moved]
        if self._is_open((lifted[0],)):
            return self._joined([*before, *self._members((lifted[0],), inner), "}"])
        self._lifted = (lifted[0],)
        name = self.load(self._lifted)
        return f"{self._joined(before)} + {name}[1:]" if left else name

    def _is_open(self, way: Way) -> bool:
        """Whether something in the object is looked at."""
        return any(len(steps) > len(way) and steps[: len(way)] == way for steps in self.loaded)

    def _members(self, way: Way, inside: dict[str, Any]) -> Iterator[Any]:
        """JSON of these members of an object, as far as they are left: text, and ways of what varies."""
        between = ""
        for key in inside:
            inner = (*way, key)
            if inner not in self.used:
                yield f'{between}"{key}":'
                yield from self._member(inner)
                between = ","

    def _member(self, way: Way) -> Iterator[Any]:
        kind, value = self._kinds.get(way), at(self.event, way)
        if kind is None:
            yield _to_json(value).decode()
        elif kind == "text":
            yield from ('"', way, '"')
        elif kind != "close":
            yield way
        elif not value:
            yield "{}"
        elif self._is_open(way):
            yield from ("{", *self._members(way, value), "}")
        else:
            yield way

    def _joined(self, parts: list[Any]) -> str:
        """An expression for the text of these parts."""
        made: list[str] = []
        text = ""
        for part in [*parts, ()]:
            if isinstance(part, str):
                text += part
                continue
            made += [self.bind(text.encode())] * (text != "") + [self._raw(way) for way in (part,) if way]
            text = ""
        return f"b''.join(({', '.join(made)},))" if len(made) > 2 else " + ".join(made)

    def _raw(self, way: Way) -> str:
        name = self.load(way)
        return _PREFIXES.get(self._kinds[way], "o") + name[1:]

    # The function.

    def give(self, slots: dict[str, str], native: str, metadata: str) -> None:
        """The last lines: the plain event; there is no layout for others."""
        told = filled({slot: _OPAQUE.sub("v", local) for slot, local in slots.items()})  # it is of the event
        if native != NOTHING or told is None or any(slots[slot] != NOTHING for slot in slots if slot not in PLAIN):
            raise Unfit
        if any(map(_OPAQUE.search, self.lines)):
            raise Unfit
        opaque = {self.load(way): way for way in self._opaque()}
        diffs = slots.get("changes", NOTHING)
        if any(_OPAQUE.match(local) and (local != diffs or local not in opaque) for local in slots.values()):
            raise Unfit
        if diffs != NOTHING and diffs not in opaque:
            raise Unfit
        for path in self._looked:
            if any(outer in opaque.values() for outer in _outer(path.steps)):
                raise Unfit
        self._hold_absent()
        for name, way in opaque.items():
            if name != diffs and way != self._lifted:  # those are read where they are used
                self.put(f"read({name})")
        given = [self._given(slot, slots.get(slot, NOTHING)) for slot in PLAIN]
        around = sum(part.text.count('"') for part in self._around(opaque.values()))
        quotes = " + ".join([str(around), *(f"{name}.count({self.bind(_QUOTE)})" for name in opaque)])
        given += [self.bind(told), metadata, quotes, "item, data, origin, signer"]
        self.put(f"return ship({', '.join(given)})")
        self._take_apart()

    def _given(self, slot: str, local: str) -> str:
        if local == NOTHING or _OPAQUE.match(local):
            return local
        if re.fullmatch(r"v\d+", local):  # the text itself
            return f"b{local[1:]}"
        return local if slot in _DECIDING else f"{local}.encode()"

    def _around(self, opaque: Collection[Way]) -> list[Piece]:
        """The parts of the line outside these objects."""
        found = []
        inside: Way | None = None
        for part in self._parts:
            if inside is None and part.kind == "open" and part.way in opaque:
                inside = part.way
            if inside is None:
                found.append(part)
            elif part.kind == "close" and part.way == inside:
                inside = None
        return found

    def _opaque(self) -> list[Way]:
        """The outermost objects in which nothing is looked at."""
        found: list[Way] = []
        for way, kind in self._kinds.items():
            closed = kind == "close" and at(self.event, way) and not self._is_open(way)
            if closed and not any(way[: len(outer)] == outer for outer in found):
                found.append(way)
        return found

    def _hold_absent(self) -> None:
        """What is looked for in an object, and is not there, is not written in it."""
        profile = self.profile
        looked = [path for expr in profile.slots.values() for path in looked_at(expr)]
        held: dict[str, None] = {}
        for path in (*looked, *profile.native, *profile.ignore, *self._empty):
            for depth in range(1, len(path.steps)):
                inside, step = at(self.event, path.steps[:depth]), path.steps[depth]
                if inside is None:
                    break
                if not isinstance(step, str):
                    raise Unfit
                if type(inside) is not dict or not inside:
                    break
                if not self._is_open(_way(path.steps[:depth])):
                    word = self.bind(f'"{step}"'.encode())
                    held[f"{word} in {self.load(path.steps[:depth])}"] = None
                    break
        for test in held:
            self.put(f"if {test}: return {NOTHING}")

    def _take_apart(self) -> None:
        """The pattern, and the first lines: a local for each of its groups."""
        used = set(_LOCAL.findall("\n".join(self.lines)))
        raw = {way: _PREFIXES.get(self._kinds[way], "o") + name[1:] for way, name in self._names.items()}
        wanted = {way for way, name in self._names.items() if used & {name, raw[way]}}
        self.source, ways = pattern(self._parts, lambda way: way != () and not self._is_open(way), wanted.__contains__)
        self.names |= {"read": decode_json, "int": int, "float": float}
        first = [f"({''.join(f'{raw[way]}, ' for way in ways)}) = e.groups()"]
        for way in ways:
            name, kind = self._names[way], self._kinds[way]
            if name in used and kind in _PREFIXES:
                made = f"{_NUMBERS[kind]}({raw[way]})" if kind in _NUMBERS else f"{raw[way]}.decode()"
                first.append(f"{name} = {made}")
        self.lines[:0] = [f"    {line}" for line in first]

    def text(self) -> str:
        """The whole function."""
        return "\n".join(["def run(e, item, data, origin, signer):", *self.lines, ""])


def _way(steps: Steps) -> Way:
    way = tuple(step for step in steps if isinstance(step, str))
    if len(way) != len(steps):
        raise Unfit
    return way


def _outer(steps: Steps) -> list[Way]:
    """The ways to the objects that a place lies in."""
    way = _way(steps)
    return [way[:depth] for depth in range(1, len(way))]


_QUOTE = b'"'
_to_json = msgspec.json.Encoder().encode
