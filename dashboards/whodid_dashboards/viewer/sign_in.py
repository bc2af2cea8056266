"""Signing in and out: a token typed once, for a cookie that only this browser has and no script can read.

GET  /sign-in?next=/…     the form
POST /sign-in             the token; leads to `next`, only ever a page of ours
POST /sign-out            ends the session

That a form is our own is checked before it comes here (`api.auth`), for these as for every other.
"""

from collections.abc import Sequence

from anyio import sleep
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from whodid_dashboards.viewer.errors import guarded
from whodid_dashboards.viewer.forms import form_fields
from whodid_dashboards.viewer.headers import PAGE
from whodid_dashboards.viewer.preferences import own
from whodid_dashboards.viewer.render import page
from whodid_indexer.access.caller import enter
from whodid_indexer.access.gate import Gate, NotSignedIn
from whodid_indexer.access.roles import READERS, named
from whodid_indexer.api.auth import SIGN_IN, SIGN_OUT
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.audit.event import Deed


def pages(_readers: Readers) -> Sequence[BaseRoute]:
    """The routes: what the entry point `whodid.pages` names."""
    return [
        Route(SIGN_IN, guarded(_form), methods=["GET"]),
        Route(SIGN_IN, guarded(_sign_in), methods=["POST"]),
        Route(SIGN_OUT, guarded(_sign_out), methods=["POST"]),
    ]


async def _form(request: Request) -> Response:
    following = own(request.query_params.get("next", "/"))
    if _gate(request).open:
        return RedirectResponse(following, 303, dict(PAGE))
    return _shown(request, following)


async def _sign_in(request: Request) -> Response:
    gate, fields = _gate(request), await form_fields(request)
    following, address = own(fields.get("next", "/")), request.client.host if request.client is not None else ""
    try:
        caller, cookie = gate.sign_in(fields.get("token", "").strip())
    except NotSignedIn as error:
        trail_of(request).tell(request, Deed("deny", outcome="failure", reason=error.code))
        await sleep(gate.attempts.failed(address))
        return _shown(request, following, 401, "This token is not known here, or does not work any more.")
    if caller.role not in READERS:
        gate.sessions.end(cookie)
        said = f"This token has the role {caller.role}; to look at records it takes {named(READERS)}."
        return _shown(request, following, 403, said)
    gate.attempts.succeeded(address)
    gate.sessions.end(gate.session_value(request.headers))
    enter(caller)
    trail_of(request).tell(request, Deed("sign_in"))
    response = RedirectResponse(following, 303, dict(PAGE))
    response.set_cookie(gate.cookie, cookie, httponly=True, samesite="strict", secure=gate.secure, path="/")
    return response


async def _sign_out(request: Request) -> Response:
    gate = _gate(request)
    trail_of(request).tell(request, Deed("sign_out"))
    gate.sessions.end(gate.session_value(request.headers))
    response = RedirectResponse(SIGN_IN, 303, dict(PAGE))
    response.delete_cookie(gate.cookie, httponly=True, samesite="strict", secure=gate.secure, path="/")
    return response


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


def _shown(request: Request, following: str, status: int = 200, fault: str = "") -> Response:
    return page(request, "sign_in.html", status, title="Sign in", next=following, fault=fault)
