"""Every panel's request on a real node with the demonstration's data: it answers, and says what `whodid` says."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from support.asking import ask
from support.indexing import set_up
from support.opensearch.server import Server
from support.running import whodid_agent
from whodid_config.access import Access
from whodid_dashboards.opensearch.aggregations import FIGURES, KINDS
from whodid_dashboards.opensearch.check import check, faults
from whodid_dashboards.opensearch.compared import specification
from whodid_dashboards.opensearch.fields import TIME, Field, fields
from whodid_dashboards.opensearch.requests import Range, drawn, lucene, nested, requests
from whodid_dashboards.opensearch.saved import SavedObject, packaged
from whodid_indexer.demo.product import Product
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.template import template
from whodid_schema.meta import default_meta

OURS = list(packaged())
NOW = datetime.now(UTC).replace(microsecond=7_000)  # no event of the demonstration is on the edge of a range then
SPAN = Range(NOW - timedelta(days=7), NOW)


@pytest.fixture(scope="module")
def node(opensearch_node: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A node with two weeks of the demonstration's events, one of them signed in by a provider, one of a project."""
    opensearch_node.clean()
    set_up(opensearch_node)
    folder = tmp_path_factory.mktemp("demo")
    product = Product(folder, 1, None, lambda: NOW)
    product.earlier_days(14)
    product.a_working_day()
    product.a_mailing()
    ago = (NOW - timedelta(hours=2)).isoformat()
    person = {"type": "user", "id": "9", "name": "Ana", "provider": "GitHub"}
    rows = [
        {"timestamp": ago, "app": "shop", "actor": person, "action": "session.sign_in", "outcome": "success"},
        {
            "timestamp": ago,
            "app": "shop",
            "actor": person,
            "action": "page.delete",
            "project": {"id": "p", "name": "P"},
        },
    ]
    (folder / "more.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    files = [str(path) for path in sorted(folder.glob("*.jsonl"))]
    whodid_agent("run", "--once", *files, "--target", opensearch_node.url, "--state-dir", str(folder / "state"))
    opensearch_node.request("POST", "/whodid-*/_refresh")
    return opensearch_node


@pytest.fixture
def client(node: Server) -> Iterator[Client]:
    opened = Client(node.url, Access())
    yield opened
    opened.close()


def search(node: Server, body: Any) -> Any:
    return node.request("POST", "/whodid-*/_search", body)


def stats(node: Server, *more: str) -> Any:
    since, until = (moment.isoformat() for moment in (SPAN.since, SPAN.until))
    said = ask("stats", "--store", node.url, "--since", since, "--until", until, "--format", "json", *more)
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_every_panel_of_every_dashboard_answers_with_data(client: Client) -> None:
    answers = list(check(client, OURS, SPAN))
    assert [one for one in answers if one.error or not one.rows or not one.events] == []
    boards = [one.title for one in OURS if one.type == "dashboard"]
    assert list(dict.fromkeys(one.dashboard for one in answers)) == boards
    shown = {(one.dashboard, one.panel) for one in answers}
    assert len(shown) == sum(len(one.inner("panelsJSON")) for one in OURS if one.type == "dashboard")


def test_every_field_of_the_index_pattern_is_as_the_node_has_it(client: Client, node: Server) -> None:
    assert list(faults(client, OURS)) == []
    there = node.request("GET", "/whodid-*/_field_caps?fields=*")["fields"]
    known = {name for name, kinds in there.items() if not name.startswith("_") and "object" not in kinds}
    assert known == set(fields())


def test_a_field_that_is_not_so_on_the_cluster_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dict(fields()) | {"kind": Field("kind", "string", "text", searchable=True, aggregatable=False)}
    monkeypatch.setattr("whodid_dashboards.opensearch.check.fields", lambda: wrong)
    (said,) = faults(client, OURS)
    assert "kind='text'" in said
    assert "kind='keyword'" in said


def test_the_figures_are_those_of_stats(node: Server) -> None:
    said = stats(node)
    spec = specification()
    answer = search(node, drawn(spec["data"][0]["url"]["body"], [], closed(SPAN)))["aggregations"]
    for period, ours in (("now", said["current"]), ("before", said["previous"])):
        counted = answer[period]
        assert ours["total"] > 100
        found = {
            "total": counted["doc_count"],
            "sign_ins": counted["sign_ins"]["doc_count"],
            "writes": counted["writes"]["doc_count"],
            "others": counted["doc_count"] - counted["sign_ins"]["doc_count"] - counted["writes"]["doc_count"],
            "unique_ips": counted["ips"]["value"],
        }
        assert found == {name: ours[name] for name in found}


def closed(span: Range) -> Range:
    """The range as Dashboards means it: the last millisecond belongs to it, and to `stats` it does not."""
    return Range(span.since, span.until - timedelta(milliseconds=1))


def test_queries_count_what_stats_counts(node: Server) -> None:
    said = stats(node)
    names = ("total", "sign_ins", "writes", "others")
    figures = [split_count(node, query) for _, query in FIGURES]
    assert figures == [said["current"][name] for name in names]
    kinds = dict(zip(("auth", "write", "other"), (split_count(node, query) for _, query in KINDS), strict=True))
    assert kinds == said["mix"]


def split_count(node: Server, query: str) -> int:
    filters = [lucene(query), closed(SPAN).filter()]
    answer = search(node, {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}})
    return int(answer["hits"]["total"]["value"])


