"""The spool's promises one by one; test_spool_machine mixes them at random."""

import asyncio
import os
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from whodid_agent.spool.commit import GroupCommit
from whodid_agent.spool.frame import Frame, Post, decode, encode, find, size_of
from whodid_agent.spool.reader import Gap, Reader
from whodid_agent.spool.segment import HEAD_SIZE
from whodid_agent.spool.spool import Spool, SpoolFull
from whodid_schema.errors import StateError

POST = Post("2026-04-30T14:22:11.000001Z", "http/anonymous", "", b'{"a":1}\n')


def frames(spool: Spool, position: int = 0) -> list[Frame | Gap]:
    reader = Reader(spool, position)
    found: list[Frame | Gap] = []
    while (item := reader.next()) is not None:
        found.append(item)
    reader.close()
    return found


def test_a_frame_has_the_bytes_that_its_docstring_draws() -> None:
    data = encode(7, Post("2026-04-30T14:22:11.000001Z", "http/é", "k", b"{}\n", 2))
    assert data[:4] == b"\xffwd\x01"
    assert data[8:55] == (
        (7 + 1 + 3).to_bytes(4, "big")
        + (7).to_bytes(8, "big")
        + (2).to_bytes(4, "big")
        + b"\x00\x07\x00\x01"
        + b"2026-04-30T14:22:11.000001Z"
    )
    assert data[55:] == "http/é".encode() + b"k{}\n"
    frame = decode(data, 0, 100)
    assert frame == Frame(7, 100, 100 + len(data), Post("2026-04-30T14:22:11.000001Z", "http/é", "k", b"{}\n", 2))
    assert frame.lines_start == frame.end - 3


def test_a_frame_with_any_bit_changed_is_no_frame() -> None:
    data = encode(1, POST)
    for offset in range(len(data)):
        assert decode(data[:offset] + bytes((data[offset] ^ 1,)) + data[offset + 1 :], 0, 0) is None


def test_a_posted_text_cannot_look_like_a_frame() -> None:
    forged = encode(9, POST).decode("utf-8", "replace").encode() + b"\n"
    data = encode(1, POST._replace(lines=forged)) + encode(2, POST)
    assert find(data, 1) == len(data) - size_of(POST)


def test_a_receipt_that_is_no_timestamp_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="six decimals"):
        encode(1, POST._replace(received_at="2026-04-30T14:22:11Z"))


def test_files_are_deleted_when_delivered_and_the_last_one_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=200)
    receipts = [spool.append([POST])[0] for _ in range(9)]
    spool.delivered(receipts[3].end)
    assert [item.number for item in frames(spool, spool.start) if isinstance(item, Frame)][-1] == 9
    spool.delivered(receipts[8].end)
    assert len(list(tmp_path.glob("*.spool"))) == 1
    assert spool.used == 0
    spool.close()
    spool = Spool(tmp_path)
    assert (spool.next_number, spool.end) == (10, receipts[8].end)
    spool.close()


def test_a_long_file_that_is_delivered_makes_room_with_the_next_post(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (receipt,) = spool.append([POST._replace(lines=b"x" * (2 << 20) + b"\n")])
    spool.delivered(receipt.end)
    (receipt,) = spool.append([POST])
    spool.delivered(receipt.end)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) < 1000
    spool.close()


def test_the_quota_counts_what_is_not_delivered(tmp_path: Path) -> None:
    spool = Spool(tmp_path, quota=3 * size_of(POST) + HEAD_SIZE)
    end = spool.append([POST] * 3)[-1].end
    with pytest.raises(SpoolFull, match="bytes that the store has not taken"):
        spool.admit(1)
    spool.delivered(end)
    spool.admit(3 * size_of(POST))
    spool.close()


def test_two_processes_cannot_share_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(StateError, match="another process uses it"):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()


def test_a_folder_that_cannot_be_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be opened"):
        Spool(tmp_path / "file" / "spool")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([POST])
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    head = bytearray(path.read_bytes()[:24])
    head[7] = 2
    newer = bytes(head) + zlib.crc32(head).to_bytes(4, "big") + path.read_bytes()[28:]
    path.write_bytes(newer)
    with pytest.raises(StateError, match="version 2"):
        Spool(tmp_path)
    assert path.read_bytes() == newer


