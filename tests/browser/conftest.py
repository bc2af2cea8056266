"""The pages in a real Chromium: one browser for this folder, a context for each test, servers with real data.

Whatever a test does, the page may report no error, open no dialog, ask no other host and break no content policy: each
visit is held to that when it ends.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, sync_playwright

from support import chromium
from support.hostile import hostile_records
from support.lacking import lacking, notes_of
from support.serving import Server
from support.tokens import make_token
from support.visits import AXE, Gated, Visit
from support.week import delivered, live_a_week, recent
from whodid_indexer.access.roles import Grant
from whodid_schema.bulk import INDEXED
from whodid_schema.record import Ref


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """The system's Chromium. For a module, not the session: while Playwright runs, no other test can use asyncio."""
    path = chromium.find()
    if path is None:
        lacking(pytestconfig, "a browser", "Chromium is not installed (make system)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        said = f"Chromium {running.version}"
        if said not in notes_of(pytestconfig):
            notes_of(pytestconfig).append(said)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a week of the demonstration's product, shipped by a real agent. Tests do not add to it."""
    folder = tmp_path_factory.mktemp("site")
    with Server(folder) as running:
        live_a_week(folder, running.url, datetime.now(UTC))
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over records whose every value wants to do harm."""
    with Server(tmp_path_factory.mktemp("hostile")) as running:
        assert set(running.create(hostile_records(datetime.now(UTC)))) == {INDEXED}
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    """With thirty ordinary records of three people, and what became of a campaign's messages."""
    workspace, now = Ref("acme", "Acme"), datetime.now(UTC)
    with Server(tmp_path_factory.mktemp("gated")) as running:
        for each in (recent(range(30), now), delivered(range(100, 120), now)):
            running.create(msgspec.structs.replace(record, workspace=workspace) for record in each)
        grant = Grant("admin", workspaces=("acme",), identities=("shop/user:0",))
        yield Gated(running, make_token(running.file, grant, "Ana Ruiz"))
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a record, for a test to fill."""
    with Server(tmp_path_factory.mktemp("bare")) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Begins a visit: `visitor(server or its URL, width=1280, …)`, more as Playwright's contexts take it; ends all."""
    visits: list[Visit] = []

    def begin(server: Server | str, width: int = 1280, height: int = 900, **more: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        visits.append(Visit(context, server if isinstance(server, str) else server.url))
        return visits[-1]

    yield begin
    for visit in visits:
        visit.context.close()
    assert [visit.wrong for visit in visits if visit.wrong] == []


@pytest.fixture
def visit(visitor: Callable[..., Visit], site: Server) -> Visit:
    """A tab at the site with a week of events."""
    return visitor(site)


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> None:
    """axe-core, for `Visit.violations`."""
    if not AXE.exists():
        lacking(pytestconfig, "axe", "axe-core is not installed (make system)")
