"""Archive files: what is in them, what proves it, and every fault leaves nothing that passes for an archive."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.archives import LEAVING, archived
from support.records import identifier, records
from support.small_disk import small_disk
from whodid_indexer.archive.manifest import read_manifest
from whodid_indexer.archive.mark import marked, unmarked
from whodid_indexer.archive.reader import lines_of, verify
from whodid_indexer.archive.writer import PART, Archive
from whodid_schema.errors import StateError, UsageError, WhodidError
from whodid_schema.record import Record, encode

START = 1_764_000_000_000_000
SOME = list(records(1, 200, START, 1_000_000))


def in_(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_named_by_class_and_range_and_holds_the_records_byte_for_byte(tmp_path: Path) -> None:
    path = archived(tmp_path, SOME)
    first, last = (str(SOME[at].timestamp)[:19].replace("-", "").replace(":", "") for at in (0, -1))
    assert path.name == f"whodid-activity-{first}Z-{last}Z.jsonl.gz"
    assert in_(tmp_path) == {path.name, f"{path.name}.manifest.json"}
    assert gzip.decompress(path.read_bytes()).splitlines() == [encode(record) for record in SOME]
    assert path.stat().st_mode & 0o077 == 0


def test_the_manifest_says_what_is_in_the_file_and_why_it_left_the_store(tmp_path: Path) -> None:
    path = archived(tmp_path, SOME)
    manifest = json.loads((tmp_path / f"{path.name}.manifest.json").read_text())
    ids = "".join(f"{record.id}\n" for record in SOME).encode()
    said = {name: manifest[name] for name in ("class", "what", "why", "records", "bytes", "sha256", "ids", "store")}
    assert said == {
        "class": "activity",
        "what": LEAVING.what,
        "why": LEAVING.why,
        "records": 200,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "ids": hashlib.sha256(ids).hexdigest(),
        "store": "sqlite:///audit.db",
    }
    assert (manifest["first"]["id"], manifest["last"]["id"]) == (SOME[0].id, SOME[-1].id)
    assert verify(path) == read_manifest(path)


def test_without_records_there_is_no_file(tmp_path: Path) -> None:
    with Archive(tmp_path, "") as archive:
        assert archive.keep(LEAVING, []) is None
    assert in_(tmp_path) == set()


def test_other_records_of_the_same_range_get_another_name_and_the_same_ones_are_not_doubled(tmp_path: Path) -> None:
    first = archived(tmp_path, SOME)
    content = first.read_bytes()
    other = archived(tmp_path, [SOME[0], SOME[-1]])
    assert other.name == first.name.replace(".jsonl", ".2.jsonl")
    assert (archived(tmp_path, SOME), first.read_bytes()) == (first, content)
    assert len(in_(tmp_path)) == 4


def test_an_archive_that_was_damaged_since_is_neither_trusted_nor_replaced(tmp_path: Path) -> None:
    first = archived(tmp_path, SOME)
    first.write_bytes(damaged := first.read_bytes()[:-20])
    again = archived(tmp_path, SOME)
    assert (again != first, first.read_bytes()) == (True, damaged)
    assert verify(again).records == 200


def test_a_newline_that_a_foreign_writer_left_between_values_does_not_tear_a_line(tmp_path: Path) -> None:
    body = encode(SOME[0]).replace(b',"app"', b',\n"app"')
    with Archive(tmp_path, "") as archive:
        kept = archive.keep(LEAVING, [(str(SOME[0].id), body)])
    assert kept is not None
    (line,) = lines_of(kept.path)
    assert json.loads(line) == json.loads(body)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[:-1], "was changed"),
        (lambda data: data[:400] + bytes([data[400] ^ 1]) + data[401:], "was changed"),
        (lambda data: data + b"x", "was changed"),
    ],
)
def test_one_changed_bit_is_seen(tmp_path: Path, spoil: Callable[[bytes], bytes], said: str) -> None:
    path = archived(tmp_path, SOME)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(WhodidError, match=said):
        verify(path)


def test_other_records_under_a_manifest_that_was_written_for_them_are_seen_by_their_ids(tmp_path: Path) -> None:
    path = archived(tmp_path, SOME)
    beside = tmp_path / f"{path.name}.manifest.json"
    path.write_bytes(gzip.compress(b"".join(encode(record) + b"\n" for record in SOME[1:])))
    manifest = json.loads(beside.read_text())
    manifest |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    beside.write_text(json.dumps(manifest))
    with pytest.raises(WhodidError, match="does not hold the 200 records that its manifest says: 199 others"):
        verify(path)


def test_without_a_manifest_or_with_one_of_an_export_it_is_said(tmp_path: Path) -> None:
    path = archived(tmp_path, SOME)
    beside = tmp_path / f"{path.name}.manifest.json"
    beside.write_text('{"rows": 3}')
    with pytest.raises(WhodidError, match="is not the manifest of an archive"):
        verify(path)
    beside.unlink()
    with pytest.raises(UsageError, match=r"manifest\.json is not there"):
        verify(path)


def test_a_full_disk_is_a_clear_error_and_nothing_is_left_to_keep_it_full(tmp_path: Path) -> None:
    with small_disk(4_096), pytest.raises(WhodidError, match=r"cannot archive into .*; what is not archived is not"):
        archived(tmp_path, SOME)
    assert in_(tmp_path) == set()
    assert verify(archived(tmp_path, SOME)).records == 200


def test_a_folder_that_is_not_there_or_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(WhodidError, match=r"cannot archive into .*: No such file"), Archive(tmp_path / "none", ""):
        pass
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(WhodidError, match=r"cannot archive into .*: Not a directory"), Archive(file, ""):
        pass


def test_what_reads_back_differently_is_no_archive(tmp_path: Path) -> None:
    """The store says another id than the record has: what was read back is not what was to be archived."""
    with Archive(tmp_path, "") as archive, pytest.raises(WhodidError, match="reads back differently"):
        archive.keep(LEAVING, [(identifier(7), encode(SOME[0]))])
    assert in_(tmp_path) == {PART}


def test_two_processes_do_not_archive_into_one_folder(tmp_path: Path) -> None:
    with (
        Archive(tmp_path, ""),
        pytest.raises(StateError, match="another process is archiving into"),
        Archive(tmp_path, ""),
    ):
        pass
    with Archive(tmp_path, ""):
        pass


_ENDLESS = """
import sys
from pathlib import Path
from support.archives import LEAVING
from support.records import records
from whodid_indexer.archive.writer import Archive
from whodid_schema.record import encode