def test_damage_between_frames_is_set_aside_counted_and_gone_round(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    receipts = spool.append([POST] * 5)
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    with path.open("r+b") as file:
        file.seek(receipts[1].end + 60)
        file.write(b"?")
    spool = Spool(tmp_path)
    for _ in range(2):
        found = frames(spool)
        assert [item.number for item in found if isinstance(item, Frame)] == [1, 2, 4, 5]
        assert [item for item in found if isinstance(item, Gap)] == [Gap(receipts[1].end, receipts[2].end)]
    assert spool.damaged_bytes == size_of(POST)
    (kept,) = (tmp_path / "damaged").iterdir()
    assert len(kept.read_bytes()) == size_of(POST)
    spool.close()


def test_a_file_that_is_damaged_throughout_stops_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    end = spool.append([POST] * 5)[-1].end
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    path.write_bytes(b"?" * path.stat().st_size)
    for _ in range(2):
        spool = Spool(tmp_path)
        (receipt,) = spool.append([POST])
        assert receipt.number > 5
        assert receipt.end > end
        last = frames(spool)[-1]
        assert isinstance(last, Frame)
        assert last.number == receipt.number
        spool.close()


def test_a_torn_tail_is_cut_off_and_not_counted_as_damage(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([POST] * 2)
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    with path.open("ab") as file:
        file.write(encode(3, POST)[:-1])
    spool = Spool(tmp_path)
    assert [item.number for item in frames(spool) if isinstance(item, Frame)] == [1, 2]
    assert spool.damaged_bytes == 0
    assert not (tmp_path / "damaged").exists()
    assert spool.append([POST])[0].number > 2
    spool.close()


def test_nothing_of_a_failed_write_can_ever_be_read(tmp_path: Path) -> None:
    failing = [False]

    def sync(descriptor: int) -> None:
        if failing[0]:
            raise OSError(28, "No space left on device")
        os.fdatasync(descriptor)

    spool = Spool(tmp_path, sync=sync)
    spool.append([POST])
    failing[0] = True
    with pytest.raises(StateError, match="No space left"):
        spool.append([POST._replace(key="lost")])
    failing[0] = False
    spool.append([POST._replace(key="kept")])
    spool.close()
    spool = Spool(tmp_path)
    assert [item.post.key for item in frames(spool) if isinstance(item, Frame)] == ["", "kept"]
    spool.close()


def test_posts_that_come_together_share_one_fdatasync(tmp_path: Path) -> None:
    synced = []

    def slow_sync(descriptor: int) -> None:
        time.sleep(0.02)
        synced.append(descriptor)

    async def post_many(spool: Spool, executor: ThreadPoolExecutor) -> set[int]:
        commit = GroupCommit(spool, executor)
        return {receipt.number for receipt in await asyncio.gather(*(commit.append(POST) for _ in range(50)))}

    spool = Spool(tmp_path, sync=slow_sync)
    with ThreadPoolExecutor(1) as executor:
        assert asyncio.run(post_many(spool, executor)) == set(range(1, 51))
    assert len(synced) <= 2
    spool.close()


def test_a_disk_error_reaches_every_sender_and_one_that_left_harms_nobody(tmp_path: Path) -> None:
    failing = [True]

    def sync(descriptor: int) -> None:
        time.sleep(0.01)
        if failing[0]:
            raise OSError(5, "Input/output error")

    async def scenario(spool: Spool, executor: ThreadPoolExecutor) -> None:
        commit = GroupCommit(spool, executor)
        results = await asyncio.gather(*(commit.append(POST) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [StateError] * 3
        failing[0] = False
        left = asyncio.create_task(commit.append(POST))
        stayed = asyncio.create_task(commit.append(POST))
        await asyncio.sleep(0)
        left.cancel()
        assert (await stayed).number == 5
        with pytest.raises(asyncio.CancelledError):
            await left

    spool = Spool(tmp_path, sync=sync)
    with ThreadPoolExecutor(1) as executor:
        asyncio.run(scenario(spool, executor))
    assert len([item for item in frames(spool) if isinstance(item, Frame)]) == 2
    spool.close()


def test_waiting_posts_count_against_the_quota(tmp_path: Path) -> None:
    async def post_many(spool: Spool, executor: ThreadPoolExecutor) -> list[object]:
        commit = GroupCommit(spool, executor)
        return await asyncio.gather(*(commit.append(POST) for _ in range(5)), return_exceptions=True)

    spool = Spool(tmp_path, quota=3 * size_of(POST))
    with ThreadPoolExecutor(1) as executor:
        results = asyncio.run(post_many(spool, executor))
    assert [isinstance(result, SpoolFull) for result in results] == [False, False, False, True, True]
    spool.close()
