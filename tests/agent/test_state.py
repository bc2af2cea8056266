"""State survives what can happen to files: cut writes, flipped bits, newer versions, a second agent, a full disk."""

import errno
import os
from pathlib import Path

import pytest

from support.agent import Agent, PlainNormaliser
from support.bulk_target import Fault, Target
from support.running import wait_until
from whodid_agent import reconciliation
from whodid_agent.checkpoint import CheckpointFile
from whodid_agent.inputs.contract import StreamRow
from whodid_agent.state import StateDirectory, framed, is_locked
from whodid_schema.errors import StateError, StoreUnreachable
from whodid_schema.meta import Meta


def write_two_generations(folder: Path) -> CheckpointFile:
    file = CheckpointFile(folder)
    for position in (10, 20):
        file.write(1, {"a": StreamRow(key="a", input="i", position=position)}, {"a"}, parked=[], released=[])
    return file


def test_a_damaged_checkpoint_is_answered_by_the_generation_before_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_two_generations(tmp_path)
    assert file.read().streams[0].position == 20
    path = tmp_path / "checkpoint.json"
    path.write_bytes(path.read_bytes().replace(b'"position":20', b'"position":29'))
    assert file.read().streams[0].position == 10
    assert "its checksum does not fit" in caplog.text
    path.unlink()
    assert file.read().streams[0].position == 10


def test_with_both_generations_damaged_nothing_starts_from_zero(tmp_path: Path) -> None:
    write_two_generations(tmp_path)
    (tmp_path / "checkpoint.json").write_bytes(b"")
    (tmp_path / "checkpoint.json.previous").write_bytes(b"whodid checkpoint 1 0\n{}")
    with pytest.raises(StateError, match="damaged") as caught:
        CheckpointFile(tmp_path).read()
    assert "backup" in caught.value.hint


def test_a_state_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    header, document = framed("checkpoint", b"{}")
    (tmp_path / "checkpoint.json").write_bytes(header.replace(b" 1 ", b" 2 ") + document)
    with pytest.raises(StateError, match="newer version"):
        CheckpointFile(tmp_path).read()


def test_one_agent_a_state_directory(tmp_path: Path) -> None:
    with StateDirectory(tmp_path / "s") as first:
        assert is_locked(tmp_path / "s")
        with pytest.raises(StateError, match=f"process {os.getpid()}"):
            StateDirectory(tmp_path / "s")
    assert not is_locked(tmp_path / "s")
    with StateDirectory(tmp_path / "s") as second:
        assert second.identity == first.identity


@pytest.mark.parametrize("name", ["file/state", "nul\0/state"])
def test_a_state_directory_that_cannot_be_written_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used") as caught:
        StateDirectory(tmp_path / name)
    assert "--state-dir" in caught.value.hint


def interrupted(tmp_path: Path, target: Target, count: int) -> Agent:
    """An agent whose batch reached the store, which never said so."""
    target.script = lambda items, number: Fault(drop_item=True)
    agent = Agent(tmp_path, target.url)
    agent.write(*({"n": n} for n in range(count)))
    with pytest.raises(StoreUnreachable):
        agent.run(timeout=0.4, grace=0.05)
    target.script = lambda items, number: None
    return agent


def test_what_was_written_down_goes_again_under_the_same_ids_whatever_has_changed(tmp_path: Path) -> None:
    with Target() as target:
        agent = interrupted(tmp_path, target, 40)
        before = set(target.stored)
        agent.normaliser = PlainNormaliser(salt="after an upgrade every id would be another")
        assert agent.totals()["in_flight"] == 40
        assert agent.run()
        assert set(target.stored) == before
        totals = agent.totals()
    assert (totals["decoded"], totals["duplicate"], totals["in_flight"]) == (40, 40, 0)
    assert list((tmp_path / "state/journal").iterdir()) == []


def test_going_back_one_generation_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        for start in range(0, 40, 10):
            agent.write(*({"n": n} for n in range(start, start + 10)))
            agent.run()
            (tmp_path / "state/checkpoint.json").write_bytes(b"torn")
        assert agent.run()
        assert sorted(record["n"] for record in target.stored.values()) == list(range(40))
        assert agent.totals()["decoded"] == 40


def test_a_journal_cut_by_a_crash_was_never_sent_and_its_lines_are_read_again(tmp_path: Path) -> None:
    with Target() as target:
        agent = interrupted(tmp_path, target, 5)
        (journal,) = (tmp_path / "state/journal").glob("*.json")
        journal.write_bytes(journal.read_bytes()[:-7])
        assert agent.totals()["decoded"] == 0
        assert agent.run()
        assert len(target.stored) == 5
        assert agent.totals()["duplicate"] == 5


def test_a_journal_whose_input_is_not_configured_waits_for_it_and_keeps_its_ids(tmp_path: Path) -> None:
    with Target() as target:
        agent = interrupted(tmp_path, target, 10)
        before = set(target.stored)
        other = Agent(tmp_path, target.url, "other.jsonl")
        for n in range(3):
            other.write({"n": 100 + n})
            assert other.run()
        assert other.totals()["in_flight"] == 10
        agent.normaliser = PlainNormaliser(salt="after an upgrade every id would be another")
        assert agent.run()
        assert len(target.stored) == 13
        assert before <= set(target.stored)
        assert (agent.totals()["decoded"], agent.totals()["in_flight"]) == (13, 0)
    assert list((tmp_path / "state/journal").iterdir()) == []


