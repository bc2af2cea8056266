"""The page of one event: what it says, only what changed, its neighbours in the query, what stands around it."""

import json
import random
import time
from collections.abc import Iterator

import msgspec
import pytest

from support.browsing import Browser, Element, Page
from support.running import wait_until
from support.serving import Server, make
from whodid_schema.bulk import Outcome
from whodid_schema.record import MASK, Actor, Change, Client, Person, Ref, Snapshot, encode
from whodid_schema.timestamp import from_micros

NOW = time.time_ns() // 1000


def at(seconds: int) -> str:
    return from_micros(NOW - 3_600_000_000 + seconds * 1_000_000)


RICH = make(
    1,
    timestamp=at(0),
    description="Ana Ruiz changed role of Bob",
    session_id="s-1",
    request_id="r-1",
    reason="asked for",
    outcome="warning",
    workspace=Ref("ws-1", "Acme"),
    actor=Actor("user", "7", "Ana Ruiz", "ana@acme.com", "owner", token=Ref("t-1", "deploy"), key="shop/user:7",
                on_behalf_of=Person("9", "Bea", "bea@acme.com")),
    client=Client("203.0.113.7", "Mozilla/5.0 (X11)", "Firefox 127 on Linux", "FR"),
    changes=[
        Change("role", "viewer", "admin"),
        Change("scopes.1", None, "write"),
        Change("scopes.2", "delete", None),
        Change("password", MASK, MASK, True),
    ],
    changed=["role", "scopes.1", "scopes.2", "password"],
    snapshot=Snapshot({"role": "viewer"}, {"role": "admin"}),
    metadata={"plan": {"name": "pro"}},
    meta=["plan.name=pro"],
    raw='{"who":"ana","password":"[FILTERED]"}',
    raw_redacted=True,
)  # fmt: skip

SIGNED_IN = make(
    2,
    timestamp=at(-60),
    surface="authentication",
    kind="auth",
    verb="sign_in",
    action="session.sign_in",
    outcome="success",
    description="Ana Ruiz signed in",
    session_id="s-1",
    actor=RICH.actor,
    client=RICH.client,
    target=None,
    targets=None,
    target_refs=None,
    target_types=None,
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("event")) as server:
        others = [make(number, timestamp=at(number - 20)) for number in range(10, 40) if number != 20]
        server.create([RICH, SIGNED_IN, *others])
        yield server


@pytest.fixture
def page(own: Server) -> Iterator[Page]:
    with Browser(own.url) as browser:
        yield browser.get(f"/event/{RICH.id}?last=all")


def facts(page: Page) -> dict[str, str]:
    return {
        one.find("dt")[0].text: one.find("span", "value")[0].text
        for one in page.root.find("dl", "facts")[0].find("div")
    } | {
        one.find("dt")[0].text: one.find("span", "value")[0].text
        for each in page.root.one("div", "sections").find("dl", "facts")
        for one in each.find("div")
    }


def test_it_says_who_what_when_from_where_and_how_it_ended(page: Page) -> None:
    assert page.status == 200
    assert page.root.one("h1").text == "Ana Ruiz changed role of Bob"
    assert page.root.one("title").text == "Ana Ruiz changed role of Bob · whodid"
    marks = page.root.find("p", "marks")[0].text
    assert "! warning asked for" in marks
    said = facts(page)
    assert said["time"].endswith(" UTC")
    assert said["exactly"] == RICH.timestamp
    assert said["distance"].startswith("1 hour")
    assert said["actor"] == "Ana Ruiz (as Bea)"
    assert said["e-mail"] == "ana@acme.com"
    assert said["role"] == "owner"
    assert said["token"] == "deploy (t-1)"
    assert said["on behalf of"] == "Bea (9) bea@acme.com"
    assert said["resource"] == "report: Report 1 (1)"
    assert said["workspace"] == "Acme (ws-1)"
    assert said["IP"] == "203.0.113.7"
    assert said["device"] == "Firefox 127 on Linux"
    assert said["country"] == "FR"
    assert '"name": "pro"' in page.text.replace("&#34;", '"')
    assert "kept for ever" in page.root.one("p", "kept").text


def test_only_what_changed_is_shown_and_what_is_masked_says_so(page: Page) -> None:
    rows = page.root.one("section", "changes").find("tbody")[0].find("tr")
    shown = {row.find("th")[0].text: [side.text for side in row.find("div", "side")] for row in rows}
    assert shown == {
        "role": ["− viewer", "+ admin"],
        "scopes.1": ["+ write"],
        "scopes.2": ["− delete"],
        "password": ["− hidden", "+ hidden"],
    }


def test_the_original_is_one_step_away_and_said_to_be_masked(page: Page) -> None:
    raw = page.root.one("details", "raw")
    assert "secrets masked" in raw.one("summary").text
    assert raw.one("pre").text == RICH.raw
    assert RICH.id
    assert RICH.id in raw.text


def test_the_record_itself_is_a_link_away(own: Server, page: Page) -> None:
    assert own.get(page.link("As JSON")).content == encode(RICH)


def test_each_value_leads_to_its_events_and_to_all_others(own: Server, page: Page) -> None:
    signs: list[Element] = page.root.one("div", "sections").find("a", "sign")
    everything = own.get("/api/v1/count").json()["count"]
    assert len(signs) > 20
    with Browser(own.url) as browser:
        for only, without in zip(signs[::2], signs[1::2], strict=True):
            found, rest = browser.get(only["href"]).total, browser.get(without["href"])
            assert found >= 1, only["aria-label"]
            left = rest.total if rest.root.find("p", id="shown") else 0
            assert found + left == everything, only["aria-label"]


