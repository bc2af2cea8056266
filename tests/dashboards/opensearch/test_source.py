"""The saved objects as they are: everything that is named is there, nothing overlaps, every axis can be chosen by."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from support.dashboards import NEWEST
from support.hostile import TEXTS
from whodid_dashboards.opensearch import saved
from whodid_dashboards.opensearch.choices import CHOICES
from whodid_dashboards.opensearch.fields import fields, index_pattern
from whodid_dashboards.opensearch.requests import counted, known
from whodid_dashboards.opensearch.saved import FILE, MARK, SavedObject, from_ndjson, packaged, to_ndjson
from whodid_dashboards.opensearch.source import objects
from whodid_indexer.query.axis import AXES
from whodid_schema.taxonomy import SURFACES

OBJECTS = objects()
BOARDS = [one for one in OBJECTS if one.type == "dashboard"]
PANELS = [one for one in OBJECTS if one.type == "visualization"]
SEARCHES = [one for one in OBJECTS if one.type == "search"]


def named_in(value: Any) -> set[str]:
    """Every reference name that stands in an object's JSON, texts that hold JSON read."""
    if isinstance(value, dict):
        own = {text for name, text in value.items() if name.endswith("RefName") and isinstance(text, str)}
        return own.union(*map(named_in, value.values()))
    if isinstance(value, list):
        return set().union(*map(named_in, value))
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return named_in(json.loads(value))
        except ValueError:
            return set()
    return set()


def grid(board: SavedObject) -> list[dict[str, int]]:
    return [entry["gridData"] for entry in board.inner("panelsJSON")]


def test_the_file_is_what_the_source_makes() -> None:
    assert list(packaged()) == OBJECTS
    assert Path(saved.__file__).with_name(FILE).read_text(encoding="utf-8") == to_ndjson(OBJECTS)


def test_what_is_written_is_read_back() -> None:
    assert from_ndjson(to_ndjson(OBJECTS)) == OBJECTS
    assert to_ndjson(OBJECTS).count("\n") == len(OBJECTS)


def test_every_id_is_one_of_ours_and_there_once() -> None:
    keys = [one.key for one in OBJECTS]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"whodid-[a-z0-9-]+", one.id) for one in OBJECTS)


def test_what_is_referred_to_stands_before() -> None:
    seen = set()
    for one in OBJECTS:
        for reference in one.references:
            assert (reference.type, reference.id) in seen, (one.id, reference)
        seen.add(one.key)


def test_every_reference_is_used_and_every_name_has_one() -> None:
    for one in OBJECTS:
        names = [reference.name for reference in one.references]
        assert len(set(names)) == len(names)
        assert named_in(one.attributes) == set(names), one.id


def test_the_forms_are_those_that_every_dashboards_knows() -> None:
    for line in to_ndjson(OBJECTS).splitlines():
        one = json.loads(line)
        assert one["migrationVersion"] == {one["type"]: NEWEST[one["type"]]}


def test_the_dashboards_are_the_five_and_each_surface_has_its_events() -> None:
    titles = {"Audit overview", "Authentication", "Who changed what", "Delivery", "API requests"}
    assert {one.attributes["title"] for one in BOARDS} == titles
    pills = [one.search_source()["filter"] for one in SEARCHES]
    assert {one[0]["query"]["match_phrase"].get("surface") for one in pills if one} >= set(SURFACES)


