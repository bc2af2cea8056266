"""What becomes of every item, whatever the store answers: real files, real sockets, a target that a test scripts."""

import json
from pathlib import Path

import pytest

from support.agent import Agent
from support.bulk_target import Fault, Item, Target
from whodid_agent import quarantine
from whodid_schema.errors import StoreUnreachable


def numbers(target: Target) -> list[int]:
    return sorted(record["n"] for record in target.stored.values())


def test_every_line_arrives_once_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(12_000)))
        assert agent.run()
        assert agent.run()
        assert numbers(target) == list(range(12_000))
        assert max(target.sent.values()) == 1
        totals = agent.totals()
    assert totals["decoded"] == totals["indexed"] == 12_000
    assert totals["in_flight"] == 0


def test_what_the_store_already_has_counts_as_duplicate(tmp_path: Path) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(10)))
        agent.run()
        (tmp_path / "state" / "checkpoint.json").unlink()
        (tmp_path / "state" / "checkpoint.json.previous").unlink()
        assert agent.run()
        assert agent.totals()["duplicate"] == 10
        assert numbers(target) == list(range(10))


def test_rules_and_refusals_are_counted_where_they_belong(tmp_path: Path) -> None:
    with Target() as target:
        agent = Agent(tmp_path, target.url)
        agent.write(
            {"n": 1},
            {"drop": True},
            {"expire": True},
            b"not json\n",
            b"\n",
            {"items": [{"n": 2}, 5, {"n": 3}]},
            {"items": []},
        )
        assert not agent.run()
        totals = agent.totals()
        assert numbers(target) == [1, 2, 3]
    assert totals.pop("missed_bytes") == 0
    assert totals == {
        **dict.fromkeys(totals, 0),
        "decoded": 7,
        "indexed": 3,
        "quarantined": 2,
        "dropped": 1,
        "expired": 1,
    }
    aside = list(quarantine.read(tmp_path / "state" / "quarantine"))
    assert [(entry.reason, entry.line, entry.item) for entry in aside] == [
        ("not_json", "not json", None),
        ("not_an_object", '{"items": [{"n": 2}, 5, {"n": 3}]}', 1),
    ]


def test_one_rejected_document_costs_no_good_one_a_second_sending(tmp_path: Path) -> None:
    def poison(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (400, "mapper_parsing_exception") if item[2]["n"] == 7 else None)

    with Target(poison) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(500)))
        assert not agent.run()
        assert numbers(target) == [n for n in range(500) if n != 7]
        assert set(target.sent.values()) == {1}
        assert agent.totals()["quarantined"] == 1
    (entry,) = quarantine.read(tmp_path / "state" / "quarantine")
    assert entry.line == json.dumps({"n": 7})
    assert entry.sent is not None
    assert "mapper_parsing_exception" in entry.detail


def test_items_asked_to_come_again_are_the_only_ones_sent_again(tmp_path: Path) -> None:
    def half(items: list[Item], number: int) -> Fault:
        return Fault(
            items=lambda item: (429, "es_rejected_execution_exception") if number < 3 and item[2]["n"] % 2 else None
        )

    with Target(half) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(100)))
        assert agent.run()
        assert numbers(target) == list(range(100))
        times = {target.stored[name]["n"]: count for name, count in target.sent.items()}
    assert all(times[n] == (3 if n % 2 else 1) for n in range(100))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, {"retry-after": "0.1"}),
        Fault(503),
        Fault(body=b"<html>busy</html>"),
        Fault(body=b'{"errors":false,"items":[]}'),
        Fault(cut=True),
        Fault(drop_item=True),
        Fault(401),
    ],
    ids=["429", "503", "no-json", "no-items", "cut", "short", "401"],
)
def test_a_request_without_a_whole_answer_is_sent_again_and_nothing_doubles(tmp_path: Path, fault: Fault) -> None:
    with Target(lambda items, number: fault if number <= 2 else None) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(50)))
        assert agent.run(timeout=20)
        assert numbers(target) == list(range(50))
        assert len(target.requests) == 3
        totals = agent.totals()
    assert totals["indexed"] + totals["duplicate"] == totals["decoded"] == 50


