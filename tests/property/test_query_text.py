"""The query language under arbitrary texts and queries: never another error than a marked one, and what is said again
as text, flags or parameters is the same query."""

import time
from datetime import UTC, datetime

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from support.questions import NETWORKS, expected, queries
from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.query.check import check_query
from whodid_indexer.query.identity import Me
from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_indexer.query.normal import normal
from whodid_indexer.query.own import without_own
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.query.printer import to_command, to_flags, to_parameters, to_text
from whodid_schema.canonical import target_type
from whodid_schema.errors import BadQuery
from whodid_schema.excerpt import marked
from whodid_schema.fields import FIELDS
from whodid_schema.visible import visible

NOW = datetime(2026, 11, 21, 12, 30, 15, tzinfo=UTC)
CONTEXT = Context(NOW, me=Me(("shop/user:7",), ("ana@example.com",)))

pieces = st.one_of(
    st.sampled_from([*'()"-*,: ', " OR ", " AND ", " NOT ", "“", "”", "meta.", "meta.a b:", 'meta."', "or", "\x1b[2J"]),
    st.sampled_from([f"{name}:" for name in (*FIELDS, "since", "until", "on", "who", "nope")]),
    st.sampled_from(
        ["ana", "me", "view", "7d", "2026-11-21", "10.0.0.0/8", "ab*", "//x", '"a b"', '""', "\0", "\ud800"]
    ),
    st.text(max_size=6),
)
typed = st.lists(pieces, max_size=14).map("".join) | st.text(max_size=60)


def read(text: str) -> AuditQuery:
    return read_query(texts=[text], context=CONTEXT).query


def attempt(text: str) -> tuple[AuditQuery | None, BadQuery | None]:
    try:
        return read(text), None
    except BadQuery as error:
        return None, error


@settings(max_examples=1_000, deadline=None)
@given(typed)
def test_a_text_is_read_or_refused_with_a_mark_inside_it(text: str) -> None:
    query, error = attempt(text)
    if error is not None:
        assert error.text == text
        assert 0 <= error.position <= error.position + error.length <= len(text)
        for shown in marked(text, error.position, error.length).split("\n"):
            assert visible(shown) == shown
    if query is not None:
        assert normal(query) == query
        said = to_text(query)
        assert len(said) > 1_000 or read(said) == query


nasty = st.text(min_size=1, max_size=8) | st.sampled_from(
    [
        "me",
        "-a",
        '"',
        '""',
        "a,b",
        "//x",
        "(x)",
        "OR",
        " a ",
        "x y*",
        "“a”",
        "\x1b]52;",
        "a\nb",
        "$(x)`y`",
        "'",
        "*",
        "\\",
    ]
)
free = st.builds(
    Term,
    st.sampled_from(
        ["app", "action", "actor", "target", "type", "meta.a", "meta.a b", 'meta."', "meta.x:y", "meta.a=b"]
    ),
    st.lists(nasty, min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
ranges = st.builds(Term, st.just("ip"), st.lists(st.sampled_from(NETWORKS), min_size=1).map(tuple), st.booleans())
said = st.builds(Text, st.lists(nasty, min_size=1, max_size=3).map(" ".join), st.booleans(), st.booleans())
leaves = free | ranges | said
inner = st.recursive(
    st.builds(Group, st.lists(leaves, min_size=1, max_size=3).map(tuple), st.booleans(), st.booleans()),
    lambda deeper: st.builds(
        Group, st.lists(leaves | deeper, min_size=1, max_size=3).map(tuple), st.booleans(), st.booleans()
    ),
    max_leaves=4,
)
moments = st.none() | st.integers(-62_135_596_800_000_000, 253_402_300_799_999_998)
asked = st.builds(
    AuditQuery,
    moments,
    st.none(),
    st.lists(free | ranges, max_size=4).map(tuple),
    st.lists(said, max_size=3).map(tuple),
    st.lists(inner, max_size=2).map(tuple),
)


def accepted(query: AuditQuery) -> bool:
    try:
        check_query(query)
        check_query(normal(query))
    except BadQuery:
        return False
    return True


@click.command()
@filter_options
def command(question: Question) -> Question:
    return question


def flags_read(flags: list[str]) -> AuditQuery:
    question = command.main(flags, standalone_mode=False)
    assert isinstance(question, Question)
    return question.query(UTC, NOW)


def by_field(query: AuditQuery) -> AuditQuery:
    """A command line does not tell in which order different flags stood."""
    return replace(query, terms=tuple(sorted(query.terms, key=lambda term: (term.field, term.negated))))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(asked.filter(accepted) | queries)
def test_a_query_said_again_is_the_same_query(query: AuditQuery) -> None:
    one = normal(query)
    assert normal(one) == one
    assert read(to_text(query)) == one
    assert by_field(flags_read(to_flags(query))) == by_field(without_own(one))
    assert Parameters(to_parameters(query), FILTERS).query() == without_own(one)


@settings(max_examples=100, deadline=None)
@given(queries)
def test_the_one_form_of_a_query_finds_the_same(query: AuditQuery) -> None:
    terms = tuple(term for term in query.terms if term.field != "type")
    other = AuditQuery(query.since, query.until, terms, query.texts, ())
    assert expected(normal(other)) == expected(other)


@given(asked.filter(accepted))
def test_a_command_line_steers_no_terminal(query: AuditQuery) -> None:
    line = to_command(query)
    assert visible(line) == line


@given(st.text(max_size=40))
def test_a_type_has_its_one_form_already(words: str) -> None:
    assert target_type(target_type(words)) == target_type(words)


HOSTILE = {
    "parentheses": "(" * 1_000,
    "minuses": "-" * 999 + "a",
    "nots": "NOT " * 249 + "a",
    "quotes": '"' * 1_000,
    "alternatives": "a OR " * 199 + "a",
    "commas": "app:a" + ",a" * 497,
    "names": "a:" * 500,
    "path": 'meta."' + '""' * 497,
    "stars": "app:" + "*" * 996,
    "spaces": " " * 1_000,
    "dashes": "- " * 500,
    "closed": "(a)" * 333,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_its_length_says(kind: str) -> None:
    def took(text: str) -> float:
        begun = time.process_time()
        for _ in range(5):
            attempt(text)
        return time.process_time() - begun

    plain = min(took('actor:ana "api key" -x ' * 43) for _ in range(5))
    assert min(took(HOSTILE[kind]) for _ in range(5)) < 10 * plain + 0.01
