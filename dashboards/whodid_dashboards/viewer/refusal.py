"""What a person sees who may not go where they went: what it takes, and the way to somewhere they may."""

from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from whodid_dashboards.viewer.errors import error_page
from whodid_dashboards.viewer.headers import PAGE
from whodid_dashboards.viewer.render import page
from whodid_indexer.access.caller import caller_of
from whodid_indexer.access.gate import NotSignedIn
from whodid_indexer.access.roles import READERS
from whodid_indexer.api.auth import SIGN_IN
from whodid_schema.errors import NotAllowed, WhodidError


def refusal(request: Request, error: WhodidError) -> Response:
    """The page of an error; who is not signed in is led to where that is done, and from there back."""
    if not isinstance(error, NotAllowed):
        return error_page(request, error)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if not isinstance(error, NotSignedIn):
        may_read = caller_of(request).role in READERS
        shown = {"title": HTTPStatus(403).phrase, "message": error.message, "hint": error.hint, "may_read": may_read}
        return page(request, "refused.html", 403, **shown)
    if request.method != "GET":
        return RedirectResponse(SIGN_IN, 303, dict(PAGE))
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        # from a link on another site browsers send no strict cookie; asked for again by our own page they do
        return page(request, "again.html", 401, title="One moment", here=here)
    return RedirectResponse(f"{SIGN_IN}?next={quote(here, safe='/')}", 303, dict(PAGE))
