"""What a browser remembers between pages: theme, zone and scope, each in a cookie with a fixed set of values.

GET /preferences?theme=dark&back=/…     sets it and leads back, only ever to a page of ours
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from whodid_dashboards.viewer.headers import PAGE
from whodid_indexer.query.calendar import zone_named
from whodid_schema.errors import BadQuery, UsageError

THEMES = ("auto", "light", "dark")
SCOPES = ("mine", "all")
_PREFIX = "whodid-"
_YEAR = 365 * 86_400


def remembered(request: Request) -> dict[str, str]:
    """What the request's cookies say, as far as it makes sense: a cookie of somebody else's making says nothing."""
    said = {name: request.cookies.get(_PREFIX + name, "") for name in ("theme", "tz", "scope")}
    return {name: value for name, value in said.items() if value and _sensible(name, value)}


def remember(response: Response, values: Mapping[str, str]) -> None:
    """Have the browser remember these of its preferences."""
    for name, value in values.items():
        if _sensible(name, value):
            response.set_cookie(_PREFIX + name, value, _YEAR, samesite="lax", httponly=True)


async def preferences(request: Request) -> Response:
    """Set what is said and go back. Raises UsageError for a value that there is not."""
    said = {name: value for name, value in request.query_params.items() if name != "back"}
    for name, value in said.items():
        if not _sensible(name, value):
            raise UsageError(f"{name[:40]}={value[:40]}: not a preference", "theme=light, theme=dark, theme=auto")
    response = RedirectResponse(own(request.query_params.get("back", "/")), 303, dict(PAGE))
    remember(response, said)
    return response


def _sensible(name: str, value: str) -> bool:
    if name == "tz":
        try:
            zone_named(value)
        except BadQuery:
            return False
        return True
    return value in {"theme": THEMES, "scope": SCOPES}.get(name, ())


def own(address: str) -> str:
    """The address where it is one of ours: from the root, with nothing that a browser reads as another server."""
    plain = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable()
    return address if plain else "/"
