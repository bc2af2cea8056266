"""A query said again: as text of the query language, as a command line, as a URL's parameters.

Each is read back as the query's one form (`normal`), exactly, unless it is longer than a text may be that is typed
(`parser.LONGEST_TEXT`); quotation marks stand only where they must. A command line cannot hold a NUL: of what has one
only text and parameters are whole.
"""

from collections.abc import Iterable, Iterator

from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_indexer.query.normal import normal
from whodid_indexer.query.shell import shell_words
from whodid_indexer.query.times import format_time
from whodid_indexer.query.values import format_value, quote
from whodid_indexer.query.words import VALUE, is_path
from whodid_schema.fields import FIELDS, META_PREFIX


def to_text(query: AuditQuery) -> str:
    """The query in the query language; empty for the query that asks for everything. Raises BadQuery."""
    asked = normal(query)
    alone = asked.groups[0] if len(asked.groups) == 1 and not asked.terms and not asked.texts else None
    ranges = list(_ranges(asked))
    if alone is not None and alone.any and not alone.negated and not ranges:
        return _inside(alone)
    return " ".join([*ranges, *map(_member, _members(asked))])


def to_flags(query: AuditQuery) -> list[str]:
    """The flags, as a program gets them (unquoted). Raises BadQuery."""
    asked = normal(query)
    flags: list[str] = []
    rest: list[Member] = [*asked.texts]
    for term in asked.terms:
        name = term.field.removeprefix(META_PREFIX)
        if name == term.field:
            flags += _flag(f"--{_not(term)}{FIELDS[name].flag}", _listed(term))
        elif name and "=" not in name:
            flags += _flag(f"--{_not(term)}meta", f"{name}={_listed(term)}")
        else:
            rest.append(term)
    if rest:
        flags += _flag("-q", " ".join(map(_member, rest)))
    for group in asked.groups:
        flags += _flag("-q", _member(group))
    for name, moment in (("since", asked.since), ("until", asked.until)):
        if moment is not None:
            flags += [f"--{name}", format_time(moment)]
    return flags


def to_command(query: AuditQuery, command: str = "search") -> str:
    """The whole command line, safe to paste into a shell. Raises BadQuery."""
    return shell_words(["whodid", command, *to_flags(query)])


def to_parameters(query: AuditQuery) -> list[tuple[str, str]]:
    """Names and values of a URL's parameters (not percent-encoded yet). Raises BadQuery."""
    asked = normal(query)
    found = [(f"{_not(term)}{term.field}", _listed(term)) for term in asked.terms]
    if asked.texts:
        found.append(("q", " ".join(map(_member, asked.texts))))
    found += [("q", _member(group)) for group in asked.groups]
    for name, moment in (("since", asked.since), ("until", asked.until)):
        if moment is not None:
            found.append((name, format_time(moment)))
    return found


def _members(query: AuditQuery) -> list[Member]:
    return [*query.terms, *query.texts, *query.groups]


def _ranges(query: AuditQuery) -> Iterator[str]:
    for name, moment in (("since", query.since), ("until", query.until)):
        if moment is not None:
            yield f"{name}:{format_time(moment)}"


def _member(member: Member) -> str:
    minus = "-" if member.negated else ""
    if isinstance(member, Group):
        return f"{minus}({_inside(member)})"
    return minus + (_term(member) if isinstance(member, Term) else _text(member))


def _inside(group: Group) -> str:
    return (" OR " if group.any else " ").join(map(_member, group.members))


def _term(term: Term) -> str:
    name = term.field
    path = name.removeprefix(META_PREFIX)
    if path != name and not is_path(path):
        name = META_PREFIX + quote(path)
    values = [_value(term.field, value) for value in term.values]
    if values[0].startswith("//"):  # a name in front of // is none: it is a URL
        values[0] = quote(values[0])
    return f"{name}:{','.join(values)}"


def _value(field: str, value: str) -> str:
    plain = VALUE.fullmatch(value) is not None and not (field == "actor" and value == "me")
    return value if plain else quote(value)


def _text(text: Text) -> str:
    if not text.phrase:
        return text.words
    return f"{quote(text.words[:-1])}*" if text.words.endswith("*") else quote(text.words)


def _not(term: Term) -> str:
    return "not-" if term.negated else ""


def _listed(term: Term) -> str:
    return ",".join(map(format_value, term.values))


def _flag(name: str, value: str) -> Iterable[str]:
    """A value that looks like a flag is written so that no reader takes it for one."""
    if not value.startswith("-"):
        return [name, value]
    return [f"{name}={value}"] if name.startswith("--") else [name, f" {value}"]
