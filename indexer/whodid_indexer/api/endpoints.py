"""What an address of the server takes and answers, as data: handlers read from it, `openapi` documents it.

Each module of handlers declares its endpoints beside them; a test compares what is declared with what is served.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.access.caller import current
from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.query.access import Access
from whodid_indexer.query.model import AuditQuery

JSON = "application/json"
TEXT = "text/plain"

Handler = Callable[[Request], Awaitable[Response]]
Schema = dict[str, Any]


class Parameter(Struct, frozen=True):
    """A query parameter: its name, one line for people, the JSON Schema of a value.

    `many`: it may be repeated. `kind`: it is JSON of this type, and the schema is that of the type.
    """

    name: str
    help: str
    schema: Schema = {}
    many: bool = False
    kind: Any = None


def text(name: str, about: str, *, many: bool = False, **more: Any) -> Parameter:
    """A parameter that is any text; `more` goes into its schema."""
    return Parameter(name, about, {"type": "string", **more}, many)


def number(name: str, about: str, default: int, least: int, most: int) -> Parameter:
    """A parameter that is a whole number within bounds."""
    return Parameter(name, about, {"type": "integer", "default": default, "minimum": least, "maximum": most})


def choice(name: str, about: str, *values: str) -> Parameter:
    """A parameter that is one of a few words; the first is the default."""
    return Parameter(name, about, {"type": "string", "enum": list(values), "default": values[0]})


CURSOR = text("cursor", "where the page begins: what the page before named as the next")
ORDER = choice("order", "newest first, or oldest first", "desc", "asc")
ZONE = text("tz", "the time zone: an IANA name", default="UTC")


class Answer(Struct, frozen=True):
    """A successful answer: its status, its media type, its type if it is JSON, headers with their meaning."""

    about: str
    kind: Any = None
    media: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Endpoint(Struct, frozen=True):
    """One address with one method.

    `filters` adds every filter to its parameters; `body` is the type of what is sent, None for nothing.
    """

    name: str
    path: str
    summary: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    filters: bool = False
    method: str = "GET"
    body: Any = None
    body_media: str = JSON

    @property
    def known(self) -> frozenset[str]:
        """The names of the parameters, in every spelling that is taken."""
        own = frozenset(parameter.name for parameter in self.parameters)
        return own | FILTERS if self.filters else own

    def given(self, request: Request) -> Parameters:
        """The parameters of a request to it. Raises UnknownParameter."""
        return Parameters(request.query_params.multi_items(), self.known)


def query_of(given: Parameters) -> AuditQuery:
    """What a request's filters ask for, `me` being who sent it; what they may see of it is the readers' to hold to."""
    return given.query(Access("platform", current().access.me))


def routes(served: Iterable[tuple[Endpoint, Handler]]) -> list[Route]:
    """The routes of endpoints that take one method each."""
    return [Route(endpoint.path, handler, methods=[endpoint.method]) for endpoint, handler in served]
