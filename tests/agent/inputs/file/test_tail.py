"""Tailing one file: what is a line, and where it stands."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.inputs.file.tailing import Agent, lines, values
from whodid_agent.inputs.file.lines import cut
from whodid_agent.normalise.contract import Stream
from whodid_schema.errors import StateError

Tail = Callable[..., Agent]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_file_is_read_from_its_beginning_and_followed(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2))
    agent = tail()
    assert agent.read() == values(1, 2)
    append(path, lines(3))
    assert agent.read() == values(3)
    assert agent.read() == []


def test_a_file_that_does_not_exist_yet_is_waited_for_and_said_to_be(tail: Tail, path: Path) -> None:
    agent = tail()
    assert agent.read() == []
    assert agent.source.problems() == [f"{path}: there is no such file yet; it is waited for"]
    path.write_bytes(lines(1))
    assert agent.read() == values(1)
    assert agent.source.problems() == []


def test_an_empty_file_is_the_end_of_everything_at_once(tail: Tail, path: Path) -> None:
    path.touch()
    agent = tail()
    agent.source.finish()
    assert agent.read() == []
    assert agent.source.pending() == 0


def test_a_line_without_newline_is_held_back_until_the_newline_comes(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":')
    agent = tail()
    assert agent.read() == values(1)
    append(path, b"2}")
    assert agent.read() == []
    append(path, b"\n")
    assert agent.read() == values(2)


def test_the_last_line_without_newline_counts_when_finishing_if_it_is_complete(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2}')
    agent = tail()
    agent.source.finish()
    assert agent.read() == values(1, 2)
    append(path, b"\n" + lines(3))
    assert agent.read() == values(3)
    assert sum(row.counters.blank_bytes for row in agent.rows.values()) == 1


def test_the_last_line_stays_unread_when_finishing_if_it_is_not_complete(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":')
    agent = tail()
    agent.source.finish()
    assert agent.read() == values(1)
    assert agent.source.pending() == 0
    assert agent.source.problems() == [f"{path}: the last 5 bytes are no complete line and stay unread"]
    append(path, b"2}\n")
    assert agent.read() == values(2)


def test_every_byte_is_a_line_or_counted_as_none(tail: Tail, path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbf{"n":1}\r\n\n  \n\0\0\0{"n":2}\n\0\0\n')
    agent = tail()
    agent.source.poll()
    block = agent.source.read(1000)
    assert block is not None
    assert [line.data for line in block.lines] == values(1, 2)
    assert [line.origin.offset for line in block.lines] == [3, 19]
    assert (block.skipped_bytes, block.blank_bytes) == (3 + 3 + 2, 1 + 3 + 1)
    line_bytes = sum(line.end - line.origin.offset for line in block.lines)
    assert block.end == path.stat().st_size == line_bytes + block.blank_bytes + block.skipped_bytes


def test_nuls_in_front_of_a_line_are_passed_over_in_any_number(tail: Tail, path: Path) -> None:
    path.write_bytes(b"\0" * 300_000 + lines(1))
    agent = tail(chunk=4096, max_line=8192)
    assert agent.read(4096) == values(1)
    assert sum(row.counters.skipped_bytes for row in agent.rows.values()) == 300_000
    assert agent.refused == []


def test_a_line_above_the_limit_is_refused_and_stops_nothing(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1) + b"x" * 300_000 + b"\n" + lines(2))
    agent = tail(chunk=4096, max_line=100_000)
    assert agent.read(4096) == values(1, 2)
    ((offset, reason, detail),) = agent.refused
    assert (offset, reason) == (8, "line_too_long")
    assert "300001 bytes" in detail
    assert "100000" in detail


def test_a_line_of_ten_megabytes_is_one_line(tail: Tail, path: Path) -> None:
    long = b'"' + b"x" * 10_000_000 + b'"'
    path.write_bytes(lines(1) + long + b"\n" + lines(2))
    assert tail().read() == [*values(1), long, *values(2)]


def test_positions_are_those_of_the_original_bytes_whatever_redaction_does(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"p":"hunter2"}\n' + lines(1))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(1000)
    assert block is not None
    assert [(line.data, line.origin.offset, line.end) for line in block.lines] == [
        (b'{"p":"[FILTERED]"}', 0, 16),
        (b'{"n":1}', 16, 24),
    ]
    assert "hunter2" not in str(agent.source.detail(block.key, block.end))


def test_a_redaction_that_changes_the_number_of_lines_is_an_error() -> None:
    with pytest.raises(ValueError, match="number of lines"):
        cut(b"1\n2\n", 0, lambda _: Stream("file", "s"), lambda _: b"1\n", "")


def test_what_could_not_be_delivered_is_read_again(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2, 3))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(1000)
    assert block is not None
    agent.source.rewind(block.key, 8)
    agent.source.poll()
    again = agent.source.read(1000)
    assert again is not None
    assert [line.data for line in again.lines] == values(2, 3)


def test_a_restart_goes_on_at_the_checkpoint(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(*range(20_000)))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(70_000)
    assert block is not None
    agent.take(block)
    agent.restart()
    assert agent.read() == values(*range(20_000))[len(block.lines) :]


def test_a_state_of_a_newer_version_is_refused_with_a_hint(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1))
    agent = tail()
    agent.read()
    for row in agent.rows.values():
        row.detail["v"] = 99
    with pytest.raises(StateError, match="version 99"):
        agent.restart()


def test_a_directory_and_an_unreadable_file_are_named_and_stop_nothing(tail: Tail, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "good.jsonl").write_bytes(lines(1))
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    agent = tail(tmp_path / "*.jsonl")
    assert agent.read() == values(1)
    told = "\n".join(agent.source.problems())
    assert "folder.jsonl: is a directory" in told
    assert "pipe.jsonl: is not a regular file" in told


def test_a_file_without_permission_is_named_and_read_once_it_may_be(tail: Tail, own: Path) -> None:
    path = own / "a.jsonl"
    path.write_bytes(lines(1))
    path.chmod(0)
    agent = tail(path)
    assert agent.read() == []
    assert agent.source.problems() == [f"{path}: cannot be read: Permission denied"]
    path.chmod(0o600)
    assert agent.read() == values(1)


@pytest.mark.parametrize("pattern", ["logs/a.jsonl", "logs/*.jsonl", "*/a.jsonl", "logs/app/../a.jsonl"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_folder_without_permission_is_waited_for_and_nothing_in_it_is_missed_or_read_again(
    pattern: str, restarted: bool, tail: Tail, own: Path
) -> None:
    (own / "logs/app").mkdir(parents=True)
    path = own / "logs" / "a.jsonl"
    path.write_bytes(lines(1))
    agent = tail(own / pattern)
    assert agent.read() == values(1)
    append(path, lines(2))
    (own / "logs").chmod(0)
    if restarted:
        agent.restart()
    read = agent.read_patiently()
    assert agent.source.problems()
    (own / "logs").chmod(0o700)
    append(path, lines(3))
    assert read + agent.read_patiently() == values(2, 3)
    assert agent.missed() == 0


def test_files_of_a_glob_with_an_equal_first_line_are_streams_of_their_own(tail: Tail, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"pod-{number}-x.jsonl").write_bytes(lines(0, number))
    agent = tail(tmp_path / "*.jsonl")
    assert len(agent.read()) == 80
    assert len(set(agent.ids)) == 80
    agent.restart()
    assert agent.read() == []


def test_a_file_whose_name_is_no_text_is_a_stream_like_any_other(tmp_path: Path, tail: Tail) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.jsonl"))
    path.write_bytes(lines(1))
    agent = tail(tmp_path / "*.jsonl")
    assert agent.read() == values(1)
    [row] = agent.rows.values()
    assert msgspec.json.decode(msgspec.json.encode(row.detail))["source"] == f"h:{tmp_path}/caf\\xe9\n.jsonl"
    append(path, lines(2))
    agent.restart()
    assert agent.read() == values(2)


def test_more_files_than_descriptors_are_followed(tail: Tail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whodid_agent.inputs.file.descriptors.MOST", 8)
    for number in range(50):
        (tmp_path / f"pod-{number}-x.jsonl").write_bytes(lines(number))
    agent = tail(tmp_path / "*.jsonl")
    assert len(agent.read()) == 50
    assert len(agent.source._tracker.descriptors) <= 8
    for number in range(50):
        append(tmp_path / f"pod-{number}-x.jsonl", lines(1000 + number))
    assert sorted(agent.read()) == sorted(values(*range(1000, 1050)))
    for number in range(50):
        (tmp_path / f"pod-{number}-x.jsonl").write_bytes(lines(*range(2000 + number, 2010 + number)))
    assert len(agent.read()) == 500


def test_a_wake_up_comes_when_a_file_is_written(tail: Tail, path: Path) -> None:
    woken: list[float] = []
    path.write_bytes(lines(1))
    agent = tail(wake=lambda: woken.append(time.monotonic()))
    agent.read()
    woken.clear()
    append(path, lines(2))
    deadline = time.monotonic() + 5
    while not woken and time.monotonic() < deadline:
        time.sleep(0.01)
    assert woken
    assert agent.read() == values(2)
