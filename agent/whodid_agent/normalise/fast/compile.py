"""A profile as one generated Python function: what `interpret.extract` does, about three times as fast.

The shape of the function:

    def run(e):
        p1 = e.get(k1) if type is dict else EMPTY          every object that a path leads through, once
        s0 = None                                          a slot: each place in turn, taken away where it serves
        v = p1.get(k2)
        if v is not None:
            s0 = v if type(v) is str and v else text(v)
            if s0 is not None: del p1[k2]
        s1 = p1.get(k3)                                    a place of its own: a null there goes as well
        if s1 is None: p1.pop(k3, None)
        elif …: del p1[k3]
        if p2:                                             slots of an object that nothing is left of are skipped
        …
        return Draft(Record(…), …)

A place that several slots read, or that lies in an array, is taken away at the end. The function uses the event up;
where it raises, the caller decodes anew and interprets.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from whodid_agent.normalise.draft import SLOTS, Draft
from whodid_agent.normalise.fast.reduce import reduced
from whodid_agent.normalise.fast.source import Source
from whodid_agent.normalise.language.expression import (
    NULL,
    Const,
    Each,
    Expression,
    First,
    Hole,
    IfPresent,
    Several,
    Table,
    Template,
    gathers,
    looked_at,
)
from whodid_agent.normalise.language.path import Cut, Like, Path, Pick, Steps, is_key, removable, spelt
from whodid_agent.normalise.language.profile import Profile

Extract = Callable[[dict[str, Any]], Draft]

_INLINE_TEXT = "v if type(v) is str and v else text(v)"


def compile_profile(profile: Profile, keys: frozenset[str] | None = None) -> Extract:
    """The generated function of this profile, with `keys` for events that have no other keys at the top.

    Most events lack most of the places that a profile looks at; knowing which, the function does not ask for them.
    """
    return generate(profile, keys).function(f"<profile {profile.name}>")


def generate(profile: Profile, keys: frozenset[str] | None = None) -> Source:
    """The function's source, and the names that are bound in it."""
    if keys is None:
        writer = Writer(profile, profile.containers)
    else:
        there = [container for container in profile.containers if container.steps[0] in keys]
        writer = Writer(reduced(profile, keys), there)
    writer.write()
    return writer


