"""The one shape of errors over HTTP: problem+json (RFC 9457).

    {"type":"about:blank","title":"Bad Request","status":400,"detail":"…","code":"bad_query",
     "request_id":"…","hint":"…","position":6,"length":5}

`code` is the error class's own word and stays the same between versions; `hint`, `position`, `length` (characters of
the parameter's value) and `suggestion` (what was probably meant in their place) stand there when there is something to
say.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from whodid_indexer.access.gate import NotSignedIn
from whodid_indexer.api.bodies import TooSlow
from whodid_indexer.api.requests import HEADER, request_id, wants_page
from whodid_indexer.api.trail import trail_of
from whodid_indexer.audit.event import Deed
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.ingest.encoding import TooLarge, UnknownEncoding
from whodid_schema.errors import BadQuery, NotAllowed, StateError, StoreUnreachable, UsageError, WhodidError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_LONGEST_PATH = 200

RETRY_AFTER = {429: "1", 503: "5"}
"""Seconds after which the same request is welcome."""


class UnknownParameter(UsageError):
    """A parameter that this address does not take: a mistyped filter must not widen the answer."""

    code = "unknown_parameter"


class WrongType(UsageError):
    """A Content-Type that is not taken: a web page can post others to this address without asking."""

    code = "unsupported_media_type"


class Conflict(UsageError):
    """The store behind this server does not do that."""

    code = "conflict"


class NotFound(UsageError):
    """There is no such record or address."""

    code = "not_found"


Refuse = Callable[[Request, WhodidError], Response | None]
"""How an installed package shows an error to people; None: it does not show this one."""


_STATUS: tuple[tuple[type[WhodidError], int], ...] = (
    (TooLarge, 413),
    (UnknownEncoding, 415),
    (WrongType, 415),
    (NotFound, 404),
    (TooSlow, 408),
    (Conflict, 409),
    (UsageError, 400),
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (Overloaded, 429),
    (StoreUnreachable, 503),
    (StateError, 503),
    (WhodidError, 500),
)
"""The first class that fits decides."""


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """The response for one fault; `more` are further members, left out where they are empty."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}
    identifier = request_id()
    body.update({key: value for key, value in ({"request_id": identifier} | more).items() if value})
    allheaders = {**({HEADER: identifier} if identifier else {}), **(headers or {})}
    if status in RETRY_AFTER:
        allheaders.setdefault("Retry-After", RETRY_AFTER[status])
    return Response(msgspec.json.encode(body), status, allheaders, MEDIA_TYPE)


def status_of(error: WhodidError) -> int:
    """The status that says what kind of error it is."""
    return next(code for kind, code in _STATUS if isinstance(error, kind))


def problem_of(error: WhodidError) -> Response:
    """The response for one of our own errors."""
    more: dict[str, Any] = {"hint": error.hint}
    if isinstance(error, BadQuery):
        more |= {"position": error.position, "length": error.length, "suggestion": error.suggestion}
    headers = {"WWW-Authenticate": 'Bearer realm="whodid"'} if isinstance(error, NotSignedIn) else None
    return problem(status_of(error), error.code, error.message, headers, **more)


async def on_whodid_error(request: Request, error: Exception) -> Response:
    """Starlette's hook for our own errors. Who was not allowed what they asked for is recorded."""
    assert isinstance(error, WhodidError)  # noqa: S101  registered for nothing else
    if isinstance(error, NotAllowed):
        deed = Deed("deny", subject=request.url.path[:_LONGEST_PATH], outcome="failure", reason=error.code)
        trail_of(request).tell(request, deed)
    return _counted(request, problem_of(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's hook for its own refusals: no such address, wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    refuse: Refuse | None = request.app.state.refuse
    if error.status_code == 404 and refuse is not None and wants_page(request):
        page = refuse(request, NotFound("there is no page at this address", "it may have been cut off, or mistyped"))
        if page is not None:
            return _counted(request, page)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    return _counted(request, problem(error.status_code, code, error.detail, dict(error.headers or {})))


async def on_fault(request: Request, _error: Exception) -> Response:
    """Starlette's hook for a fault of ours: uvicorn logs the traceback, the answer shows none of it."""
    log.error("request %s met an error of whodid's own: %s", request_id(), request.url.path[:200].encode())
    return _counted(request, problem(500, "internal", "whodid met an error of its own; its log has the details"))


def _counted(request: Request, response: Response) -> Response:
    request.app.state.metrics.refused(response.status_code)
    return response
