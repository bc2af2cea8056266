"""What people type becomes the query they mean, or an error that says what would be understood."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.identity import Me
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_indexer.query.parse import Context, build_query, read_query
from whodid_indexer.query.times import format_time, parse_day, parse_span, parse_time
from whodid_indexer.query.values import parse_values
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


@pytest.mark.parametrize(
    ("typed", "hours"), [("2026-11-20", 24), ("2026-10-25", 25), ("2026-03-29", 23), ("today", 24), ("yesterday", 24)]
)
def test_a_day_is_as_long_as_it_is_in_its_zone(typed: str, hours: int) -> None:
    start, end = parse_day(typed, NOW, PARIS)
    assert end - start == hours * 3_600_000_000
    assert datetime.fromtimestamp(start / 1_000_000, PARIS).strftime("%H:%M") == "00:00"


@pytest.mark.parametrize("typed", ["", "7d", "2026-02-30", "2026-11-21T10:00", "9999-12-31", "0000-01-01", "now"])
def test_what_is_no_day_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(BadQuery, match=r"not a day.*2026-11-21"):
        parse_day(typed, NOW)


@pytest.mark.parametrize("moment", [0, 1, -1, 1_795_000_000_000_000, 1_795_000_000_123_450, -62_135_596_800_000_000])
def test_a_time_that_is_written_is_read_back(moment: int) -> None:
    assert parse_time(format_time(moment), NOW) == moment


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


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("ana, bob", ["ana", "bob"]),
        ("  Ana Ruiz  ", ["Ana Ruiz"]),
        ('"Doe, Jane",bob', ["Doe, Jane", "bob"]),
        ('say "hi",19" rack,"Doe, J"*', ['say "hi"', '19" rack', "Doe, J*"]),
        ('"say ""hi, you"""', ['say "hi, you"']),
        ("“Doe, Jane” , «x»*", ["Doe, Jane", "x*"]),
        ('"“quoted”"', ["“quoted”"]),
    ],
)
def test_a_comma_separates_values_and_quotes_keep_it(typed: str, values: list[str]) -> None:
    assert [value.text for value in parse_values(typed)] == values


@pytest.mark.parametrize(
    ("typed", "position", "says"),
    [
        ("", 0, "empty"),
        (" , ", 1, "empty"),
        ("ana,", 4, "empty"),
        ("ana,,bob", 4, "empty"),
        ('ana, "Doe', 5, "no other half"),
        ('"Ana" Ruiz', 6, "behind the quotation mark"),
    ],
)
def test_values_that_cannot_be_read_are_marked(typed: str, position: int, says: str) -> None:
    with pytest.raises(BadQuery, match=says) as refused:
        parse_values(typed)
    assert (refused.value.position, refused.value.text) == (position, typed)


def test_an_empty_value_says_whose_it_is() -> None:
    with pytest.raises(BadQuery, match=r"verb: the value is empty"):
        build_query([("verb", "", False)], now=NOW)


def test_filters_of_one_field_are_one_term_and_aliases_mean_their_field() -> None:
    filters = [("actor", "ana", False), ("who", "bob,eva", False), ("verb", "view", True), ("meta.plan", "pro", False)]
    assert build_query(filters, ["user:dan -verb:export"], now=NOW).terms == (
        Term("actor", ("ana", "bob", "eva", "dan")),
        Term("verb", ("view", "export"), negated=True),
        Term("meta.plan", ("pro",)),
    )


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        ("type", '"API role"', "api_role"),
        ("type", "ApiRole", "api_role"),
        ("type", "Sending-Node*", "sending_node*"),
        ("type", "*node", "*node"),
        ("verb", "edited", "update"),
        ("verb", '"signed in"', "sign_in"),
        ("verb", "Sign-In", "sign_in"),
        ("surface", '"API request"', "api_request"),
        ("action", "User.Edited", "User.Edited"),
    ],
)
def test_a_value_is_asked_for_as_records_have_it(field: str, typed: str, meant: str) -> None:
    assert build_query([(field, typed, False)], now=NOW).terms == (Term(field, (meant,)),)
    assert build_query(texts=[f"{field}:{typed}"], now=NOW).terms == (Term(field, (meant,)),)


def test_nothing_asked_is_everything() -> None:
    assert build_query(now=NOW) == ALL
    assert build_query(texts=["", "  \n"], now=NOW) == ALL


def test_last_is_a_span_up_to_now() -> None:
    assert build_query(last="24h", now=NOW).since == micros("2026-11-20T12:30:15+00:00")
    with pytest.raises(BadQuery, match="exclude each other"):
        build_query(last="24h", since="today", now=NOW)


