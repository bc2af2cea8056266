"""Saved objects as Dashboards exports and imports them: one line of JSON each.

    {"id","type","attributes":{…},"references":[{"name","type","id"}],"migrationVersion":{type: version}}

What is an object inside of `attributes` is JSON in a text there (`visState`, `panelsJSON`, `searchSourceJSON` …).
The versions are the last ones before OpenSearch Dashboards was its own: every release of it reads them and brings
them up to its own form, and refuses none as too new.
"""

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from msgspec import Struct, to_builtins

PREFIX = "whodid-"
"""What every id of ours begins with; nothing else is ever overwritten."""

MARK = "[whodid] "
"""What titles of searches and panels begin with, so that typing it lists them all; dashboards show them without."""

VERSIONS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
"""The form of each type's attributes."""

INDEX_REFERENCE = "kibanaSavedObjectMeta.searchSourceJSON.index"

FILE = "whodid.ndjson"
"""The generated file, beside this module."""

Attributes = dict[str, Any]


class Reference(Struct, frozen=True):
    """An object that another one names: `name` is where it stands there."""

    name: str
    type: str
    id: str


class SavedObject(Struct, frozen=True):
    """One saved object."""

    id: str
    type: str
    attributes: Attributes
    references: tuple[Reference, ...] = ()

    @property
    def title(self) -> str:
        """What people see on a dashboard: without the mark that finds ours in Dashboards' lists."""
        return str(self.attributes["title"]).removeprefix(MARK)

    @property
    def key(self) -> tuple[str, str]:
        """Type and id: what tells objects apart."""
        return self.type, self.id

    def inner(self, name: str) -> Any:
        """What the text of an attribute holds."""
        return json.loads(self.attributes[name])

    def search_source(self) -> Any:
        """Its query and filters; nothing where it has none."""
        return json.loads(self.attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))


def text(value: Any) -> str:
    """A value as the attributes hold it: compact JSON, always written alike."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_ndjson(objects: Iterable[SavedObject]) -> str:
    """The objects as a file for import."""
    lines = [
        text(
            {
                "id": one.id,
                "type": one.type,
                "attributes": one.attributes,
                "references": to_builtins(one.references),
                "migrationVersion": {one.type: VERSIONS[one.type]},
            }
        )
        for one in objects
    ]
    return "".join(f"{line}\n" for line in lines)


def from_ndjson(content: str) -> list[SavedObject]:
    """The objects of such a file."""
    found = (json.loads(line) for line in content.splitlines())
    return [
        SavedObject(
            one["id"], one["type"], one["attributes"], tuple(Reference(**reference) for reference in one["references"])
        )
        for one in found
    ]


def packaged() -> Sequence[SavedObject]:
    """The objects of this version."""
    return from_ndjson(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
