"""Whoever is signed in sees their own activity, or their workspace; the page says who they are and lets them go."""

from playwright.sync_api import expect

from support.visits import Gated, Visitor


def test_one_is_led_to_the_form_and_back_to_the_view_one_came_for(visitor: Visitor, gated: Gated) -> None:
    visit = visitor(gated.server)
    page = visit.open("/?q=verb:update&last=30d")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    visit.sign_in("no such token")
    expect(page.get_by_role("alert")).to_be_visible()
    visit.sign_in(gated.secret)
    expect(page.locator(".pills li")).to_have_count(1)
    expect(page.locator(".tools")).to_contain_text("Ana Ruiz (admin)")
    visit.follow(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    visit.open("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_my_activity_is_the_default_and_the_choice_of_the_workspace_is_remembered(
    visitor: Visitor, gated: Gated
) -> None:
    visit = visitor(gated.server)
    visit.open("/")
    visit.sign_in(gated.secret)
    actors = visit.page.locator("td.who b")
    expect(actors.first).to_be_visible()
    assert set(actors.all_inner_texts()) == {"Ana Ruiz"}
    visit.follow(visit.page.get_by_role("link", name="Workspace", exact=True))
    expect(visit.page.get_by_role("link", name="Workspace", exact=True)).to_have_attribute("aria-current", "true")
    assert len(set(actors.all_inner_texts())) == 3
    visit.open("/?q=verb:update")
    assert len(set(actors.all_inner_texts())) == 3


def test_what_became_of_a_campaign_leads_to_the_records(visitor: Visitor, gated: Gated) -> None:
    visit = visitor(gated.server)
    visit.open("/delivery?scope=all")
    visit.sign_in(gated.secret)
    page = visit.page
    visit.follow(page.get_by_role("link", name="May Newsletter #38"))
    line = page.locator(".funnel tbody tr", has_text="deliver").first
    promised = int(line.locator("td a").first.inner_text())
    visit.follow(line.locator("td a").first)
    expect(page.locator("#shown")).to_be_visible()
    assert visit.total == promised == 10


def test_the_form_and_the_report_fit_into_320_pixels(visitor: Visitor, gated: Gated) -> None:
    visit = visitor(gated.server, width=320)
    visit.open("/delivery?scope=all")
    assert visit.sideways() == 0
    visit.sign_in(gated.secret)
    visit.follow(visit.page.get_by_role("link", name="May Newsletter #38"))
    expect(visit.page.locator(".funnel")).to_be_visible()
    assert visit.sideways() == 0
