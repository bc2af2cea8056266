"""What a person sees where something cannot be answered: what, why, a way on, and a number to ask about it."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from whodid_dashboards.viewer.render import page
from whodid_indexer.api.problem import RETRY_AFTER, status_of
from whodid_schema.errors import BadQuery, WhodidError

Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("whodid.viewer")


def guarded(handler: Handler) -> Handler:
    """The handler, with every error as a page."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except WhodidError as error:
            request.app.state.metrics.refused(status_of(error))
            return error_page(request, error)
        except Exception:  # noqa: BLE001  logged whole; a person gets a page and the number to ask about
            number = _number()
            _log.exception("request %s failed", number)
            return _page(request, 500, "whodid met an error of its own", "its log has the details", number)

    return answered


def error_page(request: Request, error: WhodidError) -> Response:
    """What is wrong, as a page."""
    status = status_of(error)
    number = _number()
    if status >= 500:
        _log.error("request %s: %s", number, error)
    marked = _marked(error) if isinstance(error, BadQuery) else None
    return _page(request, status, error.message, error.hint, number, marked)


def _marked(error: BadQuery) -> tuple[str, str, str, str] | None:
    """The text with its fault: before, marked, behind, and the whole with what was probably meant in its place."""
    text = error.text
    if not text:
        return None
    end = error.position + error.length
    meant = text[: error.position] + error.suggestion + text[end:] if error.suggestion else ""
    return text[: error.position], text[error.position : end], text[end:], meant


def _page(
    request: Request, status: int, message: str, hint: str, number: str, marked: tuple[str, str, str, str] | None = None
) -> Response:
    items = request.query_params.multi_items()
    response = page(
        request,
        "error.html",
        status,
        title=HTTPStatus(status).phrase,
        status=status,
        message=message[:1].upper() + message[1:],
        hint=hint,
        number=number,
        marked=marked,
        typed=" ".join(value for name, value in items if name == "q"),
        beside=[item for item in items if item[0] in ("last", "since", "until", "tz", "scope", "interval")],
    )
    if status in RETRY_AFTER:
        response.headers["Retry-After"] = RETRY_AFTER[status]
    return response


def _number() -> str:
    return secrets.token_hex(6)
