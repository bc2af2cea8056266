"""On a real node with the security plugin: what each role can do, and what it cannot."""

import json
import subprocess
import urllib.error
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.opensearch.secure import SecureNode, User
from support.opensearch.server import Server
from support.running import BIN, clean_environment
from whodid_indexer.holds.hold import new_hold
from whodid_indexer.query.parse import build_query
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.holds import ClusterHolds
from whodid_indexer.store.opensearch.protection import describe_protection
from whodid_indexer.store.opensearch.setup import apply, make_plan, own_indices
from whodid_indexer.store.opensearch.tending import merge, snapshot
from whodid_indexer.store.plan import Plan, Step
from whodid_schema.document import document
from whodid_schema.record import Record, Ref, encode

pytestmark = pytest.mark.slow  # a node with the security plugin; others of them run in `make test`

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
INDEX = "whodid-activity-2026-11"
LOCKED = "whodid-delivery-2026-11"


def admin(node: SecureNode) -> Access:
    folder = node.client
    return Access(ca_file=folder / "ca.pem", certificate_file=folder / "admin.pem", key_file=folder / "admin.key")


def as_user(user: User, node: SecureNode) -> Access:
    return Access(user.name, user.password, ca_file=node.client / "ca.pem")


def set_up(node: SecureNode, access: Access | None = None) -> tuple[Plan, list[Step]]:
    client, _ = connect(node.url, access or admin(node))
    done: list[Step] = []
    try:
        plan = make_plan(client, NOTHING, NOW)
        apply(client, plan, lambda: make_plan(client, NOTHING, NOW), done.append)
    finally:
        client.close()
    return plan, done


def protection(node: SecureNode, access: Access) -> list[str]:
    client, _ = connect(node.url, access)
    try:
        return describe_protection(client, own_indices(client))
    finally:
        client.close()


def record(identifier: str, workspace: str = "acme") -> Record:
    return Record(
        timestamp="2026-11-21T12:00:00.000000Z", id=identifier, app="shop", action="login", workspace=Ref(workspace)
    )


def bulk(server: Server, index: str, *found: Record, operation: str = "create") -> list[dict[str, Any]]:
    lines = []
    for one in found:
        lines.append(json.dumps({operation: {"_index": index, "_id": one.id}}).encode())
        lines.append(document(one, encode(one)))
    answer = server.request("POST", "/_bulk", b"\n".join(lines) + b"\n")
    return [result for item in answer["items"] for result in item.values()]


def refused(server: Server, method: str, path: str, body: Any = None) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.request(method, path, body)
    return caught.value.code


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(BIN / "whodid"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(**environment),
        timeout=60,
    )
    return done.returncode, done.stderr


def test_setup_with_the_admin_certificate_makes_the_roles_once(secure: SecureNode) -> None:
    secure.forget_roles()
    _, first = set_up(secure)
    _, second = set_up(secure)
    assert [step.name for step in first] == [
        "index template whodid",
        "index .whodid-state",
        "role whodid_ingest",
        "role whodid_reader",
        "role whodid_workspace_reader",
        "role whodid_server",
        "role whodid_admin",
    ]
    assert second == []


def test_a_role_that_was_widened_is_put_back(secure: SecureNode) -> None:
    set_up(secure)
    path = "/_plugins/_security/api/roles/whodid_ingest"
    role = secure.request("GET", path)["whodid_ingest"]
    patterns = role["index_permissions"][0]
    patterns["allowed_actions"].append("indices:data/read/search")
    body = {"cluster_permissions": role["cluster_permissions"], "index_permissions": [patterns]}
    secure.request("PUT", path, body)
    _, done = set_up(secure)
    assert [(step.verb, step.name) for step in done] == [("update", "role whodid_ingest")]


def test_the_admin_role_sets_up_all_but_the_roles_and_says_so(secure: SecureNode) -> None:
    set_up(secure)
    secure.request("DELETE", "/_index_template/whodid")
    user = secure.add_user("ada", "whodid_admin")
    plan, done = set_up(secure, as_user(user, secure))
    assert [step.name for step in done] == ["index template whodid"]
    assert [note for note in plan.notes if note.startswith("roles not looked at: ")]