def test_time_ranges_that_are_said_in_several_places_must_all_hold() -> None:
    query = build_query(texts=["since:3d until:now", "on:yesterday"], since="2026-11-20T08:00", until="today", now=NOW)
    assert (query.since, query.until) == (micros("2026-11-20T08:00:00+00:00"), micros("2026-11-21T00:00:00+00:00"))
    with pytest.raises(BadQuery, match="range is empty"):
        build_query(texts=["on:yesterday"], since="today", now=NOW)


ME = Context(NOW, me=Me(("shop/user:7",), ("ana@example.com",)))


def test_me_is_whom_the_identities_name_and_in_quotes_a_name() -> None:
    mine = ("=shop/user:7", "=email:ana@example.com")
    assert read_query([("actor", "me", False)], context=ME).query.terms == (Term("actor", mine),)
    assert read_query(texts=["-who:me,bob"], context=ME).query.terms == (Term("actor", (*mine, "bob"), negated=True),)
    assert read_query(texts=['actor:"me"'], context=ME).query.terms == (Term("actor", ("me",)),)
    assert read_query(texts=["target:me"], context=ME).query.terms == (Term("target", ("me",)),)


def test_mine_holds_beside_whatever_else_is_asked() -> None:
    query = read_query([("actor", "bob", False)], ["a OR b"], mine=True, context=ME).query
    assert query.terms == (Term("actor", ("bob",)),)
    assert query.groups[-1] == Group((Term("actor", ("=shop/user:7", "=email:ana@example.com")),))


@pytest.mark.parametrize("said", [{"filters": [("actor", "me", False)]}, {"texts": ["x actor:me"]}, {"mine": True}])
def test_me_without_an_identity_is_refused_with_how_to_say_it(said: dict[str, object]) -> None:
    with pytest.raises(BadQuery, match="--identity"):
        read_query(**said, context=Context(NOW))  # type: ignore[arg-type]  # one argument of three


def nested(depth: int) -> Group:
    return Group((Text("a"), nested(depth - 1))) if depth > 1 else Group((Text("a"),))


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
        (AuditQuery(terms=(Term("actor", ()),)), "no value"),
        (AuditQuery(terms=(Term("actor", ("x" * 1_001,)),)), "longer than"),
        (AuditQuery(terms=(Term("actor", ("a*b*c*d*e*",)),)), "more than 4 wildcards"),
        (AuditQuery(terms=(Term("actor", ("a\ud800",)),)), "half a character"),
        (AuditQuery(terms=(Term("actor", ("a",) * 201),)), "more than 200 values"),
        (AuditQuery(terms=(Term("meta.", ("x",)),)), "path"),
        (AuditQuery(texts=(Text("!!!"),)), "no word"),
        (AuditQuery(texts=(Text("ana u*"),)), "too short"),
        (AuditQuery(texts=(Text("a" * 1_001),)), "longer than"),
        (AuditQuery(texts=(Text("a\udfff"),)), "half a character"),
        (AuditQuery(since=5, until=5), "empty"),
        (AuditQuery(since=1 << 62), "beyond all calendars"),
        (AuditQuery(until=-(1 << 62)), "beyond all calendars"),
        (AuditQuery(terms=(Term("actor", ("ana",)),) * 51), "more than 50"),
        (AuditQuery(groups=(Group((Text("a"),) * 26),) * 2), "more than 50"),
        (AuditQuery(texts=(Text("aa " * 300),), groups=(Group((Text("bb " * 201),)),)), "more than 500 words"),
        (AuditQuery(groups=(nested(11),)), "more than 10 levels"),
        (AuditQuery(groups=(Group(()),)), "asks for nothing"),
        (AuditQuery(groups=(Group((Term("acter", ("ana",)),)),)), "did you mean actor"),
        (AuditQuery(groups=(Group((Text("!!!"),)),)), "no word"),
    ],
)
def test_a_query_that_could_never_match_is_refused_with_what_would(query: AuditQuery, says: str) -> None:
    with pytest.raises(BadQuery) as refused:
        check_query(query)
    assert says in str(refused.value)


def test_ten_levels_of_groups_are_allowed() -> None:
    check_query(AuditQuery(groups=(nested(10),)))


def test_every_field_and_alias_is_known_and_takes_any_value() -> None:
    for name in (*FIELDS, *ALIASES, *(field.flag for field in FIELDS.values())):
        check_query(AuditQuery(terms=(Term(name, ("*",)),)))
        assert field_of(name).name in FIELDS
