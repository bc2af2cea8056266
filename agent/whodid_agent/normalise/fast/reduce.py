"""A profile without what an event of certain keys cannot have: `compile` makes functions of their own of these."""

from msgspec import structs

from whodid_agent.normalise.language.expression import (
    Each,
    Expression,
    First,
    Hole,
    IfPresent,
    Several,
    Table,
    Template,
    looked_at,
)
from whodid_agent.normalise.language.path import Path
from whodid_agent.normalise.language.profile import Profile


def reduced(profile: Profile, keys: frozenset[str]) -> Profile:
    """The profile without what cannot be there in an event that has no other keys at the top."""
    slots: dict[str, Expression] = {}
    for slot, expr in profile.slots.items():
        left = _reduced(expr, keys)
        if left is not None:
            # A place that stood alone may be popped, one of several not: a null in the first says nothing.
            slots[slot] = First((left,)) if isinstance(left, Path) and left not in profile.sole else left
    native = profile.native if all(path.top in keys for path in profile.native) else ()
    ignore = tuple(path for path in profile.ignore if path.top in keys)
    return structs.replace(profile, slots=slots, native=native, ignore=ignore)


def _reduced(  # noqa: PLR0911  # one return for each form of the language
    expr: Expression | None, keys: frozenset[str]
) -> Expression | None:
    match expr:
        case Path(steps):
            return expr if steps[0] in keys else None
        case First(options):
            left = tuple(one for option in options if (one := _reduced(option, keys)) is not None)
            return First(left) if left else None
        case Table(of, table, otherwise):
            left_of = of if table.get("") is not None else tuple(path for path in of if path.top in keys)
            return Table(left_of, table, _reduced(otherwise, keys)) if left_of else _reduced(otherwise, keys)
        case Template(parts, keeps):
            fewer = tuple(_fewer(part, keys) if type(part) is Hole else part for part in parts)
            return None if Hole(()) in fewer else Template(fewer, keeps)
        case Each():
            return _objects(expr, keys)
        case Several(parts, only):
            some = tuple(one for part in parts if (one := _objects(part, keys)) is not None)
            return Several(some, only) if some else None
        case IfPresent(path, then, otherwise):
            if path.steps[0] not in keys:
                return _reduced(otherwise, keys)
            return IfPresent(path, _reduced(then, keys), _reduced(otherwise, keys))
    return expr


def _objects(expr: Each, keys: frozenset[str]) -> Each | None:
    if not expr.of:
        return expr if any(path.top in keys for path in looked_at(expr)) else None
    arrays = tuple(path for path in expr.of if path.top in keys)
    return structs.replace(expr, of=arrays) if arrays else None


def _fewer(hole: Hole, keys: frozenset[str]) -> Hole:
    return Hole(tuple(path for path in hole.places if path.top in keys))
