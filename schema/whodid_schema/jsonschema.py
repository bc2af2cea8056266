"""The JSON Schema (2020-12) of the audit record, generated from the structs.

`python -m whodid_schema.jsonschema` prints it.
"""

import json
import sys
from typing import Any

import msgspec

from whodid_schema import SCHEMA_VERSION
from whodid_schema.meanings import CLOSED, MEANINGS
from whodid_schema.record import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_schema() -> dict[str, Any]:
    """The schema of one record as it is stored and answered, every field with its meaning.

    A field that has no value is absent from a record, never null.
    """
    (reference,), definitions = msgspec.json.schema_components([Record], ref_template="#/$defs/{name}")
    for part, definition in definitions.items():
        for name, form in definition["properties"].items():
            definition["properties"][name] = _present(form) | {"description": meaning(part, name)}
    for name, values in CLOSED.items():
        definitions["Record"]["properties"][name]["enum"] = list(values)
    return {
        "$schema": DIALECT,
        "$id": f"urn:whodid:record:{SCHEMA_VERSION}",
        "title": "whodid audit record",
        **reference,
        "$defs": definitions,
    }


def meaning(part: str, name: str) -> str:
    """What a field of a part of the record means. Raises KeyError where nobody has said."""
    return MEANINGS[name if part == "Record" else f"{part}.{name}"]


def _present(form: dict[str, Any]) -> dict[str, Any]:
    """The form of a value that is there: without null, and without the default that stands for absence."""
    options = [option for option in form.get("anyOf", [form]) if option != {"type": "null"}]
    return {key: value for key, value in options[0].items() if key != "default"}


def document() -> str:
    """The schema as text, indented, with a newline at its end."""
    return json.dumps(record_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
