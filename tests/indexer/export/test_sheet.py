"""CSV and NDJSON: what is read back is what the records say, and nothing in it is obeyed by anybody."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.serving import HOSTILE, make
from whodid_indexer.export.columns import AUDITOR, COLUMNS, cells, parse_columns
from whodid_indexer.export.file import write_whole
from whodid_indexer.export.lines import Lines, inert
from whodid_indexer.export.sheet import Sheet, guard, unguard
from whodid_schema.errors import UsageError, WhodidError
from whodid_schema.fields import FIELDS
from whodid_schema.record import Actor, Change, Record, Ref, encode
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


def test_a_file_appears_when_it_is_whole_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    def broken() -> "list[bytes]":
        raise WhodidError("the store went away")

    with pytest.raises(WhodidError):
        write_whole(path, (piece for _ in (1,) for piece in broken()), force=False)
    assert list(tmp_path.iterdir()) == []
    write_whole(path, [b"one"], force=False)
    with pytest.raises(UsageError, match="exists already"):
        write_whole(path, [b"two"], force=False)
    assert path.read_bytes() == b"one"
    write_whole(path, [b"two"], force=True)
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WhodidError, match="cannot write"):
        write_whole(tmp_path / "no" / "out.csv", [b""], force=False)
