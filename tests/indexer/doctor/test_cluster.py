"""`whodid doctor` on a real OpenSearch: what is well, and what was made wrong."""

import json
from pathlib import Path
from typing import Any

from support.indexing import META, index, set_up
from support.opensearch.server import Server
from support.records import identifier, item
from support.running import whodid
from whodid_indexer.store.opensearch.template import template
from whodid_schema.record import Ingest, Record

TIME = "2026-11-20T08:00:00.000000Z"


def found(server: Server, *more: str) -> dict[str, list[dict[str, Any]]]:
    done = whodid("doctor", "--store", server.url, "--format", "json", *more, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    by_check: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    return by_check


def statuses(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["status"] for finding in findings}


def record(number: int, **more: Any) -> Record:
    said = {"timestamp": TIME, "received_at": TIME, "app": "shop", "surface": "activity", "verb": "create"} | more
    return Record(id=identifier(number), **said)


def test_a_cluster_that_was_set_up_is_well(opensearch: Server) -> None:
    whodid("setup", "--store", opensearch.url)
    index(opensearch, [item(record(number)) for number in range(5)])
    checks = found(opensearch, "--silent", "9999d")
    well = ("set-up", "clocks of nodes", "indices", "shards", "doubles", "holds", "mapping of events", "sources")
    assert {name: statuses(checks[name]) for name in well} == {name: {"ok"} for name in well}, checks
    assert statuses(checks["cluster"]) <= {"ok", "warn"}
    assert any("not encrypted" in finding["said"] for finding in checks["protection"])


def test_a_cluster_without_a_template_fails_with_the_command_that_mends_it(opensearch: Server) -> None:
    done = whodid("doctor", "--store", opensearch.url, check=False)
    assert done.returncode == 1
    assert "FAIL     set-up: there is no index template of whodid's: agents wait" in done.stdout
    assert "run whodid setup" in done.stdout


def test_an_old_template_closed_and_blocked_indices_are_named(opensearch: Server) -> None:
    whodid("setup", "--store", opensearch.url)
    index(opensearch, [item(record(1)), item(record(2, surface="delivery"))])
    opensearch.request("POST", "/whodid-activity-2026-11/_close")
    opensearch.request("PUT", "/whodid-delivery-2026-11/_settings", {"index.blocks.write": True})
    body = template(META)
    body["priority"] = body.get("priority", 0) + 1
    opensearch.request("PUT", "/_index_template/whodid", body)
    checks = found(opensearch)
    said = {finding["said"]: finding["status"] for finding in checks["indices"]}
    assert said == {
        "closed, so that no question is answered in whole: whodid-activity-2026-11": "fail",
        "take no records: whodid-delivery-2026-11": "warn",
    }
    assert any("index template whodid" in each["said"] and each["status"] == "warn" for each in checks["set-up"])


def test_doubles_over_indices_and_within_are_listed(opensearch: Server) -> None:
    set_up(opensearch)
    place = Ingest(source="h:/a", generation="g", offset=7, item=0)
    index(
        opensearch,
        [
            item(record(1)),
            item(record(1, surface="delivery")),
            item(record(2, native_id="n-1")),
            item(record(3, native_id="n-1")),
            item(record(4, time_precision="received", ingest=place)),
            item(record(5, time_precision="received", ingest=place)),
        ],
    )
    said = [finding["said"] for finding in found(opensearch)["doubles"]]
    assert said == [
        f"1 ids stand in more than one index: {identifier(1)}",
        "1 native ids stand in records with other contents: shop|n-1",
        "1 events without a time of their own are stored twice: h:/a|g|7|0",
    ]


def test_retention_of_the_configuration_is_compared(opensearch: Server, tmp_path: Path) -> None:
    whodid("setup", "--store", opensearch.url)
    file = tmp_path / "whodid.yaml"
    file.write_text(f"store: {opensearch.url}\nretention: {{activity: 30d}}\n")
    done = whodid("doctor", "--config", str(file), "--format", "json", check=False)
    said = [one["said"] for one in json.loads(done.stdout)["findings"] if one["check"] == "retention"]
    assert said == ["activity: the configuration says 30d, the store forever"]
