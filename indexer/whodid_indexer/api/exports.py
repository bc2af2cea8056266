"""`/api/v1/export.*`: every matching record of one moment, streamed at constant memory, with its number promised.

    GET /api/v1/export.ndjson   a record a line; also as export.jsonl       filters, order
    GET /api/v1/export.csv      a row a record                              filters, order, columns, tz, excel

`Whodid-Rows` says how many rows come (`247`, or `240-247` where records keep arriving); where other than so many did,
the stream is broken off instead of ended. Compressed for who takes gzip. A client that stops reading is let go of.
With `ticket=…` the export's progress and manifest are at `/api/v1/exports/{ticket}` (`receipts`).
"""

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from anyio import CancelScope, move_on_after, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from whodid_indexer.access.caller import caller_of
from whodid_indexer.api.endpoints import ORDER, ZONE, Answer, Endpoint, choice, query_of, routes, text
from whodid_indexer.api.parameters import Parameters
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.receipts import Made, Receipt, Receipts
from whodid_indexer.api.trail import trail_of
from whodid_indexer.export.columns import AUDITOR, COLUMNS, parse_columns
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.part import gzip_member
from whodid_indexer.export.run import RowWriter, check_rows
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.export.snapshot import Snapshot, take
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.query.calendar import zone_named
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.zones import shown_time, written_time, zone_name
from whodid_indexer.store.base import Reader
from whodid_schema.errors import UsageError

EXPORTS_AT_ONCE = 4
"""Each export holds a reader for as long as its client reads."""

STALLED = 60.0
"""Seconds after which a client that takes nothing is let go of."""

NDJSON, CSV = "application/x-ndjson", "text/csv"
ROWS = "Whodid-Rows"

_HEADERS = ((ROWS, "how many rows there are: a number, or the least and the most with a - between"),)
TICKET = text(
    "ticket", "made up by whoever asks, to see how far the export is and to have its manifest: /api/v1/exports/{ticket}"
)
_LINES = Answer("A record a line", media=NDJSON, headers=_HEADERS)

EXPORT_LINES = Endpoint(
    "export_ndjson",
    "/api/v1/export.ndjson",
    "Every matching record, a line each",
    (_LINES,),
    (ORDER, TICKET),
    filters=True,
)
EXPORT_JSONL = Endpoint(
    "export_jsonl", "/api/v1/export.jsonl", "The same under its other name", (_LINES,), (ORDER, TICKET), filters=True
)
EXPORT_SHEET = Endpoint(
    "export_csv",
    "/api/v1/export.csv",
    "Every matching record as a row of a table",
    (Answer("A table with a heading, safe to open in a spreadsheet", media=CSV, headers=_HEADERS),),
    (
        ORDER,
        text("columns", f"comma-separated: {', '.join(COLUMNS)}, meta.<path>, paths", default=",".join(AUDITOR)),
        ZONE,
        choice("excel", "a file that Excel opens by a double click: marked, times without a zone", "false", "true"),
        TICKET,
    ),
    filters=True,
)


class _Form(NamedTuple):
    """What a file looks like."""

    writer: RowWriter
    media_type: str
    ending: str
    columns: tuple[str, ...] | None = None
    zone: str = "UTC"
    excel: bool = False


class _Begun(NamedTuple):
    """The rows promised, the first piece of the file, and the others: closed, they give the reader back."""

    rows: str
    first: bytes
    rest: Generator[bytes, None, None]