def test_the_ingest_role_does_an_agents_work(secure: SecureNode) -> None:
    set_up(secure)
    agent = secure.add_user("agent", "whodid_ingest")
    assert agent.version() == secure.version()
    assert agent.request("GET", "/_index_template/whodid")["index_templates"][0]["index_template"]["_meta"]["schema"]
    midnight = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
    agent.request("PUT", f"/{INDEX}", {"settings": {"index.creation_date": midnight}})

    assert [item["status"] for item in bulk(agent, INDEX, record("a"), record("b"))] == [201, 201]
    assert [item["status"] for item in bulk(agent, INDEX, record("a"), record("c"))] == [409, 201]
    assert [item["status"] for item in bulk(agent, "whodid-audit-2026-11", record("d"))] == [201]
    assert secure.request("POST", "/whodid/_refresh")["_shards"]["failed"] == 0
    assert secure.request("GET", "/whodid/_count")["count"] == 4


def test_the_ingest_role_does_nothing_else(secure: SecureNode) -> None:
    set_up(secure)
    agent = secure.add_user("agent", "whodid_ingest")
    bulk(agent, INDEX, record("a"))
    secure.request("PUT", "/other-2026/_doc/1?refresh=true", {"a": 1})

    body: Any
    for method, path, body in [
        ("GET", "/whodid/_search", None),
        ("GET", f"/{INDEX}/_doc/a", None),
        ("GET", f"/{INDEX}/_count", None),
        ("GET", f"/{INDEX}/_mapping", None),
        ("DELETE", f"/{INDEX}/_doc/a", None),
        ("POST", f"/{INDEX}/_update/a", {"doc": {"app": "x"}}),
        ("POST", f"/{INDEX}/_delete_by_query", {"query": {"match_all": {}}}),
        ("DELETE", f"/{INDEX}", None),
        ("POST", f"/{INDEX}/_close", None),
        ("PUT", f"/{INDEX}/_settings", {"index": {"blocks.write": True}}),
        ("PUT", f"/{INDEX}/_mapping", {"properties": {"new": {"type": "keyword"}}}),
        ("PUT", "/_index_template/whodid", {"index_patterns": ["whodid-*"]}),
        ("DELETE", "/_index_template/whodid", None),
        ("PUT", "/other-new", {}),
        ("GET", "/_cat/indices", None),
        ("GET", "/_plugins/_security/api/roles", None),
    ]:
        assert refused(agent, method, path, body) == 403, f"{method} {path}"
    assert bulk(agent, "other-2026", record("x"))[0]["status"] == 403
    secure.request("DELETE", "/other-2026")


def test_permissions_alone_cannot_keep_the_ingest_role_from_overwriting(secure: SecureNode) -> None:
    """Why immutable indices exist; `check` and the documentation say so."""
    set_up(secure)
    agent = secure.add_user("agent", "whodid_ingest")
    bulk(agent, INDEX, record("a"))
    assert bulk(agent, INDEX, record("a", "other"), operation="index")[0]["status"] == 200


def test_immutable_indices_close_overwriting_and_yield_to_the_admin_certificate(secure: SecureNode) -> None:
    set_up(secure)
    agent = secure.add_user("agent", "whodid_ingest")
    boss = secure.add_user("boss", "whodid_admin")
    bulk(agent, LOCKED, record("a"))

    assert bulk(agent, LOCKED, record("a", "other"), operation="index")[0]["status"] == 409
    assert refused(boss, "DELETE", f"/{LOCKED}/_doc/a") == 403
    assert refused(boss, "POST", f"/{LOCKED}/_update/a", {"doc": {"app": "x"}}) == 403
    assert refused(boss, "DELETE", f"/{LOCKED}") == 403
    assert [item["status"] for item in bulk(agent, LOCKED, record("b"))] == [201]
    secure.request("POST", f"/{LOCKED}/_refresh")
    assert secure.request("GET", f"/{LOCKED}/_doc/a")["_source"]["workspace"] == {"id": "acme"}
    assert secure.request("DELETE", f"/{LOCKED}") == {"acknowledged": True}


def test_setup_upgrades_an_immutable_index(secure: SecureNode) -> None:
    set_up(secure)
    body = secure.request("GET", "/_index_template/whodid")["index_templates"][0]["index_template"]
    del body["template"]["mappings"]["properties"]["zone_assumed"]
    secure.request("PUT", "/_index_template/whodid", body)
    secure.request("PUT", f"/{LOCKED}", {})
    boss = secure.add_user("boss", "whodid_admin")
    _, done = set_up(secure, as_user(boss, secure))
    assert [step.name for step in done] == [f"index {LOCKED}", "index template whodid"]


