"""The list's page: every view an address, every count exactly what its link leads to, every row once."""

import json
import random
import shlex
import time

import pytest

from support.asking import ask
from support.browsing import Browser, Element, Page
from support.records import records
from support.serving import Server, make
from whodid_schema.timestamp import from_micros

FILTERED = "/?last=all&kind=write,auth&not-verb=delete&q=%22note%22+OR+sign*&outcome=success"


def number(element: Element) -> int:
    return int(element.text.replace(",", ""))


def ids(server: Server, **parameters: str) -> list[str]:
    answer = server.get("/api/v1/events", parameters | {"limit": "1000"})
    return [event["id"] for event in answer.json()["events"]]


def test_the_first_page_has_the_last_seven_days_twenty_rows_newest_first(server: Server, browser: Browser) -> None:
    page = browser.get("/")
    assert page.status == 200
    expected = ids(server, last="7d")
    assert page.rows == expected[:20]
    assert page.total == len(expected)
    assert page.root.one("p", id="shown").text == f"Showing 1–20 of {len(expected)}"
    assert [one.text for one in page.root.find("table", "events")[0].find("th")] == [
        "Actor", "Description", "Resource", "Date (UTC)",
    ]  # fmt: skip
    assert page.link("7 d") in page.links


def test_programs_find_the_banner_where_browsers_find_the_page(server: Server) -> None:
    assert server.get("/").json()["product"] == "whodid"
    assert server.get("/", headers={"accept": "*/*"}).headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/", FILTERED, "/?actor=nobody", "/values/verb?last=all", "/?last=all&page=3"])
def test_every_link_of_a_page_answers(browser: Browser, path: str) -> None:
    page = browser.get(path)
    chosen = page.links if len(page.links) < 40 else random.Random(path).sample(page.links, 40)
    for link in chosen:
        assert link.startswith(("/", "#")), link
        if not link.startswith("#"):
            answer = browser.follow(link)
            assert answer.status == 200, f"{link}: {answer.root.text[:300]}"


@pytest.mark.parametrize(
    "path",
    [
        "/?last=all",
        FILTERED,
        "/?last=all&actor=Ana*,Bob*&not-ip=10.3.0.0/16",
        "/?last=all&actor.key=shop/user:1&verb=update,create",
        "/?last=3d&q=-(verb:update+OR+outcome:failure)",
    ],
)
def test_a_count_leads_to_exactly_so_many_rows(browser: Browser, path: str) -> None:
    page = browser.get(path)
    counted = [(one.find("a", "what")[0], one.find("span", "count")[0]) for one in page.root.find("li", "choice")]
    counted = [(link, count) for link, count in counted if link.get("aria-current") != "true"]
    tabs = page.root.one("nav", "tabs")
    counted += [
        (tab, tab.find("span", "count")[0])
        for tab in tabs.find("a")
        if tab.find("span", "count") and "whodid" not in tab.text  # what is asked here is recorded there
    ]
    counted += [(one, one) for one in page.root.find("a", "value")]
    for kind in ("people", "categories"):
        for one in page.root.find("section", kind)[0].find("li"):
            counted.append((one.find("a")[0], one.find("span", "count")[0]))
    assert len(counted) > 20
    for link, count in random.Random(path).sample(counted, min(len(counted), 25)):
        led = browser.get(link["href"])
        assert led.status == 200
        assert total(led) == number(count), f"{link.text}: {link['href']}"


def total(page: Page) -> int:
    return page.total if page.root.find("p", id="shown") else 0


@pytest.mark.parametrize("query", ["last=all", "last=7d&tz=Europe/Paris", "last=2d&interval=hour&verb=update"])
def test_the_chart_sums_to_the_total_and_each_bar_leads_to_its_events(browser: Browser, query: str) -> None:
    page = browser.get(f"/?{query}")
    rows = page.root.one("details", "twin").find("tbody")[0].find("tr")
    totals = [number(row.find("td")[-1]) for row in rows]
    assert sum(totals) == page.total
    parts = [[number(cell) for cell in row.find("td")] for row in rows]
    assert all(sum(each[:3]) == each[3] for each in parts)
    for row, expected in random.Random(query).sample(list(zip(rows, totals, strict=True)), min(8, len(rows))):
        assert total(browser.get(row.find("a")[0]["href"])) == expected
    bars = page.root.one("div", "plot").find("a")
    assert [one["href"] for one in bars] == [row.find("a")[0]["href"] for row in rows]


