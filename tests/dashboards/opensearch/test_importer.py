"""`whodid setup --dashboards` against a stand-in that keeps the documented API: what it writes, and what it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.asking import Answer, ask
from support.dashboards import DashboardsDouble
from support.running import free_port
from whodid_config.access import Access
from whodid_dashboards.opensearch.fields import ID, TIME, viewer_of
from whodid_dashboards.opensearch.saved import SavedObject, from_ndjson, packaged
from whodid_dashboards.opensearch.server import Dashboards

OURS = list(packaged())
PATTERN = ("index-pattern", ID)
OVERVIEW = ("dashboard", "whodid-overview")


@pytest.fixture
def dashboards() -> Iterator[DashboardsDouble]:
    with DashboardsDouble() as running:
        yield running


def setup(dashboards: DashboardsDouble, *more: str) -> Answer:
    return ask("setup", "--dashboards", dashboards.url, *more)


def stranger(title: str = "mine") -> dict[str, Any]:
    return {"type": "dashboard", "id": "sales", "attributes": {"title": title}, "references": []}


def viewer(dashboards: DashboardsDouble) -> str | None:
    return viewer_of(dashboards.objects[PATTERN]["attributes"])


def test_everything_is_imported_and_a_second_time_nothing_is(dashboards: DashboardsDouble) -> None:
    first = setup(dashboards)
    assert first.code == 0, first.err
    assert f"{len(OURS)} objects imported" in first.err
    assert dashboards.objects.keys() == {one.key for one in OURS}
    kind, name = OVERVIEW
    assert f"{dashboards.url}/app/{kind}s#/view/{name}" in first.err
    again = setup(dashboards)
    assert (again.code, dashboards.imports) == (0, 1)
    assert "up to date" in again.err


def test_a_dry_run_lists_what_it_would_do_and_writes_nothing(dashboards: DashboardsDouble) -> None:
    said = setup(dashboards, "--dry-run")
    assert said.code == 0
    assert said.text.count("would create") == len(OURS)
    assert "would create dashboard Audit overview (whodid-overview)" in said.text
    assert (dashboards.imports, dashboards.objects) == (0, {})
    setup(dashboards)
    dashboards.objects[OVERVIEW]["attributes"]["title"] = "changed"
    said = setup(dashboards, "--dry-run", "--diff")
    assert said.text.count("would ") == 1
    assert "would overwrite dashboard Audit overview (whodid-overview)" in said.text
    assert '-    "title": "changed",\n' in said.text
    assert '+    "title": "Audit overview",\n' in said.text
    assert dashboards.objects[OVERVIEW]["attributes"]["title"] == "changed"


def test_only_what_differs_is_overwritten_and_nothing_of_others(dashboards: DashboardsDouble) -> None:
    setup(dashboards)
    dashboards.objects["dashboard", "sales"] = stranger()
    del dashboards.objects["search", "whodid-events"]
    dashboards.objects[OVERVIEW]["attributes"]["panelsJSON"] = "[]"
    untouched = {key: json.dumps(one) for key, one in dashboards.objects.items() if key != OVERVIEW}
    said = setup(dashboards)
    assert "2 objects imported" in said.err
    assert "created search All events (whodid-events)" in said.err
    assert "overwrote dashboard Audit overview (whodid-overview)" in said.err
    assert len(json.loads(dashboards.objects[OVERVIEW]["attributes"]["panelsJSON"])) > 10
    assert {key: json.dumps(dashboards.objects[key]) for key in untouched} == untouched


def test_an_object_of_another_id_is_never_sent(dashboards: DashboardsDouble) -> None:
    client = Dashboards(dashboards.url, Access())
    try:
        with pytest.raises(ValueError, match="sales"):
            client.put([SavedObject("sales", "dashboard", {"title": "x"})])
    finally:
        client.close()
    assert dashboards.imports == 0


def test_what_dashboards_adds_by_itself_is_no_difference(dashboards: DashboardsDouble) -> None:
    setup(dashboards)
    pattern = dashboards.objects[PATTERN]["attributes"]
    listed = json.loads(pattern["fields"])
    for field in listed:
        field["count"] = 7
    pattern["fields"] = json.dumps([*reversed(listed), {"name": "added", "type": "string"}])
    pattern["typeMeta"] = None
    overview = dashboards.objects[OVERVIEW]
    overview["attributes"]["panelsJSON"] = json.dumps(json.loads(overview["attributes"]["panelsJSON"]), indent=2)
    overview["references"] = overview["references"][::-1]
    assert "up to date" in setup(dashboards).err


def test_the_viewer_stays_what_it_was_until_another_is_named(dashboards: DashboardsDouble) -> None:
    setup(dashboards)
    assert viewer(dashboards) == "http://127.0.0.1:8642"
    said = setup(dashboards, "--viewer", "https://audit.example.com/")
    assert "1 object imported" in said.err
    assert viewer(dashboards) == "https://audit.example.com"
    assert "up to date" in setup(dashboards).err
    dashboards.objects[PATTERN]["attributes"]["timeFieldName"] = "received_at"
    setup(dashboards)
    assert dashboards.objects[PATTERN]["attributes"]["timeFieldName"] == TIME
    assert viewer(dashboards) == "https://audit.example.com"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("javascript:alert(1)", "not the URL of a viewer"),
        ("https://a.example/?q={{rawValue}}", "not the URL of a viewer"),
        ("https://a.example/{{rawValue}}", "not the URL of a viewer"),
        ("https://a.example/<b>", "not the URL of a viewer"),
        ("https://me:secret@a.example", "holds credentials"),
        ("https://[::1", "is not a URL"),
        ("audit.example.com", "not the URL of a viewer"),
    ],
)
def test_a_viewer_that_no_link_can_begin_with_is_refused(url: str, reason: str, dashboards: DashboardsDouble) -> None:
    said = setup(dashboards, "--viewer", url)
    assert said.code == 2
    assert reason in said.err
    assert "secret" not in said.err
    assert dashboards.asked == []


def test_a_tenant_has_objects_of_its_own(dashboards: DashboardsDouble) -> None:
    said = setup(dashboards, "--dashboards-tenant", "security team")
    assert "tenant security team" in said.err
    assert dashboards.tenants["security team"].keys() == {one.key for one in OURS}
    assert dashboards.objects == {}
    said = setup(dashboards, "--dashboards-tenant", "a\nb")
    assert (said.code, "is no name of a tenant" in said.err) == (2, True)


def test_user_and_password_are_those_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    with DashboardsDouble(user=("ada", "hunter2"), base="/tools/dashboards") as running:
        said = setup(running)
        assert said.code == 3
        assert "asks who we are" in said.err
        monkeypatch.setenv("WHODID_STORE_USER", "ada")
        monkeypatch.setenv("WHODID_STORE_PASSWORD", "wrong-one")
        said = setup(running)
        assert said.code == 3
        assert "does not accept the password of 'ada'" in said.err
        assert "wrong-one" not in said.err
        monkeypatch.setenv("WHODID_STORE_PASSWORD", "hunter2")
        assert setup(running).code == 0
        assert len(running.objects) == len(OURS)


def test_refused_objects_are_named_each_with_its_reason_and_the_others_are_there(dashboards: DashboardsDouble) -> None:
    dashboards.refused = {
        "whodid-overview": {"type": "unknown", "message": "no\x1b[31m right", "statusCode": 403},
        "whodid-actors": {"type": "unsupported_type"},
    }
    said = setup(dashboards)
    assert said.code == 5
    assert f"2 of {len(OURS)} objects were not imported" in said.err
    assert "dashboard whodid-overview: unknown: no" in said.err
    assert "\x1b" not in said.err
    assert "visualization whodid-actors: this Dashboards does not know the type" in said.err
    assert len(dashboards.objects) == len(OURS) - 2
    dashboards.refused = {}
    assert "2 objects imported" in setup(dashboards).err


def test_what_dashboards_counts_and_does_not_write_is_said_to_be_missing(dashboards: DashboardsDouble) -> None:
    missing = [{"type": "index-pattern", "id": "gone"}, 3]
    dashboards.refused = {"whodid-mix": {"type": "missing_references", "references": missing}}
    said = setup(dashboards)
    assert (said.code, dashboards.objects) == (5, {})
    assert f"{len(OURS)} of {len(OURS)} objects were not imported" in said.err
    first, second, *_ = said.err.splitlines()[1:]
    assert first.strip() == "visualization whodid-mix: it refers to what is not there: index-pattern gone"
    assert second.endswith("not written because of the others")


@pytest.mark.parametrize(
    ("path", "status", "body", "code", "reason"),
    [
        ("/api/status", 200, b"<html>", 4, "is not OpenSearch Dashboards"),
        ("/api/status", 200, b'{"version":{"number":"1.3.20"}}', 4, "needs 2.19 or later"),
        ("/api/status", 200, b'{"version":"3"}', 4, "is not OpenSearch Dashboards"),
        ("/api/status", 404, b'{"error":"no handler"}', 4, "answers 404"),
        ("/api/status", 503, b"not yet", 4, "is not ready"),
        ("/api/saved_objects/_bulk_get", 403, b'{"message":"not in this tenant"}', 3, "not in this tenant"),
        ("/api/saved_objects/_bulk_get", 302, b"", 4, "302"),
        ("/api/saved_objects/_bulk_get", 200, b'{"saved_objects":[3]}', 4, "cannot be read"),
        ("/api/saved_objects/_bulk_get", 200, b"{}", 4, "cannot be read"),
        ("/api/saved_objects/_import", 403, b'{"message":"read only"}', 3, "read only"),
        ("/api/saved_objects/_import", 413, b'{"message":"Payload too large"}', 4, "Payload too large"),
        ("/api/saved_objects/_import", 200, b'{"success":false,"successCount":3}', 4, "imported 3 of"),
        ("/api/saved_objects/_import", 200, b'{"success":false,"errors":[3]}', 4, "cannot be read"),
        ("/api/saved_objects/_import", 200, b"<html>", 4, "cannot be read"),
    ],
)
def test_each_way_to_fail_is_one_line(
    path: str, status: int, body: bytes, code: int, reason: str, dashboards: DashboardsDouble
) -> None:
    dashboards.broken[path] = (status, body)
    said = setup(dashboards)
    assert (said.code, reason in said.err) == (code, True), said.err
    assert "Traceback" not in said.err
    assert dashboards.objects == {}


def test_what_is_not_dashboards_is_named() -> None:
    with DashboardsDouble(version="8.15.0") as running:
        running.headers["kbn-name"] = "k"
        said = setup(running)
        assert (said.code, "is Kibana" in said.err) == (4, True)
    said = ask("setup", "--dashboards", f"http://127.0.0.1:{free_port()}")
    assert (said.code, "cannot be reached" in said.err) == (4, True)
    for url in ("nonsense", "https://me:secret@host:5601"):
        said = ask("setup", "--dashboards", url)
        assert said.code == 2
        assert "secret" not in said.err


def test_a_file_for_import_by_hand_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "whodid.ndjson"
    said = ask("setup", "--dashboards-file", str(file))
    assert said.code == 0
    assert from_ndjson(file.read_text(encoding="utf-8")) == OURS
    out = ask("setup", "--dashboards-file", "-", "--viewer", "https://audit.example.com")
    written = from_ndjson(out.text)
    assert viewer_of(written[0].attributes) == "https://audit.example.com"
    assert written[1:] == OURS[1:]
    assert out.err == ""
    assert "ends with .ndjson" in ask("setup", "--dashboards-file", str(tmp_path / "x.json")).err
    said = ask("setup", "--dashboards-file", str(tmp_path / "no" / "x.ndjson"))
    assert (said.code, "cannot be written" in said.err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dashboards", "http://x", "--dashboards-file", "-"],
        ["--dashboards-check", "--dashboards-file", "-"],
        ["--dashboards-tenant", "global"],
        ["--dashboards-file", "-", "--dashboards-tenant", "global"],
        ["--viewer", "https://a.example"],
        ["--dashboards-check", "--viewer", "https://a.example"],
        ["--dashboards-file", "-", "--dry-run"],
        ["--dashboards-check", "--diff"],
        ["--dashboards-check", "--store", "sqlite:///nowhere.db"],
    ],
)
def test_what_makes_no_sense_together_is_refused(arguments: list[str]) -> None:
    said = ask("setup", *arguments)
    assert (said.code, said.text) == (2, "")
    assert "hint" in said.err or "is nothing without" in said.err


def test_without_the_package_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whodid_indexer.cli.dashboards.entry_points", lambda group: [])
    said = ask("setup", "--dashboards-file", "-")
    assert (said.code, said.text) == (2, "")
    assert "pip install whodid" in said.err
