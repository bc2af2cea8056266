"""A profile applied to an event step by step: slow, complete, and what a compiled profile must equal.

The event (a dict) is used up: what is left of it when every slot has been filled is the record's metadata.
"""

from collections.abc import Sequence
from typing import Any

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import SLOTS, Draft, Values, build
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
from whodid_agent.normalise.language.path import MOST_MEMBERS, Path, Steps, at, remove, table_key, take_away
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.values import Accept

Event = dict[str, Any]


def extract(profile: Profile, event: Event) -> Draft:
    """The draft of this event. Takes what it uses out of `event`."""
    profile = variant_for(profile, event)
    found, native = use_up(profile, event)
    return build(found, rest(event, profile.lift), native)


def use_up(profile: Profile, event: Event) -> tuple[Values, tuple[str, ...] | None]:
    """The slots' values and the application's own ids; what they are made of is taken out of `event`."""
    native = native_of(profile, event)
    used: set[Steps] = set()
    found = {slot: value_of(expr, event, values.KINDS[SLOTS[slot]], used) for slot, expr in profile.slots.items()}
    used.update(path.steps for path in profile.native if native is not None)
    used.update(path.steps for path in profile.ignore)
    used.update(path.steps for path in profile.sole if at(event, path.steps) is None)
    take_away(event, used)
    for array in profile.arrays:
        prune(event, array)
    for container in profile.containers:
        if at(event, container.steps) == {}:
            remove(event, container.steps)
    return found, native


def variant_for(profile: Profile, event: Event) -> Profile:
    """The profile as it is for this event's action; takes nothing out."""
    if not profile.actions:
        return profile
    return profile.variant(value_of(profile.slots.get("action"), event, values.text, set()))


def native_of(profile: Profile, event: Event) -> tuple[str, ...] | None:
    """The ids that the application gave the event; None unless every one is there."""
    found = tuple(values.text(at(event, path.steps)) for path in profile.native)
    return found if found and None not in found else None  # type: ignore[return-value]  # None is ruled out


def value_of(  # noqa: PLR0911  # one return for each form of the language
    expr: Expression | None, event: Event, accept: Accept, used: set[Steps]
) -> Any:
    """What the expression gives for this event, None for nothing; the places it is taken from are added to `used`."""
    match expr:
        case Path(steps):
            return _taken(steps, event, accept, used)
        case First(options):
            return _first(options, event, accept, used)
        case Const(value):
            return value
        case Table():
            return _looked_up(expr, event, accept, used)
        case Template():
            return _filled(expr, event, accept, used)
        case Each() | Several():
            return gathered(expr, event, used)
        case IfPresent(path, then, otherwise):
            there = at(event, path.steps) not in (None, "")
            return value_of(then if there else otherwise, event, accept, used)
        case None:
            return None


def _taken(steps: Steps, event: Event, accept: Accept, used: set[Steps]) -> Any:
    value = at(event, steps)
    taken = None if value is None else accept(value)
    if taken is not None:
        used.add(steps)
    return taken


def _first(options: Sequence[Expression], event: Event, accept: Accept, used: set[Steps]) -> Any:
    for option in options:
        value = value_of(option, event, accept, used)
        if value is not None:
            return value
    return None


def _looked_up(expr: Table, event: Event, accept: Accept, used: set[Steps]) -> Any:
    for path in expr.of:
        result = expr.table.get(table_key(at(event, path.steps)))
        if result is NULL:
            return None
        if result is not None:
            used.add(path.steps)
            return result
    return value_of(expr.otherwise, event, accept, used)


def _filled(template: Template, event: Event, accept: Accept, used: set[Steps]) -> Any:
    parts: list[Any] = []
    taken: list[Steps] = []
    for part in template.parts:
        if type(part) is Hole:
            found = next(((text, path) for path in part.places if (text := values.text(at(event, path.steps)))), None)
            if found is None:
                return None
            parts.append(found[0])
            taken.append(found[1].steps)
        else:
            parts.append(part)
    if not template.keeps:
        used.update(taken)
    return tuple(parts) if template.told else accept("".join(parts))


def gathered(expr: Each | Several, event: Event, used: set[Steps]) -> list[dict[str, Any]] | None:
    """The objects that are made of the event; None where there are none."""
    if type(expr) is Each:
        return each(expr, event, used)
    made = (each(part, event, used) for part in expr.parts)  # type: ignore[union-attr]  # Several, then
    if expr.only:  # type: ignore[union-attr]
        return next((some for some in made if some), None)
    return [one for some in made for one in some or ()] or None


def joined(first: list[dict[str, Any]] | None, more: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """What both give, one behind the other."""
    return [*first, *more] if first and more else first or more


def each(expr: Each, event: Event, used: set[Steps]) -> list[dict[str, Any]] | None:
    """What every object of the array amounts to; None where there is no array with an object that amounts to any."""
    if not expr.of:
        only = _of_object(expr, event, (), used)
        return None if only is None else [only]
    for path in expr.of:
        value = at(event, path.steps)
        if type(value) is dict:
            made = _of_object(expr, value, path.steps, used)
            found = [] if made is None else [made]
        elif type(value) is list:
            members = [(str(number), one) for number, one in enumerate(value[:MOST_MEMBERS]) if type(one) is dict]
            all_made = [_of_object(expr, one, (*path.steps, number), used) for number, one in members]
            found = [one for one in all_made if one is not None]
        else:
            continue
        if found:
            return found
    return None


def _of_object(expr: Each, entry: Event, place: Steps, used: set[Steps]) -> dict[str, Any] | None:
    taken: set[Steps] = set()
    made: dict[str, Any] = {}
    empty: list[Steps] = []
    for member in expr.members:
        value = value_of(member.expr, entry, values.KINDS[member.kind], taken)
        if value is not None:
            made[member.name] = value
        elif type(member.expr) is Path and at(entry, member.expr.steps) is None:
            empty.append(member.expr.steps)
    if not taken or not expr.needed.issubset(made) or expr.telling.isdisjoint(made):
        return None
    used.update((*place, *steps) for steps in (*taken, *empty))
    return made


def prune(event: Event, array: Path) -> None:
    """Take away an array of which every object has been used up."""
    value = at(event, array.steps)
    if type(value) is list and all(member == {} for member in value):
        remove(event, array.steps)


def rest(event: Event, lift: Sequence[str]) -> Event | None:
    """What is left of the event as metadata; the members of `lift` objects move up unless one would hide another."""
    for key in lift:
        inner = event.get(key)
        if type(inner) is dict:
            if len(event) == 1:
                event = inner
            elif (event.keys() - {key}).isdisjoint(inner):
                del event[key]
                event.update(inner)
    return event or None