def test_setup_says_which_records_can_be_overwritten(secure: SecureNode) -> None:
    set_up(secure)
    bulk(secure, INDEX, record("a"))
    secure.request("PUT", f"/{LOCKED}", {})
    boss = secure.add_user("boss", "whodid_admin")

    encrypted = "the connection is encrypted, and the cluster's certificate checked"
    assert protection(secure, admin(secure)) == [
        encrypted,
        "whether records can be overwritten cannot be seen with the admin certificate, which always may",
    ]
    assert protection(secure, as_user(boss, secure)) == [
        encrypted,
        (
            "whodid-activity-*: whoever may write may overwrite; "
            "plugins.security.compliance.immutable_indices in opensearch.yml closes it"
        ),
        (
            "whodid-delivery-*: records cannot be changed or deleted (immutable index); "
            "ISM cannot delete it either, `lifecycle: apply` can"
        ),
    ]
    secure.request("POST", "/whodid/_refresh")
    assert secure.request("GET", "/whodid/_count")["count"] == 1


@pytest.mark.slow
def test_where_indices_are_immutable_apply_deletes_with_the_admin_certificate_alone(
    secure: SecureNode, tmp_path: Path
) -> None:
    """`lifecycle: apply`: the agent cannot overwrite, the admin role cannot delete; the certificate can."""
    folder = secure.client
    config = tmp_path / "whodid.yaml"
    reached = f"store: {secure.url}\nstore_ca_file: {folder}/ca.pem\n"
    kept = "retention: {delivery: 30d}\nlifecycle: apply\n"
    certificate = f"store_certificate_file: {folder}/admin.pem\nstore_key_file: {folder}/admin.key\n"
    config.write_text(reached + kept + certificate)
    code, said = run("setup", "--config", str(config))
    assert code == 0, said
    agent = secure.add_user("agent", "whodid_ingest")
    boss = secure.add_user("boss", "whodid_admin")
    day = "whodid-delivery-2026-11-21"
    bulk(agent, day, record("a"))
    assert bulk(agent, day, record("a", "other"), operation="index")[0]["status"] == 409

    at = ("--at", "2026-12-22T00:00:00Z")
    named = {"WHODID_STORE_USER": boss.name, "WHODID_STORE_PASSWORD": boss.password}
    config.write_text(reached + kept)
    code, said = run("retention", "apply", "--config", str(config), *at, **named)
    assert (code, f"index {day} is due and was not deleted: " in said) == (3, True), said
    assert "hint: the admin certificate may where indices are immutable (store_certificate_file)" in said
    assert day in secure.request("GET", f"/{day}/_mapping")

    config.write_text(reached + kept + certificate)
    code, said = run("retention", "apply", "--config", str(config), "--at", "2026-12-21T23:59:59Z")
    assert (code, day in secure.request("GET", f"/{day}/_mapping")) == (0, True), said
    code, said = run("retention", "apply", "--config", str(config), *at)
    assert code == 0, said
    assert refused(secure, "GET", f"/{day}") == 404


def test_the_reader_role_asks_everything_and_changes_nothing(secure: SecureNode) -> None:
    set_up(secure)
    bulk(secure, INDEX, record("a"), record("b", "globex"))
    reader = secure.add_user("reader", "whodid_reader")

    reader.request("POST", "/whodid/_refresh")
    assert reader.request("GET", "/whodid/_count")["count"] == 2
    pit = reader.request("POST", "/whodid/_search/point_in_time?keep_alive=1m")["pit_id"]
    page = {"pit": {"id": pit, "keep_alive": "1m"}, "sort": [{"@timestamp": "desc"}, {"id": "desc"}]}
    assert [hit["_id"] for hit in reader.request("POST", "/_search", page)["hits"]["hits"]] == ["b", "a"]
    assert reader.request("DELETE", "/_search/point_in_time", {"pit_id": [pit]})["pits"][0]["successful"]
    assert reader.request("GET", "/whodid/_stats?level=shards")["indices"][INDEX]["shards"]["0"][0]["seq_no"]
    assert INDEX in reader.request("GET", "/whodid/_mapping")
    assert INDEX in reader.request("GET", "/whodid/_settings")
    assert reader.request("GET", "/_index_template/whodid")["index_templates"]

    for method, path, body in [
        ("PUT", f"/{INDEX}/_doc/c", {"id": "c"}),
        ("DELETE", f"/{INDEX}/_doc/a", None),
        ("DELETE", f"/{INDEX}", None),
        ("PUT", "/whodid-audit-2026-11", {}),
        ("PUT", f"/{INDEX}/_mapping", {"properties": {"new": {"type": "keyword"}}}),
        ("DELETE", "/_index_template/whodid", None),
    ]:
        assert refused(reader, method, path, body) == 403, f"{method} {path}"