def test_a_pill_takes_away_exactly_itself(browser: Browser) -> None:
    page = browser.get("/?last=all&verb=update,create&not-actor.type=bot&q=note+-%22api+key%22+(kind:write+OR+app:x)")
    pills = page.root.one("ul", "pills").find("a")
    names = [one["aria-label"] for one in pills]
    assert len(names) == len(set(names)) == 6
    for pill in pills:
        rest = browser.get(pill["href"]).root.find("ul", "pills")[0].find("a")
        assert [one["aria-label"] for one in rest] == [name for name in names if name != pill["aria-label"]]
    assert not browser.get(page.link("Clear all")).root.find("ul", "pills")


def test_the_box_says_the_pills_and_finds_the_same(browser: Browser) -> None:
    page = browser.get(FILTERED)
    form = page.root.one("form", "search")
    fields = [(one["name"], one.get("value")) for one in form.find("input")]
    again = browser.get("/", fields)
    assert again.rows == page.rows
    assert again.total == page.total
    shown, shown_again = (each.root.one("ul", "pills").text for each in (page, again))
    assert shown == shown_again


def test_including_adds_excluding_leaves_out_and_both_can_be_undone(server: Server, browser: Browser) -> None:
    page = browser.get("/?last=all&verb=update")
    both = browser.get(page.link("verb: create too"))
    assert both.total == len(ids(server, verb="update,create"))
    without = browser.get(both.link("verb: leave out create"))
    assert without.total == len(ids(server, **{"verb": "update", "not-verb": "create"}))
    back = browser.get(without.link("verb: no longer leave out create"))
    assert back.total == page.total


def test_what_is_asked_for_stands_among_the_values_at_zero(browser: Browser) -> None:
    page = browser.get("/?last=all&verb=rotate&not-category=teams")
    chosen = page.root.find("li", "chosen")
    assert [(one.find("a", "what")[0].text, one.find("span", "count")[0].text) for one in chosen] == [("☑ rotate", "0")]
    assert [one.find("a", "what")[0].text for one in page.root.find("li", "left-out")] == ["not teams"]


def test_the_pages_have_every_row_once(server: Server, browser: Browser) -> None:
    page = browser.get("/?last=all&kind=write")
    seen = list(page.rows)
    while page.root.find("a", rel="next"):
        page = browser.get(page.root.find("a", rel="next")[0]["href"])
        seen += page.rows
    assert seen == ids(server, kind="write")
    assert page.root.one("a", aria_current="page", href=page.root.find("nav", "paging")[0].find("a")[-1]["href"])


def test_behind_the_numbered_pages_next_and_previous_lead_on(server: Server, browser: Browser) -> None:
    everything = ids(server)
    cursor = server.get("/api/v1/events", {"limit": "20"}).json()["next"]
    second = browser.get("/", {"last": "all", "after": cursor})
    assert second.rows == everything[20:40]
    third = browser.get(second.link("Next ›"))
    assert third.rows == everything[40:60]
    back = browser.get(third.link("‹ Previous"))
    assert back.rows == everything[20:40]
    assert browser.get(back.link("‹ Previous")).rows == everything[:20]
    assert browser.get(back.link("Next ›")).rows == everything[40:60]


