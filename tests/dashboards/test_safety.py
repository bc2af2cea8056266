"""What records and addresses say is text on every page: nothing runs, nothing leads elsewhere, nothing steers."""

import gzip
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from support.browsing import Browser, Page
from support.serving import HOSTILE, NEWEST, Server, make
from whodid_dashboards.viewer.assets import ADDRESSES
from whodid_schema.record import Actor, Change, Client, Ref, Target
from whodid_schema.timestamp import from_micros

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
TEXTS = {
    **HOSTILE,
    "js": "javascript:alert(1)",
    "attribute": '" onmouseover="alert(1)',
    "close-title": "</title><script>alert(1)</script>",
}


def hostile(number: int, text: str) -> object:
    target = Target(type=text, id=text, name=text)
    return make(
        number,
        timestamp=from_micros(NEWEST - number * 1_000_000),
        app=text,
        category=text,
        category_label=text,
        action=text,
        description=text,
        outcome=text,
        reason=text,
        actor=Actor(text, text, text, text, text, text, Ref(text, text), text, key=f"{text}/user:{number}"),
        target=target,
        targets=[target, target],
        target_refs=[f"{text}:{text}"],
        target_types=[text],
        workspace=Ref(text, text),
        project=Ref(text, text),
        client=Client(None, text, text, text),
        session_id=text,
        request_id=text,
        changes=[Change(text, text, {text: [text]})],
        changed=[text],
        metadata={text: {text: text}},
        meta=[f"{text}={text}"],
        raw=text,
    )


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("hostile")) as server:
        results = server.create(hostile(number, text) for number, text in enumerate(TEXTS.values()))  # type: ignore[misc]
        assert len(results) == len(TEXTS)
        yield server
    assert "Traceback" not in server.log.read_text()


def check(page: Page) -> None:
    """Nothing on the page is anything but text, and links of our own."""
    assert not STEERING.search(page.text), STEERING.findall(page.text)
    for element in page.root.walk():
        assert element.tag not in ("img", "iframe", "object", "embed", "base", "style"), element.tag
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        if element.tag == "script":
            assert element.attributes.keys() == {"type", "src"}
            assert not element.children
        for name in ("href", "src", "action", "data-poll"):
            if element.get(name):
                assert re.match(r"[/#](?![/\\])", element[name]), element[name]
    policy = page.response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.response.headers["x-content-type-options"] == "nosniff"
    assert page.response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/?last=all",
        "/values/actor?last=all",
        "/values/target?last=all&anyway=1",
        "/values/app?last=all",
        "/?last=all&page=2",
    ],
)
def test_hostile_records_are_text_on_every_list(harmed: Server, path: str) -> None:
    with Browser(harmed.url) as browser:
        page = browser.get(path)
        assert page.status == 200
        check(page)


def test_hostile_records_are_text_on_their_own_pages(harmed: Server) -> None:
    with Browser(harmed.url) as browser:
        events = harmed.get("/api/v1/events", {"limit": "100"}).json()["events"]
        assert len(events) >= len(TEXTS) - 1
        for event in events:
            page = browser.get(f"/event/{event['id']}?last=all")
            assert page.status == 200
            check(page)


def test_every_link_that_a_hostile_record_makes_answers_with_that_record(harmed: Server) -> None:
    with Browser(harmed.url) as browser:
        for event in harmed.get("/api/v1/events", {"limit": "100"}).json()["events"]:
            page = browser.get(f"/event/{event['id']}?last=all")
            for sign in page.root.one("div", "sections").find("a", title="include")[:1]:
                found = browser.get(sign["href"])
                assert found.status == 200, sign["href"]
                check(found)
                assert event["id"] in found.rows, sign["href"]


@pytest.mark.parametrize("name", list(TEXTS))
def test_hostile_addresses_are_text_on_the_page_that_answers(harmed: Server, name: str) -> None:
    text = TEXTS[name]
    with Browser(harmed.url) as browser:
        for parameters in ({"q": text}, {"actor": text}, {text: "x"}, {"tz": text}, {"since": text}, {"page": text}):
            page = browser.get("/", parameters)
            assert page.status in (200, 400), parameters
            check(page)
        for path in ("/event/", "/values/", "/delivery/"):
            page = browser.get(path + quote(text, safe=""))
            assert page.status in (200, 400, 404)
            check(page)


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "",
        "evil",
    ],
)
def test_a_preference_never_leads_to_another_server(harmed: Server, back: str) -> None:
    with Browser(harmed.url) as browser:
        answer = browser.get("/preferences", {"theme": "dark", "back": back}).response
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"


def test_the_theme_is_remembered_and_one_that_there_is_not_refused(harmed: Server) -> None:
    with Browser(harmed.url) as browser:
        assert browser.get("/").root.one("html")["data-theme"] == "auto"
        page = browser.follow("/preferences?theme=dark&back=/?last=all")
        assert page.root.one("html")["data-theme"] == "dark"
        assert str(page.response.url).endswith("/?last=all")
        assert "httponly" in page.response.history[0].headers["set-cookie"].lower()
        for bad in ("theme=pink", "colour=red", "tz=Mars/Base", "theme="):
            refused = browser.get(f"/preferences?{bad}")
            assert refused.status == 400
            check(refused)


def test_assets_are_kept_for_ever_under_names_of_their_contents(harmed: Server) -> None:
    page = harmed.get("/", headers={"accept": "text/html"}).text
    for name in ("whodid.css", "whodid.js", "icon.svg"):
        assert ADDRESSES[name] in page
        answer = harmed.get(ADDRESSES[name])
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) > 100
    for missing in ("whodid.css", "whodid.000000000000.css", "../routes.py", "%2e%2e%2froutes.py"):
        assert harmed.get(f"/assets/{missing}").status_code == 404


def test_a_page_is_kept_by_no_cache(harmed: Server) -> None:
    assert harmed.get("/", headers={"accept": "text/html"}).headers["cache-control"] == "no-store"


def test_the_script_is_small_and_sets_no_markup(harmed: Server) -> None:
    script = harmed.get(ADDRESSES["whodid.js"]).text
    assert len(gzip.compress(script.encode())) < 10_000
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


def test_the_pages_of_a_store_that_is_gone_say_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("gone")
    with Server(folder) as server, Browser(server.url) as browser:
        for file in folder.glob("audit.db*"):
            file.rename(folder / f"away-{file.name}")
        page = browser.get("/")
        assert page.status in (500, 503)
        check(page)
        assert "request " in page.root.one("p", "number").text


def test_an_address_that_there_is_not_is_a_page_for_people_and_a_problem_for_programs(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        person = client.get("/nowhere/<b>", headers={"accept": "text/html"})
        program = client.get("/nowhere", headers={"accept": "*/*"})
        questioner = client.get("/api/v1/nowhere", headers={"accept": "text/html"})
    assert (person.status_code, person.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no page at this address" in person.text
    assert "<b>" not in person.text.partition("<main")[2].partition('<p class="number">')[0]
    assert program.json()["code"] == questioner.json()["code"] == "not_found"


def test_pages_are_compressed_for_whoever_takes_it_and_stay_below_sixty_kilobytes(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"accept": "text/html"}) as client:
        packed = client.get("/?last=30d", headers={"accept-encoding": "gzip"})
        plain = client.get("/?last=30d", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < 60_000 < len(plain.content)
