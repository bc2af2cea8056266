"""The index pattern: its fields, derived from the mapping, and how their values are shown.

Its title is the pattern of the index template, and of the roles: Dashboards sees what `whodid` asks, and an empty
cluster is an empty answer instead of an error.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from whodid_dashboards.opensearch.saved import SavedObject, text
from whodid_indexer.store.opensearch.mapping import mapping
from whodid_indexer.store.opensearch.template import PATTERN
from whodid_schema.document import KEYS, SEARCH
from whodid_schema.errors import UsageError

ID = "whodid-events"
"""The index pattern's id."""

TIME = "@timestamp"

DEFAULT_VIEWER = "http://127.0.0.1:8642"
"""Where the viewer is unless somebody says it is elsewhere."""

_TYPES = {
    "keyword": "string",
    "text": "string",
    "ip": "ip",
    "date_nanos": "date",
    "boolean": "boolean",
    "long": "number",
}
_META = (
    ("_id", "string", True),
    ("_index", "string", True),
    ("_score", "number", False),
    ("_source", "_source", False),
)
_HIDDEN = (KEYS, SEARCH)
"""Not shown with a record: they are there to find it by."""


class Field(Struct, frozen=True):
    """A field as Dashboards knows it: `type` is its own word, `kind` OpenSearch's."""

    name: str
    type: str
    kind: str
    searchable: bool
    aggregatable: bool


@cache
def fields() -> Mapping[str, Field]:
    """Every field of a record that OpenSearch knows, by name."""
    return MappingProxyType(dict(sorted(_leaves(mapping()["properties"], ""))))


def _leaves(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Field]]:
    for name, mapped in properties.items():
        path = f"{prefix}{name}"
        if "properties" in mapped:
            yield from _leaves(mapped["properties"], f"{path}.")
        elif mapped["type"] == "alias":
            yield path, _field(path, _at(mapped["path"]))
        elif mapped["type"] != "object":
            yield path, _field(path, mapped)


def _at(path: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = mapping()
    for part in path.split("."):
        found = found["properties"][part]
    return found


def _field(name: str, mapped: Mapping[str, Any]) -> Field:
    kind = mapped["type"]
    aggregatable = kind != "text" and mapped.get("doc_values", True)
    return Field(name, _TYPES[kind], kind, mapped.get("index", True), aggregatable)


def index_pattern(viewer: str = DEFAULT_VIEWER) -> SavedObject:
    """The index pattern, whose ids lead to the viewer at this address."""
    return SavedObject(
        ID,
        "index-pattern",
        {
            "title": PATTERN,
            "timeFieldName": TIME,
            "fields": text([*_meta_fields(), *map(_written, fields().values())]),
            "fieldFormatMap": text(_formats(viewer)),
            "sourceFilters": text([{"value": name} for name in _HIDDEN]),
        },
    )


def _meta_fields() -> Iterator[dict[str, Any]]:
    for name, kind, usable in _META:
        yield {
            "count": 0,
            "name": name,
            "type": kind,
            "esTypes": [name] if kind != "number" else [],
            "scripted": False,
            "searchable": usable,
            "aggregatable": usable,
            "readFromDocValues": False,
        }


def _written(field: Field) -> dict[str, Any]:
    return {
        "count": 0,
        "name": field.name,
        "type": field.type,
        "esTypes": [field.kind],
        "scripted": False,
        "searchable": field.searchable,
        "aggregatable": field.aggregatable,
        "readFromDocValues": field.aggregatable,
    }


def _formats(viewer: str) -> dict[str, Any]:
    """`{{value}}` is percent-encoded by Dashboards, and an id is nothing but letters and digits anyway."""
    link = {"id": "url", "params": {"urlTemplate": f"{viewer}/event/{{{{value}}}}", "labelTemplate": "{{value}}"}}
    moment = {"id": "date_nanos", "params": {"pattern": "YYYY-MM-DD HH:mm:ss.SSSSSS"}}
    formats: dict[str, Any] = {"id": link, "event.id": link}
    for field in fields().values():
        if field.type == "date":
            formats[field.name] = moment
        elif field.type == "ip":
            formats[field.name] = {"id": "string"}
    return formats


def viewer_of(pattern: Mapping[str, Any]) -> str | None:
    """The viewer's address that the attributes of an index pattern lead to; None where they lead nowhere of ours."""
    found = re.search(r'"urlTemplate":"(https?://[^"{}]+)/event/\{\{value\}\}"', pattern.get("fieldFormatMap") or "")
    return found[1] if found else None


def checked_viewer(url: str) -> str:
    """The viewer's address without a last slash. Raises UsageError where a link cannot begin with it."""
    example = "write it like https://audit.example.com"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--viewer: {url!r} is not a URL: {error}", example) from error
    if parts.username or parts.password:
        raise UsageError("--viewer: the URL holds credentials, and everybody sees the links", example)
    clean = url.isascii() and url.isprintable() and not re.search(r"[\s{}\"<>\\]", url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or not clean:
        raise UsageError(f"--viewer: {url!r} is not the URL of a viewer", example)
    return url.rstrip("/")
