r"""The expressions of the profile language: how a slot gets its value from an event.

    a.b.0                                  a path (see `path`)
    [a.b, c]                               the first that is there and of the slot's kind
    {const: user}                          always this
    {map: path, table: {…}, else: expr}    the table's entry for the value there (see `patterns`); null: nothing
    {template: "{a.b}:{c|d}"}              text with values in it; nothing if one is missing
    {if_present: path, then: e, else: e}   one or the other
    {json: path, then: path}               a place in the JSON that stands in a text
    {each: path, type: e, id: e, …}        of every object of an array, one target or change
    {of: [{type: e, id: e}, {each: …}]}    several of them together; without `each` of the event itself
    {first_of: [{type: e, id: e}, …]}      only the first of them that gives any

A value that is not of the slot's kind is passed over, so `[actor.name, actor]` serves objects and plain names.
"""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from whodid_agent.normalise.language.path import Path, table_key
from whodid_agent.normalise.remembered import Remembered
from whodid_schema.telling import Gap


class First(Struct, frozen=True):
    """The first of these that gives a value."""

    options: tuple["Expression", ...]


class Const(Struct, frozen=True):
    """Always the same value, already of the slot's kind."""

    value: Any


class Null(Struct, frozen=True):
    """What a table has for a word of which it says nothing: neither its patterns nor `else` are asked then."""


NULL = Null()


class Table(Struct, frozen=True, dict=True):
    """A value translated; keys are casefolded, values of the slot's kind or NULL."""

    of: tuple[Path, ...]
    table: Mapping[str, Any]
    otherwise: "Expression | None"

    @cached_property
    def of_text(self) -> Remembered:
        """What the table has for a text, as it is written; None for nothing."""
        table = self.table
        return Remembered(lambda text: table.get(table_key(text)))


class Hole(Struct, frozen=True):
    """A gap in a template: the first of these places that has a text."""

    places: tuple[Path, ...]


class Template(Struct, frozen=True):
    """Text (str) and gaps in turn: a `Hole` is filled by the event, a `Gap` by the record.

    A sentence `keeps` what it names in the event: words for people are no place where it could be found again.
    """

    parts: tuple[str | Hole | Gap, ...]
    keeps: bool = False

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The gaps that the event fills."""
        return tuple(part for part in self.parts if type(part) is Hole)

    @property
    def told(self) -> bool:
        """Whether the record fills gaps too: then the value is a tuple of texts and `Gap`."""
        return any(type(part) is Gap for part in self.parts)


class IfPresent(Struct, frozen=True):
    """`then` where there is something at `path`, else `otherwise`."""

    path: Path
    then: "Expression | None"
    otherwise: "Expression | None"


class Member(Struct, frozen=True):
    """What one member of a target or change is made of; its paths begin at the array's object."""

    name: str
    expr: "Expression"
    kind: str


class Each(Struct, frozen=True):
    """An object of these members for every object of the first array that has some; without arrays, of the event."""

    of: tuple[Path, ...]
    members: tuple[Member, ...]
    needed: frozenset[str] = frozenset()
    """Members without all of which it says nothing."""
    telling: frozenset[str] = frozenset()
    """Members of which it needs one."""


class Several(Struct, frozen=True):
    """What all of these give, one behind the other; or `only` the first that gives any."""

    parts: tuple[Each, ...]
    only: bool = False


Expression = Path | First | Const | Table | Template | IfPresent | Each | Several

MEMBERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "targets": {"type": "text", "id": "text", "name": "text", "count": "count", "relation": "text"},
        "changes": {"field": "text", "from": "anything", "to": "anything"},
    }
)
"""What `each` makes for the slots of these kinds: member → the kind of its value."""


def consumed(expression: Expression | None) -> list[Path]:
    """Every place that this expression may take whole, in order of appearance."""
    match expression:
        case Path():
            return [expression]
        case First(options):
            return [path for option in options for path in consumed(option)]
        case Table(of, _, otherwise):
            return [*of, *consumed(otherwise)]
        case Template():
            return [] if expression.keeps else _places(expression)
        case IfPresent(_, then, otherwise):
            return [*consumed(then), *consumed(otherwise)]
    return []


def _places(template: Template) -> list[Path]:
    return [place for hole in template.holes for place in hole.places]


def looked_at(  # noqa: PLR0911  # one return for each form of the language
    expression: Expression | None,
) -> list[Path]:
    """Every place this expression reads, taken or not."""
    match expression:
        case First(options):
            return [path for option in options for path in looked_at(option)]
        case Table(of, _, otherwise):
            return [*of, *looked_at(otherwise)]
        case IfPresent(path, then, otherwise):
            return [path, *looked_at(then), *looked_at(otherwise)]
        case Template():
            return _places(expression)
        case Each(of, members):
            return [*of] if of else [path for member in members for path in looked_at(member.expr)]
        case Several(parts):
            return [path for part in parts for path in looked_at(part)]
    return consumed(expression)


def gathers(expression: Expression | None) -> bool:
    """Whether objects are made of what it reads: targets, changes."""
    match expression:
        case Each() | Several():
            return True
        case First(options):
            return any(map(gathers, options))
        case Table(_, _, otherwise):
            return gathers(otherwise)
        case IfPresent(_, then, otherwise):
            return gathers(then) or gathers(otherwise)
    return False


def arrays(expression: Expression | None) -> list[Path]:
    """The arrays of which objects are read one by one."""
    match expression:
        case Each(of):
            return [*of]
        case Several(parts):
            return [path for part in parts for path in part.of]
        case First(options):
            return [path for option in options for path in arrays(option)]
        case Table(_, _, otherwise):
            return arrays(otherwise)
        case IfPresent(_, then, otherwise):
            return [*arrays(then), *arrays(otherwise)]
    return []