def test_new_events_do_not_move_the_rows_of_a_list_that_is_being_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    now = time.time_ns() // 1000
    with Server(tmp_path_factory.mktemp("live")) as server, Browser(server.url) as browser:
        server.create(make(number, timestamp=from_micros(now - 60_000_000 - number)) for number in range(45))
        first = browser.get("/?last=7d&app=shop")
        second = first.root.find("a", rel="next")[0]["href"]
        rows = browser.get(second).rows
        poll = first.root.one("a", id="news")["data-poll"]
        assert server.get(poll).json() == {"count": 0}
        server.create(make(number, timestamp=from_micros(now)) for number in range(9_000, 9_005))
        assert browser.get(second).rows == rows
        assert browser.get(second).root.one("p", id="shown").text == (
            "Showing 21–40 of 45 · events keep coming: the figures count 50"
        )
        assert server.get(poll).json() == {"count": 5}
        assert browser.get(first.root.one("a", id="news")["href"]).total == 50
        export = first.root.one("span", "exports").find("a")[1]["href"]
        assert len(server.get(export).text.splitlines()) == 45


def test_the_command_line_and_the_address_shown_find_the_same_events(server: Server, browser: Browser) -> None:
    page = browser.get(FILTERED)
    command = shlex.split(page.root.one("textarea", id="as-cli").text)
    answer = ask(*command[1:], "--store", server.store, "--format", "ndjson")
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == page.rows
    curl = shlex.split(page.root.one("textarea", id="as-curl").text)
    assert curl[1].startswith(server.url)
    assert [one["id"] for one in server.get(curl[1].removeprefix(server.url)).json()["events"]] == page.rows


def test_the_export_is_of_exactly_the_rows_that_its_link_names(server: Server, browser: Browser) -> None:
    page = browser.get(FILTERED)
    exports = page.root.one("span", "exports")
    assert f"Export {page.total} rows" in exports.text
    lines = server.get(exports.find("a")[1]["href"]).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids(
        server, q='kind:write,auth -verb:delete ("note" OR sign*) outcome:success'
    )
    assert len(lines) == page.total


def test_a_fixed_link_says_relative_times_as_moments(browser: Browser) -> None:
    page = browser.get("/?last=7d&kind=write")
    link = page.link("Fixed link")
    assert "last=" not in link
    assert "since=" in link
    assert "until=" in link
    assert browser.get(link).total == page.total


def test_times_are_shown_and_read_in_the_zone_that_is_named(browser: Browser) -> None:
    utc = browser.get("/?last=all")
    paris = browser.get("/?last=all&tz=Asia/Tokyo")
    assert paris.rows == utc.rows
    assert paris.root.find("table", "events")[0].find("th")[3].text == "Date (Asia/Tokyo)"
    assert paris.root.find("time")[0].text != utc.root.find("time")[0].text
    shown = paris.root.find("time")[0].text
    typed = browser.get("/", {"tz": "Asia/Tokyo", "since": shown.replace(" ", "T")})
    assert typed.rows == utc.rows[:1]
    remembered = browser.follow("/preferences?tz=Asia/Tokyo&back=/?last=all")
    assert remembered.root.find("table", "events")[0].find("th")[3].text == "Date (Asia/Tokyo)"


def test_the_preset_hides_sign_in_session_and_account_events(server: Server, browser: Browser) -> None:
    page = browser.get("/?last=all")
    hidden = browser.get(page.link("☐ Hide sign-in, session and account events"))
    assert hidden.total == len(ids(server, **{"not-kind": "auth"}))
    assert browser.get(hidden.link("☑ Hide sign-in, session and account events")).total == page.total


def test_figures_say_new_when_there_was_nothing_before(browser: Browser) -> None:
    page = browser.get("/?last=7d")
    changes = [one.text for one in page.root.one("section", "figures").find("span", "change")]
    assert changes[0] == "▲ new, was 0"
    assert "compared with" in page.root.one("p", "compared").text
    assert not browser.get("/?last=all").root.find("p", "compared")


