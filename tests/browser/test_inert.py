"""What attackers wrote stays text on every page: nothing runs, nothing is asked of other hosts, nothing is redrawn."""

import pytest
from playwright.sync_api import expect

from support.hostile import TEXTS
from support.serving import Server
from support.visits import Visitor

STEERING = "\x1b\x07\x9b\x9c\u202e\u202c\u2066\u2069\x00"
HARMFUL = (
    *(f"main {tag}" for tag in ("script", "style", "img", "iframe", "object")),
    *(f"[{name}]" for name in ("onerror", "onload", "onmouseover", "style")),
    *(f"a[href^='{start}' i]" for start in ("javascript:", "data:", "//", "https:")),
)
HARM = f"document.querySelectorAll(`{', '.join(HARMFUL)}`).length"


@pytest.mark.parametrize("path", ["/", "/?last=all&tz=Asia/Tokyo", "/values/actor", "/values/app", "/values/device"])
def test_lists_of_hostile_values_are_text(visitor: Visitor, hostile: Server, path: str) -> None:
    visit = visitor(hostile)
    page = visit.open(path)
    assert page.evaluate(HARM) == 0
    assert not set(STEERING) & set(page.content())
    page.mouse.move(300, 500)
    page.wait_for_load_state("networkidle")


def test_every_hostile_event_is_shown_as_text(visitor: Visitor, hostile: Server) -> None:
    visit = visitor(hostile)
    visit.open()
    ids = visit.ids()
    visit.follow(visit.page.locator("a[rel=next]"))
    ids += visit.ids()
    assert len(ids) == len(TEXTS) + 2
    for identifier in ids:
        page = visit.open(f"/event/{identifier}")
        assert page.evaluate(HARM) == 0
        assert not set(STEERING) & set(page.content() + page.title())
        assert visit.sideways() == 0


def test_markup_in_a_query_and_in_an_error_is_text(visitor: Visitor, hostile: Server) -> None:
    visit = visitor(hostile)
    page = visit.open("/?q=%22%3Cscript%3Ealert(1)%3C/script%3E%22")
    assert page.evaluate(HARM) == 0
    page = visit.open("/?q=verb:%3Cimg%3E", status=400)
    assert page.evaluate(HARM) == 0
    expect(page.locator("h1")).to_contain_text("<img")
    page = visit.open("/event/%3Cscript%3E", status=404)
    assert page.evaluate(HARM) == 0


def test_preferences_lead_nowhere_else(visitor: Visitor, hostile: Server) -> None:
    visit = visitor(hostile)
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"):
        page = visit.page
        page.goto(f"{visit.url}/preferences?theme=dark&back={back}")
        assert page.url == f"{visit.url}/"


def test_what_claims_to_come_through_a_proxy_is_refused_where_none_is_believed(hostile: Server) -> None:
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-for": "1.1.1.1", "accept": "text/html"}
    answer = hostile.get("/", headers=forged)
    assert answer.status_code == 403
    assert "evil.example" not in answer.text