def test_a_dashboards_filter_reaches_each_of_its_panels(client: Client) -> None:
    answers = list(check(client, OURS, SPAN))
    events = {board: {one.events for one in answers if one.dashboard == board and not one.about} for board in boards()}
    assert all(len(found) == 1 for found in events.values()), events
    assert max(events["Delivery"]) < max(events["Audit overview"])


def boards() -> list[str]:
    return [one.title for one in OURS if one.type == "dashboard"]


def test_top_actors_are_those_of_stats_with_their_names_and_times(node: Server) -> None:
    panel = next(one for one in OURS if one.id == "whodid-actors")
    body = {"size": 0, "query": closed(SPAN).filter(), "aggs": nested(panel.inner("visState")["aggs"], SPAN)}
    buckets = search(node, body)["aggregations"]["2"]["buckets"]
    found = {
        one["key"]: (one["doc_count"], name_in(one, "3") or name_in(one, "4"), one["5"]["value"]) for one in buckets
    }
    ours = stats(node)["actors"]
    assert len(ours) == 4
    for one in ours:
        count, name, last = found[one["key"]]
        seen = datetime.fromisoformat(one["last_seen"]).timestamp() * 1000
        assert (count, name) == (one["count"], one["name"])
        assert abs(last - seen) < 1


def name_in(bucket: Any, metric: str) -> str | None:
    """What the newest of an actor's events says of it: its name, or its e-mail."""
    (hit,) = bucket[metric]["hits"]["hits"]
    return next(iter(hit["_source"].get("actor", {}).values()), None)


def test_the_command_prints_a_line_for_every_panel(node: Server) -> None:
    said = ask("setup", "--dashboards-check", "--store", node.url)
    assert said.code == 0, said.err
    heading, *lines = said.text.splitlines()
    assert heading.split() == ["Dashboard", "Panel", "Events", "Rows"]
    assert len(lines) == sum(len(one.inner("panelsJSON")) for one in OURS if one.type == "dashboard")
    assert "every panel has an answer" in said.err


def test_a_panel_that_the_cluster_refuses_is_named_and_the_others_go_on(node: Server, client: Client) -> None:
    broken = [msgspec.structs.replace(one, attributes=without_size(one)) for one in OURS]
    answers = list(check(client, broken, SPAN))
    assert {one.panel for one in answers if one.error} == {"Top actors"}
    assert all("size" in one.error for one in answers if one.error)


def without_size(one: SavedObject) -> dict[str, Any]:
    if one.id != "whodid-actors":
        return one.attributes
    return one.attributes | {"visState": one.attributes["visState"].replace('"size":25', '"size":-1')}


def test_a_kind_of_panel_that_nobody_knows_is_not_passed_over() -> None:
    aggs = [{"id": "1", "type": "percentiles", "schema": "metric", "params": {}}]
    with pytest.raises(ValueError, match="percentiles"):
        nested(aggs, SPAN)
    with pytest.raises(ValueError, match="geohash"):
        nested([{"id": "1", "type": "geohash", "schema": "segment", "params": {}}], SPAN)
    own = next(one for one in OURS if one.id == "whodid-actors")
    source = {"query": {"query": "kind:write", "language": "kuery"}, "filter": [], "indexRefName": "x"}
    attributes = own.attributes | {"kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}}
    changed = [one if one.id != own.id else msgspec.structs.replace(own, attributes=attributes) for one in OURS]
    with pytest.raises((ValueError, StopIteration, RuntimeError)):
        list(requests(changed, SPAN))


@pytest.mark.parametrize(
    ("hours", "interval"), [(24, "1h"), (96, "1h"), (97, "1h"), (24 * 7, "3h"), (24 * 90, "1d"), (24 * 3650, "1M")]
)
def test_hours_become_coarser_where_there_would_be_too_many(hours: int, interval: str) -> None:
    panel = next(one for one in OURS if one.id == "whodid-volume-hours")
    span = Range(NOW - timedelta(hours=hours), NOW)
    histogram = nested(panel.inner("visState")["aggs"], span)["2"]["date_histogram"]
    assert interval in (histogram.get("calendar_interval"), histogram.get("fixed_interval"))
    assert histogram["field"] == TIME


def test_choices_offer_ten_values_and_addresses_fifty() -> None:
    asked = {one.about: one.body for one in requests(OURS, SPAN) if one.about}
    assert "size" not in asked["Actor"]["aggs"]["termsAgg"]["terms"], "what is typed narrows them"
    assert asked["IP address"]["aggs"]["termsAgg"]["terms"]["size"] == 50
    assert all(body["terminate_after"] == 100_000 for body in asked.values())


def test_the_template_has_what_the_panels_ask(node: Server) -> None:
    """The index pattern's title is the template's own pattern, so a record is never outside of it."""
    pattern = next(one for one in OURS if one.type == "index-pattern")
    assert template(default_meta(NOW, "period"))["index_patterns"] == [pattern.attributes["title"]]
