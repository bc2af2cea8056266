"""The mailer's own endpoint: its request gives its answer, to the byte of every value it wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.running import wait_until, whodid_agent
from support.serving import NEWEST, Server, make
from support.tokens import bearer, make_token
from whodid_indexer.access.roles import Grant
from whodid_schema.record import Ref, decode
from whodid_schema.timestamp import from_micros

PROJECT = "01H000000000000000000000P1"
EXAMPLE: dict[str, Any] = {
    "id": "01H000000000000000000000E1",
    "created_at": "2026-04-30T14:22:11Z",
    "actor_id": "01H000000000000000000000A1",
    "actor_email": "alice@acme.com",
    "action": "smtp.update",
    "target_type": "project",
    "target_id": PROJECT,
    "metadata": {
        "smtp_host": "smtp.mailgun.org",
        "smtp_user": "postmaster@acme.com",
        "from_email": "hello@acme.com",
    },
    "ip": "203.0.113.42",
    "user_agent": "Mozilla/5.0 …",
}

WRITTEN: list[dict[str, Any]] = [
    EXAMPLE,
    EXAMPLE | {"id": "01HE2", "created_at": "2026-04-30T14:22:12.250Z", "metadata": None, "action": "project.update"},
    EXAMPLE | {"id": "01HE3", "created_at": "2026-04-30T14:22:13.000001Z", "metadata": {}, "action": "project.update"},
    EXAMPLE
    | {
        "id": "01HE4",
        "created_at": "2026-04-30T14:22:14Z",
        "actor_id": None,
        "actor_email": None,
        "metadata": {"n": 12345678901234567890, "f": 1.5, "deep": [{"a": [None, True, "ß\u202e\u009b"]}]},
        "ip": None,
        "user_agent": None,
    },
    EXAMPLE | {"id": "01HE5", "created_at": "2026-04-30T14:22:15Z", "target_id": "01HOTHER"},
]


def log(server: Server, project: str = PROJECT, **parameters: str) -> httpx.Response:
    return server.get(f"/api/v1/projects/{project}/audit-log", {name.rstrip("_"): v for name, v in parameters.items()})


def entries(server: Server, project: str = PROJECT, **parameters: str) -> list[dict[str, Any]]:
    response = log(server, project, **parameters)
    assert response.status_code == 200, response.text
    found = response.json()["entries"]
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with what the mailer wrote, as the agent reads it, and a project of another product."""
    folder = tmp_path_factory.mktemp("mailer")
    page = folder / "page.json"
    page.write_text(json.dumps({"entries": WRITTEN, "next_cursor": None}))
    made = whodid_agent("normalise", str(page)).stdout.splitlines()
    assert len(made) == len(WRITTEN)
    with Server(folder) as running:
        running.create(decode(line) for line in made)
        running.create(make(number, project=Ref(id="shop-1", name="The Shop")) for number in range(120))
        yield running
    assert "Traceback" not in Path(running.log).read_text()


def test_what_the_mailer_wrote_is_given_back_as_it_wrote_it(server: Server) -> None:
    assert log(server, limit="50", action="smtp.update", to="2026-04-30T14:22:11Z").json() == {
        "entries": [EXAMPLE],
        "next_cursor": None,
    }
    assert entries(server) == [*reversed(WRITTEN[:4])]


def test_an_entry_has_every_key_in_the_mailers_order(server: Server) -> None:
    for project in (PROJECT, "shop-1"):
        assert [list(entry) for entry in entries(server, project, limit="2")] == [list(EXAMPLE)] * 2


def test_a_project_has_its_own_entries_and_those_about_it(server: Server) -> None:
    assert [entry["id"] for entry in entries(server, "01HOTHER")] == ["01HE5"]
    assert len(entries(server, "The Shop", limit="500")) == len(entries(server, "shop-1", limit="500")) == 120
    assert entries(server, "nobodys") == []


