"""The comparison looks at everything it needs, and at little more: whatever the range's length."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from whodid_dashboards.opensearch.compared import REACH_HOURS, TITLES, specification, steps

QUERY = specification()["data"][0]["url"]["body"]["query"]
BOUNDS = [one["range"]["@timestamp"] for one in QUERY["bool"]["filter"][-1]["bool"]["should"]]
HOURS = st.floats(min_value=0.01, max_value=REACH_HOURS, allow_nan=False)


def looked_at(ago: float, length: float) -> bool:
    """Whether a record `ago` hours before a range of this length is in one of the request's ranges."""
    for bounds in BOUNDS:
        assert (bounds["gte"]["%timefilter%"], bounds["lte"]["%timefilter%"]) == ("min", "max")
        assert {bounds["gte"]["unit"], bounds["lte"]["unit"]} == {"hour"}
        if bounds["gte"]["shift"] <= -ago <= length + bounds["lte"]["shift"]:
            return True
    return False


@given(HOURS, st.floats(min_value=0, max_value=1))
def test_nothing_of_the_period_before_is_passed_over(length: float, share: float) -> None:
    assert looked_at(length * share, length)


@given(HOURS)
def test_nothing_of_the_range_itself_is_passed_over(length: float) -> None:
    assert looked_at(0, length)
    assert looked_at(-length, length)


@given(HOURS, st.floats(min_value=3.01, max_value=1_000))
def test_what_is_far_before_is_not_looked_at(length: float, times: float) -> None:
    assert length * times <= 3 or not looked_at(length * times, length)


def test_the_steps_meet_and_reach_ten_years() -> None:
    found = list(steps())
    assert found[0] == (0, 1)
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert found[-1][1] >= REACH_HOURS
    assert len(found) < 40


def test_the_drawing_says_the_five_figures_and_fetches_nothing_but_the_store() -> None:
    spec = specification()
    figures = next(one for one in spec["data"] if one["name"] == "figures")
    assert [one["title"] for one in figures["values"]] == list(TITLES)
    assert [one["url"]["index"] for one in spec["data"] if "url" in one] == ["whodid-*"]
    assert "http" not in json.dumps(spec).replace("https://vega.github.io/schema/vega/v5.json", "")
