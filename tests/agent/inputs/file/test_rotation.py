"""What rotation, truncation, copies and deletion do to a file: nothing is read twice, nothing is passed over."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from agent.inputs.file.tailing import Agent, lines, values
from whodid_agent.inputs.contract import Gone

Tail = Callable[..., Agent]

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def pack(path: Path, suffix: str) -> Path:
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(PACK[suffix](path.read_bytes()))
    shutil.copystat(path, packed)
    path.unlink()
    return packed


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1))
    agent = tail()
    assert agent.read() == values(1)
    append(path, lines(2))
    path.rename(f"{path}.1")
    append(Path(f"{path}.1"), lines(3))
    path.write_bytes(lines(4))
    assert agent.read() == values(2, 3, 4)


def test_siblings_that_were_there_before_are_read_oldest_first(tail: Tail, path: Path) -> None:
    for age, name in enumerate(("a.jsonl", "a.jsonl.1", "a.jsonl-20261119", "a-2026-11-18.3.jsonl", "a.jsonl.9.gz")):
        file = path.with_name(name)
        file.write_bytes(gzip.compress(lines(9 - age)) if name.endswith("gz") else lines(9 - age))
        os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
    path.with_name("b.jsonl.1").write_bytes(lines(99))
    agent = tail()
    assert agent.read() == values(5, 6, 7, 8, 9)
    assert {row.detail["source"] for row in agent.rows.values()} == {f"h:{path}"}


@pytest.mark.parametrize("suffix", PACK)
def test_a_rotated_and_compressed_file_gives_nothing_new(tail: Tail, path: Path, suffix: str) -> None:
    path.write_bytes(lines(1, 2))
    agent = tail()
    agent.read()
    path.rename(f"{path}.1")
    pack(Path(f"{path}.1"), suffix)
    assert agent.read_patiently() == []
    agent.restart()
    assert agent.read_patiently() == []
    assert agent.missed() == 0


@pytest.mark.parametrize("suffix", PACK)
def test_lines_that_were_not_read_before_compression_are_read_from_it(tail: Tail, path: Path, suffix: str) -> None:
    path.write_bytes(lines(*range(100_000)))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(200_000)
    assert block is not None
    read = agent.take(block)
    agent.source.close()
    path.rename(f"{path}.1")
    pack(Path(f"{path}.1"), suffix)
    agent.start()
    assert read + agent.read_patiently() == values(*range(100_000))
    assert agent.missed() == 0


def test_after_the_state_is_lost_a_compressed_copy_gives_the_same_ids(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2, 3))
    first = tail()
    first.read()
    path.rename(f"{path}.2")
    pack(Path(f"{path}.2"), ".gz")
    second = tail()
    second.read()
    assert second.ids == first.ids


def test_a_plain_copy_beside_the_file_gives_nothing_new(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2, 3))
    agent = tail()
    agent.read()
    shutil.copy(path, f"{path}.1")
    assert agent.read_patiently() == []
    append(path, lines(4))
    assert agent.read_patiently() == values(4)


def test_a_file_cut_short_in_compression_is_named_and_read_as_far_as_it_goes(tail: Tail, path: Path) -> None:
    data = gzip.compress(b"".join(b'{"n":"%s"}\n' % os.urandom(40).hex().encode() for _ in range(10_000)))
    packed = Path(f"{path}.1.gz")
    packed.write_bytes(data[: len(data) // 2])
    agent = tail()
    assert len(agent.read_patiently()) > 1000
    assert any("cut short" in problem for problem in agent.source.problems())
    packed.write_bytes(data)
    agent.read_patiently()
    assert len(agent.ids) == len(set(agent.ids)) == 10_000


def test_unread_lines_of_a_truncated_file_come_from_its_copy(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1))
    agent = tail()
    agent.read()
    append(path, lines(2, 3))
    shutil.copy2(path, f"{path}.1")
    os.truncate(path, 0)
    append(path, lines(4))
    assert agent.read_patiently() == values(2, 3, 4)
    assert agent.missed() == 0


def test_a_file_that_grew_past_the_old_position_after_truncation_is_read_from_its_beginning(
    tail: Tail, path: Path
) -> None:
    path.write_bytes(lines(1, 2))
    agent = tail()
    agent.read()
    path.write_bytes(lines(5, 6, 7, 8, 9))
    assert agent.read() == values(5, 6, 7, 8, 9)
    agent.source.close()
    path.write_bytes(lines(*range(20, 40)))
    agent.start()
    assert agent.read() == values(*range(20, 40))


def test_what_was_seen_and_truncated_without_a_copy_is_counted_as_missed(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2, 3))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(10)
    assert block is not None
    assert agent.take(block) == values(1)
    path.write_bytes(lines(4))
    assert agent.read_patiently() == values(4)
    assert agent.missed() == 16
    agent.restart()
    agent.read_patiently()
    assert agent.missed() == 0


def test_an_inode_that_was_used_again_while_stopped_is_a_new_file(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1, 2))
    agent = tail()
    agent.read()
    agent.source.close()
    inode = path.stat().st_ino
    for _ in range(50):
        path.unlink()
        path.write_bytes(lines(3, 4, 5))
        if path.stat().st_ino == inode:
            break
    agent.start()
    assert agent.read() == values(3, 4, 5)


def test_a_deleted_file_is_read_to_its_end_from_the_open_descriptor(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(1))
    agent = tail()
    agent.read()
    with path.open("ab") as still_open:
        path.unlink()
        still_open.write(lines(2))
        still_open.flush()
        assert agent.read() == values(2)
        still_open.write(lines(3))
        still_open.flush()
        assert agent.read_patiently() == values(3)
    assert agent.missed() == 0


def test_equal_lines_in_a_rotated_and_a_new_file_are_all_read(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(*[7] * 500))
    agent = tail()
    assert len(agent.read()) == 500
    path.rename(f"{path}.1")
    path.write_bytes(lines(*[7] * 500))
    assert len(agent.read_patiently()) == 500
    agent.source.close()
    Path(f"{path}.1").rename(f"{path}.2")
    path.rename(f"{path}.1")
    path.write_bytes(lines(*[7] * 700))
    agent.start()
    assert len(agent.read_patiently()) == 700
    receipts = {row.detail["first_receipt"] for row in agent.rows.values()}
    assert len(receipts) == 3


def test_half_a_line_at_the_end_of_a_rotated_file_is_refused_not_lost(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":')
    agent = tail()
    assert agent.read() == values(1)
    path.rename(f"{path}.1")
    path.write_bytes(lines(2))
    assert agent.read_patiently() == values(2)
    assert [(offset, reason) for offset, reason, _ in agent.refused] == [(8, "unterminated")]


def test_a_whole_last_line_of_a_rotated_file_needs_no_newline(tail: Tail, path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2}')
    agent = tail()
    assert agent.read() == values(1)
    path.rename(f"{path}.1")
    assert agent.read_patiently() == values(2)
    assert agent.refused == []


@pytest.mark.parametrize("rotate", ["nothing", "rename", "compress", "copy and truncate"])
def test_the_journal_gets_the_same_lines_again_wherever_they_are_now(tail: Tail, path: Path, rotate: str) -> None:
    path.write_bytes(lines(*range(50_000)))
    agent = tail()
    agent.source.poll()
    first = agent.source.read(100_000)
    assert first is not None
    agent.take(first)
    sent = agent.source.read(100_000)
    assert sent is not None
    agent.source.close()
    if rotate == "copy and truncate":
        shutil.copy2(path, f"{path}.1")
        path.write_bytes(lines(-1))
    elif rotate != "nothing":
        path.rename(f"{path}.1")
        if rotate == "compress":
            pack(Path(f"{path}.1"), ".gz")
    agent.start()
    replayed = list(agent.source.replay(sent.key, sent.start, sent.end, "2026-01-01T00:00:00.000000Z"))
    got = [line for block in replayed for line in block.lines]
    assert [line.data for line in got] == [line.data for line in sent.lines]
    assert [line.origin.offset for line in got] == [line.origin.offset for line in sent.lines]
    assert {line.origin.stream for line in got} == {line.origin.stream for line in sent.lines}
    assert {line.origin.received_at for line in got} == {"2026-01-01T00:00:00.000000Z"}
    for block in replayed:
        agent.take(block)
    rest = agent.read_patiently()
    wanted = values(*range(50_000))[len(first.lines) + len(sent.lines) :]
    assert [line for line in rest if line != values(-1)[0]] == wanted


def test_the_journal_is_told_when_the_bytes_are_nowhere(tail: Tail, path: Path) -> None:
    path.write_bytes(lines(*range(10)))
    agent = tail()
    agent.source.poll()
    block = agent.source.read(20)
    assert block is not None
    agent.take(block)
    sent = agent.source.read(20)
    assert sent is not None
    agent.source.close()
    path.unlink()
    agent.start()
    with pytest.raises(Gone) as gone:
        list(agent.source.replay(sent.key, sent.start, sent.end, "2026-01-01T00:00:00.000000Z"))
    assert gone.value.missed == 16
    assert agent.missed() == 80 - sent.end
