"""`whodid setup` on a real node: once, again, after an upgrade, and where something is in the way."""

import json
import urllib.error
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.opensearch.server import Server
from support.records import records
from support.running import whodid
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.setup import apply, make_plan
from whodid_indexer.store.opensearch.template import template
from whodid_indexer.store.plan import Plan, Step
from whodid_schema.document import document
from whodid_schema.errors import StateError, StoreUnreachable
from whodid_schema.meta import Retention, default_meta, read_meta
from whodid_schema.record import encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
INDEX = "whodid-activity-2026-11"


def set_up(server: Server, days: dict[str, int | None] | None = None, now: datetime = NOW) -> tuple[Plan, list[Step]]:
    """Set up as the command does; the plan there was, and the steps that were done."""
    client = Client(server.url, Access())
    done: list[Step] = []
    try:
        wanted = NOTHING._replace(days=days or {})
        plan = make_plan(client, wanted, now)
        apply(client, plan, lambda: make_plan(client, wanted, now), done.append)
    finally:
        client.close()
    return plan, done


def stored_template(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.request("GET", "/_index_template/whodid")["index_templates"][0]["index_template"]
    return found


def older_template() -> dict[str, Any]:
    """The template of a version that did not know two of today's fields."""
    older = json.loads(json.dumps(template(default_meta(NOW, "period"))))
    mappings = older["template"]["mappings"]
    del mappings["properties"]["zone_assumed"]
    del mappings["properties"]["actor"]["properties"]["provider"]
    del mappings["properties"]["event"]
    mappings["_meta"]["whodid"] = 0
    older["_meta"]["schema"] = 0
    return dict(older)


def test_setup_makes_the_template_and_again_changes_nothing(opensearch: Server) -> None:
    _, first = set_up(opensearch)
    _, second = set_up(opensearch)
    opensearch.request("PUT", f"/{INDEX}", {})
    _, third = set_up(opensearch)

    assert [step.name for step in first] == ["index template whodid", "index .whodid-state"]
    assert (second, third) == ([], [])
    meta = read_meta(stored_template(opensearch)["_meta"])
    assert (meta.partitions, meta.epoch) == ("period", "2025-11-01")


def test_a_later_setup_keeps_the_epoch(opensearch: Server) -> None:
    set_up(opensearch)
    _, done = set_up(opensearch, now=datetime(2027, 12, 1, tzinfo=UTC))
    assert done == []
    assert stored_template(opensearch)["_meta"]["epoch"] == "2025-11-01"


def test_a_lost_template_comes_back_filing_every_record_where_it_is(opensearch: Server) -> None:
    """Else a second delivery would go into another index, and the record be there twice."""
    set_up(opensearch, {"delivery": 30})
    for name in ("activity-2024", "activity-2025-12", "activity-2027-10", "delivery-2026-01-31"):
        opensearch.request("PUT", f"/whodid-{name}", {})
    opensearch.request("DELETE", "/_index_template/whodid")

    set_up(opensearch, {"delivery": 400}, now=datetime(2028, 1, 15, tzinfo=UTC))

    meta = read_meta(stored_template(opensearch)["_meta"])
    assert meta.epoch == "2025-12-01"
    assert meta.classes["delivery"] == Retention(400, "day")
    assert meta.classes["activity"].period == "month"


def test_records_go_in_and_are_found_under_the_alias(opensearch: Server) -> None:
    set_up(opensearch)
    lines = []
    for record in records(1, 50, 1_795_242_780_000_000, 1_000_000):
        lines.append(json.dumps({"create": {"_index": INDEX, "_id": record.id}}).encode())
        lines.append(document(record, encode(record)))
    answer = opensearch.request("POST", "/_bulk?refresh=true", b"\n".join(lines) + b"\n")

    assert not answer["errors"]
    assert opensearch.request("GET", "/whodid/_count")["count"] == 50


def test_an_older_store_is_brought_up_to_date_with_its_indices(opensearch: Server) -> None:
    opensearch.request("PUT", "/_index_template/whodid", older_template())
    opensearch.request("PUT", f"/{INDEX}/_doc/1", {"id": "1", "app": "shop"})
    opensearch.request("PUT", "/whodid-activity-2026-10", {})
    opensearch.request("POST", "/whodid-activity-2026-10/_close")
    with pytest.raises(urllib.error.HTTPError):
        opensearch.request("PUT", f"/{INDEX}/_doc/2", {"zone_assumed": True})

    _, done = set_up(opensearch)

    assert [step.name for step in done] == [
        "index whodid-activity-2026-10",
        f"index {INDEX}",
        "index template whodid",
        "index .whodid-state",
    ]
    opensearch.request("DELETE", "/whodid-activity-2026-10")
    opensearch.request("PUT", f"/{INDEX}/_doc/2?refresh=true", {"zone_assumed": True, "actor": {"provider": "GitHub"}})
    assert opensearch.request("GET", "/whodid/_count?q=service.name:shop")["count"] == 1
    assert opensearch.request("GET", f"/{INDEX}/_count")["count"] == 2
    assert set_up(opensearch)[1] == []


def test_an_index_made_during_the_upgrade_is_found(opensearch: Server) -> None:
    """Between the plan and the template's change, the old template makes one more."""
    opensearch.request("PUT", "/_index_template/whodid", older_template())
    client = Client(opensearch.url, Access())
    plan = make_plan(client, NOTHING, NOW)
    opensearch.request("PUT", f"/{INDEX}", {})
    done: list[Step] = []
    apply(client, plan, lambda: make_plan(client, NOTHING, NOW), done.append)
    client.close()
    assert [step.name for step in done] == ["index template whodid", "index .whodid-state", f"index {INDEX}"]


def test_what_is_not_whodids_is_left_alone(opensearch: Server) -> None:
    opensearch.request("PUT", "/whodid-mine", {"mappings": {"properties": {"a": {"type": "keyword"}}}})
    before = opensearch.request("GET", "/whodid-mine")

    plan, done = set_up(opensearch)

    assert [step.name for step in done] == ["index template whodid", "index .whodid-state"]
    assert "index whodid-mine is not whodid's: left alone" in plan.notes
    assert opensearch.request("GET", "/whodid-mine") == before


def test_a_foreign_template_of_the_same_name_is_not_overwritten(opensearch: Server) -> None:
    opensearch.request("PUT", "/_index_template/whodid", {"index_patterns": ["whodid-*"], "_meta": {"by": "us"}})
    with pytest.raises(StateError, match="has an index template whodid that is not whodid's"):
        set_up(opensearch)
    assert stored_template(opensearch)["_meta"] == {"by": "us"}


def test_another_template_for_the_same_indices_is_named(opensearch: Server) -> None:
    opensearch.request("PUT", "/_index_template/whodid-other", {"index_patterns": ["whodid-a*"], "priority": 200})
    with pytest.raises(Refused, match=r"whodid-other.*same priority \[200\]"):
        set_up(opensearch)


def test_an_index_in_the_place_of_the_alias_is_named(opensearch: Server) -> None:
    opensearch.request("PUT", "/whodid", {})
    with pytest.raises(StateError, match="has an index named whodid"):
        set_up(opensearch)


def test_a_store_of_a_newer_version_is_not_touched(opensearch: Server) -> None:
    newer = template(default_meta(NOW, "period"))
    newer["_meta"]["schema"] = 99
    opensearch.request("PUT", "/_index_template/whodid", newer)
    with pytest.raises(StateError, match="set up for records of form 99"):
        set_up(opensearch)


def test_an_index_that_cannot_be_upgraded_is_named_before_anything_is_written(opensearch: Server) -> None:
    older = older_template()
    older["template"]["mappings"]["properties"]["actor"]["properties"]["id"] = {"type": "long"}
    opensearch.request("PUT", "/_index_template/whodid", older)
    opensearch.request("PUT", f"/{INDEX}", {})
    with pytest.raises(StateError, match=rf"index {INDEX} has actor\.id in another form"):
        set_up(opensearch)
    assert stored_template(opensearch)["_meta"]["schema"] == 0


def test_a_red_cluster_is_named_and_left_alone(opensearch: Server) -> None:
    nowhere = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
    opensearch.request("PUT", f"/{INDEX}?wait_for_active_shards=0", nowhere)
    with pytest.raises(StoreUnreachable, match="the cluster is red"):
        set_up(opensearch)
    opensearch.request("DELETE", f"/{INDEX}")


def test_retention_is_told_to_agents_and_a_class_keeps_its_period(opensearch: Server) -> None:
    plan, _ = set_up(opensearch, {"delivery": 30, "activity": 365})
    meta = read_meta(stored_template(opensearch)["_meta"])
    assert meta.classes["delivery"] == Retention(30, "day")
    assert meta.classes["activity"] == Retention(365, "month")
    assert "no ISM plugin here: `whodid retention apply`, run once a day, deletes what is too old" in plan.notes

    _, done = set_up(opensearch, {"delivery": 400})

    changed = read_meta(stored_template(opensearch)["_meta"])
    assert [step.verb for step in done] == ["update"]
    assert changed.classes["delivery"] == Retention(400, "day")
    assert changed.classes["activity"] == Retention()
    assert changed.rules != meta.rules


def test_the_command_says_what_it_does_and_a_dry_run_does_nothing(opensearch: Server, tmp_path: Path) -> None:
    config = tmp_path / "whodid.yaml"
    config.write_text(f"store: {opensearch.url}\nretention:\n  delivery: 30d\n")
    dry = whodid("setup", "--config", str(config), "--dry-run", "--diff")
    assert opensearch.request("GET", "/_index_template") == {"index_templates": []}
    done = whodid("setup", "--config", str(config))
    again = whodid("setup", "--config", str(config), "--diff")

    assert '+        "days": 30' in dry.stdout
    assert "would create index template whodid" in dry.stdout
    assert "nothing is written yet: " in dry.stderr
    assert done.stderr.splitlines()[0] == "created index template whodid"
    assert "note: no security plugin: everybody who reaches this cluster" in done.stderr
    assert done.stderr.splitlines()[-1] == f"set up: {opensearch.url} (OpenSearch {opensearch.version()})"
    assert (again.stdout, again.stderr.splitlines()[-1].partition(":")[0]) == ("", "up to date")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "retention: {activty: 3d}",
            "whodid.yaml:2: retention.activty: there is no class 'activty'; did you mean 'activity'?",
        ),
        ("retention: {activity: 3 weeks}", "whodid.yaml:2: retention.activity: '3 weeks' is not a number of days"),
        ("retention: {activity: 0d}", "'0d' is not a number of days"),
    ],
)
def test_a_retention_that_makes_no_sense_is_named(settings: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "whodid.yaml"
    config.write_text(f"store: http://127.0.0.1:1\n{settings}\n")
    done = whodid("setup", "--config", str(config), check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_nobody_there_is_one_line_and_exit_4() -> None:
    done = whodid("setup", "--store", "http://127.0.0.1:1", check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("whodid: http://127.0.0.1:1 cannot be reached: ")
    assert "Traceback" not in done.stderr
