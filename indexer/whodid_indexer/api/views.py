"""`/api/v1/views`: questions saved under a name, shared by all who see the same records.

    GET    /api/v1/views            {"views":[{"name","texts","by","saved"}…]}
    PUT    /api/v1/views/{name}     {"texts":["verb:delete since:7d"]}: 201 for a new one, 200 where it replaces another
    DELETE /api/v1/views/{name}     204

`texts` are of the query language, and all must hold; times stay as they were written, so that a view of the last seven
days is one on every day. Views are kept in the store: a table of a SQLite file, an index of OpenSearch.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.access.caller import Caller, caller_of
from whodid_indexer.api.endpoints import JSON, Answer, Endpoint
from whodid_indexer.api.problem import Conflict, NotFound
from whodid_indexer.api.sent import read_json
from whodid_indexer.api.trail import trail_of
from whodid_indexer.audit.event import Deed
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.store.views import View, Views
from whodid_schema import timestamp
from whodid_schema.errors import UsageError

MOST_TEXTS = 20
LARGEST = 64 << 10
"""Bytes of a view as it is sent."""

_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch


class NotKept(Conflict):
    """The server was built without a place to keep views."""

    code = "not_kept"


class ViewList(Struct):
    """All views that the caller shares, by name."""

    views: list[View]


class NewView(Struct, forbid_unknown_fields=True):
    """What is saved."""

    texts: list[str]


LIST = Endpoint("views", "/api/v1/views", "The shared views", (Answer("All of them", ViewList),))
SAVE = Endpoint(
    "save_view",
    "/api/v1/views/{name}",
    "Save a view",
    (Answer("It replaces another", View), Answer("It is new", View, status=201)),
    method="PUT",
    body=NewView,
)
DELETE = Endpoint(
    "delete_view",
    "/api/v1/views/{name}",
    "Delete a view",
    (Answer("It is gone", media="", status=204),),
    method="DELETE",
)


class SharedViews:
    """The handlers; `views` is None over a store that keeps none."""

    def __init__(self, views: Views | None) -> None:
        self._views = views

    def routes(self) -> list[Route]:
        """The list, and each view."""
        return [Route(LIST.path, self.list), Route(SAVE.path, self.one, methods=[SAVE.method, DELETE.method])]

    async def list(self, request: Request) -> Response:
        """All of them."""
        LIST.given(request)
        return Response(msgspec.json.encode(ViewList([*await self.all(request)])), media_type=JSON)

    async def one(self, request: Request) -> Response:
        """Save or delete one."""
        SAVE.given(request)
        name: str = request.path_params["name"]
        if request.method == DELETE.method:
            await self.delete(request, name)
            return Response(status_code=204)
        sent = await read_json(request, NewView, LARGEST, "a view", 'send {"texts": ["verb:delete since:7d"]}')
        view, new = await self.save(request, name, sent.texts)
        return Response(msgspec.json.encode(view), 201 if new else 200, media_type=JSON)

    async def all(self, request: Request) -> Sequence[View]:
        """The caller's views by name. Raises NotKept, as all three."""
        return await to_thread.run_sync(self._kept().all, space_of(caller_of(request)))

    async def save(self, request: Request, name: str, texts: Sequence[str]) -> tuple[View, bool]:
        """Keep the texts under the name; the view, and whether it is new. Raises UsageError, BadQuery."""
        kept, caller = self._kept(), caller_of(request)
        view = View(_checked(name), _checked_texts(texts), caller.name or caller.id, timestamp.now())
        new = await to_thread.run_sync(kept.save, space_of(caller), view)
        trail_of(request).tell(request, Deed("view_save", " ".join(view.texts), subject=name))
        return view, new

    async def delete(self, request: Request, name: str) -> None:
        """Remove a view. Raises UsageError, NotFound."""
        if not await to_thread.run_sync(self._kept().delete, space_of(caller_of(request)), _checked(name)):
            raise NotFound(f"there is no view {name!r}")
        trail_of(request).tell(request, Deed("view_delete", subject=name))

    @property
    def kept(self) -> bool:
        """Whether this store keeps views."""
        return self._views is not None

    def _kept(self) -> Views:
        if self._views is None:
            raise NotKept("this store keeps no views", "save them with whodid views, or as bookmarks of the page")
        return self._views


def space_of(caller: Caller) -> str:
    """Whose views they are: what somebody may see names everybody who may see the same."""
    access = caller.access
    if access.reach == "platform":
        return "platform"
    if access.reach == "self":
        return msgspec.json.encode(("self", sorted(access.me.names))).decode()
    return msgspec.json.encode(
        (access.reach, sorted(access.workspaces), sorted(access.projects), sorted(access.apps))
    ).decode()


def _checked(name: str) -> str:
    if not _name(name):
        raise UsageError(f"{name[:80]!r} is no name for a view", "letters, digits, - _ and . ; at most 64 of them")
    return name


def _checked_texts(sent: Sequence[str]) -> tuple[str, ...]:
    """Raises UsageError, and BadQuery for what cannot be asked."""
    texts = tuple(" ".join(text.split()) for text in sent)
    if not texts or len(texts) > MOST_TEXTS or not all(texts):
        raise UsageError(f"a view has 1 to {MOST_TEXTS} texts, none of them empty")
    read_query((), texts, last=None, since=None, until=None, context=Context(datetime.now(UTC)))
    return texts
