"""A guess: the function of a profile for events that are built like one that was met, key for key.

Events of one kind are built alike. Where the keys of an event are known, also inside its objects and arrays, nothing
has to be looked for, and what is left over for the metadata is known beforehand. The function asks whether its event
is built so, with values of the same kinds, and gives None where it is not; it changes nothing before it is sure:

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
        return Draft(Record(…, e), …)      or, of a plain event, just (v0, v1, …, k7, e)

Whatever `interpret.extract` would decide is decided here once, for the event that was met, and held by a test in
the function (`asking`). What it takes out is what the interpreter takes out of the event that was met.
"""

from collections.abc import Callable
from typing import Any

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import SLOTS, Draft
from whodid_agent.normalise.fast.asking import NOTHING, Place, Unfit, Way
from whodid_agent.normalise.fast.leaving import Leaving
from whodid_agent.normalise.fast.source import positional
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
)
from whodid_agent.normalise.language.path import Path, table_key
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.plain import PLAIN, Plain, filled
from whodid_schema.record import Target

Guess = Callable[[dict[str, Any]], Draft | Plain | None]


def guess(profile: Profile, event: dict[str, Any], *, of_action: bool = False) -> Guess | None:
    """The function for events built like this one (whole, not used up); None where there can be none.

    `of_action`: it is asked of events of the same action only, and need not serve others.
    """
    writer = _Writer(profile, event, of_action=of_action)
    try:
        writer.write()
    except Unfit:
        return None
    return writer.function(f"<guess {profile.name}>")


