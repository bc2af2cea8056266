r"""The expressions of the profile language: how a slot gets its value from an event.

    a.b.0                                  a path; `\.` is a dot in a key, a number also indexes an array
    [a.b, c]                               the first that is there and of the slot's kind
    {const: user}                          always this
    {map: path, table: {…}, else: expr}    the table's entry for the value there (letter case ignored)
    {template: "{a.b}:{c}"}                text with values in it; nothing if one is missing
    {if_present: path, then: e, else: e}   one or the other

A value that is not of the slot's kind is passed over, so `[actor.name, actor]` serves objects and plain names.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Steps = tuple[str, ...]


class Path(Struct, frozen=True):
    """A place in the event."""

    steps: Steps

    @property
    def indexed(self) -> bool:
        """Whether a step can index an array."""
        return any(step.isascii() and step.isdigit() for step in self.steps)


class First(Struct, frozen=True):
    """The first of these that gives a value."""

    options: tuple["Expression", ...]


class Const(Struct, frozen=True):
    """Always the same value, already of the slot's kind."""

    value: Any


class Table(Struct, frozen=True):
    """A value translated; keys are casefolded, values of the slot's kind."""

    of: tuple[Path, ...]
    table: Mapping[str, Any]
    otherwise: "Expression | None"


class Template(Struct, frozen=True):
    """Text (str) and places (Path) in turn."""

    parts: tuple[str | Path, ...]


class IfPresent(Struct, frozen=True):
    """`then` where there is something at `path`, else `otherwise`."""

    path: Path
    then: "Expression | None"
    otherwise: "Expression | None"


Expression = Path | First | Const | Table | Template | IfPresent


class BadExpressionError(ValueError):
    """An expression that cannot be read: `location` leads from the expression to the fault."""

    def __init__(self, message: str, *location: str | int) -> None:
        super().__init__(message)
        self.location = location


_STEP = re.compile(r"(?:[^.\\]|\\.)+")


def parse_path(source: Any) -> Path:
    """The path that `source` spells. Raises BadExpressionError."""
    if not isinstance(source, str) or not source:
        raise BadExpressionError(f"a path must be text like `actor.name`, not {source!r}")
    steps = tuple(re.sub(r"\\(.)", r"\1", step) for step in _STEP.findall(source))
    if len(steps) != len(re.split(r"(?<!\\)\.", source)):
        raise BadExpressionError(f"{source!r} is not a path: a step is empty")
    return Path(steps)


def parse(source: Any, accept: Any) -> Expression:
    """The expression that `source` (decoded YAML) spells for a slot of this kind. Raises BadExpressionError."""
    if isinstance(source, str):
        return parse_path(source)
    if isinstance(source, list):
        return First(tuple(_inside(index, option, accept) for index, option in enumerate(source)))
    if isinstance(source, dict):
        for name, reader in _FORMS.items():
            if name in source:
                return reader(source, accept)
    raise BadExpressionError(f"expected a path, a list of them or one of {', '.join(_FORMS)}, not {source!r}")


def _inside(key: str | int, source: Any, accept: Any) -> Expression:
    try:
        return parse(source, accept)
    except BadExpressionError as error:
        raise BadExpressionError(str(error), key, *error.location) from error


def _only(source: dict[str, Any], *allowed: str) -> None:
    for key in source:
        if key not in allowed:
            raise BadExpressionError(
                f"unknown key {key!r}; {allowed[0]!r} goes with {', '.join(allowed[1:]) or 'nothing'}", key
            )


def _fit(value: Any, accept: Any, *location: str | int) -> Any:
    fitting = accept(value)
    if fitting is None:
        raise BadExpressionError(f"{value!r} is not a value this can have", *location)
    return fitting


def _const(source: dict[str, Any], accept: Any) -> Const:
    _only(source, "const")
    return Const(_fit(source["const"], accept, "const"))


def _table(source: dict[str, Any], accept: Any) -> Table:
    _only(source, "map", "table", "else")
    places = source["map"] if isinstance(source["map"], list) else [source["map"]]
    entries = source.get("table")
    if not isinstance(entries, dict) or not entries:
        raise BadExpressionError("`map` needs a `table:` of value: result", "map")
    table = {table_key(key): _fit(value, accept, "table", key) for key, value in entries.items()}
    otherwise = _else(source, accept)
    return Table(tuple(parse_path(place) for place in places), table, otherwise)


def table_key(value: Any) -> str:
    """How a value is looked up in a table: letter case ignored, true and false by name; "" for what is no scalar."""
    if type(value) is str:
        return value.casefold()
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, float) else ""


def _else(source: dict[str, Any], accept: Any) -> Expression | None:
    """`else:` is an expression, or a bare value of the slot's kind written `{const: …}`."""
    return _inside("else", source["else"], accept) if source.get("else") is not None else None


_HOLE = re.compile(r"\{([^{}]+)\}")


def _template(source: dict[str, Any], _: Any) -> Template:
    _only(source, "template")
    text = source["template"]
    if not isinstance(text, str) or not _HOLE.search(text):
        raise BadExpressionError("a template is text with {paths} in it", "template")
    parts: list[str | Path] = []
    end = 0
    for hole in _HOLE.finditer(text):
        if hole.start() > end:
            parts.append(text[end : hole.start()])
        parts.append(parse_path(hole[1]))
        end = hole.end()
    if end < len(text):
        parts.append(text[end:])
    return Template(tuple(parts))


def _if_present(source: dict[str, Any], accept: Any) -> IfPresent:
    _only(source, "if_present", "then", "else")
    then = _inside("then", source["then"], accept) if source.get("then") is not None else None
    return IfPresent(parse_path(source["if_present"]), then, _else(source, accept))


_FORMS: Mapping[str, Callable[[dict[str, Any], Any], "Expression"]] = {
    "const": _const,
    "map": _table,
    "template": _template,
    "if_present": _if_present,
}


def consumed(expression: Expression | None) -> list[Path]:
    """Every place that this expression may take a value from, in order of appearance."""
    match expression:
        case Path():
            return [expression]
        case First(options):
            return [path for option in options for path in consumed(option)]
        case Table(of, _, otherwise):
            return [*of, *consumed(otherwise)]
        case Template(parts):
            return [part for part in parts if isinstance(part, Path)]
        case IfPresent(_, then, otherwise):
            return [*consumed(then), *consumed(otherwise)]
    return []


def looked_at(expression: Expression | None) -> list[Path]:
    """Every place this expression reads, taken or not."""
    match expression:
        case First(options):
            return [path for option in options for path in looked_at(option)]
        case Table(of, _, otherwise):
            return [*of, *looked_at(otherwise)]
        case IfPresent(path, then, otherwise):
            return [path, *looked_at(then), *looked_at(otherwise)]
    return consumed(expression)
