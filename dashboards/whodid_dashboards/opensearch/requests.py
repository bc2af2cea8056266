"""The request that Dashboards sends for each panel, made from the saved objects alone.

    dashboard's filters + panel's filters + time range     → query.bool.filter
    visState.aggs, each inside of the bucket before it     → aggs, named by their ids
    a control's field                                      → a terms aggregation, one request each
    a drawing's url.body                                   → itself, with the context and the range put in
    a saved search                                         → a page of events

Only what our own objects use is understood; anything else raises ValueError, so that a new kind of panel is not passed
over in silence.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from whodid_dashboards.opensearch.fields import TIME, Field, fields
from whodid_dashboards.opensearch.saved import SavedObject

Json = dict[str, Any]

_AUTO = (("s", 1), ("s", 30), ("m", 1), ("m", 10), ("h", 1), ("h", 3), ("h", 12), ("d", 1), ("d", 7), ("d", 30))
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MILLIS = {"day": 86_400_000, "hour": 3_600_000}
_MOST_BARS = 100
"""Dashboards' setting histogram:maxBars, as it is unless somebody changed it."""

_PAGE = 500
_CUT_SHORT = {"timeout": "1000ms", "terminate_after": 100_000}
"""Dashboards' settings opensearchDashboards.autocompleteTimeout and autocompleteTerminateAfter."""


class Range(Struct, frozen=True):
    """The range that is chosen, both ends belonging to it."""

    since: datetime
    until: datetime

    def filter(self) -> Json:
        """As Dashboards asks for it."""
        bounds = {"gte": _iso(self.since), "lte": _iso(self.until), "format": "strict_date_optional_time"}
        return {"range": {TIME: bounds}}

    def seconds(self) -> float:
        """How long it is."""
        return (self.until - self.since).total_seconds()

    def millis(self) -> tuple[int, int]:
        """Both ends in milliseconds."""
        return int(self.since.timestamp() * 1000), int(self.until.timestamp() * 1000)


class Asked(Struct, frozen=True):
    """A request: of which panel of which dashboard, what it is for, the index, the body."""

    dashboard: str
    panel: SavedObject
    about: str
    index: str
    body: Json


def requests(objects: Sequence[SavedObject], span: Range) -> Iterator[Asked]:
    """What every dashboard asks when it is opened, panel by panel."""
    by_key = {one.key: one for one in objects}
    for board in objects:
        if board.type != "dashboard":
            continue
        placed = {one.name: by_key[one.type, one.id] for one in board.references if one.name.startswith("panel_")}
        chosen = [one["query"] for one in board.search_source()["filter"]]
        for entry in board.inner("panelsJSON"):
            panel = placed[entry["panelRefName"]]
            for about, index, body in _bodies(panel, chosen, span, by_key):
                yield Asked(board.title, panel, about, index, body)


def _bodies(
    panel: SavedObject, chosen: Sequence[Json], span: Range, by_key: Mapping[tuple[str, str], SavedObject]
) -> Iterator[tuple[str, str, Json]]:
    if panel.type == "search":
        yield "", _index_of(panel, by_key), _page(panel, chosen, span, by_key)
        return
    state = panel.inner("visState")
    if state["type"] == "vega":
        url = json.loads(state["params"]["spec"])["data"][0]["url"]
        yield "", url["index"], drawn(url["body"], chosen, span)
    elif state["type"] == "input_control_vis":
        for control in state["params"]["controls"]:
            index = by_key["index-pattern", _named(panel, control["indexPatternRefName"])].attributes["title"]
            yield control["label"], index, _choice(control, span)
    else:
        query = _query(panel, chosen, span)
        aggs = nested(state["aggs"], span)
        yield "", _index_of(panel, by_key), {"size": 0, "track_total_hits": True, "query": query, "aggs": aggs}


def _index_of(panel: SavedObject, by_key: Mapping[tuple[str, str], SavedObject]) -> str:
    name = panel.search_source()["indexRefName"]
    return str(by_key["index-pattern", _named(panel, name)].attributes["title"])


def _named(panel: SavedObject, name: str) -> str:
    """The id that stands behind a reference's name."""
    return next(one.id for one in panel.references if one.name == name)


def _query(panel: SavedObject, chosen: Sequence[Json], span: Range) -> Json:
    source = panel.search_source()
    if source["query"]["query"]:
        raise ValueError(f"{panel.id} has a query of its own; write it as a filter")
    own = [one["query"] for one in source["filter"]]
    return {"bool": {"must": [], "filter": [*own, *chosen, span.filter()], "should": [], "must_not": []}}


def _page(
    panel: SavedObject, chosen: Sequence[Json], span: Range, by_key: Mapping[tuple[str, str], SavedObject]
) -> Json:
    pattern = next(one for key, one in by_key.items() if key[0] == "index-pattern")
    times = [field.name for field in fields().values() if field.type == "date"]
    return {
        "size": _PAGE,
        "version": True,
        "track_total_hits": True,
        "sort": [{field: {"order": order, "unmapped_type": "boolean"}} for field, order in panel.attributes["sort"]],
        "_source": {"excludes": [one["value"] for one in pattern.inner("sourceFilters")]},
        "stored_fields": ["*"],
        "script_fields": {},
        "docvalue_fields": [{"field": name, "format": "date_time"} for name in times],
        "query": _query(panel, chosen, span),
        "aggs": {"2": {"date_histogram": {"field": TIME, "time_zone": "UTC", "min_doc_count": 1, **_auto(span)}}},
    }


