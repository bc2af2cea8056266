"""`/api/v1`: questions over HTTP, with the command line's names as parameters.

    GET /api/v1/events          {"events":[record…],"total":n,"next":"cursor"}     filters, limit, cursor, offset, order
    GET /api/v1/events/{id}     the record
    GET /api/v1/count           {"count":n}                                        filters
    GET /api/v1/changes         {"changes":[{"cursor":"…","event":record}…],"cursor":"…"}      after, limit

Records stand in the answers as they were sent. `next` is absent on the last page, `hints` (what in `q` may have been
meant otherwise) mostly. `changes` begins at the first
record without `after`; `after=now` answers with nothing but the cursor behind everything there is.
Unknown parameters are refused: a mistyped filter must not widen the answer.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.api.endpoints import CURSOR, JSON, ORDER, Answer, Endpoint, number, query_of, routes, text
from whodid_indexer.api.problem import NotFound
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.query.parse import Hint
from whodid_indexer.store.base import Changes, Found, Page
from whodid_indexer.store.places import format_key
from whodid_schema.record import Record

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
MAX_OFFSET = 10_000


class FoundHint(Struct):
    """Something in `q` that may have been meant otherwise: where it stands in its text, and what to write."""

    position: int
    length: int
    message: str
    text: str


class EventPage(Struct, omit_defaults=True):
    """A page of records with the exact number of all that match; `next` is absent on the last page."""

    events: list[Record]
    total: int
    next: str = ""
    hints: list[FoundHint] = []


class Number(Struct):
    """How many records match."""

    count: int


class Arrival(Struct):
    """A record in order of arrival, and the cursor behind it."""

    cursor: str
    event: Record


class ChangePage(Struct):
    """What arrived, and the cursor to ask with next time."""

    changes: list[Arrival]
    cursor: str


SEARCH = Endpoint(
    "search",
    "/api/v1/events",
    "Records that match, newest first",
    (Answer("A page of records", EventPage),),
    (
        number("limit", "records of a page", DEFAULT_LIMIT, 0, MAX_LIMIT),
        CURSOR,
        number("offset", "records to skip behind the cursor", 0, 0, MAX_OFFSET),
        ORDER,
    ),
    filters=True,
)
SHOW = Endpoint("show", "/api/v1/events/{id}", "One record", (Answer("The record", Record),))
COUNT = Endpoint("count", "/api/v1/count", "How many records match", (Answer("The number", Number),), filters=True)
CHANGES = Endpoint(
    "changes",
    "/api/v1/changes",
    "Records in order of arrival",
    (Answer("What arrived behind the cursor", ChangePage),),
    (
        text("after", "the cursor of the answer before; `now` is behind everything; without it from the beginning"),
        number("limit", "records of an answer", 100, 1, MAX_LIMIT),
    ),
)


class Events:
    """The handlers, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def routes(self) -> list[Route]:
        """All four."""
        return routes([(SEARCH, self.search), (SHOW, self.show), (COUNT, self.count), (CHANGES, self.changes)])

    async def search(self, request: Request) -> Response:
        """One page of matching records, newest first."""
        given = SEARCH.given(request)
        query = query_of(given)
        page = Page(
            limit=given.number("limit", DEFAULT_LIMIT, 0, MAX_LIMIT),
            after=given.key("cursor"),
            offset=given.number("offset", 0, 0, MAX_OFFSET),
            ascending=given.ascending(),
        )
        found = await self._readers.ask(lambda reader: reader.search(query, page))
        trail_of(request).note(request, "search", query, found=found.total)
        return Response(_found(found, given.hints), media_type=JSON)

    async def show(self, request: Request) -> Response:
        """One record."""
        SHOW.given(request)
        identifier: str = request.path_params["id"]
        body = await self._readers.ask(lambda reader: reader.get(identifier))
        if body is None:
            raise NotFound(f"there is no record {identifier!r}")
        trail_of(request).note(request, "show", subject=identifier)
        return Response(body, media_type=JSON)

    async def count(self, request: Request) -> Response:
        """How many records match."""
        query = query_of(COUNT.given(request))
        number = await self._readers.ask(lambda reader: reader.count(query))
        trail_of(request).note(request, "count", query, found=number)
        return Response(msgspec.json.encode({"count": number}), media_type=JSON)

    async def changes(self, request: Request) -> Response:
        """Records in order of arrival."""
        given = CHANGES.given(request)
        after = given.one("after")
        limit = given.number("limit", 100, 1, MAX_LIMIT)
        if after == "now":
            changes = Changes([], await self._readers.ask(lambda reader: reader.now()))
        else:
            changes = await self._readers.ask(lambda reader: reader.changes(after, limit))
        trail_of(request).note(request, "tail")
        return Response(_changes(changes), media_type=JSON)


def _found(found: Found, hints: Sequence[Hint]) -> bytes:
    following = b"" if found.next is None else b',"next":"%s"' % format_key(found.next).encode()
    said = b',"hints":%s' % msgspec.json.encode([hint._asdict() for hint in hints]) if hints else b""
    return b'{"events":[%s],"total":%d%s%s}' % (b",".join(found.records), found.total, following, said)


def _changes(changes: Changes) -> bytes:
    entries = (
        b'{"cursor":%s,"event":%s}' % (msgspec.json.encode(stored.cursor), stored.body) for stored in changes.records
    )
    return b'{"changes":[%s],"cursor":%s}' % (b",".join(entries), msgspec.json.encode(changes.cursor))
