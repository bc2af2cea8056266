"""What the store answers for the list's page: rows, figures, facets, and where nothing matches the ways out."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from whodid_dashboards.viewer.question import Question
from whodid_indexer.export.snapshot import place_of
from whodid_indexer.query.axis import AXES, selected_by
from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.loose import as_words
from whodid_indexer.query.model import ALL, AuditQuery, Member
from whodid_indexer.store.base import Found, Key, Page, Reader
from whodid_schema.errors import BadQuery
from whodid_schema.meta import Meta

SHOWN = ("actor", "verb", "category", "type", "outcome", "ip", "app", "workspace", "layer")
"""The axes of the filters' column; others come when something is asked of them."""

BUDGET_S = 0.4
"""For axes that only the records themselves know."""

MAX_VALUES = 1_000

MOST_WAYS = 8
"""Parts of a query that are each tried without; each is a question to the store."""


class Way(Struct, frozen=True):
    """A way out of nothing: the query without one of its parts, or (None) its values as words, and what that finds."""

    query: AuditQuery
    without: Member | None
    count: int


class Nothing(Struct, frozen=True):
    """Why there is nothing: records in the store, matches of all time with the newest, ways out."""

    in_store: int
    in_all_time: int
    newest: Key | None
    ways: tuple[Way, ...]


class Contents(Struct, frozen=True):
    """All that the list's page shows. `stats` is None where the range has too many weeks for a chart."""

    found: Found
    stats: Stats | None
    facets: dict[str, Facet]
    meta: Meta
    nothing: Nothing | None = None


TRIES = 3
"""Times that a page is read until its figures and its rows are of one moment, while events keep coming.

Where they still are not, the page says both numbers (`paging`).
"""


def read_contents(reader: Reader, question: Question) -> Contents:
    """Ask the store for the whole page. Raises BadQuery and what stores raise."""
    for _ in range(TRIES):
        stats, facets, found = _stats(reader, question), _facets(reader, question), _found(reader, question)
        if stats is None or question.snapshot is not None or stats.current.total == found.total:
            break
    return Contents(found, stats, facets, reader.meta(), None if found.total else _nothing(reader, question))


def _found(reader: Reader, question: Question) -> Found:
    found = reader.search(question.listed, question.part)
    return found if question.before is None else _turned(found)


def _facets(reader: Reader, question: Question) -> dict[str, Facet]:
    axes = [Axis("surface"), *(Axis(name, selected=_selected(question.asked, name)) for name in _axes(question.asked))]
    return {facet.axis: facet for facet in reader.facets(question.query, axes, budget=BUDGET_S)}


def read_axis(reader: Reader, question: Question, name: str, contains: str, *, anyway: bool) -> Facet:
    """All values of an axis, up to a thousand, that contain a text."""
    axis = Axis(name, MAX_VALUES, contains, () if contains else _selected(question.asked, name))
    return reader.facets(question.query, [axis], budget=None if anyway else BUDGET_S)[0]


def without(query: AuditQuery, member: Member) -> AuditQuery:
    """The query without one of its members."""
    return replace(
        query,
        terms=tuple(one for one in query.terms if one is not member),
        texts=tuple(one for one in query.texts if one is not member),
        groups=tuple(one for one in query.groups if one is not member),
    )


def parts(query: AuditQuery) -> Iterator[Member]:
    """The query's members."""
    yield from query.terms
    yield from query.texts
    yield from query.groups


def _axes(asked: AuditQuery) -> Sequence[str]:
    """Those always shown, and those that something is asked of."""
    fields = {term.field for term in asked.terms}
    return list(
        dict.fromkeys((*SHOWN, *(axis for axis, field in AXES.items() if axis != "surface" and field in fields)))
    )


def _selected(asked: AuditQuery, axis: str) -> tuple[str, ...]:
    """What is asked for, and what is left out: both stand in the column, whatever their count."""
    field = AXES.get(axis, axis)
    left_out = (value for term in asked.terms if term.field == field and term.negated for value in term.values)
    return tuple(dict.fromkeys((*selected_by(asked, axis), *left_out)))


def _stats(reader: Reader, question: Question) -> Stats | None:
    measure = Measure(now=question.now_micros, interval=question.interval, zone=question.zone_name)
    try:
        return reader.stats(question.query, measure)
    except BadQuery:
        if question.interval is not None:
            raise  # a coarser interval may do
        return None


def _turned(found: Found) -> Found:
    """A page that was read backwards, as the list shows it: newest first, going on behind its last row."""
    records = found.records[::-1]
    return Found(records, found.total, place_of(records[-1]) if records else None, found.mark)


def _nothing(reader: Reader, question: Question) -> Nothing:
    in_store = reader.count(question.scoped(ALL))
    if not in_store:
        return Nothing(0, 0, None, ())
    asked = question.asked
    ever = reader.search(question.scoped(replace(asked, since=None, until=None)), Page(limit=1))
    newest = place_of(ever.records[0]) if ever.records else None
    members = list(parts(asked))
    words = as_words(asked)
    lesser: list[tuple[AuditQuery, Member | None]] = [] if words == asked else [(words, None)]
    if len(members) <= MOST_WAYS:
        lesser += [(without(asked, member), member) for member in members]
    ways = [Way(query, member, reader.count(question.scoped(query))) for query, member in lesser]
    return Nothing(in_store, ever.total, newest, tuple(way for way in ways if way.count))
