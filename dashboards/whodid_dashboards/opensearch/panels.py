"""The kinds of panels there are, each a function from what it counts to a saved object.

Ids, titles and what is counted come from `source`; how it looks is decided here, once for all of a kind.
"""

from collections.abc import Sequence
from typing import Any

from whodid_dashboards.opensearch.aggregations import Agg, count, numbered, over_time
from whodid_dashboards.opensearch.fields import ID, TIME
from whodid_dashboards.opensearch.pills import Only, pills
from whodid_dashboards.opensearch.saved import INDEX_REFERENCE, MARK, PREFIX, Reference, SavedObject, text

COLOURS = {
    "Sign-in and account": "#6092C0",
    "Writes": "#D6BF57",
    "Reads and others": "#54B399",
    "success": "#54B399",
    "warning": "#D6BF57",
    "failure": "#E7664C",
    "unknown": "#98A2B3",
}
"""A kind and an outcome look alike wherever they are."""

_AXIS_STYLE = {"show": True, "style": {}, "labels": {"show": True, "filter": True, "truncate": 100}, "title": {}}


def _visualization(
    name: str, title: str, state: dict[str, Any], references: Sequence[Reference] = (), description: str = ""
) -> SavedObject:
    indexed = any(one.name == INDEX_REFERENCE for one in references)
    source = {
        "query": {"query": "", "language": "kuery"},
        "filter": [],
        **({"indexRefName": INDEX_REFERENCE} if indexed else {}),
    }
    return SavedObject(
        f"{PREFIX}{name}",
        "visualization",
        {
            "title": f"{MARK}{title}",
            "description": description,
            "version": 1,
            "visState": text({"title": f"{MARK}{title}", **state}),
            "uiStateJSON": text({"vis": {"colors": COLOURS}}),
            "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        },
        tuple(references),
    )


_INDEX = (Reference(INDEX_REFERENCE, "index-pattern", ID),)


def numbers(name: str, title: str, *aggs: Agg) -> SavedObject:
    """Numbers side by side, in large type."""
    style = {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 32}
    metric = {
        "percentageMode": False,
        "useRanges": False,
        "colorSchema": "Green to Red",
        "metricColorMode": "None",
        "colorsRange": [{"from": 0, "to": 10_000}],
        "labels": {"show": True},
        "invertColors": False,
        "style": style,
    }
    params = {"addTooltip": True, "addLegend": False, "type": "metric", "metric": metric}
    return _visualization(name, title, {"type": "metric", "params": params, "aggs": numbered(aggs)}, _INDEX)


def table(name: str, title: str, *aggs: Agg, rows: int = 10) -> SavedObject:
    """Rows and columns: values with their counts."""
    params = {
        "perPage": rows,
        "showPartialRows": False,
        "showMetricsAtAllLevels": False,
        "sort": {"columnIndex": None, "direction": None},
        "showTotal": False,
        "totalFunc": "sum",
        "percentageCol": "",
    }
    return _visualization(name, title, {"type": "table", "params": params, "aggs": numbered(aggs)}, _INDEX)


def ring(name: str, title: str, parts: Agg) -> SavedObject:
    """Shares of the whole."""
    labels = {"show": True, "values": True, "last_level": True, "truncate": 100}
    params = {
        "type": "pie",
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "isDonut": True,
        "labels": labels,
    }
    state = {"type": "pie", "params": params, "aggs": numbered([count(), {**parts, "schema": "segment"}])}
    return _visualization(name, title, state, _INDEX)


def volume(name: str, title: str, interval: str, parts: Agg) -> SavedObject:
    """Stacked bars over time."""
    return _bars(name, title, "histogram", [count(), over_time(interval), {**parts, "schema": "group"}])


def ranking(name: str, title: str, values: Agg) -> SavedObject:
    """Values with their counts as bars lying down, the longest on top."""
    return _bars(name, title, "horizontal_bar", [count(), {**values, "schema": "segment"}])


def _bars(name: str, title: str, kind: str, aggs: Sequence[Agg]) -> SavedObject:
    lying = kind == "horizontal_bar"
    series = {
        "show": True,
        "type": "histogram",
        "mode": "stacked",
        "data": {"label": aggs[0]["params"]["customLabel"], "id": "1"},
        "valueAxis": "ValueAxis-1",
        "drawLinesBetweenPoints": True,
        "lineWidth": 2,
        "showCircles": True,
    }
    category = {
        "id": "CategoryAxis-1",
        "type": "category",
        "position": "left" if lying else "bottom",
        "scale": {"type": "linear"},
        **_AXIS_STYLE,
    }
    value = {
        "id": "ValueAxis-1",
        "name": "BottomAxis-1" if lying else "LeftAxis-1",
        "type": "value",
        "position": "bottom" if lying else "left",
        "scale": {"type": "linear", "mode": "normal"},
        **_AXIS_STYLE,
    }
    params = {
        "type": "histogram",
        "grid": {"categoryLines": False},
        "categoryAxes": [category],
        "valueAxes": [value],
        "seriesParams": [series],
        "addTooltip": True,
        "addLegend": not lying,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
        "labels": {"show": lying},
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }
    return _visualization(name, title, {"type": kind, "params": params, "aggs": numbered(aggs)}, _INDEX)


def controls(name: str, title: str, fields: Sequence[tuple[str, str]]) -> SavedObject:
    """Choices, one per field and label: ten values, others as one types; of addresses, which cannot be typed, fifty."""
    listed: list[dict[str, Any]] = []
    references = []
    for number, (field, label) in enumerate(fields):
        options = {"type": "terms", "multiselect": True, "size": 50, "order": "desc"}
        references.append(Reference(f"control_{number}_index_pattern", "index-pattern", ID))
        listed.append(
            {
                "id": f"{name}-{number}",
                "indexPatternRefName": references[-1].name,
                "fieldName": field,
                "parent": "",
                "label": label,
                "type": "list",
                "options": {**options, "dynamicOptions": field != "client.ip"},
            }
        )
    params = {"controls": listed, "updateFiltersOnChange": False, "useTimeFilter": True, "pinFilters": False}
    return _visualization(name, title, {"type": "input_control_vis", "params": params, "aggs": []}, references)


def drawing(name: str, title: str, spec: dict[str, Any], description: str) -> SavedObject:
    """A Vega specification with its own question."""
    state = {"type": "vega", "params": {"spec": text(spec)}, "aggs": []}
    return _visualization(name, title, state, description=description)


def events(name: str, title: str, columns: Sequence[str], *only: Only) -> SavedObject:
    """A saved search: the events themselves, newest first.

    Nothing is highlighted: that would read the text of whole events again, and fail on very long ones.
    """
    chosen, references = pills(only)
    source = {
        "highlightAll": False,
        "version": True,
        "query": {"query": "", "language": "kuery"},
        "filter": chosen,
        "indexRefName": INDEX_REFERENCE,
    }
    return SavedObject(
        f"{PREFIX}{name}",
        "search",
        {
            "title": f"{MARK}{title}",
            "description": "",
            "hits": 0,
            "columns": list(columns),
            "sort": [[TIME, "desc"]],
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        },
        (*_INDEX, *references),
    )
