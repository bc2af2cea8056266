"""A forwarded file: every line once and whole, whenever the process ended, however often the file was rotated."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.forwarding import ids_of, made
from whodid_indexer.forward.bookmark import Bookmark, FileState
from whodid_indexer.forward.file import FileSink
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, NotTaken
from whodid_schema.errors import StateError
from whodid_schema.record import Record, encode


class Writer:
    """A sink with its bookmark; `send` is what a consumer does with a batch."""

    def __init__(self, folder: Path, **given: Any) -> None:
        self.path = folder / "out" / "audit.jsonl"
        self.path.parent.mkdir(exist_ok=True)
        settings = {"name": "f", "kind": "file", "address": str(self.path)} | given
        self.mark = Bookmark(folder / "state", "f", "sqlite:///x")
        self.sink = FileSink(ConsumerSettings.model_validate(settings), self.mark.place.file, self.remember)

    def remember(self, state: FileState) -> None:
        self.mark.save(file=state)

    def send(self, records: list[Record], *, settled: bool = True) -> None:
        bodies = [encode(record) for record in records]
        assert self.sink.send(Batch(bodies, [self.sink.line(body) for body in bodies], "1", 1, 0), "") == 1
        if settled:
            self.mark.save(file=self.sink.state)

    def end(self) -> None:
        self.sink.close()
        self.mark.__exit__()

    def ids(self) -> list[str]:
        """Of all files, in the order in which they were begun."""
        rotated = sorted(self.path.parent.glob("audit-*.jsonl"), key=lambda path: path.stem)
        lines = [line for path in [*rotated, self.path] if path.exists() for line in path.read_text().splitlines()]
        return [json.loads(line)["id"] for line in lines]


def test_what_was_written_and_does_not_count_is_cut_off_and_written_again(tmp_path: Path) -> None:
    records = made(0, 30)
    writer = Writer(tmp_path)
    writer.send(records[:10])
    writer.send(records[10:20], settled=False)  # killed before the bookmark
    writer.end()
    with writer.path.open("ab") as file:
        file.write(b'{"id":"half a li')
    again = Writer(tmp_path)
    again.send(records[10:])
    assert again.ids() == ids_of(records)
    again.end()


def test_a_full_file_gets_another_name_and_no_line_is_lost_or_doubled(tmp_path: Path) -> None:
    records = made(0, 200)
    writer = Writer(tmp_path, rotate_bytes=10_000)
    for start in range(0, 200, 20):
        writer.send(records[start : start + 20])
    assert len(list(writer.path.parent.iterdir())) > 3
    assert writer.ids() == ids_of(records)
    assert all(path.read_bytes().endswith(b"\n") for path in writer.path.parent.iterdir())
    writer.end()


@pytest.mark.parametrize("step", ["before the rename", "after the rename", "with a new file"])
def test_a_rotation_that_was_interrupted_is_finished(tmp_path: Path, step: str) -> None:
    records = made(0, 60)
    writer = Writer(tmp_path)
    writer.send(records[:50])
    state = writer.sink.state
    assert state is not None
    writer.mark.save(file=FileState(state.inode, state.size, "audit-20260101T000000Z.jsonl"))
    writer.end()
    if step != "before the rename":
        writer.path.rename(writer.path.with_name("audit-20260101T000000Z.jsonl"))
    if step == "with a new file":
        writer.path.write_bytes(b"a line that did not count yet\n")
    again = Writer(tmp_path)
    again.send(records[50:])
    assert again.ids() == ids_of(records)
    assert len(again.path.read_bytes().splitlines()) == 10
    again.end()


def test_only_as_many_rotated_files_are_kept_as_was_said_and_no_other_file_is_touched(tmp_path: Path) -> None:
    writer = Writer(tmp_path, rotate_bytes=10_000, keep=2)
    other = writer.path.with_name("audit-of-something-else.jsonl")
    other.write_text("kept")
    for start in range(0, 400, 20):
        writer.send(made(start, start + 20))
    assert len(list(writer.path.parent.glob("audit-2*.jsonl"))) == 2
    assert other.read_text() == "kept"
    writer.end()


def test_a_clock_that_was_put_back_costs_no_file_that_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are kept in the order in which they were begun, whatever time it was then."""
    hours = iter([10, 11, 3, 3, 12, 4])
    monkeypatch.setattr("whodid_indexer.forward.file.time.gmtime", lambda: (2026, 11, 21, next(hours), 0, 0, 0, 0, 0))
    writer = Writer(tmp_path, rotate_bytes=10_000, keep=2)
    records = made(0, 140)
    for start in range(0, 140, 20):
        writer.send(records[start : start + 20])
    names = sorted(path.name for path in writer.path.parent.glob("audit-*.jsonl"))
    assert names == ["audit-20261121T120000Z-002.jsonl", "audit-20261121T120000Z.jsonl"]
    assert sorted(writer.ids()) == sorted(ids_of(records[80:]))
    writer.end()


def test_a_file_that_somebody_moved_away_is_followed_by_a_new_one(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.send(made(0, 10))
    writer.path.rename(writer.path.with_name("audit-0.jsonl"))
    writer.send(made(10, 20))
    assert writer.ids() == ids_of(made(0, 20))
    writer.end()


def test_a_full_disk_leaves_no_half_line_and_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path)
    writer.send(made(0, 10))
    size = writer.path.stat().st_size
    real, room = os.write, [5]

    def full(handle: int, data: Any) -> int:
        if room and room.pop():
            return real(handle, bytes(data[:5]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NotTaken, match="No space left"):
        writer.send(made(10, 20))
    assert writer.path.stat().st_size == size
    monkeypatch.undo()
    writer.send(made(10, 20))
    assert writer.ids() == ids_of(made(0, 20))
    writer.end()


def test_a_file_that_is_not_ours_is_not_written_into(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.path.write_text("not a whole line")
    with pytest.raises(StateError, match="ends within a line"):
        writer.send(made(0, 1))
    writer.path.unlink()
    writer.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotTaken):
        writer.send(made(0, 1))
    writer.end()