with Archive(Path(sys.argv[1]), "") as archive:
    def endless():
        for number, record in enumerate(records(1, 10**9, 1_764_000_000_000_000, 1_000)):
            if number == 20_000:
                print("under way", flush=True)
            yield record.id, encode(record)
    archive.keep(LEAVING, endless())
"""


def test_killed_in_the_middle_it_leaves_no_archive_and_the_next_one_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    tests = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{tests}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-c", _ENDLESS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"under way\n"
        process.send_signal(signal.SIGKILL)
    assert in_(folder) == {PART}
    assert verify(archived(folder, SOME)).records == 200


def test_a_name_that_a_killed_process_had_just_given_is_kept(tmp_path: Path) -> None:
    """Between the two names of a finished file: the part's goes, the archive stays."""
    path = archived(tmp_path, SOME)
    (tmp_path / PART).hardlink_to(path)
    other = archived(tmp_path, SOME[:50])
    assert verify(path).records == 200
    assert verify(other).records == 50
    assert PART not in in_(tmp_path)


@given(st.lists(st.text(max_size=20), max_size=3), st.text(min_size=1, max_size=20))
def test_a_mark_comes_off_without_a_trace(meta: list[str], name: str) -> None:
    entries = [entry for entry in meta if not entry.startswith("whodid.restored=")]
    body = encode(Record(id=identifier(1), app="shop", meta=entries or None, raw='{"a": [1,\t2]}'))
    once = marked(body, name)
    assert json.loads(once)["meta"] == [*entries, f"whodid.restored={name}"]
    assert marked(marked(body, "other"), name) == once
    assert unmarked(once) == body
