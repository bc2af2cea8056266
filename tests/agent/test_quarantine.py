"""Quarantine: nothing in it is lost, written twice or counted twice, and a replay sends under the same ids."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.agent import Agent, PlainNormaliser
from support.bulk_target import Fault, Item, Target
from whodid_agent import quarantine, replay
from whodid_agent.entry import Entry
from whodid_agent.normalise.contract import Event, Origin, Sent
from whodid_agent.quarantine import Full, Quarantine


def entry(seq: int, offset: int, item: int = 0) -> Entry:
    return Entry(
        name="", seq=seq, when="", reason="r", detail="d", input="i", stream="s", offset=offset, item=item, line="x"
    )


def names(folder: Path) -> list[str]:
    return [one.name for one in quarantine.read(folder)]


def test_entries_of_a_batch_that_is_tried_again_are_not_written_twice(tmp_path: Path) -> None:
    Quarantine(tmp_path, settled=3).add([entry(3, 10), entry(3, 20)])
    Quarantine(tmp_path, settled=3).add([entry(4, 30), entry(4, 30, item=1)])
    again = Quarantine(tmp_path, settled=3)
    again.add([entry(4, 30), entry(4, 30, item=1), entry(4, 50)])
    assert names(tmp_path) == ["3.0", "3.1", "4.0", "4.1", "4.2"]


def test_a_line_cut_by_a_crash_is_taken_off_and_the_others_stay(tmp_path: Path) -> None:
    Quarantine(tmp_path, settled=0).add([entry(1, 10)])
    with (tmp_path / "000001.jsonl").open("ab") as file:
        file.write(b'{"name": "1.1", "se')
    Quarantine(tmp_path, settled=1).add([entry(2, 20)])
    assert names(tmp_path) == ["1.0", "2.0"]


def test_segments_begin_anew_at_their_size_and_the_quota_refuses_before_writing(tmp_path: Path) -> None:
    store = Quarantine(tmp_path, settled=0, segment=100, quota=1_000)
    count = 0
    with contextlib.suppress(Full):
        for count in range(1, 100):
            store.add([entry(count, count)])
    with pytest.raises(Full, match="whodid-agent quarantine list"):
        store.add([entry(count, count)])
    count = len(names(tmp_path))
    assert 3 < count < 20
    assert len(list(tmp_path.iterdir())) > 1
    store.take_out([f"{seq}.0" for seq in range(1, count)])
    assert names(tmp_path) == [f"{count}.0"]
    store.add([entry(count + 1, 0)])
    assert names(tmp_path) == [f"{count}.0", f"{count + 1}.0"]


def test_a_replay_moves_quarantined_to_indexed_under_the_same_ids(tmp_path: Path) -> None:
    wrong = True

    def poison(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (400, "mapper_parsing_exception") if wrong and item[2]["n"] < 3 else None)

    with Target(poison) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(10)))
        assert not agent.run()
        aside = {one.sent.id for one in quarantine.read(tmp_path / "state/quarantine") if one.sent}
        wrong = False
        # A changed normaliser would compute other ids; the entries hold their own.
        agent.normaliser = PlainNormaliser(salt="upgraded")
        assert agent.replay() == replay.Answer(sent=3, kept=0)
        assert aside <= target.stored.keys()
        assert len(target.stored) == 10
        totals = agent.totals()
    assert (totals["decoded"], totals["indexed"], totals["quarantined"]) == (10, 10, 0)
    assert names(tmp_path / "state/quarantine") == []


def test_a_line_that_was_no_record_is_normalised_anew_and_one_that_still_is_none_stays(tmp_path: Path) -> None:
    class Mended(PlainNormaliser):
        def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
            return super().events(b'{"items": [{"n": 1}, {"n": 2}]}' if line == b"odd" else line, origin, sent)

    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(b"odd\n", b"worse\n", {"n": 0})
        assert not agent.run()
        agent.normaliser = Mended()
        assert agent.replay() == replay.Answer(sent=1, kept=1)
        assert sorted(record["n"] for record in target.stored.values()) == [0, 1, 2]
        totals = agent.totals()
    assert (totals["decoded"], totals["indexed"], totals["quarantined"]) == (4, 3, 1)


def test_a_running_agent_replays_on_request(tmp_path: Path) -> None:
    wrong = True

    def poison(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (400, "mapper_parsing_exception") if wrong else None)

    with Target(poison) as target:
        agent = Agent(tmp_path, target.url)
        agent.write({"n": 1}, {"n": 2})
        thread = agent.start()
        agent.wait(lambda totals: totals["quarantined"] == 2)
        wrong = False
        assert replay.ask(tmp_path / "state/requests", ["1.0"], patience=10) == replay.Answer(sent=1)
        assert agent.totals()["indexed"] == 1
        assert names(tmp_path / "state/quarantine") == ["1.1"]
        agent.stop(thread)


def test_bytes_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(b'{"n": "\xff\xfe"}\n')
        agent.run()
    (one,) = quarantine.read(tmp_path / "state/quarantine")
    assert one.data() == b'{"n": "\xff\xfe"}'
    assert json.loads((tmp_path / "state/quarantine/000001.jsonl").read_text())["line_base64"]
