"""Every address that the pages name: a path of ours and parameters, percent-encoded; nothing else is ever a link.

A link keeps the zone, scope and interval, says a range as it was said (`last=7d` stays so), and begins at page one.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from whodid_dashboards.viewer.question import Question, Said, range_of
from whodid_indexer.query.axis import askable, field_of_axis, own_fields
from whodid_indexer.query.check import check_value
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.query.normal import normal
from whodid_indexer.query.printer import to_parameters
from whodid_schema.errors import BadQuery


def address(path: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """A path of ours with these parameters."""
    query = urlencode(list(parameters), safe=":/,@*")
    return f"{path}?{query}" if query else path


def members(query: AuditQuery) -> list[tuple[str, str]]:
    """The parameters of everything but the range."""
    return to_parameters(replace(query, since=None, until=None))


class Links(Struct, frozen=True):
    """The links of one page."""

    question: Question

    def here(self, *more: tuple[str, str]) -> str:
        """The list as it is, from its first page; with further parameters."""
        return self.to(self.question.asked, *more)

    def to(self, query: AuditQuery, *more: tuple[str, str], path: str = "/", ranged: Said | None = None) -> str:
        """The list of another query; its range is that of the question, or `ranged`."""
        question = self.question
        names = {name for name, _ in more}
        beside = [item for item in question.said if item[0] not in names]
        return address(
            path,
            [*members(query), *(question.range if ranged is None else ranged), *beside, *(m for m in more if m[1])],
        )

    def ranged(self, *said: tuple[str, str]) -> str:
        """The same query over another range."""
        return self.to(self.question.asked, ranged=said)

    def only(self, axis: str, *values: str) -> str | None:
        """With these values of an axis alone: what its facet's counts promise. None where no query can name one."""
        if not self._can_ask(axis, values):
            return None
        asked = self.question.asked
        others = tuple(term for term in asked.terms if term.field not in own_fields(axis))
        own = (Term(field_of_axis(axis), values),) if values else ()
        return self._possible(replace(asked, terms=(*others, *own)))

    def toggled(self, axis: str, value: str) -> str | None:
        """With the value beside those that are asked for already, or without it where it is among them."""
        wanted, unwanted = chosen(self.question.asked, axis)
        now = [one for one in wanted if one != value] if value in wanted else [*wanted, value]
        return self._with_own(axis, now, [one for one in unwanted if one != value])

    def excluded(self, axis: str, value: str) -> str | None:
        """With the value left out, or not left out any more where it is."""
        wanted, unwanted = chosen(self.question.asked, axis)
        now = [one for one in unwanted if one != value] if value in unwanted else [*unwanted, value]
        return self._with_own(axis, [one for one in wanted if one != value], now)

    def _with_own(self, axis: str, wanted: Sequence[str], unwanted: Sequence[str]) -> str | None:
        field = field_of_axis(axis)
        if not self._can_ask(axis, (*wanted, *unwanted)):
            return None
        asked = self.question.asked
        others = tuple(term for term in asked.terms if term.field not in own_fields(axis))
        kept = tuple(term for term in asked.terms if term.field in own_fields(axis) and term.field != field)
        own = [Term(field, tuple(wanted))] if wanted else []
        own += [Term(field, tuple(unwanted), negated=True)] if unwanted else []
        return self._possible(replace(asked, terms=(*others, *(() if wanted else kept), *own)))

    def _can_ask(self, axis: str, values: Iterable[str]) -> bool:
        """Whether a query can name these values of an axis; those that it names already, it can."""
        known = [value for each in chosen(self.question.asked, axis) for value in each]
        return all(value in known or askable(field_of_axis(axis), value) for value in values)

    def also(self, *terms: Term) -> str | None:
        """What of the query has these terms too."""
        return self._possible(normal(replace(self.question.asked, terms=(*self.question.asked.terms, *terms))))

    def adding(self, field: str, value: str, *, negated: bool = False) -> str | None:
        """The query with one more term, for a value that a record has; None where no query can name it."""
        if not _nameable(field, value):
            return None
        asked = self.question.asked
        terms = tuple(term for term in asked.terms if term.field != field or term.negated)
        return self._possible(normal(replace(asked, terms=(*terms, Term(field, (value,), negated)))))

    def event(self, identifier: str) -> str:
        """The page of one event, among those of the query."""
        return self.to(self.question.asked, path=f"/event/{quote(identifier, safe='')}")

    def export(self, form: str, query: AuditQuery) -> str:
        """The file of exactly this query."""
        return address(f"/api/v1/export.{form}", to_parameters(query))

    def pinned(self) -> str:
        """The same view for ever: a relative range as the moments that it means now."""
        asked = self.question.asked
        until = self.question.now_micros if asked.until is None else asked.until
        later = asked.since is None or until > asked.since
        fixed = replace(asked, until=until if later else asked.until)
        return self.to(asked, ranged=range_of(fixed))

    def _possible(self, query: AuditQuery) -> str | None:
        try:
            return self.to(query)
        except BadQuery:
            return None


def chosen(query: AuditQuery, axis: str) -> tuple[list[str], list[str]]:
    """The values of an axis that the query's top-level terms ask for, and those that they leave out."""
    field = field_of_axis(axis)
    own = [term for term in query.terms if term.field == field]
    wanted = [value for term in own if not term.negated for value in term.values]
    return wanted, [value for term in own if term.negated for value in term.values]


def _nameable(field: str, value: str) -> bool:
    try:
        check_value(field, value)
    except BadQuery:
        return False
    return "*" not in value