def test_it_says_whether_the_person_was_signed_in_and_from_where(page: Page) -> None:
    signed = page.root.one("section", "signed")
    assert "Yes: Ana Ruiz (as Bea), found by the same session" in signed.text
    assert f"/event/{SIGNED_IN.id}" in signed.one("a")["href"]
    assert "203.0.113.7, Firefox 127 on Linux" in signed.one("li").text


def test_around_it_are_links_to_one_five_and_thirty_minutes(own: Server, page: Page) -> None:
    around = page.root.one("section", "around")
    titles = [one.text.partition(" ±")[0].partition(" all time")[0] for one in around.find("h3")]
    assert titles == [
        "Around this event",
        "Same actor",
        "Same address",
        "Same resource",
        "Same session",
        "Same request",
    ]
    with Browser(own.url) as browser:
        near = [browser.get(one["href"]).total for one in around.find("p", "spans")[0].find("a")]
        assert near == sorted(near)
        assert near[1] == 31
        session = browser.get(around.find("p", "spans")[4].find("a")[0]["href"])
        assert session.rows == [RICH.id, SIGNED_IN.id]


def test_as_many_stand_around_an_event_as_the_list_behind_it_has(own: Server) -> None:
    """Beside an application's event whodid's own are not counted, as no list has them; beside one of those they are."""
    lately = make(90, timestamp=from_micros(time.time_ns() // 1000))
    own.create([lately])
    with Browser(own.url) as browser:
        browser.get("/?last=all")  # which makes an event of whodid's own
        wait_until(lambda: own.get("/api/v1/count", {"surface": "audit"}).json()["count"] > 0, "an event of whodid")
        asked = own.get("/api/v1/events", {"surface": "audit", "limit": "1"}).json()["events"][0]["id"]
        for name in (str(lately.id), asked):
            around = browser.get(f"/event/{name}").root.one("section", "around")
            for title, spans in zip(around.find("h3"), around.find("p", "spans"), strict=True):
                said = int(title.text.rpartition(": ")[2].partition(" ")[0])
                link = next(one for one in spans.find("a") if one.text in ("±5 min", "all of them"))
                listed = browser.get(link["href"])
                own_more = listed.total - 1 - said  # what each look at a page here adds
                assert own_more == 0 if name == lately.id else 0 <= own_more < 20, title.text
                assert not any(
                    "audit" in pill.text for pill in listed.root.find("a") if "Remove" in pill.get("aria-label")
                )


def test_older_and_newer_walk_the_query_in_its_order(own: Server) -> None:
    with Browser(own.url) as browser:
        first = browser.get("/?last=all&outcome=success&actor=Ana+Ruiz")
        page = browser.get(first.root.find("a", "event")[0]["href"])
        assert not page.root.find("a", id="newer")
        seen = [page.root.one("details", "raw").find("span", "value")[0].text]
        while page.root.find("a", id="older"):
            page = browser.get(page.root.one("a", id="older")["href"])
            seen.append(page.root.one("details", "raw").find("span", "value")[0].text)
        asked = {"outcome": "success", "actor": "Ana Ruiz"}
        assert seen == [one["id"] for one in own.get("/api/v1/events", asked).json()["events"]]
        back = browser.get(page.root.one("a", id="newer")["href"])
        assert back.root.one("details", "raw").find("span", "value")[0].text == seen[-2]
        assert browser.get(page.root.one("a", id="close")["href"]).rows == first.rows


def test_an_event_that_there_is_not_is_not_found(own: Server) -> None:
    with Browser(own.url) as browser:
        for name in ("0" * 26, "x", "%00", "../event", "é", "a" * 5_000):
            missing = browser.get(f"/event/{name}")
            assert missing.status == 404, name
        assert "there is no such event" in missing.root.text.lower()


def test_every_link_of_an_event_answers(own: Server, page: Page) -> None:
    with Browser(own.url) as browser:
        for link in random.Random(7).sample(page.links, 35):
            assert link.startswith(("/", "#"))
            if link.startswith("/"):
                assert browser.follow(link).status == 200, link


def test_a_bare_record_has_a_page(own: Server) -> None:
    bare = make(
        3_001,
        timestamp=at(500),
        actor=None,
        client=None,
        target=None,
        targets=None,
        target_refs=None,
        target_types=None,
        layer=None,
        outcome=None,
    )
    assert own.create([bare])[0].outcome == Outcome.INDEXED
    with Browser(own.url) as browser:
        page = browser.get(f"/event/{bare.id}")
        assert page.status == 200
        assert "Not known" in page.root.one("section", "signed").text
        assert not page.root.find("section", "changes")


def test_a_huge_record_has_a_page_of_bounded_size(own: Server) -> None:
    changes = [Change(f"field{number}", "x" * 500, {"deep": [number] * 50}) for number in range(1_000)]
    huge = msgspec.structs.replace(
        make(3_000, timestamp=at(501)),
        description="d" * 4_000,
        changes=changes,
        metadata={"blob": "b" * 1_000_000, "<k>": list(range(20_000))},
        raw=json.dumps({"blob": "r" * 2_000_000}),
    )
    own.create([huge])
    with Browser(own.url) as browser:
        page = browser.get(f"/event/{huge.id}")
        assert page.status == 200
        assert len(page.text) < 4_000_000
        assert len(browser.get("/?last=all").text) < 300_000
