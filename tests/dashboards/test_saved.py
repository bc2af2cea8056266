"""Views saved from the page are those of the API, shared by whoever sees the same, and lead back to the same rows."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.records import records
from support.serving import NEWEST, Server

OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server of its own."""
    with Server(tmp_path) as server:
        server.create(records(3, 40, NEWEST - 40_000_000, 1_000_000, actors=4))
        with httpx.Client(base_url=server.url, headers={"accept": "text/html"}) as client:
            yield client


def save(client: httpx.Client, name: str, text: str) -> httpx.Response:
    return client.post("/views", data={"name": name, "text": text}, headers=OWN)


def test_the_page_offers_to_save_what_it_shows_with_its_range_as_it_was_said(kept: httpx.Client) -> None:
    assert 'href="/views?verb=delete&amp;last=30d"' in kept.get("/?verb=delete&last=30d").text
    assert 'value="verb:delete since:30d"' in kept.get("/views?verb=delete&last=30d").text
    assert 'value="verb:delete"' in kept.get("/views?verb=delete&last=all").text


def test_what_is_saved_in_the_page_is_a_view_of_the_api_and_the_other_way_round(kept: httpx.Client) -> None:
    assert save(kept, "deletions", "verb:delete since:30d").status_code == 303
    kept.put("/api/v1/views/from-api", json={"texts": ["verb:create"]})
    views = kept.get("/api/v1/views").json()["views"]
    assert [(view["name"], view["texts"]) for view in views] == [
        ("deletions", ["verb:delete since:30d"]),
        ("from-api", ["verb:create"]),
    ]
    page = kept.get("/views").text
    assert 'href="/?q=verb:delete+since:30d"' in page
    assert 'href="/?q=verb:create&amp;last=all"' in page


def test_a_view_leads_to_the_rows_it_was_saved_with(kept: httpx.Client) -> None:
    save(kept, "creations", "verb:create")
    shown = kept.get("/?q=verb:create&last=all").text
    count = kept.get("/api/v1/count", params={"verb": "create"}).json()["count"]
    assert f"of {count:,}" in shown


def test_a_view_is_gone_once_it_is_deleted(kept: httpx.Client) -> None:
    save(kept, "deletions", "verb:delete")
    assert kept.post("/views/deletions/delete", headers=OWN).status_code == 303
    assert kept.get("/api/v1/views").json()["views"] == []
    assert kept.post("/views/deletions/delete", headers=OWN).status_code == 404


@pytest.mark.parametrize(
    ("name", "text"), [("bad name", "verb:read"), ("x", "nofield:1"), ("x", ""), ("", "verb:read")]
)
def test_what_cannot_be_saved_is_explained_on_a_page(kept: httpx.Client, name: str, text: str) -> None:
    answer = save(kept, name, text)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert kept.get("/api/v1/views").json()["views"] == []


def test_another_site_can_neither_save_nor_delete(kept: httpx.Client) -> None:
    other = {"sec-fetch-site": "cross-site", "origin": "http://evil.example"}
    assert kept.post("/views", data={"name": "x", "text": "verb:read"}, headers=other).status_code == 403
