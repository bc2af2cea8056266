"""The one form of a query, which its text brings back: `parser.read_text(printer.to_text(query))` is `normal(query)`.

    terms    of one sign and field once, under the field's own name, its values as records have them, each once;
             a second one that must hold as well is a group of its own
    texts    the words that must stand there together; what is no plain word is a phrase; not-these-words is a group
    groups   of more than one member or of one that is no group; alternatives of one field are one term

What a query finds stays the same, but for a type or a verb that is written as no record has it.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from whodid_indexer.query.check import field_of
from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_indexer.query.words import is_plain
from whodid_schema.canonical import value_of
from whodid_schema.fields import META_PREFIX
from whodid_schema.folding import tokens


def normal(query: AuditQuery) -> AuditQuery:
    """The query in its one form. Raises BadQuery for an unknown field."""
    members: list[Member] = [*query.terms, *query.texts, *query.groups]
    parts = (part for member in members for part in _parts(member))
    return conjunction(side_by_side(parts, either=False), query.since, query.until)


def conjunction(members: Iterable[Member], since: int | None = None, until: int | None = None) -> AuditQuery:
    """The query that asks for all of these members."""
    terms: list[Term] = []
    texts: list[Text] = []
    groups: list[Group] = []
    for member in members:
        if isinstance(member, Term):
            terms.append(member)
        elif isinstance(member, Text):
            texts.append(member)
        else:
            groups.append(member)
    return AuditQuery(since, until, tuple(terms), tuple(texts), tuple(groups))


def term_of(name: str, values: Iterable[str], *, negated: bool = False) -> Term:
    """The term with the field under its own name and the values as records have them. Raises BadQuery."""
    if name.startswith(META_PREFIX):
        return Term(name, tuple(dict.fromkeys(values)), negated)
    field = field_of(name)
    return Term(field.name, tuple(dict.fromkeys(value_of(field, value) for value in values)), negated)


def side_by_side(members: Iterable[Member], *, either: bool) -> list[Member]:
    """Members that all must hold, with what belongs together put together: exclusions of one field, plain words.

    A field that is asked for twice: with `either` any of all its values, as people mean it, else both terms.
    """
    found: list[Member] = []
    places: dict[tuple[str, bool], int] = {}
    for member in members:
        if isinstance(member, Term):
            key, joined = (member.field, member.negated), either or member.negated
        elif isinstance(member, Text) and not member.phrase and not member.negated:
            key, joined = ("", False), True
        else:
            found.append(member)
            continue
        place = places.setdefault(key, len(found))
        if place == len(found):
            found.append(member)
        elif joined:
            found[place] = _joined(found[place], member)
        else:
            found.append(Group((member,)))
    return found


def alternatives(members: Iterable[Member]) -> list[Member]:
    """Members of which any must hold, the terms of one field put together."""
    found: list[Member] = []
    places: dict[str, int] = {}
    for member in members:
        if isinstance(member, Term) and not member.negated:
            place = places.setdefault(member.field, len(found))
            if place < len(found):
                found[place] = _joined(found[place], member)
                continue
        found.append(member)
    return found


def group_of(members: Iterable[Member], *, any_of: bool = False, negated: bool = False) -> Group:
    """The group of these members; of a single group that group itself."""
    inner = tuple(members)
    if len(inner) > 1:
        return Group(inner, any_of, negated)
    only = inner[0]
    if isinstance(only, Group):
        return replace(only, negated=only.negated != negated)
    return Group(inner, negated=negated)


def opposite(member: Member) -> Member:
    """What finds all that the member does not."""
    return replace(member, negated=not member.negated)


def _joined(first: Member, second: Member) -> Member:
    if isinstance(first, Term) and isinstance(second, Term):
        return replace(first, values=tuple(dict.fromkeys((*first.values, *second.values))))
    if isinstance(first, Text) and isinstance(second, Text):
        return Text(f"{first.words} {second.words}")
    raise TypeError("only terms and words are put together")


def _parts(member: Member) -> Iterator[Member]:
    """The member in its one form: one or more that all must hold."""
    if isinstance(member, Term):
        yield term_of(member.field, member.values, negated=member.negated)
    elif isinstance(member, Text):
        yield from _text(member)
    else:
        yield _group(member)


def _text(text: Text) -> Iterator[Member]:
    if text.phrase:
        yield text
        return
    words = [word for word in text.words.split() if tokens(word)] or [text.words]
    parts: list[Member] = [Text(word, phrase=not is_plain(word)) for word in words]
    parts = side_by_side(parts, either=False)
    if not text.negated:
        yield from parts
    else:
        yield group_of(parts, negated=True) if len(words) > 1 else opposite(parts[0])


def _group(group: Group) -> Group:
    if not group.any:
        parts = (part for member in group.members for part in _parts(member))
        return group_of(side_by_side(parts, either=False), negated=group.negated)
    members = [_alone(list(_parts(member))) for member in group.members]
    return group_of(alternatives(members), any_of=True, negated=group.negated)


def _alone(parts: list[Member]) -> Member:
    return parts[0] if len(parts) == 1 else Group(tuple(parts))
