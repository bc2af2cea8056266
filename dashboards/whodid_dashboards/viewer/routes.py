"""The viewer's addresses.

GET /                     the list, for browsers (everybody else finds the server's banner there)
GET /event/{id}           one event
GET /values/{axis}        every value of an axis
GET /delivery             campaigns with their delivery records
GET /delivery/{ref}       what became of one campaign's messages, and of whom
GET /preferences          theme, zone, scope
GET /assets/{name}        stylesheet, script, icon
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from whodid_dashboards.viewer import assets, preferences
from whodid_dashboards.viewer.contents import read_axis, read_contents
from whodid_dashboards.viewer.delivery import campaign_page, campaigns_page
from whodid_dashboards.viewer.errors import guarded
from whodid_dashboards.viewer.event import event_page
from whodid_dashboards.viewer.listing import list_page, values_page, views_link
from whodid_dashboards.viewer.question import Asked
from whodid_dashboards.viewer.render import page
from whodid_indexer.access.caller import access_of
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.query.axis import axis_named
from whodid_indexer.query.check import check_value

Handler = Callable[[Request], Awaitable[Response]]


class Browsers(Route):
    """A route that only whoever takes HTML finds; for all others the next one answers."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a route, where the Accept header names HTML."""
        found, child = super().matches(scope)
        accept = next((value for name, value in scope.get("headers", ()) if name == b"accept"), b"")
        return (found, child) if b"text/html" in accept and found is Match.FULL else (Match.NONE, {})


def pages(readers: Readers) -> Sequence[BaseRoute]:
    """The routes over one store's readers: what the entry point `whodid.pages` names."""
    viewer = Viewer(readers)
    return [
        Browsers("/", guarded(viewer.list)),
        Route("/event/{id}", guarded(viewer.event)),
        Route("/values/{axis}", guarded(viewer.values)),
        Route("/delivery", guarded(viewer.campaigns)),
        Route("/delivery/{ref:path}", guarded(viewer.campaign)),
        Route("/preferences", guarded(preferences.preferences)),
        Route("/assets/{name}", guarded(assets.asset)),
    ]


class Viewer:
    """The handlers that ask the store."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def list(self, request: Request) -> Response:
        """`GET /`."""
        asked = _asked(request)
        question = asked.question(access_of(request), datetime.now(UTC))
        contents = await self._readers.ask(lambda reader: read_contents(reader, question))
        trail_of(request).note(request, "search", question.query, found=contents.found.total)
        shown = list_page(question, contents, str(request.base_url).rstrip("/"))
        views = views_link(question) if request.app.state.views.kept else ""
        return page(request, "list.html", views=views, **shown)

    async def values(self, request: Request) -> Response:
        """`GET /values/{axis}`."""
        asked = _asked(request, "contains", "anyway")
        question = asked.question(access_of(request), datetime.now(UTC))
        axis = axis_named(request.path_params["axis"])
        contains, anyway = asked.given.one("contains") or "", _anyway(asked)
        facet = await self._readers.ask(lambda reader: read_axis(reader, question, axis, contains, anyway=anyway))
        trail_of(request).note(request, "facets", question.query)
        return page(request, "values.html", **values_page(question, facet, contains))

    async def event(self, request: Request) -> Response:
        """`GET /event/{id}`."""
        question = _asked(request).question(access_of(request), datetime.now(UTC))
        identifier: str = request.path_params["id"]
        shown = await self._readers.ask(lambda reader: event_page(reader, question, identifier))
        trail_of(request).note(request, "show", subject=identifier)
        return page(request, "event.html", **shown)

    async def campaigns(self, request: Request) -> Response:
        """`GET /delivery`."""
        asked = _asked(request, "anyway")
        question, anyway = asked.question(access_of(request), datetime.now(UTC)), _anyway(asked)
        shown = await self._readers.ask(lambda reader: campaigns_page(reader, question, anyway=anyway))
        trail_of(request).note(request, "facets", question.query)
        return page(request, "delivery.html", **shown)

    async def campaign(self, request: Request) -> Response:
        """`GET /delivery/{ref}`."""
        asked = _asked(request, "anyway")
        question, anyway = asked.question(access_of(request), datetime.now(UTC)), _anyway(asked)
        ref: str = request.path_params["ref"]
        check_value("target", ref)
        shown = await self._readers.ask(lambda reader: campaign_page(reader, question, ref, anyway=anyway))
        trail_of(request).note(request, "facets", question.query)
        return page(request, "campaign.html", **shown)


def _anyway(asked: Asked) -> bool:
    """Whether to count however long it takes."""
    return asked.given.number("anyway", 0, 0, 1) == 1


def _asked(request: Request, *more: str) -> Asked:
    return Asked(request.query_params.multi_items(), preferences.remembered(request), more)