def test_bytes_that_are_gone_before_a_resend_are_missed_loudly(tmp_path: Path) -> None:
    with Target() as target:
        agent = interrupted(tmp_path, target, 5)
        size = agent.files[0].stat().st_size
        agent.files[0].unlink()
        assert not agent.run()
        assert agent.totals()["missed_bytes"] >= size


def test_nothing_is_sent_while_the_disk_takes_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = 6
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal full
        if "/journal/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()) and full:
            full -= 1
            assert target.requests == []
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("whodid_agent.state.os.fsync", fsync)
    monkeypatch.setattr("whodid_agent.delivery.DISK_FIRST", 0.01)
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(5)))
        assert agent.run()
        assert len(target.stored) == 5
    assert full == 0


def test_a_checkpoint_that_cannot_be_written_is_tried_again_and_the_journal_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write({"n": 1})
        agent.run()
        agent.write({"n": 2})
        thread = agent.start()

        def refuse(*_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        agent.wait(lambda totals: totals["indexed"] == 2)
        with monkeypatch.context() as patch:
            patch.setattr("whodid_agent.state.os.link", refuse)
            agent.write({"n": 3})
            agent.wait(lambda totals: totals["in_flight"] == 1 and len(target.stored) == 3)
        agent.wait(lambda totals: totals["indexed"] == 3)
        agent.stop(thread)
        assert set(target.sent.values()) == {1}


def test_a_file_that_vanishes_before_anything_was_read_of_it_is_missed_once(tmp_path: Path) -> None:
    class Vanishing(Agent):
        """Its file goes between being seen and being read."""

        def _follow(self, meta: Meta) -> None:
            self.files[0].unlink()

    with Target() as target:
        agent = Vanishing(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(5)))
        size = agent.files[0].stat().st_size
        assert not agent.run()
        assert agent.totals()["missed_bytes"] == size
        agent.files[0].touch()
        assert Agent(tmp_path, target.url).run()
        assert agent.totals()["missed_bytes"] == size


def test_a_deleted_file_is_read_on_and_what_ends_with_the_agent_is_missed_to_the_byte(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Target(lambda items, number: Fault(503)) as target:
        agent = Agent(tmp_path, target.url)
        agent.write({"n": 0})
        thread = agent.start(grace=0.1)
        agent.wait(lambda totals: totals["in_flight"] == 1)
        # One batch is on its way and one waits; what is written now stays in the file.
        for number in range(1, 4):
            agent.write(*({"n": number, "pad": "x" * 1000} for _ in range(9000)))
        wait_until(lambda: len(list((tmp_path / "state/journal").iterdir())) >= 1, "the journal")
        size = agent.files[0].stat().st_size
        agent.files[0].unlink()
        wait_until(lambda: "was deleted with" in caplog.text, "the agent says what hangs on it")
        agent.stop(thread)
        assert "ends with this run" in caplog.text
        agent.files[0].touch()
        target.script = lambda items, number: None
        Agent(tmp_path, target.url).run()
        assert agent.totals()["missed_bytes"] == size
        assert target.stored == {}


def test_of_a_deleted_file_that_was_delivered_whole_nothing_is_said_or_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write({"n": 1}, {"n": 2})
        thread = agent.start()
        agent.wait(lambda totals: totals["indexed"] == 2)
        with agent.files[0].open("ab") as late:
            agent.files[0].unlink()
            late.write(b'{"n": 3}\n')
        agent.wait(lambda totals: totals["indexed"] == 3)
        agent.stop(thread)
        Agent(tmp_path, target.url).run()
    assert "ends with this run" not in caplog.text
    assert (agent.totals()["indexed"], agent.totals()["missed_bytes"]) == (3, 0)


def test_rows_of_files_of_long_ago_are_summed_up_and_the_totals_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whodid_agent.inputs.file.register.REMEMBERED", 2)
    log = tmp_path / "app.jsonl"
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        for day in range(7):
            agent.write(*({"day": day, "n": n} for n in range(day + 1)))
            if day == 1:
                agent.write(b"broken\n")  # what lies in quarantine keeps its row
            agent.run()
            log.rename(tmp_path / "moved-away")
            (tmp_path / "moved-away").unlink()
        log.touch()
        agent.run()
        totals = agent.totals()
        assert (totals["decoded"], totals["indexed"], totals["quarantined"]) == (29, 28, 1)
        assert totals["missed_bytes"] == 0
        keys = [stream.key.rpartition("#")[2] for stream in reconciliation.streams(tmp_path / "state")]
        assert len(keys) <= 5, keys
        assert {"2", "earlier"} < set(keys)
        assert agent.replay().kept == 1
        agent.write({"day": 8})
        agent.run()
        assert agent.totals()["indexed"] == 29
    assert len(target.stored) == 29
