"""Saved views: questions under a name, that everybody who sees the same records shares.

GET  /views?…              all of them, and the form that saves the question the page came from
POST /views                saves it
POST /views/{name}/delete  removes one

They are those of `/api/v1/views` and of `whodid views --store URL`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from whodid_dashboards.viewer.errors import guarded
from whodid_dashboards.viewer.forms import form_fields
from whodid_dashboards.viewer.headers import PAGE
from whodid_dashboards.viewer.links import address
from whodid_dashboards.viewer.preferences import remembered
from whodid_dashboards.viewer.question import Asked, Said
from whodid_dashboards.viewer.render import page
from whodid_indexer.access.caller import access_of
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.views import SharedViews
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.printer import to_text
from whodid_indexer.query.values import quote

VIEWS = "/views"


def pages(_readers: Readers) -> Sequence[BaseRoute]:
    """The routes: what the entry point `whodid.pages` names."""
    return [
        Route(VIEWS, guarded(_list), methods=["GET"]),
        Route(VIEWS, guarded(_save), methods=["POST"]),
        Route(VIEWS + "/{name}/delete", guarded(_delete), methods=["POST"]),
    ]


def text_of(asked: AuditQuery, said: Said) -> str:
    """The question as one text of the query language, its range as it was said: a view of 7 days stays one."""
    text = to_text(replace(asked, since=None, until=None))
    ranged = [
        f"{'since' if name == 'last' else name}:{quote(value) if ' ' in value else value}"
        for name, value in said
        if (name, value) != ("last", "all")
    ]
    bracketed = f"({text})" if asked.groups and ranged else text
    return " ".join(part for part in (bracketed, *ranged) if part)


def href_of(texts: Sequence[str]) -> str:
    """The list of a view. One that says no range is of all time, as on the command line."""
    text = " ".join(f"({one})" if len(texts) > 1 else one for one in texts)
    ranged = any(word in text for word in ("since:", "until:", "on:"))
    return address("/", [("q", text), *([] if ranged else [("last", "all")])])


async def _list(request: Request) -> Response:
    asked = Asked(request.query_params.multi_items(), remembered(request))
    question = asked.question(access_of(request), datetime.now(UTC))
    return await _shown(request, text_of(question.asked, question.range))


async def _shown(request: Request, text: str) -> Response:
    found = await _views(request).all(request)
    shown: list[dict[str, Any]] = [
        {
            "name": view.name,
            "text": " ".join(view.texts),
            "by": view.by,
            "saved": view.saved[:16].replace("T", " "),
            "href": href_of(view.texts),
            "gone": f"{VIEWS}/{view.name}/delete",
        }
        for view in found
    ]
    return page(request, "views.html", title="Saved views", views=shown, text=text)


async def _save(request: Request) -> Response:
    fields = await form_fields(request)
    await _views(request).save(request, fields.get("name", "").strip(), [fields.get("text", "")])
    return RedirectResponse(VIEWS, 303, dict(PAGE))


async def _delete(request: Request) -> Response:
    await _views(request).delete(request, request.path_params["name"])
    return RedirectResponse(VIEWS, 303, dict(PAGE))


def _views(request: Request) -> SharedViews:
    views: SharedViews = request.app.state.views
    return views
