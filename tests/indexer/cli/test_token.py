"""`whodid token`, and how the commands show one: made once, listed without secrets, revoked at once, exit 3 without."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.asking import ask
from support.serving import Server, make
from support.tokens import bearer
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Ref


@pytest.fixture
def store(tmp_path: Path) -> str:
    SqliteStore.setup(tmp_path / "audit.db", default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return f"sqlite://{tmp_path}/audit.db"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("tokens")) as running:
        running.create(make(number, workspace=Ref("acme" if number % 2 else "other")) for number in range(10))
        yield running
    assert "Traceback" not in running.log.read_text()


def listed(store: str) -> list[dict[str, Any]]:
    return list(json.loads(ask("token", "list", "--store", store, "--format", "json").text))


def test_a_token_is_printed_once_and_alone_so_that_it_can_go_into_a_file(store: str) -> None:
    made = ask("token", "create", "--store", store, "--role", "platform", "--name", "ops", "--expires", "90d")
    assert made.code == 0
    secret = made.text.strip()
    assert made.text == secret + "\n"
    assert secret.startswith("whodid_")
    assert "not shown again" in made.err
    assert secret not in made.err
    shown = ask("token", "list", "--store", store)
    assert secret not in shown.text + json.dumps(listed(store))
    (row,) = shown.text.splitlines()
    assert row.split()[1:3] == ["valid", "platform"]
    assert "ops" in row


def test_json_has_everything_that_is_known_of_a_token(store: str) -> None:
    made = json.loads(
        ask(
            *("token", "create", "--store", store, "--role", "admin", "--workspace", "acme", "--workspace", "b"),
            *("--app", "shop", "--identity", "email:ana@example.com", "--format", "json"),
        ).text
    )
    secret = made.pop("token")
    assert secret.startswith("whodid_")
    assert made["workspaces"] == ["acme", "b"]
    assert (made["role"], made["apps"], made["state"]) == ("admin", ["shop"], "valid")
    assert listed(store) == [made]
    assert ask("token", "revoke", "--store", store, made["id"]).code == 0
    (ended,) = listed(store)
    assert ended["state"] == "revoked"
    again = ask("token", "revoke", "--store", store, made["id"])
    assert (again.code, "already" in again.err) == (0, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--role", "admin"], "--workspace ID"),
        (["--role", "self"], "--identity"),
        (["--role", "platform", "--workspace", "a"], "not limited"),
        (["--role", "root"], "root"),
        ([], "--role"),
        (["--role", "admin", "--workspace", "*"], "as it is written"),
        (["--role", "platform", "--expires", "soon"], "90d"),
        (["--role", "self", "--identity", "ana"], "shop/user:783"),
    ],
)
def test_what_makes_no_token_is_a_usage_error_and_makes_none(store: str, given: list[str], said: str) -> None:
    refused = ask("token", "create", "--store", store, *given)
    assert refused.code == 2
    assert said in refused.err
    assert refused.out == b""
    assert listed(store) == []


def test_an_unknown_token_and_a_store_elsewhere_are_named(store: str, tmp_path: Path) -> None:
    unknown = ask("token", "revoke", "--store", store, "t1\x1b[31m")
    assert unknown.code == 2
    assert "\x1b" not in unknown.err
    assert "whodid token list" in unknown.err
    (tmp_path / "served").mkdir()
    with Server(tmp_path / "served") as open_to_all:
        elsewhere = ask("token", "list", "--store", open_to_all.url)
    assert elsewhere.code == 2
    assert "where the server runs" in elsewhere.err
    assert ask("token", "list", "--store", "http://127.0.0.1:1").code == 4
    missing = ask("token", "create", "--store", f"sqlite://{tmp_path}/no.db", "--role", "platform")
    assert missing.code == 4
    assert "whodid setup" in missing.err
    assert missing.out == b""


def test_who_made_and_revoked_a_token_is_recorded_without_the_secret(store: str) -> None:
    made = ask("token", "create", "--store", store, "--role", "auditor", "--name", "Ana", "--format", "json")
    token = json.loads(made.text)
    ask("token", "revoke", "--store", store, token["id"])
    found = ask("export", "--store", store, "--surface", "audit", "--format", "ndjson").text
    assert token["token"] not in found
    events = [json.loads(line) for line in found.splitlines()]
    told = {event["verb"]: event for event in events}
    for verb in ("create", "revoke"):
        assert told[verb]["target"] == {"type": "token", "id": token["id"]}
        assert told[verb]["metadata"]["role"] == "auditor"
        assert told[verb]["metadata"]["token_name"] == "Ana"


def test_a_token_that_cannot_be_recorded_is_not_made(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from whodid_indexer.audit import recorder  # noqa: PLC0415  replaced for this test alone

    monkeypatch.setattr(recorder.IntoFile, "record", lambda _self, _event: "the disk is full")
    refused = ask("token", "create", "--store", store, "--role", "platform")
    assert refused.code == 3
    assert refused.out == b""
    assert "the disk is full" in refused.err
    assert listed(store) == []


def test_the_commands_show_a_token_and_see_what_it_is_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ask("token", "create", "--store", server.store, "--role", "admin", "--workspace", "acme").text.strip()
    ingest = ask("token", "create", "--store", server.store, "--role", "ingest").text.strip()
    file = tmp_path / "token"
    file.write_text(secret + "\n")
    config = tmp_path / "whodid.yaml"
    config.write_text(f"store: {server.url}\nstore_token_file: {file}\n")
    for arguments in (["--store", server.url, "--token-file", str(file)], ["--config", str(config)]):
        assert ask("count", *arguments).text == "5\n"
        assert ask("export", "--format", "ndjson", *arguments).text.count("\n") == 5
    for command in ("count", "search", "facets", "stats", "export", "tail"):
        nobody = ask(command, "--store", server.url)
        assert (nobody.code, nobody.out) == (3, b""), command
        assert "asks for a token" in nobody.err
        assert "--token-file" in nobody.err
    monkeypatch.setenv("WHODID_TOKEN", secret)
    assert ask("count", "--store", server.url).text == "5\n"
    for wrong, said in (("whodid_nope", "none that is valid"), (ingest, "needs the role self, admin")):
        monkeypatch.setenv("WHODID_TOKEN", wrong)
        refused = ask("count", "--store", server.url)
        assert refused.code == 3
        assert said in refused.err
        assert wrong not in refused.err
        assert ask("count", "--store", server.url, "--token-file", str(file)).text == "5\n"
    monkeypatch.setenv("WHODID_TOKEN", "two words")
    assert ask("count", "--store", server.url).code == 2
    monkeypatch.delenv("WHODID_TOKEN")
    assert ask("count", "--store", server.url, "--token-file", str(tmp_path / "no")).code == 2
    assert server.get("/api/v1/count", headers=bearer(secret)).json()["count"] == 5
