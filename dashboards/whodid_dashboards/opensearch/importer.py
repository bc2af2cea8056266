"""What an import would change, and the import.

An object is compared by what it says, not by how: texts that hold JSON are read, and what Dashboards adds by itself
(defaults, how often a field was looked at) is no difference.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from whodid_dashboards.opensearch.fields import DEFAULT_VIEWER, ID, index_pattern, viewer_of
from whodid_dashboards.opensearch.saved import Attributes, SavedObject, packaged
from whodid_dashboards.opensearch.server import Dashboards, Found
from whodid_indexer.store.plan import Plan, Step, holds
from whodid_schema.errors import Incomplete
from whodid_schema.visible import visible

_TEXTS = ("visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields", "fieldFormatMap", "sourceFilters")
_PATTERN = ("index-pattern", ID)


def objects_for(viewer: str) -> list[SavedObject]:
    """This version's objects, with the viewer at this address."""
    pattern = index_pattern(viewer)
    return [pattern if one.key == pattern.key else one for one in packaged()]


def make_plan(dashboards: Dashboards, viewer: str | None) -> tuple[Plan, list[SavedObject]]:
    """What differs from this version, and the objects to be imported so that nothing does.

    Without a `viewer` the one that was imported before stays.
    """
    there = dashboards.find(packaged())
    before = there.get(_PATTERN)
    known = viewer_of(before.attributes) if before is not None else None
    wanted = objects_for(viewer or known or DEFAULT_VIEWER)
    changed = [(one, _step(one, there.get(one.key))) for one in wanted]
    differing = [(one, step) for one, step in changed if not holds(step.before, step.after)]
    return Plan([step for _, step in differing]), [one for one, _ in differing]


def put(dashboards: Dashboards, objects: Sequence[SavedObject]) -> None:
    """Import the objects. Raises Incomplete that names every one that is not there, with its reason.

    After a refusal Dashboards is asked what it has: for a conflict or a missing reference of one object it writes none,
    and counts the others as imported all the same.
    """
    failures = dashboards.put(objects) if objects else []
    if not failures:
        return
    there = dashboards.find(objects)
    steps = [(one, _step(one, there.get(one.key))) for one in objects]
    lacking = [one for one, step in steps if not holds(step.before, step.after)]
    reasons = {(one.type, one.id): one.reason for one in failures}
    lines = [
        f"  {one.type} {one.id}: {visible(reasons.get(one.key, 'not written because of the others'))}"
        for one in sorted(lacking, key=lambda one: one.key not in reasons)
    ]
    raise Incomplete(
        "\n".join([f"{len(lacking)} of {len(objects)} objects were not imported:", *lines]),
        "run the command again when this is mended: it imports what is missing",
    )


def _step(wanted: SavedObject, found: Found | None) -> Step:
    named = {one.name: {"type": one.type, "id": one.id} for one in wanted.references}
    after = {"attributes": _read(wanted.attributes), "references": named}
    before = None
    if found is not None:
        there = {str(one.get("name")): {"type": one.get("type"), "id": one.get("id")} for one in found.references}
        before = {"attributes": _read(found.attributes), "references": there}
    kind = wanted.type.replace("-", " ")
    return Step(f"{kind} {wanted.title} ({wanted.id})", f"{wanted.type}/{wanted.id}", before, after)


def _read(attributes: Attributes) -> dict[str, Any]:
    """The attributes with the texts that hold JSON read; the fields by their names, without how often they are used."""
    found = {name: _parsed(value) if name in _TEXTS else value for name, value in attributes.items()}
    meta = found.get("kibanaSavedObjectMeta")
    if isinstance(meta, Mapping):
        found["kibanaSavedObjectMeta"] = {name: _parsed(value) for name, value in meta.items()}
    fields = found.get("fields")
    if isinstance(fields, list):
        known = [one for one in fields if isinstance(one, dict)]
        found["fields"] = {str(one.get("name")): {k: v for k, v in one.items() if k != "count"} for one in known}
    return found


def _parsed(value: Any) -> Any:
    """What a text holds; the text itself where that is not JSON."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value