NEVER_FITS = json.dumps(
    {
        "error": {
            "type": "rejected_execution_exception",
            "reason": "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0,"
            " all_bytes=0, coordinating_operation_bytes=400330, max_coordinating_and_primary_bytes=307200]",
        },
        "status": 429,
    }
).encode()
"""What OpenSearch 3.8 says of a request that is alone over its `indexing_pressure.memory.limit`."""


@pytest.mark.parametrize("refusal", [Fault(413), Fault(429, body=NEVER_FITS)], ids=["413", "429"])
def test_a_request_that_is_too_large_is_sent_in_parts_and_a_lone_item_without_its_original(
    tmp_path: Path, refusal: Fault
) -> None:
    def small(items: list[Item], number: int) -> Fault | None:
        return refusal if sum(len(json.dumps(body)) for *_, body in items) > 2_000 else None

    with Target(small) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n, "description": "x" * 100} for n in range(60)))
        agent.write({"action": "keeps", "raw": "y" * 5_000}, {"action": "never", "description": "z" * 5_000})
        assert not agent.run()
        actions = [record.get("action") for record in target.stored.values() if "n" not in record]
        assert actions == ["keeps"]
        assert len(target.stored) == 61
        assert agent.totals()["quarantined"] == 1


def test_a_blocked_index_parks_its_own_events_and_nothing_else_waits(tmp_path: Path) -> None:
    blocked = True

    def block(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (403, "cluster_block_exception") if blocked and item[0] == "whodid-b" else None)

    with Target(block) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n, "index": "whodid-b" if n % 3 == 0 else "whodid-a"} for n in range(300)))
        assert not agent.run(batch_events=50, read_bytes=1000)
        assert numbers(target) == [n for n in range(300) if n % 3]
        totals = agent.totals()
        assert (totals["decoded"], totals["indexed"], totals["in_flight"]) == (300, 200, 100)
        blocked = False
        agent.write({"n": 300})
        assert agent.run()
        assert numbers(target) == list(range(301))
        totals = agent.totals()
        assert (totals["indexed"], totals["duplicate"], totals["in_flight"]) == (301, 0, 0)
    assert list((tmp_path / "state" / "parking").iterdir()) == []


def test_one_error_for_most_of_a_batch_parks_it_because_the_store_is_rather_wrong(tmp_path: Path) -> None:
    wrong = True

    def storm(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (400, "mapper_parsing_exception") if wrong and item[2]["n"] < 150 else None)

    with Target(storm) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(200)))
        assert not agent.run()
        totals = agent.totals()
        assert (totals["quarantined"], totals["in_flight"], totals["indexed"]) == (0, 150, 50)
        wrong = False
        assert agent.run()
        assert numbers(target) == list(range(200))


def test_an_item_that_never_gets_through_is_parked_after_some_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whodid_agent.target.retry.random.random", lambda: 0.0)
    monkeypatch.setattr("whodid_agent.attempt.PATIENCE", 1)

    def stubborn(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (503, "unavailable_shards_exception") if item[2]["n"] == 3 else None)

    with Target(stubborn) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(120)))
        assert not agent.run()
        assert len(target.stored) == 119
        assert agent.totals()["in_flight"] == 1


def test_without_a_store_once_leaves_after_its_timeout_and_loses_nothing(tmp_path: Path) -> None:
    with Target(lambda items, number: Fault(503)) as target:
        agent = Agent(tmp_path, target.url)
        agent.write(*({"n": n} for n in range(20)))
        with pytest.raises(StoreUnreachable):
            agent.run(timeout=0.5, grace=0.1)
        totals = agent.totals()
        assert (totals["decoded"], totals["in_flight"]) == (20, 20)
        target.script = lambda items, number: None
        assert agent.run()
        assert numbers(target) == list(range(20))
        assert agent.totals()["indexed"] == 20
