"""Facets from columns: every axis under the query without its own terms, all axes in one pass.

For an axis that is numbers the pass gives how often each number occurs; what the numbers stand for is looked up
afterwards, and only as far as it is shown. The axes that only bodies know (target, changed, meta) are read from
there, as long as the time allows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from whodid_indexer.query.axis import askable, axis_named, field_of_axis, without_own
from whodid_indexer.query.check import check_query, check_term
from whodid_indexer.query.counting import Axis, Facet, Value
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.store.sqlite.arrays import np
from whodid_indexer.store.sqlite.axes import folded, packed_ip
from whodid_indexer.store.sqlite.columns import Batch, Ints, Mask, batches
from whodid_indexer.store.sqlite.contents import Contents, read_body
from whodid_indexer.store.sqlite.dictionaries import PLACES, Key, text_of
from whodid_indexer.store.sqlite.masks import Masks, counts, members_of
from whodid_indexer.store.sqlite.session import Session
from whodid_indexer.store.sqlite.tally import Tally, ranked, tally_of
from whodid_schema.folding import shadow

_AT_ONCE = 256
"""Bodies read between two looks at the clock."""


def facets(session: Session, query: AuditQuery, axes: Sequence[Axis], budget: float | None) -> list[Facet]:
    """See Analyst."""
    check_query(query)
    named = [_checked(axis) for axis in axes]
    found = _Pass(session, query, named, None if budget is None else session.clock() + budget)
    return [found.numbered(axis) if axis.name in PLACES else found.read(axis) for axis in named]


def _checked(axis: Axis) -> Axis:
    """The axis by its own name. Raises BadQuery for one that there is not, and for a selected value that cannot be."""
    name = axis_named(axis.name)
    if axis.selected:
        check_term(Term(field_of_axis(name), axis.selected))
    return msgspec.structs.replace(axis, name=name)


class _Pass:
    """One pass over the query's range for all axes."""

    def __init__(self, session: Session, query: AuditQuery, axes: Sequence[Axis], deadline: float | None) -> None:
        self._session = session
        self._deadline = deadline
        first = session.columns.first(query.since, query.until)
        self._masks = Masks(session, first)
        self._scopes = {axis.name: without_own(query, axis.name) for axis in axes}
        self._counts = {
            (self._scopes[axis.name], PLACES[axis.name].column): self._nothing(PLACES[axis.name].column)
            for axis in axes
            if axis.name in PLACES
        }
        self._contents = {axis.name: Contents(axis.name) for axis in axes if axis.name not in PLACES}
        masks = {scope: self._masks.of(members_of(scope)) for scope in self._scopes.values()}
        for batch in batches(session.columns.pieces(query.since, query.until) if axes else ()):
            self._add(batch, masks)

    def _nothing(self, column: str) -> Ints:
        highest: int = self._session.connection.execute(f"SELECT coalesce(max(id), 0) FROM {column}").get  # noqa: S608  ours
        return np.zeros(highest + 1, np.int64)

    def _add(self, batch: Batch, masks: dict[AuditQuery, Mask | None]) -> None:
        rows = {scope: batch.places(mask) for scope, mask in masks.items()}

        def of(scope: AuditQuery, column: str) -> Ints:
            numbers, chosen = batch.column(column), rows[scope]
            return numbers if chosen is None else numbers[chosen]

        for (scope, column), counted in self._counts.items():
            np.add(counted, np.bincount(of(scope, column), minlength=len(counted)), out=counted)
        by_scope: dict[AuditQuery, list[Contents]] = {}
        for name, contents in self._contents.items():
            by_scope.setdefault(self._scopes[name], []).append(contents)
        for scope, several in by_scope.items():
            if all(contents.complete for contents in several):
                self._unpack(of(scope, "seq").tolist(), several)

    def _unpack(self, seqs: list[int], several: Sequence[Contents]) -> None:
        """Read the bodies of these records, or as many as there is time for."""
        run, unpack = self._session.connection.execute, self._session.unpack
        for start in range(0, len(seqs), _AT_ONCE):
            if self._deadline is not None and self._session.clock() >= self._deadline:
                for contents in several:
                    contents.complete = False
                return
            for seq in seqs[start : start + _AT_ONCE]:
                body = read_body(unpack(run("SELECT body FROM event WHERE seq = ?", (seq,)).get))
                for contents in several:
                    contents.add(body)

    def numbered(self, axis: Axis) -> Facet:
        """The facet of an axis that is numbers."""
        dictionaries = self._session.dictionaries
        counted = self._counts[self._scopes[axis.name], PLACES[axis.name].column]
        present = np.flatnonzero(counted)
        numbers = dict(zip(present.tolist(), counted[present].tolist(), strict=True))
        tally = tally_of(axis.name, dictionaries.rows(axis.name), numbers)
        contains = dictionaries.containing(axis.name, axis.contains, numbers) if axis.contains else None

        def shown(value: Key) -> str:
            return dictionaries.shown(axis.name, value, numbers if value in tally.counts else None)

        facet = self._facet(axis, tally, contains, shown)
        return msgspec.structs.replace(
            facet,
            values=ranked(
                msgspec.structs.replace(one, value=dictionaries.compared(axis.name, one.value)) for one in facet.values
            ),
        )

    def read(self, axis: Axis) -> Facet:
        """The facet of an axis that only bodies know."""
        contents = self._contents[axis.name]
        if not contents.complete:
            return Facet(axis.name, (), complete=False)
        wanted = shadow(axis.contains)
        return self._facet(axis, contents.tally(), lambda value: wanted in text_of(value), contents.shown)

    def _facet(
        self, axis: Axis, tally: Tally, contains: Callable[[Key], bool] | None, shown_as: Callable[[Key], str]
    ) -> Facet:
        field = field_of_axis(axis.name)
        shown = tally.top(
            axis.limit, lambda value: askable(field, text_of(value)) and (contains is None or contains(value))
        )
        for wanted in axis.selected:
            value = _compared(axis.name, wanted)
            if value not in shown:
                shown[value] = tally.counts[value] if value in tally.counts else self._count(axis.name, wanted)
        values = (Value(text_of(value), shown_as(value), number) for value, number in shown.items())
        return Facet(axis.name, ranked(values), tally.outside(frozenset(shown)), len(tally.counts))

    def _count(self, axis: str, value: str) -> int:
        """In how many records the axis' field has the value, which may be a wildcard."""
        scope = self._scopes[axis]
        mask = self._masks.of([*members_of(scope), Term(field_of_axis(axis), (value,))])
        found = self._session.columns.pieces(scope.since, scope.until)
        return sum(counts(found, mask))


def _compared(axis: str, value: str) -> Any:
    """A selected value as the tally has it."""
    if axis == "actor":
        return value
    if axis in PLACES:
        return (packed_ip(value) if axis == "ip" else None) or folded(value)
    return shadow(value)
