"""A guess: the function of a profile for events that are built like one that was met, key for key.

Events of one kind are built alike. Where the keys of an event are known, also inside its objects, nothing has to be
looked for, and what is left over for the metadata is known beforehand. The function asks whether its event is built
so, with values of the same kinds, and gives None where it is not; it changes nothing before it is sure. Its shape:

    def run(e):
        try:
            p0 = e[k0]                              an object that something is taken from: just these keys
            if type(p0) is not dict or len(p0) != 4: return None
            if k1 in p1: return None                an object that nothing was taken from: still nothing to take
            v0 = p0[k2]
            if type(v0) is not str or not v0: return None
            …
        except KeyError: return None
        del p1[k5]                                  only where something else is left beside it
        return Draft(Record(…, {k6: v6, **p1}), …)      or, of a plain event, just (v0, v1, …, k7, {k6: v6, **p1})

Whatever `interpret.extract` would decide is decided here once, for the event that was met, and held by a test in
the function.
"""

from collections.abc import Callable
from typing import Any

from whodid_agent.normalise import values
from whodid_agent.normalise.asking import NOTHING, Asking, Unfit
from whodid_agent.normalise.draft import SLOTS, Draft
from whodid_agent.normalise.expression import (
    NULL,
    Const,
    Expression,
    First,
    Hole,
    IfPresent,
    Table,
    Template,
    gathers,
    looked_at,
)
from whodid_agent.normalise.path import Path, Steps, at, table_key
from whodid_agent.normalise.plain import PLAIN, Plain, filled
from whodid_agent.normalise.profile import Profile

Guess = Callable[[dict[str, Any]], Draft | Plain | None]


def guess(profile: Profile, event: dict[str, Any]) -> Guess | None:
    """The function for events built like this one (whole, not used up); None where there can be none."""
    writer = Writer(profile, event)
    try:
        writer.write()
    except Unfit:
        return None
    return writer.function(f"<guess {profile.name}>")


