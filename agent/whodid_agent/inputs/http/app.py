"""The receiver's HTTP surface, as an ASGI application.

    POST /v1/events   202 {"accepted": n}                         every event is fsynced in the spool
                      202 {"accepted": n, "refused": m, "results": [{"item", "line", "offset", "reason", "detail"}]}
                          some were not JSON objects (at most 100 results are listed); send only those again, mended
                      ?wait=stored: 200 {…, "stored": true} once the store has taken, dropped by rule or quarantined
                          them all, 202 {…, "stored": false} when that takes longer than the input allows
                      400 401 403 408 413 415 422 429 503 as problem+json; 429 and 503 with Retry-After
    GET  /healthz     200 while the process answers
    GET  /readyz      200 while posts can be taken, else 503
    GET  /metrics     Prometheus text; other machines need a token where tokens are configured

A refused post left nothing behind. There is no CORS, and only JSON content types are taken, so that a web page cannot
post here unasked.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from whodid_agent.address import is_loopback
from whodid_agent.inputs.http.auth import Gate, check_host
from whodid_agent.inputs.http.body import Cut, cut, line_of
from whodid_agent.inputs.http.decompress import decompress, too_large
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.posted import all_timed, is_lines, key_of, wants_stored
from whodid_agent.inputs.http.problem import Problem, busy
from whodid_agent.inputs.http.waiters import Waiters
from whodid_agent.spool.commit import GroupCommit
from whodid_agent.spool.frame import Post
from whodid_agent.spool.spool import Spool, SpoolFull
from whodid_schema.errors import StateError

log = logging.getLogger(__name__)

_SHOWN = 100
_SLICE = 256 << 10
_RETRY_SECONDS = 5


class Redactor(Protocol):
    """The part of the normaliser that the receiver needs; called from its thread only."""

    def redact(self, chunk: bytes) -> bytes:
        """Whole lines in, as many lines out, every secret masked."""


Endpoint = Callable[[Request], Awaitable[Response]]


class App:
    """One receiver's application. `arrived` is called after each durable post."""

    def __init__(
        self,
        options: HttpOptions,
        spool: Spool,
        commit: GroupCommit,
        redactor: Redactor,
        metrics: ReceiverMetrics,
        clock: Callable[[], datetime],
        arrived: Callable[[], None],
    ) -> None:
        self.waiters = Waiters()
        self._options = options
        self._spool = spool
        self._commit = commit
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        self._arrived = arrived
        self._gate = Gate(options.credentials)
        self.held = 0
        self.held_limit = options.held_limit
        self._routes: dict[str, tuple[str, Endpoint]] = {
            "/v1/events": ("POST", self._post),
            "/healthz": ("GET", self._healthy),
            "/readyz": ("GET", self._ready),
            "/metrics": ("GET", self._show_metrics),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        if request.url.path == "/v1/events":
            self._metrics.posts.labels(self._options.name, str(response.status_code)).inc()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            if self._gate.is_open:
                check_host(request.headers, self._options.hosts)
            return await self._route(request)(request)
        except Problem as problem:
            if problem.status != 408:
                await _drain(request, self._options.body_limit)
            return problem.response()

    def _route(self, request: Request) -> Endpoint:
        route = self._routes.get(request.scope["path"])
        if route is None:
            raise Problem(404, "unknown_path", "there is nothing at this path", "events are posted to /v1/events")
        method, endpoint = route
        if request.method != method and (method, request.method) != ("GET", "HEAD"):
            raise Problem(405, "wrong_method", f"this path takes {method}", headers={"Allow": method})
        return endpoint

    # -- POST /v1/events ----------------------------------------------------------------------------------------

    async def _post(self, request: Request) -> Response:
        headers = request.headers
        sender = self._gate.by_token(headers)
        as_lines = is_lines(headers)
        wait = wants_stored(request)
        key = key_of(headers, self._options.key_headers)
        self._admit(0)
        hold = _Hold(self)
        try:
            wire = await self._read(request, hold)
            self._metrics.received_bytes.labels(self._options.name).inc(len(wire))
            if sender is None:
                sender = self._gate.by_signature(headers, wire, self._clock().timestamp())
            plain = decompress(wire, headers.get("content-encoding", ""), self._options.body_limit)
            hold.add(len(plain) - len(wire))
            return await self._take(plain, as_lines, f"http/{sender}", key, wait)
        finally:
            hold.release()

    async def _read(self, request: Request, hold: "_Hold") -> bytes:
        """The body as sent. Raises Problem: 413 by the announced or real length, 408 when it does not come."""
        limit = self._options.body_limit
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self._options.body_seconds):
                async for chunk in request.stream():
                    hold.add(len(chunk))
                    body += chunk
                    if len(body) > limit:
                        raise too_large(limit)
        except TimeoutError:
            raise Problem(408, "too_slow", "the body did not arrive in time; nothing of it was taken") from None
        return bytes(body)

    async def _take(self, plain: bytes, as_lines: bool, source: str, key: str, wait: bool) -> Response:
        taken = cut(plain, as_lines, self._options.envelopes, self._options.event_limit)
        counted = self._metrics.events
        counted.labels(self._options.name, "refused").inc(len(taken.refused))
        results = _results(plain, taken)
        if taken.refused and not taken.accepted:
            raise Problem(422, "nothing_usable", "no event of the body is a JSON object", extras={"results": results})
        answer: dict[str, Any] = {"accepted": taken.accepted}
        if taken.refused:
            answer |= {"refused": len(taken.refused), "results": results}
        if not taken.accepted:
            return _json(202, answer)
        lines = await self._redact(taken.events)
        key = key or self._body_key(taken, lines)
        received_at = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        end = await self._store(Post(received_at, source, key, lines))
        counted.labels(self._options.name, "accepted").inc(taken.accepted)
        if not wait:
            return _json(202, answer)
        stored = await self.waiters.until(end, self._options.wait_seconds)
        return _json(200 if stored else 202, {**answer, "stored": stored})

    async def _redact(self, events: list[bytes]) -> bytes:
        """The events as redacted lines. Between slices others get their turn."""
        pieces: list[bytes] = []
        lines: list[bytes] = []
        size = 0
        for event in events:
            lines.append(event)
            size += len(event) + 1
            if size >= _SLICE:
                pieces.append(self._redactor.redact(b"\n".join((*lines, b""))))
                lines, size = [], 0
                await asyncio.sleep(0)
        if lines:
            pieces.append(self._redactor.redact(b"\n".join((*lines, b""))))
        return b"".join(pieces)

    def _admit(self, size: int) -> None:
        try:
            self._spool.admit(size)
        except SpoolFull as error:
            raise _full(error) from error

    async def _store(self, post: Post) -> int:
        try:
            receipt = await self._commit.append(post)
        except SpoolFull as error:
            raise _full(error) from error
        except StateError as error:
            log.warning("%s", error)
            raise busy(503, "spool_failed", "the agent cannot write to its disk", _RETRY_SECONDS) from error
        self._arrived()
        return receipt.end

    def _body_key(self, taken: Cut, lines: bytes) -> str:
        """The key of a keyless post: the hash of its redacted events where the input or the body's shape asks for it.

        Events of a webhook batch (`{"events": […]}`) name themselves and their time: an equal batch is a retry.
        """
        retry = self._options.retry
        if retry == "body" or (retry is None and taken.enveloped and all_timed(taken.events)):
            return "sha256:" + hashlib.sha256(lines).hexdigest()
        return ""

    # -- the others ---------------------------------------------------------------------------------------------

    async def _healthy(self, _: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def _ready(self, _: Request) -> Response:
        self._admit(1)
        if self._spool.failed:
            raise busy(503, "spool_failed", "the agent cannot write to its disk", _RETRY_SECONDS)
        return _json(200, {"status": "ready"})

    async def _show_metrics(self, request: Request) -> Response:
        if not (request.client and is_loopback(request.client.host)):
            self._gate.by_token(request.headers)
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)


