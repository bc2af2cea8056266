"""What counting needs besides a store: edges of a series, initials, names of axes, answers as JSON and back."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import counted
from whodid_indexer.query.answers import facets_json, read_facets, read_stats, stats_json
from whodid_indexer.query.axis import AXES, askable, axis_named, selected_by, without_own
from whodid_indexer.query.calendar import EPOCH, MICROSECOND, edges, interval_for, zone_named
from whodid_indexer.query.counting import Bucket, Facet, Interval, Stats, TopActor, Totals, Value
from whodid_indexer.query.initials import initials
from whodid_indexer.query.model import AuditQuery, Term
from whodid_schema.errors import BadQuery

HOUR = 3_600_000_000
ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca"]
ZONES += ["America/Havana", "Africa/Cairo", "Pacific/Apia", "Asia/Tehran"]


def micros(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // MICROSECOND


@settings(max_examples=150, deadline=None)
@given(
    st.integers(micros("2010-01-01"), micros("2029-12-31")),
    st.integers(1, 40 * 24 * HOUR),
    st.sampled_from(["hour", "day", "week"]),
    st.sampled_from(ZONES),
)
def test_edges_are_those_that_the_clock_shows(since: int, length: int, interval: Interval, zone: str) -> None:
    found = edges(since, since + length, interval, zone_named(zone))
    if zone == "America/Havana" and interval != "hour":  # where midnight comes twice, the day begins with the first
        assert all(early < late for early, late in pairwise(found))
    else:
        assert found == counted.edges(since, since + length, interval, zone)
    assert found[0] <= since < found[1]
    assert found[-2] < since + length <= found[-1]


def test_a_range_of_no_time_has_no_edges() -> None:
    assert edges(5, 5, "day", UTC) == []
    assert edges(6, 5, "hour", UTC) == []


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Tokyo")])
def test_a_range_beyond_all_calendars_is_refused(zone: tzinfo) -> None:
    beyond = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // MICROSECOND
    with pytest.raises(BadQuery, match="years"):
        edges(beyond, beyond + 48 * HOUR, "day", zone)
    with pytest.raises(BadQuery, match="10,000"):
        edges(-(1 << 62), 1 << 62, "week", zone)


@pytest.mark.parametrize(
    ("length", "interval"),
    [
        (timedelta(hours=24), "hour"),
        (timedelta(hours=49), "hour"),
        (timedelta(days=7), "day"),
        (timedelta(days=90), "day"),
        (timedelta(days=365), "week"),
    ],
)
def test_the_interval_suits_the_range(length: timedelta, interval: str) -> None:
    assert interval_for(0, length // MICROSECOND) == interval


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Ruiz", "AR"),
        ("  ana maría de la ruiz ", "AR"),
        ("root", "RO"),
        ("x", "X"),
        ("ana.ruiz@acme.com", "AR"),
        ("ana@acme.com", "AN"),
        ("svc-ci-2", "S2"),
        ("Élodie Œuvre", "ÉŒ"),
        ("e\u0301lodie", "ÉL"),
        ("山田 太郎", "山太"),
        ("ßeta", "SS"),
        ("O’Brien", "OB"),
        ("@acme", "AC"),
        ("…", "?"),
        ("", "?"),
        ("\x1b[31m red", "3R"),
    ],
)
def test_initials_are_two_letters_of_a_name(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_an_axis_is_known_by_its_name_or_an_alias() -> None:
    assert [axis_named(name) for name in ("who", "resource", "level", "meta.a.b")] == [
        *("actor", "target", "layer", "meta.a.b")
    ]
    assert all(axis_named(name) == name for name in AXES)
    with pytest.raises(BadQuery) as refused:
        axis_named("categry")
    assert refused.value.hint == "did you mean category?"


def test_an_axis_leaves_out_its_own_terms_and_keeps_what_was_selected() -> None:
    own = (
        Term("actor", ("ana",)),
        Term("actor.key", ("a/user:1", "a/user:2")),
        Term("actor.key", ("x",), negated=True),
    )
    query = AuditQuery(terms=(*own, Term("verb", ("create",))))
    assert without_own(query, "actor") == AuditQuery(terms=(Term("verb", ("create",)),))
    assert without_own(query, "verb") == AuditQuery(terms=own)
    assert selected_by(query, "who") == ("a/user:1", "a/user:2")


@pytest.mark.parametrize(
    ("field", "value", "able"),
    [
        ("app", "shop", True),
        ("app", "sh*p", False),
        ("app", "x" * 1_001, False),
        ("app", "Shop", False),
        ("verb", "create", True),
        ("verb", "frobnicate", False),
        ("type", "api_key", True),
        ("type", "api key", False),
        ("actor.key", "Shop/user:1", True),
        ("meta.a", "b=c", True),
        ("ip", "10.0.0.1", True),
    ],
)
def test_what_a_query_cannot_name_alone_is_not_shown(field: str, value: str, able: bool) -> None:
    assert askable(field, value) == able


def test_answers_come_back_from_their_json() -> None:
    facets = [Facet("verb", (Value("create", "Create", 3),), 1, 2), Facet("target", (), complete=False)]
    assert read_facets(facets_json(facets)) == facets
    stats = Stats(
        since=-1,
        until=5,
        interval="hour",
        zone="UTC",
        current=Totals(1, 0, 1),
        previous=None,
        previous_since=None,
        series=(Bucket(-HOUR, 0, write=1), Bucket(0, HOUR)),
        mix={"auth": 0, "write": 1, "other": 0},
        actors=(TopActor("a/user:1", "Ana", "AN", 1, -1),),
        categories=(Value("notes", "notes", 1),),
    )
    assert read_stats(stats_json(stats)) == stats
    for wrong in (
        b"{}",
        b"[]",
        b'{"since":"soon","until":null,"previous_since":null,"series":[],"actors":[]}',
        b"null",
    ):
        with pytest.raises(msgspec.DecodeError):
            read_stats(wrong)
