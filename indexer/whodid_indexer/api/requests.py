"""What every request has: a person or a program behind it, and an id.

The id is in the header `X-Request-Id` of its answer, in every error, and in the log beside a fault. A proxy in front
may give it (the same header, up to 64 letters, digits and `. _ -`); else it is made here.
"""

import re
import secrets
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"

_plain = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


def wants_page(request: Request) -> bool:
    """Whether a person looks: a browser that goes somewhere."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


class RequestIds:
    """Gives every request its id. It stays set behind the answer: a fault is told of after this has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, its answer marked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        identifier = given if _plain(given) else secrets.token_hex(8)
        _current.set(identifier)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = identifier
            await send(message)

        await self._app(scope, receive, marked)
