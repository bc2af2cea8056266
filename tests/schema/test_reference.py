"""The documents written from the record: complete, and up to date in the tree."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from whodid_schema import jsonschema, record, reference, taxonomy
from whodid_schema.fields import FIELDS
from whodid_schema.meanings import CLOSED, MEANINGS
from whodid_schema.record import Record

FIELDS_PAGE = Path(__file__).parents[2] / "docs" / "fields.md"


def test_the_field_reference_in_the_tree_is_up_to_date() -> None:
    assert FIELDS_PAGE.read_text(encoding="utf-8") == reference.document()


def test_the_reference_is_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "fields.md"
    assert reference.main(["--check", str(page)]) == 1
    assert "out of date" in capsys.readouterr().err
    assert reference.main([str(page)]) == 0
    assert reference.main(["--check", str(page)]) == 0
    page.write_text("edited", encoding="utf-8")
    assert reference.main(["--check", str(page)]) == 1


def test_the_reference_without_a_file_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_query_name_verb_and_category_is_in_the_reference() -> None:
    text = reference.document()
    for name in (*FIELDS, *taxonomy.VERBS, *taxonomy.CATEGORIES):
        assert f"| `{name}` |" in text


def test_every_field_of_the_record_is_described_and_nothing_else_is() -> None:
    described = set()
    for part, definition in jsonschema.record_schema()["$defs"].items():
        for name, form in definition["properties"].items():
            described.add(name if part == "Record" else f"{part}.{name}")
            assert form["description"]
            assert f"{name}` |" in reference.document()
    assert described == set(MEANINGS)


def test_the_schema_covers_the_records_fields_as_they_are_written() -> None:
    properties = jsonschema.record_schema()["$defs"]["Record"]["properties"]
    assert list(properties) == [field.encode_name for field in msgspec.structs.fields(Record)]
    assert (
        record.decode(msgspec.json.encode({name: values[0] for name, values in CLOSED.items()})).surface == "activity"
    )


def test_the_schema_knows_no_null_and_every_reference_leads_somewhere() -> None:
    schema = jsonschema.record_schema()
    references: list[str] = []

    def walk(form: Any) -> None:
        if isinstance(form, dict):
            assert form.get("type") != "null"
            if "$ref" in form:
                references.append(form["$ref"])
            for inner in form.values():
                walk(inner)
        elif isinstance(form, list):
            for inner in form:
                walk(inner)

    walk(schema)
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


def test_the_schema_document_is_json_that_ends_its_line() -> None:
    text = jsonschema.document()
    assert msgspec.json.decode(text) == jsonschema.record_schema()
    assert text.endswith("}\n")