def test_titles_tell_panels_apart_and_begin_with_the_mark() -> None:
    for kind in (PANELS, SEARCHES, BOARDS):
        titles = [one.attributes["title"] for one in kind]
        assert len(set(titles)) == len(titles)
    assert all(one.attributes["title"].startswith(MARK) for one in PANELS + SEARCHES)
    assert all(one.inner("visState")["title"] == one.attributes["title"] for one in PANELS)
    for board in BOARDS:
        shown = [entry["title"] for entry in board.inner("panelsJSON")]
        assert len(set(shown)) == len(shown)
        assert not any(MARK in title for title in shown)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_panels_fill_the_grid_and_none_overlaps(board: SavedObject) -> None:
    places = grid(board)
    for one in places:
        assert 0 <= one["x"] < one["x"] + one["w"] <= 48
        assert one["h"] >= 6
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    lowest = max(one["y"] + one["h"] for one in places)
    side = sum(one["h"] for one in places if one["x"] == 0)
    free = 12 * (lowest - side)
    assert sum(one["w"] * one["h"] for one in places) + free == 48 * lowest, "no holes but below the choices"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_every_axis_can_be_chosen_by_on_every_dashboard(board: SavedObject) -> None:
    by_id = {one.id: one for one in OBJECTS}
    shown = [by_id[reference.id] for reference in board.references if reference.name.startswith("panel_")]
    states = [one.inner("visState") for one in shown if one.type == "visualization"]
    controls = [one for state in states if state["type"] == "input_control_vis" for one in state["params"]["controls"]]
    axes = {field: axis for group in CHOICES.values() for axis, field, _ in group}
    assert {axes[one["fieldName"]] for one in controls} == set(AXES)
    assert len({one["label"] for one in controls}) == len(controls)


def test_what_is_counted_can_be_counted() -> None:
    for one in OBJECTS:
        for name, use in counted(one):
            field = known(name)
            assert field is not None, f"{one.id} {use} {name}"
            assert field.aggregatable, f"{one.id} {use} {name}"


def test_every_column_is_a_field_that_is_shown() -> None:
    hidden = {one["value"] for one in index_pattern().inner("sourceFilters")}
    assert hidden
    assert hidden <= fields().keys()
    for one in SEARCHES:
        columns = one.attributes["columns"]
        assert len(columns) >= 5
        assert set(columns) <= fields().keys() - hidden, one.id
        assert columns[-1] == "id", "the link to the event's page"


def test_queries_ask_for_fields_and_words_that_there_are() -> None:
    asked = re.findall(r'"query":\s*"([^"]+)"', json.dumps([one.inner("visState")["aggs"] for one in PANELS]))
    assert asked
    for query in asked:
        for field in re.findall(r"([\w.]+):", query.replace("_exists_:", "")):
            assert fields()[field].searchable, query
    pills = [one["query"]["match_phrase"] for each in OBJECTS for one in each.search_source().get("filter", ())]
    assert pills
    assert all(fields()[name].searchable for pill in pills for name in pill)


@pytest.mark.parametrize("text", [*TEXTS.values(), "{{rawValue}}", "a/../../b", "%2e%2e"])
def test_only_an_id_leads_anywhere_and_whatever_it_says_only_to_the_viewer(text: str) -> None:
    formats = index_pattern("https://audit.example/whodid").inner("fieldFormatMap")
    links = {name: one["params"] for name, one in formats.items() if one["id"] == "url"}
    assert links.keys() == {"id", "event.id"}
    for params in links.values():
        assert set(re.findall(r"{{(.*?)}}", params["urlTemplate"])) == {"value"}, "the one that is percent-encoded"
        link = params["urlTemplate"].replace("{{value}}", quote(text, safe="-_.!~*'()"))  # encodeURIComponent
        assert re.fullmatch(r"https://audit\.example/whodid/event/[^/?#\"<>\s]*", link)
        assert params["labelTemplate"] == "{{value}}"
        assert params.get("type", "a") == "a", "never an image or a sound: those are fetched unasked"


def test_what_a_record_says_is_shown_as_text_alone() -> None:
    kinds = {one.inner("visState")["type"] for one in PANELS}
    assert kinds == {"metric", "table", "pie", "histogram", "horizontal_bar", "input_control_vis", "vega"}
    formats = index_pattern().inner("fieldFormatMap")
    assert {one["id"] for one in formats.values()} == {"url", "date_nanos", "string"}
    for one in PANELS:
        state = one.inner("visState")
        if state["type"] == "vega":
            assert '"href"' not in state["params"]["spec"]
            assert '"image"' not in state["params"]["spec"]