class Writer(Asking):
    """The function for events built like `event`; `layout_guess` writes it for lines that are laid out alike."""

    def __init__(self, profile: Profile, event: dict[str, Any]) -> None:
        super().__init__(profile, event)
        self.taken: set[Steps] = set()
        self.used: set[Steps] = set()

    def write(self) -> None:
        """All lines of the function."""
        profile = self.profile
        looked = [path for expr in profile.slots.values() for path in looked_at(expr)]
        looked += [*profile.native, *profile.ignore]
        inside = [path for expr in profile.slots.values() if gathers(expr) for path in looked_at(expr)]
        inside += [path for path in looked if path.indexed]
        if any(path.top in self.event for path in inside):
            raise Unfit
        self.put("try:")
        self.depth += 1
        native = self._native()
        slots = {slot: self._value(expr, SLOTS[slot]) for slot, expr in profile.slots.items()}
        for path in profile.ignore:
            if self.is_there(path.steps):
                self.load(path.steps)
                self.taken.add(path.steps)
        for path in profile.sole:
            if path.steps in self.loaded and at(self.event, path.steps) is None:
                self.taken.add(path.steps)
        self.hold_containers()
        self.used = self._used()
        metadata = self._left()
        self.hold_keys((), "e", self.event)
        for line in self.later:
            self.put(line)
        self.depth -= 1
        self.put(f"except KeyError: return {NOTHING}")
        self._remove()
        self.give(slots, native, metadata)

    def give(self, slots: dict[str, str], native: str, metadata: str) -> None:
        """The last lines: what a plain event gives, or a draft."""
        if native == NOTHING and all(local == NOTHING for slot, local in slots.items() if slot not in PLAIN):
            there = filled(slots)
            told = NOTHING if there is None else self.bind(there)
            self.put(f"return ({', '.join(slots.get(slot, NOTHING) for slot in PLAIN)}, {told}, {metadata})")
        else:
            self.build(slots, native, metadata)

    # What fills the slots.

    def _native(self) -> str:
        paths = self.profile.native
        names = [self._path(path, "text") for path in paths]
        if paths and NOTHING not in names:
            return f"({', '.join(names)},)"
        self.taken.clear()
        return NOTHING

    def _value(  # noqa: PLR0911  # one return for each form of the language
        self, expr: Expression | None, kind: str
    ) -> str:
        """The local that holds what the expression gives, `None` for nothing."""
        match expr:
            case Path():
                return self._path(expr, kind)
            case First(options):
                return self._first(options, kind)
            case Const(value):
                return self.bind(value)
            case Table():
                return self._table(expr, kind)
            case Template():
                return self._template(expr, kind)
            case IfPresent(path, then, otherwise):
                return self._value(then if self._is_present(path) else otherwise, kind)
        return NOTHING

    def _path(self, path: Path, kind: str) -> str:
        if path.indexed or not self.is_there(path.steps):
            return NOTHING
        value, name = at(self.event, path.steps), self.load(path.steps)
        if value is None:
            self.unless(f"{name} is not None")
            return NOTHING
        if values.KINDS[kind](value) is None:
            self.unless(f"{name} is None or {kind}({name}) is not None")
            return NOTHING
        self.taken.add(path.steps)
        test = self.unlike(name, kind, value)
        if test is not None:
            self.unless(test)
            return name
        self.unless(f"not {name}" if value else name)
        return self.make(f"{name}_{kind}", f"{kind}({name})")

    def unlike(self, name: str, kind: str, value: Any) -> str | None:
        """What holds of a local that cannot be taken as it is, where this value can; None: its kind must say."""
        if kind == "text" and type(value) is str:
            return f"type({name}) is not str or not {name}"
        if kind == "name" and type(value) is str:
            return f"type({name}) is not str or len({name}) <= {values.PLACEHOLDER} and name({name}) is None"
        if kind == "changes" and type(value) is dict:
            return f"type({name}) is not dict or not {name}"
        return None

    def _first(self, options: tuple[Expression, ...], kind: str) -> str:
        for option in options:
            name = self._value(option, kind)
            if name != NOTHING:
                return name
        return NOTHING

    def _table(self, expr: Table, kind: str) -> str:
        get = self.bind(expr.table.get)
        for number, path in enumerate(expr.of):
            there = not path.indexed and self.is_there(path.steps)
            found = expr.table.get(table_key(at(self.event, path.steps) if there else None))
            if not there:
                if found is not None:
                    return NOTHING if found is NULL else self.bind(found)
                continue
            name = self.load(path.steps)
            if found is NULL:
                self.unless(f"{get}(table_key({name})) is not {self.bind(NULL)}")
                return NOTHING
            if found is None:
                self.unless(f"{get}(table_key({name})) is not None")
                continue
            made = f"t{len(self.lines)}_{number}"
            self.put(f"{made} = {get}(table_key({name}))")
            self.unless(
                f"{made} is None" if NULL not in expr.table.values() else f"{made} in (None, {self.bind(NULL)})"
            )
            self.taken.add(path.steps)
            return made
        return self._value(expr.otherwise, kind)

    def _template(self, template: Template, kind: str) -> str:
        filled = [self._filler(hole) for hole in template.holes]
        if None in filled:
            return NOTHING
        taken = set(self.taken)
        names = iter([self._path(path, "text") for path in filled if path is not None])
        if template.keeps:
            self.taken = taken
        pieces = [next(names) if type(part) is Hole else self.bind(part) for part in template.parts]
        if template.told:
            return self.make(f"m{len(self.later)}", f"({', '.join(pieces)},)")
        return self.make(f"m{len(self.later)}", f"{kind}({' + '.join(pieces)})")

    def _filler(self, hole: Hole) -> Path | None:
        """The place that fills the gap; those before it are held to have no text."""
        for path in hole.places:
            if path.indexed or not self.is_there(path.steps):
                continue
            if values.text(at(self.event, path.steps)) is not None:
                return path
            self.unless(f"text({self.load(path.steps)}) is not None")
        return None

    def _is_present(self, path: Path) -> bool:
        if path.indexed or not self.is_there(path.steps):
            return False
        present = at(self.event, path.steps) not in (None, "")
        self.unless(f"{self.load(path.steps)} {'in' if present else 'not in'} (None, '')")
        return present

    # What is left.

    def _used(self) -> set[Steps]:
        """Every place that was taken, and the objects that nothing is left of."""
        used = set(self.taken)
        for container in self.profile.containers:
            inside = at(self.event, container.steps)
            if type(inside) is dict and all((*container.steps, key) in used for key in inside):
                used.add(container.steps)
        return used

    def _left(self) -> str:
        """What is left of the event, as an expression; the members of one object of `lift` move up."""
        left = {key: self.load((key,)) for key in self.event if (key,) not in self.used}
        lifted = [key for key in self.profile.lift if key in left and type(self.event[key]) is dict]
        for key in [key for key in self.profile.lift if key in left and key not in lifted]:
            self.unless(f"type({left[key]}) is dict")
        if not lifted:
            return self._object(left) if left else NOTHING
        if len(lifted) > 1 or any(key in self.event[lifted[0]] for key in (*left, *self.profile.lift)):
            raise Unfit
        inner = left.pop(lifted[0])
        self.unless(f"type({inner}) is not dict or not {inner}")
        for key in dict.fromkeys((*left, *self.profile.lift)):
            self.unless(f"{self.bind(key)} in {inner}")
        return self._object(left, f"**{inner}") if left else inner

    def _object(self, left: dict[str, str], *more: str) -> str:
        if len(left) == 1:
            entries = "".join(f"{self.bind(key)}: {name}" for key, name in left.items())
        else:  # the keys may stand in another order than in the event that was met
            entries = f"**{{k: v for k, v in e.items() if k in {self.bind(frozenset(left))}}}"
        return f"{{{', '.join([entries, *more])}}}"

    def _remove(self) -> None:
        """Take what was used out of the objects of which something is left."""
        for steps in sorted(self.used):
            if len(steps) > 1 and not any(steps[:depth] in self.used for depth in range(1, len(steps))):
                self.put(f"del {self.parents[steps[:-1]]}[{self.bind(steps[-1])}]")