def test_the_records_of_other_products_are_told_in_the_mailers_words(server: Server) -> None:
    (entry,) = entries(server, "shop-1", limit="1")
    assert entry == {
        "id": make(0).id,
        "created_at": "2025-11-24T16:00:00.000000Z",
        "actor_id": "0",
        "actor_email": None,
        "action": "report.update",
        "target_type": "report",
        "target_id": "0",
        "metadata": {},
        "ip": "203.0.113.0",
        "user_agent": None,
    }


def test_pages_lead_through_all_entries_without_gap_or_double(server: Server) -> None:
    assert len(entries(server, "shop-1")) == 50
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = log(server, "shop-1", limit="17", **cursor).json()
        seen += [entry["id"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [make(number).id for number in range(120)]


def test_both_ends_of_the_range_belong_to_it(server: Server) -> None:
    first, last = from_micros(NEWEST - 3_000_000), from_micros(NEWEST - 1_000_000)
    found = entries(server, "shop-1", from_=first, to=last)
    assert [entry["id"] for entry in found] == [make(number).id for number in (1, 2, 3)]
    shifted = entries(server, "shop-1", from_="2025-11-24T17:59:57+02:00", to="2025-11-24T17:59:57+02:00")
    assert [entry["id"] for entry in shifted] == [make(3).id]


def test_the_actor_is_asked_for_by_id_and_by_nothing_else(server: Server) -> None:
    assert [entry["actor_id"] for entry in entries(server, actor_id="01H000000000000000000000A1")] == [
        "01H000000000000000000000A1"
    ] * 3
    assert {entry["actor_id"] for entry in entries(server, "shop-1", actor_id="1")} == {"1"}
    assert len(entries(server, "shop-1", actor_id="1", limit="500")) == 40
    assert entries(server, "shop-1", actor_id="Ana Ruiz") == entries(server, actor_id="alice@acme.com") == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"limit": "0"}, "from 1 to 500"),
        ({"limit": "501"}, "from 1 to 500"),
        ({"limit": "many"}, "from 1 to 500"),
        ({"actor": "x"}, "did you mean 'actor_id'?"),
        ({"action": "smtp.*"}, "no wildcards"),
        ({"action": ""}, "not one action"),
        ({"actor_id": "*"}, "no wildcards"),
        ({"from": "yesteryear"}, "RFC 3339"),
        ({"from": "2026-04-30T14:22:11 02:00"}, "%2B"),
        ({"from": "2026-05-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}, "empty"),
        ({"cursor": "../../etc"}, "not a place"),
        ({"cursor": ""}, "not a place"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(server: Server, parameters: dict[str, str], said: str) -> None:
    response = log(server, **parameters)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"] + response.json().get("hint", "")


def test_a_pattern_is_no_project(server: Server) -> None:
    assert log(server, "*").status_code == log(server, "shop*").status_code == 400


def test_no_steering_character_of_an_entry_stands_in_the_answer_as_it_is(server: Server) -> None:
    body = log(server).content.decode()
    assert "\u202e" not in body
    assert "\u009b" not in body
    assert "\\u202e" in body


def test_a_projects_token_opens_its_own_project_and_no_other(tmp_path: Path) -> None:
    grant = Grant("admin", projects=("shop-1",))
    with Server(tmp_path) as guarded:
        guarded.create(make(number, project=Ref(id=f"shop-{number % 2}", name="shop-1")) for number in range(10))
        secret = make_token(guarded.file, grant)
        assert log(guarded, "shop-1").status_code == 401
        guarded.client.headers.update(bearer(secret))
        assert [entry["target_id"] for entry in entries(guarded, "shop-1")] == ["1", "3", "5", "7", "9"]
        assert entries(guarded, "shop-1", actor_id="0") == [
            entry for entry in entries(guarded, "shop-1") if entry["actor_id"] == "0"
        ]
        for other in ("shop-0", "SHOP-1", "nobodys"):
            refused = log(guarded, other)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        guarded.client.headers.update(bearer(make_token(guarded.file, Grant("platform"))))
        own = {"surface": "audit", "action": "whodid.deny", "q": "nobodys"}
        wait_until(lambda: guarded.get("/api/v1/count", own).json() == {"count": 1}, "the refusal's record")
