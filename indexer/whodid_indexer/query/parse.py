"""From what people say to an AuditQuery: flags or parameters, texts in the query language, and a time range.

All of it must hold. A field that is said twice, in whatever way, asks for either of its values.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from whodid_indexer.query.check import check_query, check_value, field_of
from whodid_indexer.query.identity import ME, Me
from whodid_indexer.query.model import AuditQuery, Group, Member, Term
from whodid_indexer.query.normal import conjunction, opposite, side_by_side, term_of
from whodid_indexer.query.parser import read_text
from whodid_indexer.query.times import parse_span, parse_time
from whodid_indexer.query.typed import Context, Hint, earliest, latest, me_values
from whodid_indexer.query.values import parse_values
from whodid_schema.errors import BadQuery
from whodid_schema.fields import META_PREFIX

ALL_TIME = "all"
"""As a span: no beginning, where a page or a saved view would have one of its own."""

Filter = tuple[str, str, bool]
"""A field's query name or alias, its value as typed, and whether it is excluded."""


class Parsed(NamedTuple):
    """A query, and what may have been meant otherwise."""

    query: AuditQuery
    hints: tuple[Hint, ...] = ()


def build_query(
    filters: Iterable[Filter] = (),
    texts: Iterable[str] = (),
    *,
    last: str | None = None,
    since: str | None = None,
    until: str | None = None,
    now: datetime,
    zone: tzinfo = UTC,
) -> AuditQuery:
    """The query of `read_query` alone."""
    return read_query(filters, texts, last=last, since=since, until=until, context=Context(now, zone)).query


def read_query(
    filters: Iterable[Filter] = (),
    texts: Iterable[str] = (),
    *,
    last: str | None = None,
    since: str | None = None,
    until: str | None = None,
    mine: bool = False,
    context: Context,
) -> Parsed:
    """The query that flags or parameters ask for, in its one form and checked. Raises BadQuery.

    `mine` asks for what `context.me` did, whatever else is asked.
    """
    typed = [read_text(text, context) for text in texts]
    begin, end = _range(last, since, until, context)
    members: list[Member] = [*_terms(filters, context.me), *(member for text in typed for member in text.members)]
    if mine:
        members.append(Group((Term("actor", me_values(context.me)),)))
    for text in typed:
        begin, end = latest(begin, text.since), earliest(end, text.until)
    query = conjunction(side_by_side(members, either=True), begin, end)
    check_query(query)
    return Parsed(query, tuple(hint for text in typed for hint in text.hints))


def _range(last: str | None, since: str | None, until: str | None, context: Context) -> tuple[int | None, int | None]:
    if last == ALL_TIME:
        last = None
    if last is not None and since is not None:
        raise BadQuery("a span and a beginning exclude each other", "give --last or --since")
    if last is not None:
        parse_span(last)  # what is said of a wrong one names spans, not times
    begin = last if since is None else since
    return (
        None if begin is None else parse_time(begin, context.now, context.zone),
        None if until is None else parse_time(until, context.now, context.zone),
    )


def _terms(filters: Iterable[Filter], me: Me) -> Iterable[Member]:
    for name, typed, negated in filters:
        field = name if name.startswith(META_PREFIX) else field_of(name).name
        term = term_of(field, _values(field, typed, me))
        yield opposite(term) if negated else term


def _values(field: str, typed: str, me: Me) -> Iterable[str]:
    for value in parse_values(typed, field):
        try:
            if field == "actor" and value.text == ME and not value.quoted:
                yield from me_values(me)
                continue
            for text in term_of(field, [value.text]).values:
                check_value(field, text)
        except BadQuery as error:
            raise error.at(typed, value.start, value.end - value.start) from error
        yield value.text


__all__ = ["Context", "Filter", "Hint", "Parsed", "build_query", "parse_span", "parse_time", "read_query"]
