"""How the expressions of the language are written in YAML: each form, and what is said where it is written wrongly."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from whodid_agent.normalise import values
from whodid_agent.normalise.language import patterns
from whodid_agent.normalise.language.expression import (
    MEMBERS,
    NULL,
    Const,
    Each,
    Expression,
    First,
    Hole,
    IfPresent,
    Member,
    Several,
    Table,
    Template,
)
from whodid_agent.normalise.language.path import INSIDE, BadPathError, Path, parse_path
from whodid_schema.telling import GAPS, Gap


class BadExpressionError(ValueError):
    """An expression that cannot be read: `location` leads from the expression to the fault."""

    def __init__(self, message: str, *location: str | int) -> None:
        super().__init__(message)
        self.location = location


def parse(source: Any, kind: str) -> Expression:
    """The expression that `source` (decoded YAML) spells for a slot of this kind. Raises BadExpressionError."""
    if isinstance(source, str):
        return _text(source, kind) if kind == "telling" else _path(source)
    if isinstance(source, list):
        return First(tuple(_inside(index, option, kind) for index, option in enumerate(source)))
    if isinstance(source, dict):
        for name, reader in _FORMS.items():
            if name in source:
                return reader(source, kind)
    raise BadExpressionError(f"expected a path, a list of them or one of {', '.join(_FORMS)}, not {_shown(source)}")


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)


def _inside(key: str | int, source: Any, kind: str) -> Expression:
    try:
        return parse(source, kind)
    except BadExpressionError as error:
        raise BadExpressionError(str(error), key, *error.location) from error


def _path(source: Any, *location: str | int) -> Path:
    try:
        return parse_path(source)
    except BadPathError as error:
        raise BadExpressionError(str(error), *location) from error


def _paths(source: Any, *location: str | int) -> tuple[Path, ...]:
    """One place or a list of them; each may lie in the JSON of a text."""
    found: list[Path] = []
    for one in source if isinstance(source, list) else [source]:
        if isinstance(one, dict) and "json" in one:
            found.extend(_json_paths(one))
        else:
            found.append(_path(one, *location))
    return tuple(found)


def _only(source: dict[str, Any], *allowed: str) -> None:
    for key in source:
        if key not in allowed:
            raise BadExpressionError(
                f"unknown key {key!r}; {allowed[0]!r} goes with {', '.join(allowed[1:]) or 'nothing'}", key
            )


def _fit(value: Any, kind: str, *location: str | int) -> Any:
    fitting = values.KINDS[kind](value)
    if fitting is None:
        raise BadExpressionError(f"{_shown(value)} is not a value this can have", *location)
    return fitting


def _const(source: dict[str, Any], kind: str) -> Const:
    _only(source, "const")
    return Const(_fit(source["const"], kind, "const"))


def _table(source: dict[str, Any], kind: str) -> Table:
    _only(source, "map", "table", "else")
    entries = source.get("table")
    if not isinstance(entries, dict) or not entries:
        raise BadExpressionError("`map` needs a `table:` of value: result", "map")
    table: dict[str, Any] = {}
    for key, value in entries.items():
        for word in patterns.keys_of(key):
            if word in table:
                raise BadExpressionError(f"{word!r} stands twice in the table", "table", key)
            table[word] = NULL if value is None else _fit(value, kind, "table", key)
    otherwise = _else(source, kind)
    return Table(_paths(source["map"], "map"), patterns.table(table.items()), otherwise)


def _else(source: dict[str, Any], kind: str) -> Expression | None:
    """`else:` is an expression, or a bare value of the slot's kind written `{const: …}`."""
    return _inside("else", source["else"], kind) if source.get("else") is not None else None


_HOLE = re.compile(r"\{([^{}]+)\}")
_OR = re.compile(r"\|(?![^\[]*\])")


def _template(source: dict[str, Any], kind: str) -> Template:
    _only(source, "template")
    text = source["template"]
    if not isinstance(text, str) or not _HOLE.search(text):
        raise BadExpressionError("a template is text with {paths} in it", "template")
    return Template(_parts(text, kind, "template"), kind == "telling")


