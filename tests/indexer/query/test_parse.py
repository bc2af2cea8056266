"""What people type becomes the query they mean, or an error that says what would be understood."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.query.parse import build_query, parse_span, parse_text, parse_time, parse_values
from whodid_schema.errors import BadQuery
from whodid_schema.fields import ALIASES, FIELDS

NOW = datetime(2026, 11, 21, 12, 30, 15, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-21T06:33:00Z", "2026-11-21T06:33:00+00:00"),
        ("2026-11-21T06:33:00+02:00", "2026-11-21T04:33:00+00:00"),
        ("2026-11-21 06:33", "2026-11-21T06:33:00+00:00"),
        ("2026-11-21", "2026-11-21T00:00:00+00:00"),
        (" today ", "2026-11-21T00:00:00+00:00"),
        ("yesterday", "2026-11-20T00:00:00+00:00"),
        ("now", "2026-11-21T12:30:15+00:00"),
        ("30m", "2026-11-21T12:00:15+00:00"),
        ("24h", "2026-11-20T12:30:15+00:00"),
        ("7d", "2026-11-14T12:30:15+00:00"),
        ("2w ago", "2026-11-07T12:30:15+00:00"),
    ],
)
def test_a_time_is_read_as_written(typed: str, meant: str) -> None:
    assert parse_time(typed, NOW) == micros(meant)


def test_a_time_without_a_zone_is_read_in_the_zone_given() -> None:
    assert parse_time("2026-11-21", NOW, PARIS) == micros("2026-11-20T23:00:00+00:00")
    assert parse_time("today", datetime(2026, 11, 21, 23, 30, tzinfo=UTC), PARIS) == micros("2026-11-21T23:00:00+00:00")
    assert parse_time("2026-07-01T00:00", NOW, PARIS) == micros("2026-06-30T22:00:00+00:00")


def test_yesterday_is_a_calendar_day_also_where_the_clock_changed() -> None:
    after_the_change = datetime(2026, 10, 26, 12, 0, tzinfo=UTC)
    assert parse_time("yesterday", after_the_change, PARIS) == micros("2026-10-24T22:00:00+00:00")


@pytest.mark.parametrize("typed", ["", "tomorrowish", "21/11/2026", "7 d", "7y", "-7d", "2026-02-30", "\0", "9" * 400])
def test_what_is_no_time_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(BadQuery, match=r"not a time.*2026-11-21"):
        parse_time(typed, NOW)


@pytest.mark.parametrize("typed", ["999999w", "999999d"])
def test_a_span_reaching_before_all_calendars_is_refused(typed: str) -> None:
    with pytest.raises(BadQuery):
        parse_time(typed, NOW)
    with pytest.raises(BadQuery):
        build_query(last=typed, now=NOW)


def test_spans_have_five_units() -> None:
    assert [parse_span(f"2{unit}") for unit in "smhdw"] == [
        timedelta(seconds=2),
        timedelta(minutes=2),
        timedelta(hours=2),
        timedelta(days=2),
        timedelta(weeks=2),
    ]
    with pytest.raises(BadQuery, match="not a span"):
        parse_span("2 years")


def test_a_comma_separates_values_and_quotes_keep_it() -> None:
    assert parse_values("ana, bob") == ["ana", "bob"]
    assert parse_values('"Doe, Jane",bob,') == ["Doe, Jane", "bob"]
    assert parse_values('say "hi",19" rack,"Doe, J"*') == ['say "hi"', '19" rack', "Doe, J*"]
    with pytest.raises(BadQuery, match="empty"):
        parse_values(" , ")


def test_a_search_text_is_words_phrases_prefixes_and_what_must_not_be_there() -> None:
    assert parse_text('ana "19 imported rows" quo* -bob -"api key" “limit rai”*') == [
        Text("ana quo*"),
        Text("19 imported rows", phrase=True),
        Text("bob", negated=True),
        Text("api key", phrase=True, negated=True),
        Text("limit rai*", phrase=True),
    ]


def test_a_lonely_quotation_mark_is_refused_where_it_stands() -> None:
    with pytest.raises(BadQuery) as refused:
        parse_text('ana "19 rows')
    assert (refused.value.position, refused.value.length) == (4, 1)


def test_filters_of_one_field_are_one_term_and_aliases_mean_their_field() -> None:
    filters = [("actor", "ana", False), ("who", "bob,eva", False), ("verb", "view", True), ("meta.plan", "pro", False)]
    assert build_query(filters, now=NOW).terms == (
        Term("actor", ("ana", "bob", "eva")),
        Term("verb", ("view",), negated=True),
        Term("meta.plan", ("pro",)),
    )


def test_nothing_asked_is_everything() -> None:
    assert build_query(now=NOW) == ALL


def test_last_is_a_span_up_to_now() -> None:
    assert build_query(last="24h", now=NOW).since == micros("2026-11-20T12:30:15+00:00")
    with pytest.raises(BadQuery, match="exclude each other"):
        build_query(last="24h", since="today", now=NOW)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (AuditQuery(terms=(Term("acter", ("ana",)),)), "did you mean actor"),
        (AuditQuery(terms=(Term("zzzzzz", ("ana",)),)), "known are id, app"),
        (AuditQuery(terms=(Term("verb", ("creat",)),)), "did you mean create"),
        (AuditQuery(terms=(Term("outcome", ("good",)),)), "success, warning, failure, unknown"),
        (AuditQuery(terms=(Term("verb", ("cre*",)),)), "never 'cre"),
        (AuditQuery(terms=(Term("ip", ("10.0.0.300",)),)), "not an address"),
        (AuditQuery(terms=(Term("ip", ("10.0.*",)),)), "203.0.113.0/24"),
        (AuditQuery(terms=(Term("session", ("ab*",)),)), "no wildcard"),
        (AuditQuery(terms=(Term("actor", ("",)),)), "empty"),
        (AuditQuery(terms=(Term("actor", ("x" * 1_001,)),)), "longer than"),
        (AuditQuery(terms=(Term("actor", ("a*b*c*d*e*",)),)), "more than 4 wildcards"),
        (AuditQuery(terms=(Term("meta.", ("x",)),)), "path"),
        (AuditQuery(texts=(Text("!!!"),)), "no word"),
        (AuditQuery(texts=(Text("ana u*"),)), "too short"),
        (AuditQuery(since=5, until=5), "empty"),
        (AuditQuery(terms=(Term("actor", ("ana",)),) * 51), "more than 50"),
    ],
)
def test_a_query_that_could_never_match_is_refused_with_what_would(query: AuditQuery, says: str) -> None:
    with pytest.raises(BadQuery) as refused:
        check_query(query)
    assert says in str(refused.value)


def test_every_field_and_alias_is_known_and_takes_any_value() -> None:
    for name in (*FIELDS, *ALIASES):
        check_query(AuditQuery(terms=(Term(name, ("*",)),)))
        assert field_of(name).name in FIELDS
