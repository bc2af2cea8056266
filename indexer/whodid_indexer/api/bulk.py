"""`POST /_bulk`: the agents' one way into the store. Answered only after COMMIT.

    200 per-item results · 400 not pairs of lines · 408 never ended · 413 too large · 415 type or encoding · 429 full
    503 store broken

Whatever is refused as a whole left nothing in the store and may be sent again unchanged (429, 503).
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from whodid_indexer.access.caller import current
from whodid_indexer.access.ingest import held
from whodid_indexer.api.bodies import pieces
from whodid_indexer.api.metrics import Metrics
from whodid_indexer.api.problem import Conflict, WrongType
from whodid_indexer.api.trail import trail_of
from whodid_indexer.ingest import bulk
from whodid_indexer.ingest.budget import Budget, Hold
from whodid_indexer.ingest.encoding import TooLarge, check, unpack
from whodid_indexer.ingest.writer import GroupWriter
from whodid_indexer.store.base import Item
from whodid_indexer.store.remote import ACTION_HEADER
from whodid_schema.bulk import Result
from whodid_schema.errors import StoreUnreachable, WhodidError

MAX_BODY = 80 << 20
"""Bytes of one body, packed or unpacked: more than the largest record that the store takes."""

MAX_HELD = 160 << 20
"""Bytes of all bodies in the server, packed and unpacked together: its memory under load is about three times that."""

_JSON_TYPES = frozenset({"application/json", "application/x-ndjson"})


class ReadsOnly(Conflict):
    """This server has no way in for records; agents write to its store directly."""

    code = "reads_only"


async def elsewhere(_request: Request) -> Response:
    """`/_bulk` of a server over a cluster."""
    raise ReadsOnly(
        "this server reads a cluster; records do not go through it", "set the agent's target to the cluster's URL"
    )


RESTORE = "restore"
"""What a client says that puts archived records back: that it does so is recorded before they are stored."""


class BulkEndpoint:
    """The handler of `/_bulk`, with what it shares between requests."""

    def __init__(
        self, writer: GroupWriter, metrics: Metrics, max_body: int = MAX_BODY, max_held: int = MAX_HELD
    ) -> None:
        self._writer = writer
        self._metrics = metrics
        self._max_body = max_body
        self.budget = Budget(max_held)
        metrics.watch(held=lambda: self.budget.held, groups=lambda: writer.groups)

    async def post(self, request: Request) -> Response:
        """One request: read, unpack, parse, store, answer."""
        started = time.monotonic()
        if request.headers.get(ACTION_HEADER) == RESTORE:
            await trail_of(request).require(request, RESTORE)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            raise WrongType(f"Content-Type {kind!r} is not taken", "send application/x-ndjson")
        encoding = request.headers.get("content-encoding", "").strip().lower()
        check(encoding)
        with self.budget.hold() as hold:
            try:
                packed = await self._read(request, hold)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it: the sender went away in the middle of its body
            body = unpack(packed, encoding, self._max_body, hold.grow)
            del packed
            items, refused = _held(bulk.parse(body))
            try:
                stored = await asyncio.wrap_future(self._writer.submit(items)) if items else []
            except WhodidError:
                raise
            except Exception as error:
                raise StoreUnreachable(
                    f"the store could not take these records: {error}", "its log has more"
                ) from error
        results = _merged(stored, refused)
        took = time.monotonic() - started
        self._metrics.stored(Counter(result.outcome for result in results), len(body), took)
        return Response(bulk.answer(results, int(took * 1000)), media_type="application/json")

    async def _read(self, request: Request, hold: Hold) -> bytes:
        """The body as sent. A declared length is held at once, so that nobody uploads in vain."""
        declared = request.headers.get("content-length", "")
        expected = int(declared) if declared.isdecimal() else 0
        self._bound(expected)
        hold.grow(expected)
        read: list[bytes] = []
        size = 0
        async for piece in pieces(request):
            size += len(piece)
            if size > expected:
                self._bound(size)
                hold.grow(len(piece))
            read.append(piece)
        return read[0] if len(read) == 1 else b"".join(read)

    def _bound(self, size: int) -> None:
        if size > self._max_body:
            raise TooLarge(
                f"a body may have {self._max_body} bytes, this has at least {size}", "send fewer events at once"
            )


def _held(items: list[Item]) -> tuple[list[Item], dict[int, Result]]:
    """What the caller's token lets in, and by their place in the request the results of the others."""
    grant = current().grant
    if grant is None:
        return items, {}
    checked = [held(item, grant) for item in items]
    refused = {place: result for place, result in enumerate(checked) if isinstance(result, Result)}
    return [item for item in checked if isinstance(item, Item)], refused


def _merged(stored: Sequence[Result], refused: dict[int, Result]) -> Sequence[Result]:
    """One result per item of the request, in its order."""
    if not refused:
        return stored
    others = iter(stored)
    number = len(stored) + len(refused)
    return [refused[place] if place in refused else next(others) for place in range(number)]