def test_where_nothing_matches_the_ways_out_are_counted(server: Server, browser: Browser) -> None:
    page = browser.get("/?last=1h&actor=nobody&verb=update")
    empty = page.root.one("div", "empty")
    assert "Nothing matches" in empty.text
    later = browser.get("/?until=2020-01-01&verb=update")
    text = later.root.one("div", "empty").text
    assert f"{len(ids(server, verb='update'))} match in all time" in text
    assert browser.get(later.link("Show all time")).total == len(ids(server, verb="update"))
    mistaken = browser.get("/?last=all&actor=Ruiz").root.one("div", "empty").find("li")
    assert mistaken[0].text.startswith("As words, anywhere in an event: ")
    for way in [*mistaken, *browser.get("/?last=all&actor=nobody&verb=update").root.one("div", "empty").find("li")]:
        count = int(way.text.rpartition(": ")[2].replace(",", ""))
        assert browser.get(way.find("a")[0]["href"]).total == count > 0


def test_an_empty_store_says_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("empty")) as server, Browser(server.url) as browser:
        page = browser.get("/")
        assert page.status == 200
        assert "No event has arrived yet" in page.root.text
        assert server.url in page.root.one("section", "first").text
        server.create(records(1, 1, time.time_ns() // 1000 - 60_000_000, 1_000))
        assert browser.get(page.link("Look again")).total == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("verb=creat", "verb is never 'creat'"),
        ("actr=ana", "there is no parameter 'actr' here"),
        ("tz=Mars/Base", "'Mars/Base' is not a time zone"),
        ("page=0", "page=0: not a whole number"),
        ("page=501", "not a whole number from 1 to 500"),
        ("after=x", "not a place that a page named"),
        ("snapshot=1", "not one that a page named"),
        ("snapshot=99999999999999999999.1", "not one that a page named"),
        ("interval=year", "interval=year: not an interval"),
        ("last=7d&since=2026-01-01", "exclude each other"),
        ("since=tomorrow", "'tomorrow' is not a time"),
        ("since=2026-02-02&until=2026-02-01", "the time range is empty"),
        ("last=all&interval=hour&since=1900-01-01", "more than 10,000 buckets"),
        ("ip=300.1.1.1", "is not an address"),
        ("q=(a", "parenthesis"),
        ("q=" + "x" * 1001, "longer than 1,000 characters"),
        ("verb=update&verb=&last=all", "the value is empty"),
        ("query={}", "there is no parameter 'query' here"),
        ("page=1&page=2", "stands 2 times"),
    ],
)
def test_bad_input_is_a_page_that_says_what_is_wrong(browser: Browser, query: str, said: str) -> None:
    page = browser.get(f"/?{query}")
    assert page.status == 400
    fault = page.root.one("section", "fault")
    assert said.lower() in fault.text.lower()
    assert "request " in fault.one("p", "number").text


def test_a_bad_query_is_marked_and_what_was_meant_is_one_step_away(browser: Browser) -> None:
    page = browser.get("/", {"q": "outcome:failure actr:ana", "last": "all"})
    assert page.status == 400
    assert page.root.one("mark").text == "actr"
    assert page.root.one("input", id="q").get("value") == "outcome:failure actr:ana"
    fields = page.root.one("section", "fault").find("input")
    meant = browser.get("/", [(one["name"], one["value"]) for one in fields])
    assert meant.status == 200
    assert "actor: ana" in meant.root.one("ul", "pills").text


def test_an_hour_of_all_time_stands_in_bars_that_can_be_told_apart(browser: Browser) -> None:
    page = browser.get("/?last=all&interval=hour")
    assert len(page.root.one("div", "plot").find("a")) <= 120
    assert "together" in page.root.one("section", "volume").text


def test_further_columns_are_those_of_exports_and_stay_in_every_link(browser: Browser) -> None:
    page = browser.get("/?last=30d&columns=ip&columns=device")
    table = page.root.find("table", "events")[0]
    assert [one.text for one in table.find("th")][3:5] == ["ip", "device"]
    assert len(table.find("td", "further")) == 2 * len(page.rows)
    assert "columns=ip,device" in page.link("24 h")
    assert browser.get(page.link("Next ›")).root.find("td", "further")


def test_a_column_that_there_is_not_is_named_with_the_nearest(browser: Browser) -> None:
    page = browser.get("/?columns=devise")
    assert page.status == 400
    assert "did you mean &#39;device&#39;" in page.text
