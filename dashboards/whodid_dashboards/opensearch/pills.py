"""Filters of ours as Dashboards shows them, one pill each: a field has a value. It sends their `query` as it is."""

from collections.abc import Iterable
from typing import Any

from whodid_dashboards.opensearch.fields import ID
from whodid_dashboards.opensearch.saved import Reference

Only = tuple[str, str]
"""A field, and the value that it has."""


def pills(only: Iterable[Only]) -> tuple[list[dict[str, Any]], list[Reference]]:
    """The filters as `searchSourceJSON` has them, and what they refer to."""
    found, references = [], []
    for number, (field, value) in enumerate(only):
        name = f"kibanaSavedObjectMeta.searchSourceJSON.filter[{number}].meta.index"
        references.append(Reference(name, "index-pattern", ID))
        meta = {
            "alias": None,
            "disabled": False,
            "negate": False,
            "type": "phrase",
            "key": field,
            "params": {"query": value},
            "indexRefName": name,
        }
        query = {"match_phrase": {field: value}}
        found.append({"$state": {"store": "appState"}, "meta": meta, "query": query})
    return found, references
