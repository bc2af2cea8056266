"""Somebody looks for who did it, in a browser: by words, pills, facets, bars and pages, and finds the way back."""

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import expect

from support.running import whodid
from support.serving import Server
from support.visits import Visit, Visitor
from support.week import recent
from whodid_indexer.export.manifest import manifest_of, verify


def test_who_deleted_the_contacts_is_found_by_a_word_and_the_event_says_everything(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("searchbox", name="Search").fill('verb:delete "imported rows"')
    visit.follow(page.get_by_role("button", name="Search"))
    expect(page.locator(".pills li")).to_have_count(2)
    assert visit.total == 7
    visit.follow(page.locator(".events a.event").first)
    expect(page.get_by_role("heading", level=1)).to_have_text("Devi Patel deleted 19 imported rows")
    facts = page.locator(".facts").all_inner_texts()
    assert any("203.0.113.12" in text for text in facts)
    page.go_back()
    expect(page.locator(".pills li")).to_have_count(2)
    page.go_back()
    assert visit.path == "/"


def test_each_pill_takes_away_itself_and_clear_all_the_rest(visit: Visit) -> None:
    page = visit.open("/?q=verb:delete,update+-actor:*Karim*+hourly")
    expect(page.locator(".pills li")).to_have_count(4)
    visit.follow(page.get_by_role("link", name="Remove: hourly"))
    visit.follow(page.get_by_role("link", name="Remove: verb: update"))
    expect(page.locator(".pills li")).to_contain_text(["verb: delete", "not actor: *Karim*"])
    visit.follow(page.get_by_role("link", name="Clear all"))
    expect(page.locator(".pills li")).to_have_count(0)
    assert visit.total > 100


def test_the_count_beside_a_value_is_the_number_of_rows_behind_it(visit: Visit) -> None:
    visit.open("/?q=-verb:sign_in")
    choices = visit.page.locator(".choice:has(a.what)")
    promised = [
        (choice.locator("a.what").get_attribute("href"), choice.locator(".count").inner_text())
        for choice in choices.all()[::3]
    ]
    assert len(promised) > 10
    for href, count in promised:
        text = httpx.get(f"{visit.url}{href}", headers={"accept": "text/html"}).text
        said = re.search(r"Showing \S+ of ([\d,]+)", text)
        assert said is not None
        assert said[1] == count, href


def test_a_value_is_added_left_out_and_taken_back_in_the_column(visit: Visit) -> None:
    page = visit.open()
    visit.follow(page.get_by_role("link", name="Verb: leave out update"))
    expect(page.locator(".pills")).to_contain_text("not verb: update")
    visit.follow(page.get_by_role("link", name="Verb: no longer leave out update"))
    expect(page.locator(".pills")).to_have_count(0)
    visit.follow(page.get_by_role("link", name="Verb: delete too"))
    visit.follow(page.get_by_role("link", name="Verb: rotate too"))
    verbs = set(page.locator(".events .badge").all_inner_texts())
    assert {verb.upper() for verb in verbs} <= {"DELETE", "ROTATE"}


def test_all_values_of_an_axis_can_be_searched(visit: Visit) -> None:
    page = visit.open()
    visit.follow(page.locator(".panel", has=page.locator("#axis-actor")).locator(".other a"))
    page.get_by_role("searchbox", name="Containing").fill("Karim")
    visit.follow(page.get_by_role("button", name="Find"))
    expect(page.locator("#main [role=status]")).to_contain_text("1 value;")
    visit.follow(page.get_by_role("link", name="Aisha Karim", exact=True))
    assert visit.total == 21


def test_a_query_with_a_fault_is_marked_and_what_was_meant_is_one_click_away(visit: Visit) -> None:
    page = visit.open("/?q=actr:Karim&last=30d", status=400)
    expect(page.locator(".marked mark")).to_have_text("actr")
    expect(page.get_by_role("searchbox", name="Search")).to_have_attribute("aria-invalid", "true")
    visit.follow(page.get_by_role("button", name="Search actor:Karim"))
    expect(page.locator("#shown")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["last"] == ["30d"]


def test_a_click_on_a_bar_zooms_into_it_and_back_is_one_step(visit: Visit) -> None:
    page = visit.open()
    bar = page.locator(".plot svg a").nth(3)
    said = re.search(r": ([\d,]+) events", bar.get_attribute("aria-label") or "")
    bar.click(position={"x": 20, "y": 60})
    expect(page.locator(".presets .custom")).to_have_attribute("data-on", "")
    assert said is not None
    assert visit.total == int(said[1])
    page.go_back()
    assert visit.path == "/"


def test_the_bars_sum_to_the_total_and_the_table_says_the_same(visit: Visit) -> None:
    for path in ("/", "/?interval=hour&q=-verb:update", "/?last=90d&interval=week", "/?tz=Asia/Kolkata"):
        page = visit.open(path)
        labels = [bar.get_attribute("aria-label") or "" for bar in page.locator(".plot svg a").all()]
        counts = [int(label.split(": ")[-1].split(" ")[0].replace(",", "")) for label in labels]
        page.locator(".twin summary").click()
        cells = page.locator(".twin tbody td:last-child").all_inner_texts()
        assert sum(counts) == visit.total
        assert counts == [int(cell.replace(",", "")) for cell in cells]


def test_pages_show_every_row_once_though_new_events_come_while_one_reads(bare: Server, visitor: Visitor) -> None:
    visit = visitor(bare)
    bare.create(recent(range(45), datetime.now(UTC)))
    visit.open("/")
    seen = visit.ids()
    bare.create(recent(range(100, 103), datetime.now(UTC), seconds=0))
    while visit.page.locator("a[rel=next]").count():
        visit.follow(visit.page.locator("a[rel=next]"))
        seen += visit.ids()
    assert len(seen) == len(set(seen)) == 45


def test_new_events_are_announced_and_rows_stay_where_they_are(bare: Server, visitor: Visitor) -> None:
    visit = visitor(bare)
    bare.create(recent(range(3), datetime.now(UTC)))
    page = visit.open("/")
    before = visit.ids()
    bare.create(recent(range(10, 12), datetime.now(UTC), seconds=0))
    expect(page.locator("#news")).to_have_text("2 new events — show", timeout=15_000)
    assert visit.ids() == before
    visit.follow(page.locator("#news"))
    assert visit.total == 5


def test_the_command_of_a_view_prints_the_rows_of_the_view(visit: Visit, site: Server) -> None:
    page = visit.open("/?q=verb:update+-app:mailer+%22hourly+limit%22&last=30d")
    page.locator(".again summary").click()
    command = page.locator("#as-cli").input_value()
    words = shlex.split(command)
    assert words[0] == "whodid"
    printed = whodid(*words[1:], "--store", site.store, "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["id"] for line in printed] == visit.ids()


def test_an_export_has_the_rows_that_its_link_names(visit: Visit) -> None:
    page = visit.open("/?q=verb:delete")
    expect(page.locator(".exports")).to_contain_text(f"Export {visit.total:,} rows")
    with page.expect_download() as download:
        page.get_by_role("link", name="NDJSON").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == visit.total
    assert [json.loads(line)["id"] for line in lines[:20]] == visit.ids()


def test_the_fixed_link_is_copied_and_shows_the_same_view_without_a_relative_range(
    visitor: Visitor, site: Server
) -> None:
    visit = visitor(site, permissions=["clipboard-read", "clipboard-write"])
    page = visit.open("/?q=verb:delete&last=7d")
    seen = visit.ids()
    page.get_by_role("button", name="Copy the fixed link").click()
    expect(page.get_by_role("button", name="Copy the fixed link")).to_have_text("Copied")
    link: str = page.evaluate("navigator.clipboard.readText()")
    assert "last=" not in link
    visit.open(link.removeprefix(visit.url))
    assert visit.ids() == seen


def test_nothing_found_says_so_and_its_ways_out_work(visit: Visit) -> None:
    page = visit.open("/?q=actor:*Karim*+verb:sign_in")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    way = page.locator(".empty li", has_text="verb")
    promised = way.inner_text().split(": ")[-1]
    visit.follow(way.get_by_role("link"))
    assert visit.total == int(promised.replace(",", "")) > 0


def test_a_stretch_drawn_over_the_bars_is_the_range_and_back_undoes_it(visit: Visit) -> None:
    page = visit.open()
    bars = page.locator(".plot > svg a")
    chosen = range(2, 5)
    wanted = [int(re.findall(r": ([\d,]+) events", bars.nth(at).get_attribute("aria-label") or "")[0]) for at in chosen]
    first, last = (bars.nth(at).locator(".slot").bounding_box() for at in (chosen[0], chosen[-1]))
    assert first is not None
    assert last is not None
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 30, steps=5)
    expect(page.locator(".plot a.drawn")).to_have_count(3)
    with page.expect_navigation():
        page.mouse.up()
    assert {"since", "until"} <= set(parse_qs(urlsplit(page.url).query))
    assert visit.total == sum(wanted)
    page.go_back()
    expect(page.locator(".plot a.drawn")).to_have_count(0)
    bars.nth(3).click()
    expect(page.locator(".presets details[data-on]")).to_have_count(1)


def test_columns_are_chosen_in_a_menu_and_stay_with_the_view(visit: Visit) -> None:
    page = visit.open()
    page.locator(".choose > summary").click()
    page.get_by_role("checkbox", name="IP").check()
    page.locator(".choose").get_by_role("button", name="Show").click()
    expect(page.locator(".events th")).to_contain_text(["Actor", "Description", "Resource", "ip", "Date"])
    visit.follow(page.get_by_role("link", name="30 d"))
    expect(page.locator("td.further").first).to_be_visible()


def test_a_view_is_saved_under_a_name_and_opened_again(bare: Server, visitor: Visitor) -> None:
    bare.create(recent(range(30), datetime.now(UTC)))
    visit = visitor(bare.url)
    page = visit.open("/?verb=update&last=30d")
    visit.follow(page.get_by_role("link", name="Saved views"))
    page.get_by_label("Name").fill("updates")
    visit.follow(page.get_by_role("button", name="Save"))
    visit.follow(page.get_by_role("link", name="updates", exact=True))
    expect(page.locator(".pills")).to_contain_text("verb: update")
    page.go_back()
    page.get_by_role("button", name="Delete updates").click()
    expect(page.locator("#main [role=status]")).to_have_text("None is saved yet.")


def test_an_export_says_how_far_it_is_and_ends_with_the_manifest_of_the_file(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("/?q=verb:update")
    total = visit.total
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / begun.value.suggested_filename
    begun.value.save_as(file)
    expect(page.locator(".progress")).to_contain_text(f"Complete: {total} rows")
    with page.expect_download() as told:
        page.get_by_role("link", name="Manifest").click()
    told.value.save_as(manifest_of(file))
    assert verify(file).rows == total
