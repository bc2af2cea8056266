"""A page of the viewer as somebody visits it: what it must never do is written down while it does it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request, Response

from support.serving import Server

AXE = Path(__file__).parent.parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"
_EXPECTED = (
    "Failed to load resource: the server responded with a status of 4",
    "Failed to load resource: net::ERR_CONNECTION_RE",
)
"""What Chromium says of a page that is a refusal (the page itself is looked at), and of a page that asks for news of
a server that has ended before it, refused or reset. That no other host is asked is looked at by itself.
"""


class Visit:
    """One tab at one server. `wrong` is what the page did that no page may: errors, dialogs, other hosts, policies."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", self._asked)
        self.page.on("request", self._requested)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_EXPECTED):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(f"{self.url}/"):
            self.wrong.append(f"request: {request.url}")

    def open(self, path: str = "/", status: int = 200) -> Page:
        """Go to a path of the server, which answers with this status."""
        response: Response | None = self.page.goto(self.url + path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        return self.page

    def follow(self, link: Locator) -> None:
        """Click what leads to another page, and wait until that page is there: `click` alone returns before it."""
        with self.page.expect_navigation():
            link.click()

    @property
    def path(self) -> str:
        """Where the tab is."""
        return self.page.url.removeprefix(self.url)

    @property
    def total(self) -> int:
        """How many rows the list says it has."""
        return int(self.page.locator("#shown").inner_text().split(" of ")[1].replace(",", ""))

    def ids(self) -> list[str]:
        """The ids of the rows of this page, as its links name them."""
        links = self.page.locator(".events a.event")
        addresses = [link.get_attribute("href") or "" for link in links.all()]
        return [address.removeprefix("/event/").partition("?")[0] for address in addresses]

    def sign_in(self, secret: str) -> None:
        """Type a token where the page asks for one."""
        self.page.get_by_label("Token").fill(secret)
        self.page.get_by_role("button", name="Sign in").click()

    def unfold(self) -> None:
        """Open whatever can be opened."""
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider

    def violations(self) -> list[str]:
        """What axe finds: rule, and the first elements that break it."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "async () => (await axe.run({ resultTypes: ['violations'] })).violations"
        )
        return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]


class Gated(NamedTuple):
    """A server that asks everybody for a token, and the one of Ana Ruiz, who administers its one workspace."""

    server: Server
    secret: str


Visitor = Callable[..., Visit]
"""Begins a visit of a server: `visitor(server, width=1280)`."""
