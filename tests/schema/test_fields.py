"""The one table of what can be asked for: it names real places of the record, and no two things the same."""

from typing import Any

import pytest

from whodid_schema import taxonomy
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX, Field
from whodid_schema.jsonschema import record_schema

DEFINITIONS: dict[str, Any] = record_schema()["$defs"]

DESIGNED = (
    "id app surface kind category action verb outcome reason actor actor.key actor.type email role provider "
    "target type workspace workspace.id project project.id layer ip device session request changed"
)


def place(path: str) -> dict[str, Any] | None:
    """The JSON Schema of a dotted path in the record; None where the record has no such place."""
    form: dict[str, Any] = {"$ref": "#/$defs/Record"}
    for name in path.split("."):
        reference = form.get("$ref")
        properties = DEFINITIONS[reference.rpartition("/")[2]]["properties"] if reference else {}
        if name not in properties:
            return None
        form = properties[name]
    return form


def test_the_query_names_are_the_designed_ones() -> None:
    assert list(FIELDS) == DESIGNED.split()


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_field_names_a_place_in_the_record(field: Field) -> None:
    assert place(field.path) is not None


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_only_closed_fields_have_values_and_they_are_the_records(field: Field) -> None:
    form = place(field.path)
    assert form is not None
    assert (field.match == "closed") == bool(field.values)
    assert form.get("enum", []) == list(field.values)


def test_flags_are_unique_and_fit_for_a_command_line() -> None:
    flags = [field.flag for field in FIELDS.values()]
    assert len(set(flags)) == len(flags)
    assert all(flag.replace("-", "").isalpha() and flag.islower() for flag in flags)
    assert FIELDS["actor.type"].flag == "actor-type"


def test_aliases_mean_fields_and_hide_none() -> None:
    assert set(ALIASES.values()) <= set(FIELDS)
    assert not set(ALIASES) & set(FIELDS)
    assert not any(name.startswith(META_PREFIX) for name in (*FIELDS, *ALIASES))


def test_every_field_says_in_one_line_what_it_is() -> None:
    for field in FIELDS.values():
        assert field.help
        assert "\n" not in field.help


def test_closed_sets_have_no_doubles() -> None:
    for values in (taxonomy.SURFACES, taxonomy.KINDS, taxonomy.VERBS, taxonomy.OUTCOMES, taxonomy.LAYERS):
        assert len(set(values)) == len(values)