class _Hold:
    """Bytes of one post in memory, counted against the limit for all of them together."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._size = 0

    def add(self, size: int) -> None:
        """Raises Problem 429 over the limit."""
        self._size += size
        self._app.held += size
        if self._app.held > self._app.held_limit:
            raise busy(429, "too_many_posts", "too many bytes are being posted at the same time", 1)

    def release(self) -> None:
        """They are durable, or refused."""
        self._app.held -= self._size


def _json(status: int, document: Any) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _full(error: SpoolFull) -> Problem:
    return busy(503, error.code, "the spool is full: the store has not taken the backlog yet", _RETRY_SECONDS)


def _results(plain: bytes, taken: Cut) -> list[dict[str, Any]]:
    return [
        {
            "item": entry.item,
            "line": line_of(plain, entry.offset),
            "offset": entry.offset,
            "reason": entry.reason,
            "detail": entry.detail,
        }
        for entry in taken.refused[:_SHOWN]
    ]


async def _drain(request: Request, limit: int) -> None:
    """Take in what the sender still sends of a refused body, so that it gets the answer instead of a broken pipe."""
    if request.headers.get("expect") or request.method not in {"POST", "PUT", "PATCH"}:
        return
    try:
        async with asyncio.timeout(5):
            async for chunk in request.stream():
                limit -= len(chunk)
                if limit < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):
        return
