"""Dashboards: panels in rows on the grid of 48 columns."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from whodid_dashboards.opensearch.pills import Only, pills
from whodid_dashboards.opensearch.saved import PREFIX, VERSIONS, Reference, SavedObject, text

COLUMNS = 48


class Row(Struct, frozen=True):
    """Panels side by side: their height in rows of the grid, and each panel's width in columns."""

    height: int
    panels: Sequence[tuple[SavedObject, int]]


def dashboard(name: str, title: str, description: str, rows: Sequence[Row], *only: Only) -> SavedObject:
    """The rows from top to bottom, over the last seven days. `only` holds for all of its panels."""
    placed: list[dict[str, Any]] = []
    references = []
    top = 0
    for row in rows:
        left = 0
        for panel, width in row.panels:
            number = len(placed)
            grid = {"x": left, "y": top, "w": width, "h": row.height, "i": str(number + 1)}
            placed.append(
                {
                    "version": VERSIONS["dashboard"],
                    "title": panel.title,
                    "gridData": grid,
                    "panelIndex": grid["i"],
                    "embeddableConfig": {},
                    "panelRefName": f"panel_{number}",
                }
            )
            references.append(Reference(f"panel_{number}", panel.type, panel.id))
            left += width
        top += row.height
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
            "panelsJSON": text(placed),
            "optionsJSON": text({"hidePanelTitles": False, "useMargins": True}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "refreshInterval": {"pause": True, "value": 0},
            "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        },
        (*references, *named),
    )
