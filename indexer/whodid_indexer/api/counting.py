"""`/api/v1/facets` and `/api/v1/stats`: counts over the matching records, with the command line's names as parameters.

    GET /api/v1/facets   filters, axis (repeatable), limit, contains, budget; or axes: a list of counting.Axis as JSON
    GET /api/v1/stats    filters, interval, tz, actors, now

`budget` is milliseconds for the axes that only the records themselves know (target, changed, meta.…), or `none`.
What the filters say about an axis is counted for it too, also where it is not among the most frequent.
"""

from datetime import UTC, datetime
from typing import cast, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.api.readers import Readers
from whodid_indexer.query.answers import facets_json, stats_json
from whodid_indexer.query.axis import COMMON, selected_by
from whodid_indexer.query.calendar import EPOCH, MICROSECOND
from whodid_indexer.query.counting import Axis, Interval, Measure
from whodid_indexer.query.model import AuditQuery
from whodid_schema.errors import UsageError

BUDGET_MS = 400
MAX_VALUES = 1_000
MAX_AXES = 40
MAX_ACTORS = 100

_JSON = "application/json"
_read_axes = msgspec.json.Decoder(list[Axis]).decode


class Counting:
    """The handlers, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def routes(self) -> list[Route]:
        """Both."""
        return [Route("/api/v1/facets", self.facets), Route("/api/v1/stats", self.stats)]

    async def facets(self, request: Request) -> Response:
        """The values of axes with their counts."""
        known = {*FILTERS, "axis", "axes", "limit", "contains", "budget"}
        given = Parameters(request.query_params.multi_items(), known)
        query = given.query()
        axes, budget = _axes(given, query), _budget(given)
        found = await self._readers.ask(lambda reader: reader.facets(query, axes, budget=budget))
        return Response(facets_json(found), media_type=_JSON)

    async def stats(self, request: Request) -> Response:
        """Figures, series, top actors, categories."""
        given = Parameters(request.query_params.multi_items(), {*FILTERS, "interval", "tz", "actors", "now"})
        query, measure = given.query(), _measure(given)
        found = await self._readers.ask(lambda reader: reader.stats(query, measure))
        return Response(stats_json(found), media_type=_JSON)


def _axes(given: Parameters, query: AuditQuery) -> list[Axis]:
    whole, names = given.one("axes"), given.all("axis")
    if whole is None:
        limit, contains = given.number("limit", 10, 0, MAX_VALUES), given.one("contains") or ""
        axes = [Axis(name, limit, contains, selected_by(query, name)) for name in names or COMMON]
    elif names or given.one("limit") or given.one("contains"):
        raise UsageError("axes= says all of every axis", "leave out axis, limit and contains")
    else:
        try:
            axes = _read_axes(whole)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UsageError(f"axes= is not a list of axes as JSON: {error}") from error
    if len(axes) > MAX_AXES or any(not 0 <= axis.limit <= MAX_VALUES for axis in axes):
        raise UsageError(f"at most {MAX_AXES} axes of at most {MAX_VALUES} values each")
    return axes


def _budget(given: Parameters) -> float | None:
    if given.one("budget") == "none":
        return None
    return given.number("budget", BUDGET_MS, 0, 3_600_000) / 1_000


def _measure(given: Parameters) -> Measure:
    interval = given.one("interval")
    if interval is not None and interval not in get_args(Interval):
        raise UsageError(f"interval={interval[:40]}: not an interval", ", ".join(get_args(Interval)))
    zone = given.one("tz")
    return Measure(
        now=_now(given),
        interval=cast("Interval | None", interval),
        zone="UTC" if zone is None else zone,
        actors=given.number("actors", 4, 0, MAX_ACTORS),
    )


def _now(given: Parameters) -> int:
    """The moment that ends an open range: microseconds since the epoch, else the server's own."""
    text = given.one("now")
    if text is None:
        return (datetime.now(UTC) - EPOCH) // MICROSECOND
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 19):
        raise UsageError("now: not a number of microseconds since the epoch")
    return int(text)
