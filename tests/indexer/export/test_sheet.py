"""CSV and NDJSON: what is read back is what the records say, and nothing in it is obeyed by anybody."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.records import records
from support.serving import HOSTILE, make
from whodid_indexer.export.columns import AUDITOR, COLUMNS, PATHS, cells, light_decoder, parse_columns
from whodid_indexer.export.file import put_in_place
from whodid_indexer.export.lines import Lines, inert
from whodid_indexer.export.sheet import Sheet, _line, guard, unguard
from whodid_indexer.query.zones import shown_time
from whodid_schema.errors import UsageError
from whodid_schema.fields import FIELDS
from whodid_schema.record import Actor, Change, Record, Ref, Snapshot, encode
from whodid_schema.visible import visible

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def read_back(sheet: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sheet.decode(), newline="")))


def hostile(text: str, number: int = 0) -> Record:
    return make(
        number,
        action=text,
        description=text,
        reason=text,
        actor=Actor(type=text, name=text, email=text, id=text),
        workspace=Ref(text, text),
        changes=[Change(text, text, text)],
        metadata={text: text, "plan": {"name": text}},
        raw=json.dumps(text),
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_every_column_of_a_hostile_record_reads_back_as_the_record_has_it(kind: str) -> None:
    columns = (*COLUMNS, "meta.plan.name")
    record = hostile(HOSTILE[kind])
    sheet = b"".join(Sheet(columns).chunks([encode(record)]))
    [row] = read_back(sheet)
    for name, cell in zip(columns, cells(columns), strict=True):
        assert unguard(row[name]) == visible(cell(record), newlines=True), name
    assert not STEERING.search(sheet.decode().replace("\r\n", ""))


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_cell_of_a_hostile_record_is_computed_by_a_spreadsheet(kind: str) -> None:
    [row] = read_back(b"".join(Sheet(AUDITOR).chunks([encode(hostile(HOSTILE[kind]))])))
    assert not any(cell[:1] in set("=+-@\t\r\n") for cell in row.values() if cell)


@given(st.text(alphabet=st.sampled_from("'=+-@\tab＝"), max_size=6))
def test_the_guard_can_be_taken_away(text: str) -> None:
    assert unguard(guard(text)) == text
    assert guard(text)[:1] not in set("=+-@\t＝")


@given(st.text(max_size=40), st.sampled_from(sorted(HOSTILE)))
def test_inert_json_is_the_same_value_and_steers_nothing(text: str, kind: str) -> None:
    body = json.dumps({text: [HOSTILE[kind], text]}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    safe = inert(body)
    assert json.loads(safe) == json.loads(body.decode("utf-8", "surrogatepass"))
    assert not STEERING.search(safe.decode())


def test_a_large_export_comes_in_pieces_and_counts_its_rows() -> None:
    sheet, lines = Sheet(AUDITOR), Lines()
    bodies = [encode(make(number)) for number in range(2000)]
    assert len(list(sheet.chunks(bodies))) > 2
    assert len(list(lines.chunks(bodies))) > 2
    assert sheet.rows == lines.rows == 2000


def test_every_query_name_is_a_column() -> None:
    assert set(FIELDS) <= set(COLUMNS)


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        parse_columns("time,acter")
    assert "did you mean 'actor'?" in str(caught.value)


def test_a_file_gets_its_name_when_it_is_whole_and_never_anothers(tmp_path: Path) -> None:
    path, part = tmp_path / "out.csv", tmp_path / ".out.csv.part"
    part.write_bytes(b"one")
    put_in_place(part, path, force=False)
    part.write_bytes(b"two")
    with pytest.raises(UsageError, match="exists already"):
        put_in_place(part, path, force=False)
    assert path.read_bytes() == b"one"
    put_in_place(part, path, force=True)
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", sorted(PATHS.keys() - COLUMNS.keys() - {"timestamp"}))
def test_every_path_of_a_record_is_a_column(name: str) -> None:
    record = hostile("=1+1")
    [row] = read_back(b"".join(Sheet([name]).chunks([encode(record)])))
    value: Any = json.loads(encode(record))
    for step in name.split("."):
        value = value[step] if isinstance(value, dict) and step in value else None
    written = unguard(row[guard(name)])
    assert written == ("" if value is None else value if isinstance(value, str) else written)
    if isinstance(value, dict | list | int):
        assert json.loads(written) == value


@pytest.mark.parametrize(
    "cell", ["-1", "+49 30 1234", "=1", "@x", "\t1", "\r1", "＝1", "＋1", "－1", "＠1", "'=1", "''-2"]
)
def test_what_a_spreadsheet_would_compute_is_a_text_and_can_be_read_back(cell: str) -> None:
    written = guard(cell)
    assert written[:1] == "'"
    assert unguard(written) == cell


@pytest.mark.parametrize("cell", ["", "1", "a-b", "'quoted'", "a=b", "2026-11-21", "x\ty"])
def test_everything_else_is_written_as_it_is(cell: str) -> None:
    assert guard(cell) == cell


def test_for_excel_the_file_is_marked_as_utf_8_and_the_zone_stands_in_the_heading() -> None:
    sheet = Sheet(
        ["time", "actor"], lambda record: shown_time(record.timestamp, ZoneInfo("Europe/Paris")), excel="Europe/Paris"
    )
    lines = b"".join(sheet.chunks([encode(make(0))])).decode("utf-8-sig").split("\r\n")
    assert lines == ["time (Europe/Paris),actor", "2025-11-24 17:00:00,Ana Ruiz", ""]


def test_pandas_and_libreoffice_read_the_dialect_by_their_defaults() -> None:
    """Comma, double quotes, doubled within, one header line; the first line is none that names a separator."""
    text = b"".join(Sheet(AUDITOR).chunks([encode(hostile(value)) for value in HOSTILE.values()])).decode()
    dialect = csv.Sniffer().sniff(text.partition("\r\n")[0], ",;\t")
    assert dialect.delimiter == ","
    assert not text.lower().startswith("sep=")
    assert text.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(AUDITOR)}
    assert len(rows) == len(HOSTILE) + 1
    assert "\0" not in text


@given(st.lists(st.lists(st.text(alphabet='ab,"\n é', max_size=4), min_size=2, max_size=3), min_size=1, max_size=3))
def test_a_line_is_what_csv_writer_makes_of_it(rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    assert "".join(map(_line, rows)) == buffer.getvalue()


def test_one_column_can_be_empty() -> None:
    sheet = Sheet(["reason"]).chunks([encode(make(1)), encode(make(2, reason="no"))])
    assert b"".join(sheet) == b'reason\r\n""\r\nno\r\n'


@pytest.mark.parametrize("name", [*COLUMNS, *PATHS, "meta.plan.name"])
def test_a_column_sees_all_that_it_looks_at(name: str) -> None:
    record = next(records(3, 1, 1_790_000_000_000_000, 10))
    record = msgspec.structs.replace(record, snapshot=Snapshot({"a": 1}, {"a": 2}), raw_redacted=True)
    [cell] = cells([name])
    assert cell(light_decoder([name])(encode(record))) == cell(record)