def test_a_reader_bound_to_a_workspace_sees_no_other(secure: SecureNode) -> None:
    set_up(secure)
    bulk(secure, INDEX, record("a", "acme"), record("b", "globex"), record("c", "globex"))
    secure.request("POST", "/whodid/_refresh")
    reader = secure.add_user("globex", "whodid_workspace_reader", workspace="globex")
    unbound = secure.add_user("nobody", "whodid_workspace_reader")

    hits = reader.request("POST", "/whodid/_search", {"aggs": {"by": {"terms": {"field": "workspace.id"}}}})
    assert sorted(hit["_id"] for hit in hits["hits"]["hits"]) == ["b", "c"]
    assert [(one["key"], one["doc_count"]) for one in hits["aggregations"]["by"]["buckets"]] == [("globex", 2)]
    assert reader.request("GET", "/whodid/_count")["count"] == 2
    assert refused(reader, "GET", f"/{INDEX}/_doc/a") == 404
    assert reader.request("POST", "/whodid/_search", {"query": {"ids": {"values": ["a", "b"]}}})["hits"]["total"] == {
        "value": 1,
        "relation": "eq",
    }
    pit = reader.request("POST", "/whodid/_search/point_in_time?keep_alive=1m")["pit_id"]
    assert reader.request("POST", "/_search", {"pit": {"id": pit}})["hits"]["total"]["value"] == 2
    assert refused(unbound, "GET", "/whodid/_count") == 500  # no attribute to fill in: closed, not open


def test_without_rights_setup_ends_with_exit_3_and_nothing_is_written(secure: SecureNode) -> None:
    set_up(secure)
    secure.request("DELETE", "/_index_template/whodid")
    user = secure.add_user("reader", "whodid_reader")
    code, said = run(
        "setup",
        "--store",
        secure.url,
        WHODID_STORE_USER=user.name,
        WHODID_STORE_PASSWORD=user.password,
        WHODID_STORE_CA_FILE=str(secure.client / "ca.pem"),
    )
    assert (code, said.count("\n")) == (3, 1)
    assert f"whodid: {secure.url} does not allow GET /_cluster/health: no permissions for" in said
    assert refused(secure, "GET", "/_index_template/whodid") == 404


def test_wrong_password_and_wrong_trust_are_named(secure: SecureNode, tmp_path: Path) -> None:
    authority = str(secure.client / "ca.pem")
    wrong = run(
        "setup",
        "--store",
        secure.url,
        WHODID_STORE_USER="ada",
        WHODID_STORE_PASSWORD="geheim",
        WHODID_STORE_CA_FILE=authority,
    )
    stranger = run("setup", "--store", secure.url, WHODID_STORE_CA_FILE=authority)
    untrusted = run("setup", "--store", secure.url)
    plain = run("setup", "--store", secure.url.replace("https:", "http:"))

    assert (wrong[0], stranger[0], untrusted[0], plain[0]) == (3, 3, 4, 4)
    assert "does not accept the password of 'ada'" in wrong[1]
    assert "geheim" not in wrong[1]
    assert "asks who we are" in stranger[1]
    assert "its certificate is not trusted: " in untrusted[1]
    assert "store_ca_file names the CA" in untrusted[1]
    assert "does it speak TLS only? Then write https://" in plain[1]


def test_the_admin_role_puts_a_hold_merges_and_saves_and_a_reader_and_an_agent_cannot_touch_holds(
    secure: SecureNode,
) -> None:
    set_up(secure)
    bulk(secure, INDEX, record("a", "acme"))
    boss, _ = connect(secure.url, as_user(secure.add_user("boss", "whodid_admin"), secure))
    hold = new_hold(build_query(texts=["workspace:acme"], now=NOW), "case 7", "boss", NOW, name="case")
    secure.request("PUT", "/_snapshot/vault", {"type": "fs", "settings": {"location": "vault"}})
    try:
        ClusterHolds(boss).add(hold)
        assert [one.state_at(NOW) for one in ClusterHolds(boss).all()] == ["active"]
        for role in ("whodid_reader", "whodid_ingest"):
            other = secure.add_user(role, role)
            assert refused(other, "GET", "/.whodid-state/_doc/hold:case") == 403
            assert refused(other, "PUT", "/.whodid-state/_doc/hold:case", {"kind": "hold", "name": "case"}) == 403
            assert refused(other, "DELETE", "/.whodid-state") == 403
        merge(boss, INDEX)
        saved = snapshot(boss, "vault", INDEX, NOW)
        assert secure.request("GET", f"/_snapshot/vault/{saved}")["snapshots"][0]["state"] == "SUCCESS"
        secure.request("DELETE", f"/_snapshot/vault/{saved}")
        ClusterHolds(boss).release("case", "boss", "settled", NOW)
    finally:
        boss.close()
        secure.request("DELETE", "/_snapshot/vault")