class Exports:
    """The handlers, over one store's readers. `stalled` is in seconds."""

    def __init__(self, readers: Readers, stalled: float = STALLED) -> None:
        self._readers = readers
        self._stalled = stalled
        self._under_way = 0
        self._receipts = Receipts()

    def routes(self) -> list[Route]:
        """All three, and how far they are."""
        own = routes([(EXPORT_LINES, self.lines), (EXPORT_JSONL, self.lines), (EXPORT_SHEET, self.sheet)])
        return [*own, *self._receipts.routes()]

    async def lines(self, request: Request) -> Response:
        """Every matching record, a line each."""
        given = EXPORT_LINES.given(request)
        return await self._answer(request, given, _Form(Lines(), NDJSON, "ndjson"))

    async def sheet(self, request: Request) -> Response:
        """Every matching record as a row of CSV."""
        given = EXPORT_SHEET.given(request)
        return await self._answer(request, given, _sheet(given))

    async def _answer(self, request: Request, given: Parameters, form: "_Form") -> Response:
        query, ascending, ticket = query_of(given), given.ascending(), given.one("ticket")
        name = f"whodid-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.ending}"
        if self._under_way >= EXPORTS_AT_ONCE:
            raise Overloaded(f"{self._under_way} exports are under way already", "wait for one of them to end")
        made = Made(name, form.ending, query, form.zone, ascending, form.columns, form.excel)
        receipt = None if ticket is None else self._receipts.begin(ticket, made, caller_of(request))
        self._under_way += 1
        try:
            await trail_of(request).require(request, "export", query, format=form.ending)
            begun = await to_thread.run_sync(self._begin, query, ascending, form.writer, receipt)
        except BaseException:
            self._under_way -= 1
            raise
        headers = {
            ROWS: begun.rows,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "Vary": "Accept-Encoding",
        }
        body: Iterable[bytes] = itertools.chain((begun.first,), begun.rest)
        if takes_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = _compressed(body)
        if request.method == "HEAD":
            body = ()
        return _Export(body, headers, form.media_type, _Hold(begun.rest, self._ended, self._stalled))

    def _begin(self, query: AuditQuery, ascending: bool, writer: RowWriter, receipt: Receipt | None) -> "_Begun":
        """What is wrong shows here, while a status can still be sent."""
        reader = self._readers.open()
        try:
            snapshot = take(reader, query, ascending=ascending)
        except BaseException:
            reader.close()
            raise
        pieces = _pieces(reader, snapshot, writer, receipt)
        least, most = snapshot.least, snapshot.most
        return _Begun(f"{most}" if least == most else f"{least}-{most}", next(pieces), pieces)

    def _ended(self) -> None:
        self._under_way -= 1


def _pieces(
    reader: Reader, snapshot: Snapshot, writer: RowWriter, receipt: Receipt | None
) -> Generator[bytes, None, None]:
    """The file; its end gives the reader back, however it comes. Raises Incomplete for other than was promised."""
    with closing(reader):
        if receipt is None:
            yield from _counted(snapshot, writer, snapshot.rows)
        else:
            rows = receipt.rows(snapshot.rows, (snapshot.least, snapshot.most))
            yield from receipt.pieces(_counted(snapshot, writer, rows))


def _counted(snapshot: Snapshot, writer: RowWriter, rows: Iterable[bytes]) -> Generator[bytes, None, None]:
    yield from writer.chunks(rows)
    check_rows(writer.rows, snapshot.least, snapshot.most)


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    member = gzip_member()
    for piece in pieces:
        packed = member.compress(piece)
        if packed:
            yield packed
    yield member.flush()


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header takes gzip: named, or by `*`, and not with a weight of nothing."""
    weights: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        coding, _, parameters = part.partition(";")
        name, _, weight = parameters.partition("=")
        nothing = name.strip() == "q" and not weight.strip().strip("0.")
        weights[coding.strip()] = not nothing
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _sheet(given: Parameters) -> "_Form":
    """Raises UsageError for an unknown column, BadQuery for an unknown zone."""
    columns, zone, excel = given.one("columns"), given.one("tz"), given.one("excel")
    chosen = AUDITOR if columns is None else parse_columns(columns)
    where: tzinfo = zone_named("UTC" if zone is None else zone)
    if excel not in (None, "true", "false"):
        raise UsageError(f"excel={excel[:40]}: neither true nor false")
    if excel == "true":
        writer = Sheet(chosen, lambda record: shown_time(record.timestamp, where), excel=zone_name(where))
    else:
        writer = Sheet(chosen, None if where is UTC else lambda record: written_time(record.timestamp, where))
    media_type = f"{CSV}; charset=utf-8; header=present"
    return _Form(writer, media_type, "csv", chosen, zone_name(where), excel == "true")


class _Stalled(Exception):
    """The client takes nothing any more."""


class _Hold(NamedTuple):
    """What an export holds: its pieces, to be closed, and its place, to be given back; how long it waits (seconds)."""

    pieces: Generator[bytes, None, None]
    ended: Callable[[], None]
    stalled: float


class _Export(StreamingResponse):
    """A stream that gives back what it holds however it ends: read to the end, broken off, stalled, or never begun."""

    def __init__(self, body: Iterable[bytes], headers: dict[str, str], media_type: str, hold: _Hold) -> None:
        super().__init__(body, headers=headers, media_type=media_type)
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, then close. An answer that is left in the middle makes the server break the connection off."""

        async def patient(message: Message) -> None:
            with move_on_after(self._hold.stalled) as waiting:
                await send(message)
            if waiting.cancelled_caught:
                raise _Stalled

        try:
            await super().__call__(scope, receive, patient)
        except _Stalled:
            return
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._hold.pieces.close)
            self._hold.ended()