class _Writer(Leaving):
    """The function for events built like `event`."""

    def __init__(self, profile: Profile, event: dict[str, Any], *, of_action: bool = False) -> None:
        super().__init__(profile, event)
        self.of_action = of_action
        self.base: Way = ()
        self.took = False

    def write(self) -> None:
        """All lines of the function."""
        profile = self.profile
        self.put("try:")
        self.depth += 1
        if self.of_action:
            self._hold_action()
        native = self._native()
        slots = {slot: self._value(expr, SLOTS[slot]) for slot, expr in profile.slots.items()}
        for path in profile.ignore:
            self.find(path.steps)
        self.hold_rest()
        self.used = self._used()
        metadata = self._left()
        for line in self.later:
            self.put(line)
        self.depth -= 1
        self.put(f"except KeyError: return {NOTHING}")
        self._remove()
        self._give(slots, native, metadata)

    def _give(self, slots: dict[str, str], native: str, metadata: str) -> None:
        """The last lines: what a plain event gives, or a draft."""
        plain = native == NOTHING and all(local == NOTHING for slot, local in slots.items() if slot not in PLAIN)
        if plain and not slots.get("changes", "").startswith("["):
            there = filled(slots)
            told = NOTHING if there is None else self.bind(there)
            self.put(f"return ({', '.join(slots.get(slot, NOTHING) for slot in PLAIN)}, {told}, {metadata})")
        else:
            self.build(slots, native, metadata)

    def _hold_action(self) -> None:
        """What the action is made of decides on more than the action."""
        expr = self.profile.slots.get("action")
        options = expr.options if isinstance(expr, First) else (expr,)
        if isinstance(options[0], Path):
            place = self.find(options[0].steps)
            if place is not None and type(place.value) is str:
                self.hold_same(place)

    # What fills the slots.

    def _native(self) -> str:
        names = [self._path(path, "text") for path in self.profile.native]
        return f"({', '.join(names)},)" if names and NOTHING not in names else NOTHING

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
            case Each() | Several():
                return self._objects(expr, kind)
            case IfPresent(path, then, otherwise):
                return self._value(then if self._is_present(path) else otherwise, kind)
        return NOTHING

    def _path(self, path: Path, kind: str) -> str:
        place = self.find(path.steps, self.base)
        if place is None:
            return NOTHING
        name, value, way = place
        if value is None:
            self.unless(f"{name} is not None")
            return NOTHING
        if values.KINDS[kind](value) is None:
            self.unless(f"{name} is None or {kind}({name}) is not None")
            return NOTHING
        self.took = True
        if type(value) is dict or type(value) is list:
            self.whole.add(way)
        test = self._unlike(name, kind, value)
        if test is not None:
            if way not in self.same:
                self.unless(test)
                if type(value) is str and kind in ("text", "name"):
                    self.texts.add(name)
            return name
        self.unless(f"not {name}" if value else name)
        return self.make(f"{name}_{kind}", f"{kind}({name})")

    def _unlike(self, name: str, kind: str, value: Any) -> str | None:
        """What holds of a local that cannot be taken as it is, where this value can; None: its kind must say."""
        if kind in ("text", "name") and type(value) is str:
            empty = f"not {name}" if kind == "text" else f"len({name}) <= {values.PLACEHOLDER} and name({name}) is None"
            return empty if name in self.texts else f"type({name}) is not str or {empty}"
        if kind == "changes" and type(value) is dict:
            return f"type({name}) is not dict or not {name}"
        return f"{name} is None" if kind == "anything" else None

    def _first(self, options: tuple[Expression, ...], kind: str) -> str:
        for option in options:
            name = self._value(option, kind)
            if name != NOTHING:
                return name
        return NOTHING

    def _table(self, expr: Table, kind: str) -> str:
        for path in expr.of:
            place = self.find(path.steps, self.base)
            found = expr.table.get(table_key(None if place is None else place.value))
            if place is None or place.way in self.same:
                if found is not None:
                    self.took |= found is not NULL
                    return NOTHING if found is NULL else self.bind(found)
                continue
            asked = self._asked(expr, place)
            if found is NULL:
                self.unless(f"{asked} is not {self.bind(NULL)}")
                return NOTHING
            if found is None:
                self.unless(f"{asked} is not None")
                continue
            self.took = True
            made = f"t{len(self.lines)}"
            self.put(f"{made} = {asked}")
            self.unless(
                f"{made} is None" if NULL not in expr.table.values() else f"{made} in (None, {self.bind(NULL)})"
            )
            return made
        return self._value(expr.otherwise, kind)

    def _asked(self, expr: Table, place: Place) -> str:
        """What the table has for what stands there."""
        if type(place.value) is not str:
            return f"{self.bind(expr.table.get)}(table_key({place.name}))"
        self.hold_text(place.name)
        return f"{self.bind(expr.of_text)}[{place.name}]"

    def _template(self, template: Template, kind: str) -> str:
        places = [self._filler(hole) for hole in template.holes]
        if None in places:
            return NOTHING
        took = self.took
        names = iter([self._path(path, "text") for path in places if path is not None])
        if template.keeps:
            self.took = took
        if template.told and not places:
            return self.bind(template.parts)
        said = [part for part in template.parts if isinstance(part, str)]
        pieces = [next(names) if type(part) is Hole else self.bind(part) for part in template.parts]
        made = f"({', '.join(pieces)},)" if template.told else f"{kind}({' + '.join(pieces)})"
        name = f"m{len(self.later)}"
        if kind == "text" or template.told or (kind == "telling" and any(part.strip() for part in said)):
            self.later.append(f"{name} = {made.removeprefix(kind)}")
            return name
        return self.make(name, made)

    def _filler(self, hole: Hole) -> Path | None:
        """The place that fills the gap; those before it are held to have no text."""
        for path in hole.places:
            place = self.find(path.steps, self.base)
            if place is None:
                continue
            if values.text(place.value) is not None:
                return path
            self.unless(f"text({place.name}) is not None")
        return None

    def _is_present(self, path: Path) -> bool:
        place = self.find(path.steps, self.base)
        if place is None:
            return False
        present = place.value not in (None, "")
        if place.name in self.texts:
            self.unless(f"not {place.name}" if present else place.name)
        elif place.way not in self.same and place.way not in self.asked:
            self.unless(f"{place.name} {'in' if present else 'not in'} (None, '')")
        return present

    # Targets and changes that are made.

    def _objects(self, expr: Each | Several, kind: str) -> str:
        """As `interpret.gathered`."""
        made: list[str] = []
        for part in expr.parts if isinstance(expr, Several) else (expr,):
            made += self._each(part, kind)
            if made and isinstance(expr, Several) and expr.only:
                break
        return f"[{', '.join(made)}]" if made else NOTHING

    def _each(self, expr: Each, kind: str) -> list[str]:
        """As `interpret.each`."""
        if not expr.of:
            return self._object(expr, kind, ())
        for path in expr.of:
            place = self.find(path.steps)
            if place is None:
                continue
            made: list[str] = []
            if type(place.value) is dict:
                self.enter(place.way)
                made = self._object(expr, kind, place.way)
            elif type(place.value) is list:
                made = [one for way in self._objects_of(place) for one in self._object(expr, kind, way)]
            else:
                self.unless(f"type({place.name}) is dict or type({place.name}) is list")
            if made:
                return made
        return []

    def _objects_of(self, array: Place) -> list[Way]:
        """The objects of an array."""
        self.hold_length(array.way, array.value)
        places = [self.member(array.way, number) for number in range(len(array.value))]
        return [place.way for place in places if type(place.value) is dict]

    def _object(self, expr: Each, kind: str, base: Way) -> list[str]:
        """As `interpret._of_object`: one, or none."""
        outer, took = self.base, self.took
        self.base, self.took = base, False
        made = {one.name: local for one in expr.members if (local := self._value(one.expr, one.kind)) != NOTHING}
        enough, self.took = self.took, took
        self.base = outer
        if not enough or not expr.needed.issubset(made) or expr.telling.isdisjoint(made):
            return []
        self.took = True
        if kind == "targets":
            return [f"Target({positional(Target, made)})"]
        return [f"{{{', '.join(f'{self.bind(name)}: {local}' for name, local in made.items())}}}"]