def _choice(control: Json, span: Range) -> Json:
    """Its values before anything is typed; with settings that cut long questions short, as they are from the start."""
    options = control["options"]
    field = known(control["fieldName"])
    size = {} if options["dynamicOptions"] and field and field.type == "string" else {"size": options["size"]}
    terms = {"field": control["fieldName"], "order": {"_count": "desc"}, **size}
    query = {"bool": {"must": [], "filter": [span.filter()], "should": [], "must_not": []}}
    return {"size": 0, **_CUT_SHORT, "query": query, "aggs": {"termsAgg": {"terms": terms}}}


def nested(aggs: Sequence[Json], span: Range) -> Json:
    """The aggregations: buckets inside of one another in their order, metrics in the innermost."""
    metrics = {one["id"]: _metric(one) for one in aggs if one["schema"] == "metric" and one["type"] != "count"}
    inner: Json = metrics
    for one in reversed([one for one in aggs if one["schema"] != "metric"]):
        bucket = _bucket(one, span)
        if inner:
            bucket["aggs"] = inner
        inner = {one["id"]: bucket}
    return inner


def _metric(agg: Json) -> Json:
    params = agg["params"]
    match agg["type"]:
        case "cardinality" | "max":
            return {agg["type"]: {"field": params["field"], **_more(params)}}
        case "top_hits":
            return {
                "top_hits": {
                    "docvalue_fields": [{"field": params["field"]}],
                    "_source": params["field"],
                    "size": params["size"],
                    "sort": [{params["sortField"]: {"order": params["sortOrder"]}}],
                }
            }
        case other:
            raise ValueError(f"nobody has said what is sent for a metric {other!r}")


def _bucket(agg: Json, span: Range) -> Json:
    params = agg["params"]
    match agg["type"]:
        case "terms":
            terms = {"field": params["field"], "order": {"_count": params["order"]}, "size": params["size"]}
            left_out = {"exclude": params["exclude"]} if "exclude" in params else {}
            return {"terms": {**terms, **left_out, **_more(params)}}
        case "filters":
            named = {one["label"]: lucene(one["input"]["query"]) for one in params["filters"]}
            return {"filters": {"filters": named}}
        case "date_histogram":
            every = _every(params["interval"], span)
            return {"date_histogram": {"field": params["field"], "time_zone": "UTC", "min_doc_count": 1, **every}}
        case other:
            raise ValueError(f"nobody has said what is sent for a bucket {other!r}")


def _more(params: Json) -> Json:
    """What is said in the field "JSON input"."""
    found: Json = json.loads(params.get("json") or "{}")
    return found


def lucene(query: str) -> Json:
    """What is sent for a query in Lucene's syntax."""
    said = {"query_string": {"query": query, "analyze_wildcard": True, "time_zone": "UTC"}}
    return {"bool": {"must": [said], "filter": [], "should": [], "must_not": []}}


def _every(interval: str, span: Range) -> Json:
    """The interval itself, unless it is left open or gives more bars than Dashboards shows."""
    if interval == "auto" or span.seconds() / _SECONDS[interval] > _MOST_BARS:
        return _auto(span)
    return {"calendar_interval": f"1{interval}"}


def _auto(span: Range) -> Json:
    """An interval that gives few enough bars; Dashboards' own steps are finer."""
    for unit, number in _AUTO:
        if span.seconds() / (_SECONDS[unit] * number) <= _MOST_BARS:
            return {"fixed_interval": f"{number}{unit}"}
    return {"calendar_interval": "1M"}


def drawn(body: Any, chosen: Sequence[Json], span: Range) -> Any:
    """A drawing's request with the dashboard's filters and the range in their places."""
    if isinstance(body, list):
        found: list[Any] = []
        for one in body:
            if isinstance(one, str) and one.startswith("%dashboard_context-"):
                found += chosen if one == "%dashboard_context-filter_clause%" else []
            else:
                found.append(drawn(one, chosen, span))
        return found
    if not isinstance(body, dict):
        return body
    if "%timefilter%" in body:
        since, until = span.millis()
        return {"min": since, "max": until}[body["%timefilter%"]] + body.get("shift", 0) * _MILLIS[
            body.get("unit", "day")
        ]
    return {name: drawn(value, chosen, span) for name, value in body.items()}


def counted(panel: SavedObject) -> Iterator[tuple[str, str]]:
    """The fields that a panel counts or sorts by, each with what for."""
    if panel.type == "search":
        yield from ((field, "sorts by") for field, _ in panel.attributes["sort"])
    if panel.type != "visualization":
        return
    state = panel.inner("visState")
    for control in state["params"].get("controls", ()):
        yield control["fieldName"], "chooses by"
    for agg in state["aggs"]:
        for name in ("field", "sortField"):
            if name in agg["params"]:
                yield agg["params"][name], "counts by"


def known(field: str) -> Field | None:
    """The field of that name, where the mapping has one."""
    return fields().get(field)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