class Writer(Source):
    """Writes the source of one profile."""

    def __init__(self, profile: Profile, containers: Sequence[Path]) -> None:
        super().__init__()
        self.profile = profile
        self.containers = containers
        self.parents: dict[Steps, str] = {(): "e"}
        self.flags: dict[Path, str] = {}
        self.members: dict[tuple[Steps, Steps], str] = {}
        self.gathers = any(map(gathers, profile.slots.values()))

    def write(self) -> None:
        """All lines of the function."""
        looked = [path for expr in self.profile.slots.values() for path in looked_at(expr)]
        for path in (*looked, *self.profile.native, *self.profile.ignore):
            self._parent(path.outer)
        for number, path in enumerate(sorted(self.profile.shared, key=lambda one: spelt(one.steps))):
            self.flags[path] = f"f{number}"
            self.put(f"f{number} = False")
        if self.gathers:
            self.put("used = set()")
        native = self._native()
        slots = {slot: f"s{number}" for number, slot in enumerate(self.profile.slots)}
        self._fill(slots)
        self._clean()
        lift = self.bind(self.profile.lift)
        metadata = f"rest(e, {lift}) if e else None" if self.profile.lift else "e or None"
        self.build(slots, native, metadata)

    def _parent(self, steps: Steps) -> None:
        """A local for the object at these steps; what leads into an array or a text is looked up step by step."""
        if not steps or steps in self.parents:
            return
        self._parent(steps[:-1])
        self._index(steps)
        found = self._found(steps)
        name = f"p{len(self.parents)}"
        self.parents[steps] = name
        self.put(f"{name} = {found}")
        self.put(f"if type({name}) is not dict: {name} = EMPTY")

    def _index(self, steps: Steps) -> None:
        """A local for the members of an array by a key, where the first of them is looked for by it."""
        pick = steps[-1]
        if type(pick) is Pick and len(pick.values) == 1 and (steps[:-1], pick.key) not in self.members:
            self.put(f"m{len(self.members)} = by_key({self._found(steps[:-1])}, {self.bind(pick.key)})")
            self.members[steps[:-1], pick.key] = f"m{len(self.members)}"

    def _native(self) -> str:
        if not self.profile.native:
            return "None"
        self.put("native_ids = " + "".join(f"text(at(e, {self.bind(path.steps)}))," for path in self.profile.native))
        self.put("if None in native_ids: native_ids = None")
        return "native_ids"

    def _load(self, path: Path) -> str:
        return self._found(path.steps)

    def _found(self, steps: Steps) -> str:
        """What stands at these steps, from the nearest object on the way that has a local."""
        last = steps[-1]
        if type(last) is Cut or type(last) is Like:
            return f"{self.bind(last.read)}({self._found(steps[:-1])})"
        if type(last) is Pick and len(last.values) == 1 and (steps[:-1], last.key) in self.members:
            return f"{self.members[steps[:-1], last.key]}.get({self.bind(last.values[0])})"
        known = (n for n in range(len(steps) - 1, 0, -1) if steps[:n] in self.parents and is_key(steps[n]))
        depth = next(known, 0)
        outer = self.parents[steps[:depth]]
        if depth == len(steps) - 1 and is_key(steps[-1]):
            return f"{outer}.get({self.bind(steps[-1])})"
        return f"at({outer}, {self.bind(steps[depth:])})"

    def _take(self, path: Path) -> None:
        """Remove what a slot was filled from, now or at the end."""
        if path in self.flags:
            self.put(f"{self.flags[path]} = True")
        else:
            self.put(f"del {self.parents[path.steps[:-1]]}[{self.bind(path.steps[-1])}]")

    def _value(self, expr: Expression | None, name: str, kind: str) -> None:
        match expr:
            case Path():
                self._path(expr, name, kind)
            case First(options):
                self._first(options, name, kind)
            case Const(value):
                self.put(f"{name} = {self.bind(value)}")
            case Table():
                self._table(expr, name, kind)
            case Template():
                self._template(expr, name, kind)
            case Each() | Several():
                self._objects(expr, name)
            case IfPresent(path, then, otherwise):
                self.put(f"if {self._load(path)} not in (None, ''):")
                self.block(lambda: self._value(then, name, kind))
                self.put("else:")
                self.block(lambda: self._value(otherwise, name, kind))

    def _fill(self, slots: dict[str, str]) -> None:
        """Every slot's lines; those that one object alone can fill are skipped where it is not there."""
        ordered = list(self.profile.slots.items())
        for parent, run in groupby(ordered, key=lambda entry: self._sole_parent(entry[1])):
            if parent is None:
                for slot, expr in run:
                    self._slot(expr, slots[slot], SLOTS[slot])
                continue
            inside = list(run)
            self.put(f"{' = '.join(slots[slot] for slot, _ in inside)} = None")
            for slot, expr in inside:
                self.put(f"if {parent}:")
                self.depth += 1
                self._slot(expr, slots[slot], SLOTS[slot])
                self.depth -= 1

    def _sole_parent(self, expr: Expression) -> str | None:
        """The local of the one object at the top that this slot reads in; None where it reads elsewhere too."""
        options = expr.options if isinstance(expr, First) else (expr,)
        outermost = {
            option.steps[0] if isinstance(option, Path) and len(option.steps) > 1 and not option.indexed else ""
            for option in options
        }
        return self.parents.get((outermost.pop(),)) if len(outermost) == 1 else None

    def _slot(self, expr: Expression, name: str, kind: str) -> None:
        if isinstance(expr, Path) and expr not in self.flags:
            self._alone(expr, name, kind)
        else:
            self.put(f"{name} = None")
            self._value(expr, name, kind)

    def _alone(self, path: Path, name: str, kind: str) -> None:
        """A slot with one place that no other slot reads: a null there goes, what does not serve stays in its place."""
        parent, key = self.parents[path.steps[:-1]], self.bind(path.steps[-1])
        self.put(f"{name} = {parent}.get({key})")
        self.put(f"if {name} is None: {parent}.pop({key}, None)")
        if kind == "text":
            self.put(
                f"elif (type({name}) is str and {name}) or ({name} := text({name})) is not None: del {parent}[{key}]"
            )
        else:
            self.put(f"elif ({name} := {kind}({name})) is not None: del {parent}[{key}]")

    def _path(self, path: Path, name: str, kind: str) -> None:
        self.put(f"v = {self._load(path)}")
        self.put("if v is not None:")
        self.put(f"    {name} = {_INLINE_TEXT if kind == 'text' else f'{kind}(v)'}")
        self.put(f"    if {name} is not None:")
        self.depth += 2
        self._take(path)
        self.depth -= 2

    def _first(self, options: tuple[Expression, ...], name: str, kind: str) -> None:
        for number, option in enumerate(options):
            if number:
                self.put(f"if {name} is None:")
                self.depth += 1
            self._value(option, name, kind)
        self.depth -= max(0, len(options) - 1)

    def _objects(self, expr: Each | Several, name: str) -> None:
        """Targets or changes, where something stands that they are made of."""
        self.put(f"{name} = None")
        only = isinstance(expr, Several) and expr.only
        for part in expr.parts if isinstance(expr, Several) else (expr,):
            made = f"gathered({self.bind(part)}, e, used)"
            some = self._may_give(part)
            if only:
                self.put(f"if {name} is None and {some}: {name} = {made}")
            else:
                self.put(f"if {some}: {name} = joined({name}, {made})")

    def _may_give(self, part: Each) -> str:
        """Whether something stands where it is made of; most are made of what is not there."""
        if part.of:
            groups = [list(part.of)]
        else:
            groups = [
                [path for one in part.members if one.name in names for path in looked_at(one.expr)]
                for names in (part.needed, part.telling)
            ]
        asked = (" or ".join(f"{self._load(path)} is not None" for path in dict.fromkeys(paths)) for paths in groups)
        return " and ".join(f"({one})" for one in asked if one) or "True"

    def _table(self, expr: Table, name: str, kind: str) -> None:
        get = self.bind(expr.table.get)
        null = self.bind(NULL) if NULL in expr.table.values() else None
        some = "is not None" if null is None else f"not in (None, {null})"
        for number, path in enumerate(expr.of):
            if number:
                self.put(f"if {name} is None:")
                self.depth += 1
            self.put(f"{name} = {get}(table_key({self._load(path)}))")
            self.put(f"if {name} {some}:")
            self.block(lambda path=path: self._take(path))  # type: ignore[misc]  # binds this turn's path
        self.depth -= len(expr.of) - 1
        if expr.otherwise is not None:
            self.put(f"if {name} is None:")
            self.block(lambda: self._value(expr.otherwise, name, kind))
        if null is not None:
            self.put(f"if {name} is {null}: {name} = None")

    def _template(self, template: Template, name: str, kind: str) -> None:
        holes = template.holes
        for number, hole in enumerate(holes):
            for turn, path in enumerate(hole.places):
                which = f"; w{number} = {turn}" if len(hole.places) > 1 else ""
                self.put(f"{f'if t{number} is None: ' if turn else ''}t{number} = text({self._load(path)}){which}")
        self.put(f"if {' and '.join(f't{number} is not None' for number in range(len(holes))) or True}:")
        numbers = iter(range(len(holes)))
        pieces = [f"t{next(numbers)}" if type(part) is Hole else self.bind(part) for part in template.parts]
        self.put(f"    {name} = " + (f"({', '.join(pieces)},)" if template.told else f"{kind}({' + '.join(pieces)})"))
        if template.keeps:
            return
        self.depth += 1
        for number, hole in enumerate(holes):
            if len(hole.places) == 1:
                self._take(hole.places[0])
                continue
            for turn, path in enumerate(hole.places):
                self.put(f"if w{number} == {turn}:")
                self.block(lambda path=path: self._take(path))  # type: ignore[misc]  # binds this turn's path
        self.depth -= 1

    def _clean(self) -> None:
        """Take away the shared places, then the objects that nothing is left of."""
        if self.gathers:
            self.put("take_away(e, used)")
        conditions = dict.fromkeys(self.profile.native, "native_ids is not None")
        conditions |= {
            path: f"{flag} or {conditions[path]}" if path in conditions else flag for path, flag in self.flags.items()
        }
        conditions |= dict.fromkeys(self.profile.ignore, "True")
        for path, condition in conditions.items():
            steps = removable(path.steps)
            if steps and type(steps[-1]) is str:
                outer = self.parents.get(steps[:-1])
                key = self.bind(steps[-1])
                self.put(
                    f"if {condition}: " + (f"{outer}.pop({key}, None)" if outer else f"remove(e, {self.bind(steps)})")
                )
        for array in self.profile.arrays:
            self.put(f"prune(e, {self.bind(array)})")
        for container in self.containers:
            name = self.parents.get(container.steps)
            if name is None:
                self.put(f"if at(e, {self.bind(container.steps)}) == EMPTY: remove(e, {self.bind(container.steps)})")
            else:
                outer = self.parents[container.steps[:-1]]
                self.put(f"if not {name} and {name} is not EMPTY: {outer}.pop({self.bind(container.steps[-1])}, None)")
