"""`whodid serve` over a real OpenSearch: what is asked is answered, what is posted is sent where it belongs."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.records import item
from support.running import Daemon, wait_until
from support.serving import bulk_body, make
from whodid_schema.bulk import CONTENT_TYPE
from whodid_schema.record import Ref


@pytest.fixture
def client(opensearch: OpenSearch, tmp_path: Path) -> Iterator[httpx.Client]:
    """Asks a server over a cluster with forty records."""
    set_up(opensearch)
    index(opensearch, [item(make(number, project=Ref(id="p1"))) for number in range(40)])
    ready, log = tmp_path / "url", tmp_path / "log"
    arguments = ["serve", "--store", opensearch.url, "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
    with Daemon("whodid", arguments, log) as daemon:
        wait_until(lambda: ready.exists() and ready.read_text() != "", f"the server: {log.read_text()}")
        with httpx.Client(base_url=ready.read_text().strip(), timeout=30) as asking:
            yield asking
        assert daemon.stop() == 0
    assert "Traceback" not in log.read_text()


def test_every_question_is_answered_over_a_cluster(client: httpx.Client) -> None:
    page = client.get("/api/v1/events", params={"limit": "5", "actor": "Ana Ruiz"}).json()
    assert (len(page["events"]), page["total"]) == (5, 14)
    assert client.get("/api/v1/count").json() == {"count": 40}
    assert client.get(f"/api/v1/events/{make(3).id}").json()["target"]["id"] == "3"
    context = client.get(f"/api/v1/events/{make(3).id}/context").json()
    assert "around" in context, context
    assert {each["relation"]: each["total"] for each in context["around"]} == {
        "time": 39, "actor": 13, "ip": 0, "target": 0
    }  # fmt: skip
    facets = client.get("/api/v1/facets", params={"axis": "actor"}).json()["facets"]
    assert [value["count"] for value in facets[0]["values"]] == [14, 13, 13]
    assert client.get("/api/v1/stats").json()["current"]["total"] == 40
    entries = client.get("/api/v1/projects/p1/audit-log", params={"actor_id": "1", "limit": "500"}).json()
    assert [entry["target_id"] for entry in entries["entries"]] == [str(number) for number in range(1, 40, 3)]
    assert client.get("/readyz").text == "ready\n"
    assert client.get("/").json()["product"] == "whodid"


def test_exports_are_whole_and_recorded_in_the_cluster(client: httpx.Client) -> None:
    response = client.get("/api/v1/export.jsonl")
    ids = [json.loads(line)["id"] for line in response.text.splitlines()]
    assert ids == [make(number).id for number in range(40)]
    assert response.headers["whodid-rows"] == "40"
    own = client.get("/api/v1/events", params={"surface": "audit", "action": "whodid.export"}).json()
    assert own["total"] == 1


def test_records_are_sent_to_the_cluster_itself(client: httpx.Client) -> None:
    body = bulk_body([make(99)])
    refused = client.post("/_bulk", content=body, headers={"content-type": CONTENT_TYPE})
    assert (refused.status_code, refused.json()["code"]) == (409, "reads_only")
    assert "set the agent's target to the cluster's URL" in refused.json()["hint"]
