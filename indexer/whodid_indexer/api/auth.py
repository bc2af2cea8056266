"""Who may ask what, before anything else runs: signs the caller in, refuses, and dresses every answer.

/healthz /readyz /sign-in /sign-out /preferences /assets/…     nobody needs a token
/_bulk                                            ingest
/  /_index_template/whodid                        any token: agents ask what they speak to
/metrics                                          auditor, platform
/api/v1/holds, and below it                       platform
everything else, also what there is not           whoever reads; what is found is held to the access (`readers`)

A server that never had a token lets everybody do everything; it listens on loopback only. What changes something and
comes from a browser must come from one of our own pages: its cookie goes along wherever a request comes from.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import cast
from urllib.parse import urlsplit

from anyio import move_on_after, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whodid_indexer.access.caller import NOBODY, Caller, enter
from whodid_indexer.access.gate import Gate, NotSignedIn
from whodid_indexer.access.roles import ANYBODY, READERS, WRITERS, Role, named
from whodid_indexer.api.problem import Refuse, problem_of, status_of
from whodid_indexer.api.requests import wants_page
from whodid_indexer.api.trail import trail_of
from whodid_indexer.audit.event import Deed
from whodid_schema.errors import NotAllowed, WhodidError

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"

FREE = frozenset({"/healthz", "/readyz", SIGN_IN, SIGN_OUT, "/preferences"})
_FREE_BELOW = "/assets/"

ROLES: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "/": ANYBODY,
        "/_index_template/whodid": ANYBODY,
        "/_bulk": frozenset({"ingest"}),
        "/metrics": frozenset({"auditor", "platform"}),
    }
)

_BELOW: Mapping[str, frozenset[Role]] = MappingProxyType({"/api/v1/holds": frozenset({"platform"})})
"""Of an address and all below it: who administers, and nobody else."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)
"""On every answer that does not say otherwise itself."""

_LONGEST_PATH = 200

_HSTS = "max-age=31536000"

_DRAINED = 16 << 20
"""Bytes of a refused body that are read, so that its sender hears the answer instead of a broken connection."""

_DRAINING = 10.0
"""Seconds for that."""

REFUSALS = "whodid.refusals"
"""The group of entry points whose one function makes a page of a refusal."""


def installed_refusal() -> Refuse | None:
    """How an installed package shows a refusal to people; None where none does."""
    found = sorted(entry_points(group=REFUSALS), key=lambda each: each.name)
    return cast("Refuse", found[0].load()) if found else None


class CrossSite(NotAllowed):
    """A page of another site wanted something changed; the browser's sign-in is not for that."""

    code = "cross_site"


class Authentication:
    """Admits callers by the gate. `refuse` makes a refusal for people; where it gives none it is a problem document."""

    def __init__(self, app: ASGIApp, gate: Gate, refuse: Refuse | None = None) -> None:
        self._app = app
        self._gate = gate
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._placed(scope)
        send = self._dressed(send)
        request = Request(scope, receive)
        enter(NOBODY)
        try:
            if not self._gate.fresh:
                await to_thread.run_sync(self._gate.refresh)
            self._admit(request)
        except NotAllowed as error:
            await self._refused(request, error)(scope, receive, send)
            return
        except WhodidError as error:  # nobody can be told from anybody: the tokens cannot be read
            if not _is_free(request.url.path):
                request.app.state.metrics.refused(status_of(error))
                await _Drained(request, problem_of(error))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _placed(self, scope: Scope) -> Scope:
        """The request with the address it really came from, where a trusted proxy says so."""
        client = scope.get("client")
        peer, port = client or ("", 0)
        headers = Headers(scope=scope)
        scheme = "https" if self._gate.secure else scope.get("scheme", "http")
        address = self._gate.proxy.address(headers, peer)
        return {**scope, "client": (address, port), "scheme": scheme, "whodid.peer": peer}

    def _admit(self, request: Request) -> None:
        """Make whoever asks the caller. Raises NotAllowed where they may not ask this, saying which role may."""
        path, gate = request.url.path, self._gate
        free = _is_free(path)
        try:
            caller = gate.caller(request.headers, request.scope["whodid.peer"])
        except NotSignedIn:
            if not free:
                raise
            caller = NOBODY
        enter(caller)
        if request.method not in _SAFE and caller.way != "token":
            _require_own_page(request, strict=caller.way != "open")
        if not free:
            _require_role(request, caller)

    def _refused(self, request: Request, error: NotAllowed) -> ASGIApp:
        request.app.state.metrics.refused(401 if isinstance(error, NotSignedIn) else 403)
        # of whom nobody knows only that there was somebody: what they asked for is theirs to choose, and endless
        subject = "" if isinstance(error, NotSignedIn) else request.url.path[:_LONGEST_PATH]
        trail_of(request).tell(request, Deed("deny", subject=subject, outcome="failure", reason=error.code))
        response = self._refuse(request, error) if self._refuse is not None and wants_page(request) else None
        return _Drained(request, response or problem_of(error))

    def _dressed(self, send: Send) -> Send:
        """`send`, with the headers that belong on every answer."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if self._gate.secure:
                    headers.setdefault("Strict-Transport-Security", _HSTS)
            await send(message)

        return dressed


def _is_free(path: str) -> bool:
    """Whether nobody needs a token there."""
    return path in FREE or path.startswith(_FREE_BELOW)


def _require_role(request: Request, caller: Caller) -> None:
    """Raises NotAllowed where the caller's role is none that this address is for."""
    path = request.url.path
    others = READERS if request.method in _SAFE else WRITERS
    others = next((roles for base, roles in _BELOW.items() if path == base or path.startswith(f"{base}/")), others)
    needed = others if path == "/" and wants_page(request) else ROLES.get(path, others)
    if caller.role is not None and caller.role not in needed:
        raise NotAllowed(
            f"this needs the role {named(needed)}; the token shown has the role {caller.role}",
            "ask whoever administers whodid for a token of that role",
        )


def _require_own_page(request: Request, *, strict: bool) -> None:
    """Raises CrossSite where a browser sends what another site's page made it send.

    Browsers say where a request comes from. Programs do not: `strict` is for those that are known by a cookie or a
    proxy, which no program is.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site == "same-origin"
    elif origin is not None:
        own = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() and origin != "null"
    else:
        own = not strict
    if not own:
        raise CrossSite("this came from a page of another site, or from none", "use the form on whodid's own page")


class _Drained:
    """A response behind which the request's body was read to its end, as far as that is not too far."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then answer."""
        size = 0
        with move_on_after(_DRAINING):
            try:
                async for piece in self._request.stream():
                    size += len(piece)
                    if size > _DRAINED:
                        break
            except ClientDisconnect:
                return
        await self._response(scope, receive, send)
