"""The figures beside those of the period before, of equal length: what no panel but a drawing (Vega) can ask for.

One request counts both periods. A drawing's request knows the range's ends and what is a fixed time away from them, not
how long the range is. Where the period before begins is worked out by a script in the cluster; so that it looks at few
records, `_nearby` leaves out all that are more than about three times the range's length before it.
"""

from collections.abc import Iterator
from typing import Any

from whodid_dashboards.opensearch.fields import TIME
from whodid_indexer.store.opensearch.template import PATTERN

TITLES = ("Total", "Sign-ins", "Writes", "Reads and others", "Unique IPs")

REACH_HOURS = 10 * 366 * 24
"""How far before the range it looks: a longer range is compared with that."""

_BEFORE = (
    f"long at = doc['{TIME}'].value.toInstant().toEpochMilli(); "
    "return at < params.since && at >= 2 * params.since - params.until"
)

_SIGN_IN = {"term": {"verb": "sign_in"}}
_COUNTED = {
    "sign_ins": {"filter": _SIGN_IN},
    "writes": {"filter": {"bool": {"filter": [{"term": {"kind": "write"}}], "must_not": [_SIGN_IN]}}},
    "ips": {"cardinality": {"field": "client.ip", "precision_threshold": 10_000}},
}


def _values(period: str) -> str:
    """The five figures of a period, in Vega's language."""
    at = f"data('answer')[0].{period}"
    ours = f"{at}.sign_ins.doc_count, {at}.writes.doc_count"
    others = f"{at}.doc_count - {at}.sign_ins.doc_count - {at}.writes.doc_count"
    return f"[{at}.doc_count, {ours}, {others}, {at}.ips.value][datum.place]"


def steps() -> Iterator[tuple[int, int]]:
    """Pairs of hours, each half as long again as the one before it: 0–1, 1–2, 2–3, 3–4, 4–6, 6–9 and so on."""
    before, after = 0, 1
    while before < REACH_HOURS:
        yield before, after
        before, after = after, max(after + 1, after * 3 // 2)


def _nearby() -> list[dict[str, Any]]:
    """Ranges that together hold everything back to the range's length before it, and little more.

    Each is from `after` hours before the range's beginning up to twice `before` hours before its end. A record x hours
    before the beginning, where the range is s hours long and x ≤ s, is in that with before < x ≤ after:
    twice `before` is less than 2x ≤ x + s, which is how long before the end it is. Of a range that is short for its
    step the first end is behind the second, so that it holds nothing.
    """
    return [
        {
            "range": {
                TIME: {
                    "gte": {"%timefilter%": "min", "shift": -after, "unit": "hour"},
                    "lte": {"%timefilter%": "max", "shift": -2 * before, "unit": "hour"},
                }
            }
        }
        for before, after in steps()
    ]


def _request() -> dict[str, Any]:
    since, until = {"%timefilter%": "min"}, {"%timefilter%": "max"}
    script = {"lang": "painless", "source": _BEFORE, "params": {"since": since, "until": until}}
    earlier = {"bool": {"filter": [{"range": {TIME: {"lt": since}}}, {"script": {"script": script}}]}}
    return {
        "size": 0,
        "query": {
            "bool": {
                "must": ["%dashboard_context-must_clause%"],
                "filter": ["%dashboard_context-filter_clause%", {"bool": {"should": _nearby()}}],
                "must_not": ["%dashboard_context-must_not_clause%"],
            }
        },
        "aggs": {
            "now": {"filter": {"range": {TIME: {"gte": since, "lte": until}}}, "aggs": _COUNTED},
            "before": {"filter": earlier, "aggs": _COUNTED},
        },
    }


_CHANGE = (
    "datum.before == 0 ? (datum.now == 0 ? 'as before, 0' : 'new, was 0')"
    " : datum.now == datum.before ? 'as before, ' + format(datum.before, ',')"
    " : format((datum.now - datum.before) / datum.before, '+,.0%') + ' vs ' + format(datum.before, ',')"
)


def _line(field: str, size: int, place: float, colour: str, weight: str = "normal") -> dict[str, Any]:
    """A line of text in the middle of each figure's column; `place` is its share of the height."""
    middle = {"scale": "columns", "field": "place", "band": 0.5}
    look = {"align": {"value": "center"}, "baseline": {"value": "middle"}, "fill": {"value": colour}}
    return {
        "type": "text",
        "from": {"data": "figures"},
        "encode": {
            "update": {
                "x": middle,
                "y": {"signal": f"height * {place}"},
                "text": {"field": field},
                "fontSize": {"value": size},
                "fontWeight": {"value": weight},
                **look,
            }
        },
    }


def specification() -> dict[str, Any]:
    """The drawing: five columns of title, number, and change."""
    figures = [{"place": place, "title": title} for place, title in enumerate(TITLES)]
    formulas = {
        "now": _values("now"),
        "before": _values("before"),
        "number": "format(datum.now, ',')",
        "change": _CHANGE,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 4,
        "data": [
            {"name": "answer", "url": {"index": PATTERN, "body": _request()}, "format": {"property": "aggregations"}},
            {
                "name": "figures",
                "values": figures,
                "transform": [{"type": "formula", "as": name, "expr": said} for name, said in formulas.items()],
            },
        ],
        "scales": [
            {
                "name": "columns",
                "type": "band",
                "domain": list(range(len(TITLES))),
                "range": "width",
            }
        ],
        "marks": [
            _line("title", 13, 0.18, "#69707D"),
            _line("number", 28, 0.52, "#0079A5", "bold"),
            _line("change", 12, 0.84, "#69707D"),
        ],
    }
