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

from whodid_indexer.api.endpoints import JSON, ZONE, Answer, Endpoint, Parameter, number, query_of, routes, text
from whodid_indexer.api.parameters import Parameters
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.query.answers import FacetList, StatsAnswer, facets_json, stats_json
from whodid_indexer.query.axis import AXES, COMMON, selected_by
from whodid_indexer.query.calendar import EPOCH, MICROSECOND
from whodid_indexer.query.counting import Axis, Interval, Measure
from whodid_indexer.query.model import AuditQuery
from whodid_schema.errors import UsageError

BUDGET_MS = 400
MAX_BUDGET_MS = 3_600_000
MAX_VALUES = 1_000
MAX_AXES = 40
MAX_ACTORS = 100

_read_axes = msgspec.json.Decoder(list[Axis]).decode


FACETS = Endpoint(
    "facets",
    "/api/v1/facets",
    "The values of axes with their counts",
    (Answer("A facet of each axis", FacetList),),
    (
        text("axis", f"an axis: {', '.join(AXES)}, meta.<path>", many=True),
        number("limit", "values of each axis", 10, 0, MAX_VALUES),
        text("contains", "only values that contain this"),
        Parameter("axes", "in place of these three: all there is to say of each axis", kind=list[Axis]),
        Parameter(
            "budget",
            "milliseconds for the axes that only the records themselves know, or none for no end",
            {
                "anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_BUDGET_MS}, {"const": "none"}],
                "default": BUDGET_MS,
            },
        ),
    ),
    filters=True,
)
STATS = Endpoint(
    "stats",
    "/api/v1/stats",
    "Figures, a series over time, top actors, categories",
    (Answer("The statistics", StatsAnswer),),
    (
        Parameter("interval", "of the series; without it what suits the range", {"enum": list(get_args(Interval))}),
        ZONE,
        number("actors", "top actors", 4, 0, MAX_ACTORS),
        Parameter(
            "now",
            "the moment that ends an open range, in microseconds since 1970",
            {"type": "integer", "format": "int64"},
        ),
    ),
    filters=True,
)


class Counting:
    """The handlers, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def routes(self) -> list[Route]:
        """Both."""
        return routes([(FACETS, self.facets), (STATS, self.stats)])

    async def facets(self, request: Request) -> Response:
        """The values of axes with their counts."""
        given = FACETS.given(request)
        query = query_of(given)
        axes, budget = _axes(given, query), _budget(given)
        found = await self._readers.ask(lambda reader: reader.facets(query, axes, budget=budget), heavy=True)
        trail_of(request).note(request, "facets", query)
        return Response(facets_json(found), media_type=JSON)

    async def stats(self, request: Request) -> Response:
        """Figures, series, top actors, categories."""
        given = STATS.given(request)
        query, measure = query_of(given), _measure(given)
        found = await self._readers.ask(lambda reader: reader.stats(query, measure), heavy=True)
        trail_of(request).note(request, "stats", query, found=found.current.total)
        return Response(stats_json(found), media_type=JSON)


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
    return given.number("budget", BUDGET_MS, 0, MAX_BUDGET_MS) / 1_000


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
    written = given.one("now")
    if written is None:
        return (datetime.now(UTC) - EPOCH) // MICROSECOND
    if not (written.isascii() and written.removeprefix("-").isdecimal() and len(written) < 19):
        raise UsageError("now: not a number of microseconds since the epoch")
    return int(written)
