"""The spool as the runner sees it: keys, blocks, positions, giving up, waiting, back-pressure."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.inputs.http.test_access import source as make_source
from support.small_disk import small_disk
from whodid_agent.inputs.contract import Gone, Source, StreamRow
from whodid_agent.inputs.http.posted import hashed
from whodid_schema.errors import ConfigError

if TYPE_CHECKING:
    from agent.inputs.http.conftest import Receiver, Start

HOOK = b'{"events":[{"event":"user.updated","timestamp":1733739084,"changes":{"password":{"to":"%b"}}}]}'


def test_a_key_comes_from_the_sender_in_a_fixed_order(start: "Start") -> None:
    receiver = start(key_headers=("X-Own",))
    receiver.post(b"{}", Idempotency_Key="k1", X_Own="k2", webhook_id="k3")
    receiver.post(b"{}", X_Own="k2", webhook_id="k3", X_GitHub_Delivery="k4")
    receiver.post(b"{}", X_GitHub_Delivery="k4")
    receiver.post(b"{}")
    assert [line.origin.key for line in receiver.lines()] == [hashed("k1"), hashed("k2"), hashed("k4"), ""]
    for bad in ("", "x" * 256, "a b", "ü"):
        answer = receiver.client.post("/v1/events", json={}, headers={b"Idempotency-Key": bad.encode()})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_key")


def test_equal_posts_without_a_key_are_told_apart_by_their_frames(receiver: "Receiver") -> None:
    for _ in range(3):
        receiver.post(b'[{"a":1},{"a":1}]')
    lines = receiver.lines()
    assert len({(line.origin.offset, line.origin.first_item) for line in lines}) == 6
    assert {(line.origin.key, line.origin.stream.kind, line.origin.stream.agent) for line in lines} == {
        ("", "http", "a1")
    }


def test_a_webhook_batch_is_its_own_key_whatever_its_secrets(receiver: "Receiver") -> None:
    receiver.post(HOOK % b"hunter2hunter2")
    receiver.post(HOOK % b"other-secret")
    receiver.post(HOOK.replace(b"1733739084", b"1733739085") % b"hunter2hunter2")
    receiver.post(b'{"events":[{"event":"x"}]}')
    receiver.post(b'[{"event":"x","timestamp":1}]')
    keys = [line.origin.key for line in receiver.lines()]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0].startswith("sha256:")
    assert keys[3:] == ["", ""]


@pytest.mark.parametrize(("retry", "equal"), [("body", True), ("none", False)])
def test_retry_says_whether_a_body_is_its_own_key(start: "Start", retry: str, equal: bool) -> None:
    receiver = start(retry=retry)
    receiver.post(HOOK % b"x")
    receiver.post(b'{"a":1}')
    assert [bool(line.origin.key) for line in receiver.lines()] == [equal, equal]


def test_received_at_is_utc_with_six_decimals(receiver: "Receiver") -> None:
    receiver.post(b"{}")
    (line,) = receiver.lines()
    assert line.origin.received_at[10] == "T"
    assert (len(line.origin.received_at), line.origin.received_at[-1]) == (27, "Z")


def test_blocks_join_without_a_hole_and_count_every_byte(start: "Start") -> None:
    receiver = start()
    for _ in range(20):
        receiver.post(b'[{"a":1},null,{"b":2}]')
    blocks = []
    while block := receiver.source.read(100):
        blocks.append(block)
    assert blocks[0].start == 0
    assert [block.start for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    assert sum(len(block.lines) for block in blocks) == 40
    assert sum(block.blank_bytes for block in blocks) == 20
    assert receiver.source.pending() == 0


def test_replay_gives_the_same_lines_and_read_goes_on_behind(receiver: "Receiver") -> None:
    for number in range(10):
        receiver.post(b'[{"a":%d},{"b":1}]' % number)
    lines = receiver.lines()
    key, start, end = receiver.source.key, lines[2].end, lines[15].end
    again = [line for block in receiver.source.replay(key, start, end, "") for line in block.lines]
    assert again == lines[3:16]
    assert receiver.lines() == lines[16:]
    receiver.source.rewind(key, lines[18].end)
    assert receiver.lines() == lines[19:]


def test_delivered_segments_are_deleted_and_a_replay_of_them_is_gone(start: "Start", tmp_path: Path) -> None:
    receiver = start(segment_bytes=500)
    for _ in range(20):
        receiver.post(b'{"a":1}')
    lines = receiver.lines()
    before = len(list((tmp_path / "spool").glob("*.spool")))
    receiver.source.delivered(receiver.source.key, lines[14].end)
    assert len(list((tmp_path / "spool").glob("*.spool"))) < before
    with pytest.raises(Gone):
        list(receiver.source.replay(receiver.source.key, 0, lines[1].end, ""))


def test_a_new_process_goes_on_where_the_checkpoint_stands(start: "Start") -> None:
    first = start()
    for number in range(6):
        first.post(b'{"a":%d}' % number)
    lines = first.lines()
    position = lines[2].end
    first.source.delivered(first.source.key, position)
    detail = first.source.detail(first.source.key, position)
    first.source.close()
    row = StreamRow(key=first.source.key, input="in", position=position, detail=detail)
    second = start(rows={row.key: row})
    second.post(b'{"a":6}')
    assert [line.data for line in second.lines()] == [b'{"a":%d}' % number for number in range(3, 7)]
    assert second.source.missed() == {}


def test_after_the_spool_was_deleted_numbers_and_positions_go_on(start: "Start", tmp_path: Path) -> None:
    first = start()
    first.post(b'{"a":1}')
    (line,) = first.lines()
    detail = first.source.detail(first.source.key, line.end)
    first.source.close()
    for path in (tmp_path / "spool").glob("*.spool"):
        path.unlink()
    row = StreamRow(key=first.source.key, input="in", position=line.end, detail=detail)
    second = start(rows={row.key: row})
    assert second.source.pending() == 0
    second.post(b'{"a":2}')
    (later,) = second.lines()
    assert later.origin.offset > line.origin.offset
    assert later.end > line.end


def test_unread_segments_that_were_deleted_are_missed_and_skipped(start: "Start", tmp_path: Path) -> None:
    first = start(segment_bytes=200)
    for _ in range(6):
        first.post(b'{"a":1}')
    lines = first.lines()
    first.source.close()
    min((tmp_path / "spool").glob("*.spool")).unlink()
    row = StreamRow(key=first.source.key, input="in", position=0)
    second = start(rows={row.key: row})
    (hole, *rest) = second.blocks()
    assert (hole.lines, hole.skipped_bytes) == ([], hole.end)
    assert second.source.missed() == {second.source.key: hole.end}
    assert second.source.missed() == {}
    assert [line.end for block in rest for line in block.lines] == [line.end for line in lines if line.end > hole.end]


def test_wait_stored_answers_when_the_runner_says_so(receiver: "Receiver") -> None:
    def deliver() -> None:
        while not (block := receiver.source.read(1000)):
            time.sleep(0.01)
        receiver.source.delivered(block.key, block.end)

    runner = threading.Thread(target=deliver)
    runner.start()
    answer = receiver.client.post("/v1/events?wait=stored", json={"a": 1})
    runner.join()
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "stored": True})


def test_wait_stored_says_when_it_takes_too_long(start: "Start") -> None:
    receiver = start(wait_seconds=0.05)
    answer = receiver.client.post("/v1/events?wait=stored", json={"a": 1})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "stored": False})
    assert receiver.client.post("/v1/events?wait=long", json={"a": 1}).json()["code"] == "bad_wait"


def test_a_full_spool_pushes_back_until_the_store_has_taken_some(start: "Start") -> None:
    receiver = start(quota=1000, body_limit=400)
    statuses = [receiver.post(b'{"a":"' + b"x" * 200 + b'"}').status_code for _ in range(6)]
    assert statuses == [202, 202, 202, 503, 503, 503]
    answer = receiver.post(b'{"a":"' + b"x" * 200 + b'"}')
    assert answer.json()["code"] == "spool_full"
    assert int(answer.headers["retry-after"]) > 0
    (block,) = receiver.blocks()
    assert len(block.lines) == 3
    receiver.source.delivered(block.key, block.end)
    assert receiver.post(b'{"a":1}').status_code == 202


def test_a_disk_that_refuses_is_said_so_and_taken_up_again_when_it_is_mended(start: "Start") -> None:
    receiver = start()
    with small_disk(1 << 20):
        answer = receiver.post(b'{"a":"' + b"x" * (2 << 20) + b'"}')
        assert (answer.status_code, answer.json()["code"]) == (503, "spool_failed")
        assert int(answer.headers["retry-after"]) > 0
        assert receiver.client.get("/readyz").status_code == 503
    assert receiver.post(b'{"a":1}').status_code == 202
    assert receiver.client.get("/readyz").status_code == 200
    assert [line.data for line in receiver.lines()] == [b'{"a":1}']


def test_too_many_bytes_at_once_are_pushed_back(start: "Start") -> None:
    answer = start(held_limit=100).post(b'{"a":"' + b"x" * 200 + b'"}')
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "too_many_posts", "1")


def test_a_body_that_does_not_come_is_not_waited_for(start: "Start") -> None:
    receiver = start(body_seconds=0.1)

    def pieces() -> Iterator[bytes]:
        yield b'{"a"'
        time.sleep(0.5)
        yield b":1}"

    answer = receiver.client.post("/v1/events", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 408
    assert receiver.lines() == []


def test_a_body_limit_that_the_quota_cannot_hold_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="spool quota"):
        make_source(tmp_path, quota=1000)


def test_draining_needs_no_port(tmp_path: Path, start: "Start") -> None:
    first = start()
    first.post(b'{"a":1}')
    first.source.close()
    drained: Source = make_source(tmp_path, listen=False)
    drained.open({})
    drained.poll()
    drained.finish()
    block = drained.read(1000)
    assert block is not None
    assert [line.data for line in block.lines] == [b'{"a":1}']
    drained.close()
