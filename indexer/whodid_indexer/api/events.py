"""`/api/v1`: questions over HTTP, with the command line's names as parameters.

    GET /api/v1/events          {"events":[record…],"total":n,"next":"cursor"}     filters, limit, cursor, offset, order
    GET /api/v1/events/{id}     the record
    GET /api/v1/count           {"count":n}                                        filters
    GET /api/v1/export.ndjson   a record a line, streamed                          filters, order
    GET /api/v1/export.csv      streamed                                           filters, order, columns
    GET /api/v1/changes         {"changes":[{"cursor":"…","event":record}…],"cursor":"…"}      after, limit

Records stand in the answers as they were sent. `next` is absent on the last page, `hints` (what in `q` may have been
meant otherwise) mostly. `changes` begins at the first
record without `after`; `after=now` answers with nothing but the cursor behind everything there is.
Unknown parameters are refused: a mistyped filter must not widen the answer.
"""

import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

import msgspec
from anyio import CancelScope, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.api.problem import NotFound
from whodid_indexer.api.readers import Readers
from whodid_indexer.export.columns import AUDITOR, parse_columns
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.parse import Hint
from whodid_indexer.store.base import Changes, Found, Page
from whodid_indexer.store.places import format_key

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
MAX_OFFSET = 10_000
EXPORTS_AT_ONCE = 4
"""Each export holds a reader for as long as its client reads."""

_JSON = "application/json"


class Events:
    """The handlers, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._exports = 0

    def routes(self) -> list[Route]:
        """All of `/api/v1`."""
        return [
            Route("/api/v1/events", self.search),
            Route("/api/v1/events/{id}", self.show),
            Route("/api/v1/count", self.count),
            Route("/api/v1/export.ndjson", self.export_lines),
            Route("/api/v1/export.csv", self.export_sheet),
            Route("/api/v1/changes", self.changes),
        ]

    async def search(self, request: Request) -> Response:
        """One page of matching records, newest first."""
        given = Parameters(request.query_params.multi_items(), {*FILTERS, "limit", "cursor", "offset", "order"})
        query = given.query()
        page = Page(
            limit=given.number("limit", DEFAULT_LIMIT, 0, MAX_LIMIT),
            after=given.key("cursor"),
            offset=given.number("offset", 0, 0, MAX_OFFSET),
            ascending=given.ascending(),
        )
        found = await self._readers.ask(lambda reader: reader.search(query, page))
        return Response(_found(found, given.hints), media_type=_JSON)

    async def show(self, request: Request) -> Response:
        """One record."""
        Parameters(request.query_params.multi_items(), set())
        identifier: str = request.path_params["id"]
        body = await self._readers.ask(lambda reader: reader.get(identifier))
        if body is None:
            raise NotFound(f"there is no record {identifier!r}")
        return Response(body, media_type=_JSON)

    async def count(self, request: Request) -> Response:
        """How many records match."""
        query = Parameters(request.query_params.multi_items(), FILTERS).query()
        number = await self._readers.ask(lambda reader: reader.count(query))
        return Response(msgspec.json.encode({"count": number}), media_type=_JSON)

    async def changes(self, request: Request) -> Response:
        """Records in order of arrival."""
        given = Parameters(request.query_params.multi_items(), {"after", "limit"})
        after = given.one("after")
        limit = given.number("limit", 100, 1, MAX_LIMIT)
        if after == "now":
            changes = Changes([], await self._readers.ask(lambda reader: reader.now()))
        else:
            changes = await self._readers.ask(lambda reader: reader.changes(after, limit))
        return Response(_changes(changes), media_type=_JSON)

    async def export_lines(self, request: Request) -> Response:
        """Every matching record, a line each."""
        given = Parameters(request.query_params.multi_items(), {*FILTERS, "order"})
        return await self._stream(given.query(), given.ascending(), Lines().chunks, "application/x-ndjson")

    async def export_sheet(self, request: Request) -> Response:
        """Every matching record as a row of CSV."""
        given = Parameters(request.query_params.multi_items(), {*FILTERS, "order", "columns"})
        columns = given.one("columns")
        sheet = Sheet(parse_columns(columns) if columns is not None else AUDITOR)
        return await self._stream(
            given.query(), given.ascending(), sheet.chunks, "text/csv; charset=utf-8; header=present"
        )

    async def _stream(
        self, query: AuditQuery, ascending: bool, chunks: Callable[[Iterator[bytes]], Iterator[bytes]], media_type: str
    ) -> Response:
        if self._exports >= EXPORTS_AT_ONCE:
            raise Overloaded(f"{self._exports} exports are under way already", "wait for one of them to end")
        self._exports += 1

        def produce() -> Generator[bytes, None, None]:
            with closing(self._readers.open()) as reader:
                yield from chunks(reader.scan(query, ascending=ascending))

        pieces = produce()
        try:
            first = await to_thread.run_sync(next, pieces)  # what is wrong shows while a status can still be sent
        except BaseException:
            self._exports -= 1
            raise
        return _Export(first, pieces, media_type, self._ended)

    def _ended(self) -> None:
        self._exports -= 1


class _Export(StreamingResponse):
    """A stream that gives its reader back however it ends: read to the end, broken off, or never begun."""

    def __init__(
        self, first: bytes, rest: Generator[bytes, None, None], media_type: str, ended: Callable[[], None]
    ) -> None:
        super().__init__(itertools.chain((first,), rest), media_type=media_type)
        self._rest = rest
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, then close."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._rest.close)
            self._ended()


def _found(found: Found, hints: Sequence[Hint]) -> bytes:
    following = b"" if found.next is None else b',"next":"%s"' % format_key(found.next).encode()
    said = b',"hints":%s' % msgspec.json.encode([hint._asdict() for hint in hints]) if hints else b""
    return b'{"events":[%s],"total":%d%s%s}' % (b",".join(found.records), found.total, following, said)


def _changes(changes: Changes) -> bytes:
    entries = (
        b'{"cursor":%s,"event":%s}' % (msgspec.json.encode(stored.cursor), stored.body) for stored in changes.records
    )
    return b'{"changes":[%s],"cursor":%s}' % (b",".join(entries), msgspec.json.encode(changes.cursor))
