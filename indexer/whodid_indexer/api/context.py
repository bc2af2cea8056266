"""`GET /api/v1/events/{id}/context`: what stands around an event, and the sign-in it happened under.

Near it in time, of the same actor, address, target, session and request: of each the nearest before and after, how many
there are, and the question that finds them all. `span` is how far to either side; those of a session or a request are
of all time.
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.api.endpoints import JSON, Answer, Endpoint, number, routes, text
from whodid_indexer.api.parameters import Parameters
from whodid_indexer.api.problem import NotFound
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.query.answers import InContext, around_json
from whodid_indexer.query.around import SPAN, around
from whodid_indexer.query.times import parse_span
from whodid_indexer.store.base import Reader
from whodid_schema.errors import UsageError
from whodid_schema.record import decode

LONGEST_SPAN = timedelta(days=31)
NEAREST = 3
MOST_NEAREST = 20

CONTEXT = Endpoint(
    "context",
    "/api/v1/events/{id}/context",
    "What stands around a record, and the sign-in it happened under",
    (Answer("The record and its neighbours", InContext),),
    (
        text("span", f"how far to either side: 1m, 5m, 2h, at most {LONGEST_SPAN.days}d", default="5m"),
        number("nearest", "records to either side of each relation", NEAREST, 0, MOST_NEAREST),
    ),
)


class Context:
    """The handler, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def routes(self) -> list[Route]:
        """The one."""
        return routes([(CONTEXT, self.around)])

    async def around(self, request: Request) -> Response:
        """One record with what stands around it."""
        given = CONTEXT.given(request)
        span, nearest = _span(given), given.number("nearest", NEAREST, 0, MOST_NEAREST)
        identifier: str = request.path_params["id"]
        answer = await self._readers.ask(lambda reader: _answer(reader, identifier, span, nearest))
        trail_of(request).note(request, "show", subject=identifier)
        return Response(answer, media_type=JSON)


def _answer(reader: Reader, identifier: str, span: timedelta, nearest: int) -> bytes:
    body = reader.get(identifier)
    if body is None:
        raise NotFound(f"there is no record {identifier!r}")
    return around_json(body, around(reader, decode(body), span, nearest))


def _span(given: Parameters) -> timedelta:
    written = given.one("span")
    if written is None:
        return SPAN
    span = parse_span(written)
    if not timedelta() < span <= LONGEST_SPAN:
        raise UsageError(f"span={written[:40]}: not a span up to {LONGEST_SPAN.days}d", "write it like 5m or 2h")
    return span