def _text(text: str, kind: str) -> Expression:
    """The text of a slot that is always told: with gaps or without."""
    return Template(_parts(text, kind), kind == "telling") if _HOLE.search(text) else Const(_fit(text, kind))


def _parts(text: str, kind: str, *location: str) -> tuple[str | Hole | Gap, ...]:
    parts: list[str | Hole | Gap] = []
    end = 0
    for hole in _HOLE.finditer(text):
        if hole.start() > end:
            parts.append(text[end : hole.start()])
        parts.append(_hole(hole[1], kind, *location))
        end = hole.end()
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def _hole(text: str, kind: str, *location: str) -> Hole | Gap:
    if not text.startswith("@"):
        return Hole(tuple(_path(place.strip(), *location) for place in _OR.split(text)))
    if kind != "telling":
        raise BadExpressionError(f"{{{text}}} is for `did` and `tried`: here it is not known yet", *location)
    if text[1:] not in GAPS:
        raise BadExpressionError(f"{{{text}}}: a sentence can name {', '.join(f'@{one}' for one in GAPS)}", *location)
    return Gap(text[1:])


def _if_present(source: dict[str, Any], kind: str) -> IfPresent:
    _only(source, "if_present", "then", "else")
    then = _inside("then", source["then"], kind) if source.get("then") is not None else None
    (path, *more) = _paths(source["if_present"], "if_present")
    if more:
        raise BadExpressionError("`if_present` asks about one place", "if_present")
    return IfPresent(path, then, _else(source, kind))


def _json(source: dict[str, Any], _: str) -> Expression:
    found = _json_paths(source)
    return First(found) if len(found) > 1 else found[0]


def _json_paths(source: dict[str, Any]) -> tuple[Path, ...]:
    _only(source, "json", "then")
    outer = _paths(source["json"], "json")
    inner = _paths(source["then"], "then") if source.get("then") is not None else (Path(()),)
    return tuple(Path((*one.steps, INSIDE, *other.steps)) for one in outer for other in inner)


def _each(source: dict[str, Any], kind: str) -> Each:
    return _gathered(source, kind, _paths(source["each"], "each"))


def _several(source: dict[str, Any], kind: str) -> Several:
    key = "of" if "of" in source else "first_of"
    _only(source, key)
    entries = source[key]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise BadExpressionError(f"`{key}` needs a list of objects, each what one target or change is made of", key)
    parts = []
    for number, entry in enumerate(entries):
        try:
            parts.append(_gathered(entry, kind, _paths(entry["each"], "each") if "each" in entry else ()))
        except BadExpressionError as error:
            raise BadExpressionError(str(error), key, number, *error.location) from error
    return Several(tuple(parts), key == "first_of")


def _gathered(source: dict[str, Any], kind: str, of: tuple[Path, ...]) -> Each:
    members = MEMBERS.get(kind)
    if members is None:
        raise BadExpressionError(f"`each` and `of` are for {' and '.join(MEMBERS)}", "each")
    _only(source, "each", *members)
    made = tuple(
        Member(name, _inside(name, source[name], member), member) for name, member in members.items() if name in source
    )
    if kind == "changes" and "field" not in source:
        raise BadExpressionError("`each` of changes needs `field:`, the name of what changed", "each")
    if not made:
        raise BadExpressionError(f"`each` needs some of {', '.join(members)}", "each")
    if kind == "changes":
        return Each(of, made, frozenset({"field"}), frozenset({"from", "to"}))
    return Each(of, made, telling=frozenset({"id", "name", "count"}))


_FORMS: Mapping[str, Callable[[dict[str, Any], str], "Expression"]] = {
    "const": _const,
    "map": _table,
    "template": _template,
    "if_present": _if_present,
    "json": _json,
    "each": _each,
    "of": _several,
    "first_of": _several,
}
