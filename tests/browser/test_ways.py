"""The pages by keyboard alone, without JavaScript, on narrow windows, enlarged, on paper, in both themes."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from support.serving import Server
from support.visits import Visit, Visitor
from support.week import recent

RING = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), slot = one.querySelector(".slot");
  const ring = slot ? getComputedStyle(slot).strokeWidth : getComputedStyle(one).outlineWidth;
  return [one.tagName + (one.getAttribute("href") || one.id), parseFloat(ring), box.width * box.height];
}"""
"""Of what has the focus: which it is, how wide the ring around it is drawn, its area."""


def focused(visit: Visit) -> str:
    """What has the focus: its id, its class, or its tag."""
    name: str = visit.page.evaluate(
        "(({ id, className, tagName }) => id || className || tagName)(document.activeElement)"
    )
    return name


def test_the_journey_by_keyboard_alone_search_rows_event_and_back(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("/")
    assert focused(visit) == "q"
    page.keyboard.type("verb:delete imported")
    page.keyboard.press("Enter")
    expect(page.locator(".pills li")).to_have_count(2)
    page.locator("body").press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    chosen = visit.ids()[1]
    expect(page.locator(".events a.event").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("article.detail")).to_be_visible()
    assert visit.path.startswith(f"/event/{chosen}")
    page.keyboard.press("]")
    expect(page.locator("#newer")).to_be_visible()
    assert not visit.path.startswith(f"/event/{chosen}")
    page.keyboard.press("Escape")
    expect(page.locator(".pills li")).to_have_count(2)


def test_keys_are_letters_where_one_types_and_can_be_switched_off(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("searchbox", name="Search").press_sequentially("jt?")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("jt?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_label("Keys are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    assert focused(visit) != "event"


def test_everything_can_be_reached_by_tab_and_the_focus_is_always_seen(visit: Visit) -> None:
    page = visit.open("/?q=verb:delete")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        shown = page.evaluate(RING)
        assert shown[1] >= 2, shown
        assert shown[2] > 0, shown
        seen.add(shown[0])
    assert len(seen) > 40


def test_a_refresh_keeps_the_place_and_the_focus(visit: Visit) -> None:
    page = visit.open("/?last=7d")
    for _ in range(8):
        page.keyboard.press("j")
    chosen = visit.ids()[7]
    page.evaluate("scrollTo(0, 500)")
    page.evaluate("window.before = true")
    page.keyboard.press("r")
    page.wait_for_function("!window.before && document.readyState === 'complete'")
    expect(page.locator(f"a.event[href^='/event/{chosen}']")).to_be_focused()
    assert page.evaluate("scrollY") == 500


def test_a_bar_is_zoomed_into_by_keys_too(visit: Visit) -> None:
    page = visit.open()
    bar = page.locator(".plot svg a").nth(2)
    label = bar.get_attribute("aria-label") or ""
    bar.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**since=**")
    assert f": {visit.total:,} events" in label


def test_without_javascript_the_whole_way_works(visitor: Visitor, site: Server) -> None:
    visit = visitor(site, java_script_enabled=False)
    page = visit.open()
    page.get_by_role("searchbox", name="Search").fill('"imported rows"')
    visit.follow(page.get_by_role("button", name="Search"))
    assert visit.total == 7
    visit.follow(page.get_by_role("link", name="Actor: leave out Devi Patel"))
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    visit.follow(page.get_by_role("link", name="Remove: not"))
    visit.follow(page.locator(".events a.event").first)
    expect(page.get_by_role("heading", level=1)).to_contain_text("19 imported rows")
    visit.follow(page.get_by_role("link", name="Back to the list"))
    visit.follow(page.get_by_role("link", name="30 d"))
    visit.follow(page.get_by_role("link", name="Clear all"))
    visit.follow(page.get_by_role("link", name="Next"))
    expect(page.locator("#shown")).to_contain_text("21–40")
    page.locator(".again summary").click()
    expect(page.locator("#as-cli")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/?q=verb:update", "/values/actor", "/?q=nonesuch", "event"])
def test_at_320_pixels_and_at_400_percent_nothing_is_wider_than_the_window(
    visitor: Visitor, site: Server, path: str
) -> None:
    for more in ({"width": 320}, {"width": 320, "height": 225, "device_scale_factor": 4}, {"width": 768}):
        visit = visitor(site, **more)
        visit.open("/?q=hourly" if path == "event" else path)
        if path == "event":
            visit.follow(visit.page.locator("a.event").first)
        assert visit.sideways() == 0, more
        visit.unfold()
        assert visit.sideways() == 0, more


def test_what_one_clicks_is_at_least_24_pixels_high_and_wide(visit: Visit) -> None:
    for path in ("/", "/?q=-verb:update"):
        page = visit.open(path)
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
            .filter((one) => !one.closest("svg, p, dd, td, .skip, details:not([open]) > :not(summary)"))
            .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < 23.9)
            .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
        )
        assert small == []


def test_the_theme_is_the_systems_until_somebody_chooses_and_then_stays(visitor: Visitor, site: Server) -> None:
    visit = visitor(site, color_scheme="dark")
    page = visit.open()

    def dark() -> bool:
        ground: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in ground[4:-1].split(",")) < 200

    assert dark()
    visit.follow(page.get_by_role("link", name="Light theme"))
    assert not dark()
    visit.follow(page.locator(".events a.event").first)
    assert not dark()
    visit.follow(page.get_by_role("link", name="Dark theme"))
    assert dark()


def test_times_are_of_the_zone_that_was_chosen_everywhere(visit: Visit) -> None:
    page = visit.open("/?q=imported")
    page.get_by_label("Zone").fill("Asia/Kolkata")
    visit.follow(page.get_by_role("button", name="Set"))
    expect(page.locator(".events thead")).to_contain_text("Asia/Kolkata")
    time = page.locator(".events time").first
    written, shown = time.get_attribute("datetime") or "", time.inner_text()
    minutes = int(written[11:13]) * 60 + int(written[14:16]) + 330
    assert shown[11:16] == f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def test_on_paper_stand_query_range_zone_and_time_and_no_controls(visit: Visit) -> None:
    page = visit.open("/?q=verb:delete")
    page.emulate_media(media="print")
    evidence = page.locator(".evidence")
    expect(evidence).to_be_visible()
    for word in ("verb:delete", "UTC", "Range", "Made", "Viewer"):
        expect(evidence).to_contain_text(word)
    for control in (".search", ".filters", ".paging", ".tools"):
        expect(page.locator(control).first).to_be_hidden()
    expect(page.locator(".events tbody tr").first).to_be_visible()


def test_the_first_run_says_what_to_do_and_sees_the_first_event_come(bare: Server, visitor: Visitor) -> None:
    visit = visitor(bare)
    page = visit.open()
    expect(page.get_by_role("heading", name="No event has arrived yet")).to_be_visible()
    bare.create(recent(range(1), datetime.now(UTC)))
    expect(page.locator(".events tbody tr")).to_have_count(1, timeout=10_000)
