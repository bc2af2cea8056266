"""A profile applied to an event step by step: slow, complete, and what a compiled profile must equal.

The event (a dict) is used up: what is left of it when every slot has been filled is the record's metadata.
"""

from collections.abc import Sequence
from typing import Any

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import SLOTS, Draft, build
from whodid_agent.normalise.expression import (
    Const,
    Expression,
    First,
    IfPresent,
    Path,
    Steps,
    Table,
    Template,
    table_key,
)
from whodid_agent.normalise.profile import Profile
from whodid_agent.normalise.values import Accept

Event = dict[str, Any]


def extract(profile: Profile, event: Event) -> Draft:
    """The draft of this event. Takes what it uses out of `event`."""
    native = native_of(profile, event)
    used: set[Steps] = set()
    found = {slot: value_of(expr, event, values.KINDS[SLOTS[slot]], used) for slot, expr in profile.slots.items()}
    used.update(path.steps for path in profile.native if native is not None)
    for steps in (*used, *(path.steps for path in profile.ignore)):
        remove(event, steps)
    for path in profile.sole:
        if at(event, path.steps) is None:
            remove(event, path.steps)
    for container in profile.containers:
        if at(event, container.steps) == {}:
            remove(event, container.steps)
    return build(found, rest(event, profile.lift), native)


def at(value: Any, steps: Sequence[str]) -> Any:
    """What stands at the end of these steps, None where they lead nowhere."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


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
        case Template(parts):
            return _filled(parts, event, accept, used)
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
        if result is not None:
            used.add(path.steps)
            return result
    return value_of(expr.otherwise, event, accept, used)


def _filled(parts: Sequence[str | Path], event: Event, accept: Accept, used: set[Steps]) -> Any:
    texts = [part if isinstance(part, str) else values.text(at(event, part.steps)) for part in parts]
    if None in texts:
        return None
    used.update(part.steps for part in parts if isinstance(part, Path))
    return accept("".join(texts))  # type: ignore[arg-type]  # None is ruled out


def remove(event: Event, steps: Steps) -> None:
    """Take away what stands at the end of these steps; members of arrays stay, or the others would move."""
    parent = at(event, steps[:-1])
    if type(parent) is dict:
        parent.pop(steps[-1], None)


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
