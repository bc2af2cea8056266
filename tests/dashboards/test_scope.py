"""Whoever is known sees their own activity first, the workspace one step away, and nothing outside of it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.asking import ask
from support.browsing import Page, read
from support.serving import Server, make
from whodid_schema.record import Ref

ACME, OTHER = Ref("acme", "Acme"), Ref("other", "Other")
RECORDS = [make(number, workspace=ACME if number < 40 else OTHER) for number in range(60)]
MINE = [one.id for one in RECORDS if one.workspace == ACME and one.actor and one.actor.id == "1"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    """A server with a token, and whoever shows it: an administrator of one workspace who is known."""
    with Server(tmp_path_factory.mktemp("scope")) as server:
        server.create(RECORDS)
        said = ("--role", "admin", "--workspace", "acme", "--identity", "shop/user:1", "--format", "json")
        made = json.loads(ask("token", "create", "--store", server.store, *said).text)
        headers = {"accept": "text/html", "authorization": f"Bearer {made['token']}"}
        with httpx.Client(base_url=server.url, headers=headers, follow_redirects=True) as client:
            yield server, client


def get(client: httpx.Client, path: str, **more: Any) -> Page:
    return read(client.get(path, **more))


def test_my_activity_is_first_and_the_workspace_a_step_away(guarded: tuple[Server, httpx.Client]) -> None:
    _, client = guarded
    client.cookies.clear()
    page = get(client, "/?last=all")
    assert page.rows == MINE[:20]
    assert page.root.one("nav", "scope").one("a", aria_current="true").text == "My activity"
    workspace = get(client, page.link("Workspace"))
    assert workspace.total == 40
    assert get(client, "/?last=all").total == 40, "the choice is remembered"
    assert get(client, workspace.link("My activity")).total == len(MINE)


def test_an_export_and_a_command_of_my_activity_have_my_rows(guarded: tuple[Server, httpx.Client]) -> None:
    _, client = guarded
    page = get(client, "/?last=all&scope=mine")
    export = page.root.one("span", "exports").find("a")[1]["href"]
    assert [json.loads(line)["id"] for line in client.get(export).text.splitlines()] == MINE
    command = page.root.one("textarea", id="as-cli").text
    assert "shop/user:1" in command
    poll = page.root.one("a", id="news")["data-poll"]
    assert client.get(poll).json() == {"count": 0}


def test_what_lies_outside_is_not_there(guarded: tuple[Server, httpx.Client]) -> None:
    _, client = guarded
    assert get(client, f"/event/{RECORDS[50].id}").status == 404
    assert get(client, f"/event/{RECORDS[5].id}").status == 200
    page = get(client, "/values/workspace?last=all&scope=all")
    assert [one.find("a", "what")[0].text for one in page.root.find("li", "choice")] == ["Acme"]
    assert get(client, "/?last=all&scope=all&workspace=other").root.one("div", "empty")
    assert get(client, "/?scope=everyone").status == 400
