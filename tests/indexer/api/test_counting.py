"""/api/v1/facets and /api/v1/stats: parameters, refusals, the form of the answers."""

import json
from typing import Any

import pytest

from support.serving import Server, make
from whodid_indexer.query.answers import read_facets, read_stats
from whodid_indexer.query.counting import Measure
from whodid_indexer.query.model import ALL
from whodid_indexer.store.remote import RemoteStore


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Server(tmp_path_factory.mktemp("counting")) as running:
        running.create(make(number) for number in range(30))
        yield running


def test_facets_are_asked_by_the_command_lines_names(counted: Server) -> None:
    answer = counted.get("/api/v1/facets", {"axis": ["outcome", "who"], "limit": "2", "outcome": "failure"})
    assert answer.status_code == 200
    outcome, actor = answer.json()["facets"]
    assert outcome == {
        "axis": "outcome",
        "values": [
            {"value": "success", "label": "success", "count": 24},
            {"value": "failure", "label": "failure", "count": 6},
        ],
        "other": 0,
        "values_in_all": 2,
        "approximate": False,
        "complete": True,
    }
    assert [one["count"] for one in actor["values"]] == [2, 2]
    assert (actor["axis"], actor["other"]) == ("actor", 2)


def test_statistics_have_their_times_as_records_have(counted: Server) -> None:
    found = counted.get("/api/v1/stats", {"since": "2025-11-24T15:59:50Z", "interval": "hour", "tz": "Europe/Berlin"})
    answer = found.json()
    assert (answer["since"], answer["zone"], answer["current"]["total"]) == (
        "2025-11-24T15:59:50.000000Z",
        "Europe/Berlin",
        11,
    )
    assert answer["series"][0]["start"] == "2025-11-24T15:00:00.000000Z"
    assert answer["actors"][0]["last_seen"] == "2025-11-24T16:00:00.000000Z"
    assert read_stats(found.content).current.total == 11


def test_a_budget_that_is_used_up_leaves_the_axis_uncounted_and_says_so(counted: Server) -> None:
    asked = {"axis": ["target", "verb"], "budget": "0"}
    target, verb = read_facets(counted.get("/api/v1/facets", asked).content)
    assert (target.values, target.complete, verb.complete) == ((), False, True)
    anyway = read_facets(counted.get("/api/v1/facets", asked | {"budget": "none"}).content)
    assert (len(anyway[0].values), anyway[0].other) == (10, 20)


@pytest.mark.parametrize(
    ("path", "parameters", "said"),
    [
        ("facets", {"axes": "[]", "axis": "verb"}, "axes="),
        ("facets", {"axes": "{"}, "not a list of axes"),
        ("facets", {"axes": json.dumps([{"name": "verb", "limit": 5_000}])}, "at most"),
        ("facets", {"axes": json.dumps([{"name": "verb", "limit": -1}])}, "at most"),
        ("facets", {"limit": "1001"}, "limit"),
        ("facets", {"budget": "soon"}, "budget"),
        ("facets", {"axis": "actr"}, "did you mean actor"),
        ("facets", {"actr": "ana"}, "did you mean"),
        ("facets", {"interval": "day"}, "no parameter"),
        ("stats", {"axis": "verb"}, "no parameter"),
        ("stats", {"interval": "month"}, "not an interval"),
        ("stats", {"tz": "Mars/Olympus"}, "not a time zone"),
        ("stats", {"actors": "101"}, "actors"),
        ("stats", {"now": "noon"}, "now"),
        ("stats", {"interval": "hour", "since": "2001-01-01"}, "10,000 buckets"),
        ("stats", {"verb": "frobnicate"}, "never"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_problem(
    counted: Server, path: str, parameters: dict[str, str], said: str
) -> None:
    answer = counted.get(f"/api/v1/{path}", parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert said in answer.text


def test_now_ends_an_open_range(counted: Server) -> None:
    store = RemoteStore(counted.url)
    last = store.stats(ALL, Measure(0)).until
    assert last is not None
    assert store.stats(ALL, Measure(last + 5)).until == last + 5
    store.close()
