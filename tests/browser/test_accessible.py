"""axe finds nothing to object to, in every state of the pages, in both themes, wide and narrow."""

from collections.abc import Callable

import pytest

from support.serving import Server
from support.visits import Gated, Visit, Visitor

pytestmark = pytest.mark.usefixtures("axe")


def opened(path: str, status: int = 200) -> Callable[[Visit], None]:
    """The state that an address shows."""

    def reach(visit: Visit) -> None:
        visit.open(path, status)

    return reach


def event(visit: Visit) -> None:
    """An event with a change, everything of it unfolded."""
    visit.follow(visit.open("/?q=hourly").locator("a.event").first)
    visit.unfold()


def unfolded(visit: Visit) -> None:
    """The list with the table, the commands, the custom range."""
    visit.open("/")
    visit.unfold()


def keys(visit: Visit) -> None:
    """The help over the list."""
    visit.open("/")
    visit.page.get_by_role("button", name="Keys: ?").click()


def row(visit: Visit) -> None:
    """A row under the keys."""
    visit.open("/")
    visit.page.keyboard.press("j")


STATES: dict[str, Callable[[Visit], None]] = {
    "list": opened("/"),
    "filtered": opened("/?q=-verb:update+actor:*Karim*,*Patel*&last=30d"),
    "nothing": opened("/?q=nonesuch"),
    "bad query": opened("/?q=actr:x", 400),
    "no such event": opened("/event/nonesuch", 404),
    "values": opened("/values/actor"),
    "page": opened("/?page=3"),
    "columns": opened("/?columns=ip,device,workspace"),
    "views": opened("/views?verb=delete"),
    "no such page": opened("/nowhere", 404),
    "event": event,
    "unfolded": unfolded,
    "keys": keys,
    "row": row,
}


QUICK = [("light", 1280)]
SLOW = [
    pytest.param(theme, width, marks=pytest.mark.slow)
    for theme, width in (("light", 320), ("dark", 1280), ("dark", 320))
]


@pytest.mark.parametrize(("theme", "width"), [*QUICK, *SLOW])
def test_axe_finds_nothing_in_any_state(visitor: Visitor, site: Server, theme: str, width: int) -> None:
    visit = visitor(site, width=width, color_scheme=theme)
    found = {}
    for name, reach in STATES.items():
        reach(visit)
        found[name] = visit.violations()
    assert {name: one for name, one in found.items() if one} == {}


@pytest.mark.parametrize(("theme", "width"), [*QUICK, *SLOW])
def test_axe_finds_nothing_where_one_signs_in_and_among_campaigns(
    visitor: Visitor, gated: Gated, theme: str, width: int
) -> None:
    visit = visitor(gated.server, width=width, color_scheme=theme)
    found = []
    visit.open("/")
    found += visit.violations()
    visit.sign_in("wrong")
    found += visit.violations()
    visit.sign_in(gated.secret)
    found += visit.violations()
    visit.follow(visit.open("/delivery?scope=all").get_by_role("link", name="May Newsletter"))
    visit.page.get_by_role("heading", name="What became of the messages").wait_for()
    found += visit.violations()
    visit.page.go_back()
    found += visit.violations()
    assert found == []


@pytest.mark.parametrize(("theme", "width"), [*QUICK, *SLOW])
def test_axe_finds_nothing_on_the_first_run_and_among_hostile_values(
    visitor: Visitor, bare: Server, hostile: Server, theme: str, width: int
) -> None:
    for server in (bare, hostile):
        visit = visitor(server, width=width, color_scheme=theme)
        visit.open()
        assert visit.violations() == []
