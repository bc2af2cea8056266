"""The matcher finds in the change feed what a store finds: held to the oracle that the stores are held to."""

import random

import pytest
from hypothesis import given, settings

from support import questions
from support.serving import make
from whodid_indexer.export.match import matcher
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_schema.errors import BadQuery
from whodid_schema.record import Actor


@settings(max_examples=80, deadline=None)
@given(questions.queries)
def test_it_finds_what_the_oracle_finds(query: AuditQuery) -> None:
    matches = matcher(query)
    found = {record.id for record in questions.RECORDS if matches(record)}
    assert found == set(questions.expected(query))


@settings(max_examples=50, deadline=None)
@given(questions.terms, questions.terms, questions.texts)
def test_a_group_says_what_its_members_say(one: Term, other: Term, text: Text) -> None:
    sample = random.Random(1).sample(questions.RECORDS, 40)
    for together in (any, all):
        group = Group((one, Group((other, text), any=together is not any, negated=True)), any=together is any)
        matches = matcher(AuditQuery(groups=(group,)))
        for record in sample:
            inner = [questions.matches(record, other) != other.negated, questions.holds(record, text) != text.negated]
            nested = not (any(inner) if together is not any else all(inner))
            expected = together([questions.matches(record, one) != one.negated, nested])
            assert matches(record) == expected


def test_a_query_and_its_contrary_share_the_records_out() -> None:
    for term in (Term("actor", ("Ana*",)), Term("ip", ("203.0.113.0/28",)), Term("session", ("*",))):
        for record in map(make, range(20)):
            same = AuditQuery(terms=(term,))
            contrary = AuditQuery(terms=(Term(term.field, term.values, negated=True),))
            assert matcher(same)(record) != matcher(contrary)(record)


def test_everything_matches_the_empty_query() -> None:
    assert all(matcher(ALL)(record) for record in questions.RECORDS)


def test_wildcards_on_a_hostile_value_take_no_time() -> None:
    record = make(1, actor=Actor(name="a" * 100_000))
    assert not matcher(AuditQuery(terms=(Term("actor", ("*a*a*ab",)),)))(record)


def test_a_query_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadQuery):
        matcher(AuditQuery(terms=(Term("verb", ("obliterate",)),)))
