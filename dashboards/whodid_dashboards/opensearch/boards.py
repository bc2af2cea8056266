"""Dashboards: choices in a column on the left as in the viewer, panels in rows beside it, on a grid of 48 columns."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from whodid_dashboards.opensearch.pills import Only, pills
from whodid_dashboards.opensearch.saved import PREFIX, VERSIONS, Reference, SavedObject, text

COLUMNS = 48
SIDE = 12
"""Columns of the choices."""

Placed = tuple[SavedObject, dict[str, int]]


class Row(Struct, frozen=True):
    """Panels side by side: their height in rows of the grid (28 pixels), and each panel's width in columns."""

    height: int
    panels: Sequence[tuple[SavedObject, int]]


def row(height: int, *panels: SavedObject) -> Row:
    """Panels of equal width."""
    edges = [(COLUMNS - SIDE) * number // len(panels) for number in range(len(panels) + 1)]
    widths = (after - before for before, after in pairwise(edges))
    return Row(height, tuple(zip(panels, widths, strict=True)))


def dashboard(
    name: str, title: str, description: str, side: Sequence[tuple[SavedObject, int]], rows: Sequence[Row], *only: Only
) -> SavedObject:
    """Choices with their heights, and rows from top to bottom; over the last seven days.

    The last row reaches down to where the choices end. `only` holds for all panels.
    """
    entries: list[dict[str, Any]] = []
    references = []
    for number, (panel, place) in enumerate([*_left(side), *_right(rows, sum(height for _, height in side))]):
        entries.append(
            {
                "version": VERSIONS["dashboard"],
                "title": panel.title,
                "gridData": {**place, "i": str(number + 1)},
                "panelIndex": str(number + 1),
                "embeddableConfig": {},
                "panelRefName": f"panel_{number}",
            }
        )
        references.append(Reference(f"panel_{number}", panel.type, panel.id))
    chosen, named = pills(only)
    source = {"query": {"query": "", "language": "kuery"}, "filter": chosen}
    return SavedObject(
        f"{PREFIX}{name}",
        "dashboard",
        {
            "title": title,
            "description": description,
            "hits": 0,
            "version": 1,
            "panelsJSON": text(entries),
            "optionsJSON": text({"hidePanelTitles": False, "useMargins": True}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "refreshInterval": {"pause": True, "value": 0},
            "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        },
        (*references, *named),
    )


def _left(side: Sequence[tuple[SavedObject, int]]) -> Iterator[Placed]:
    top = 0
    for panel, height in side:
        yield panel, {"x": 0, "y": top, "w": SIDE, "h": height}
        top += height


def _right(rows: Sequence[Row], least: int) -> Iterator[Placed]:
    top = 0
    for number, one in enumerate(rows, 1):
        height = max(one.height, least - top) if number == len(rows) else one.height
        left = SIDE
        for panel, width in one.panels:
            yield panel, {"x": left, "y": top, "w": width, "h": height}
            left += width
        top += height
