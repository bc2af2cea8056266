"""The group writer: requests that wait together are stored together, and each hears its own."""

import threading
from collections.abc import Sequence

import pytest

from whodid_indexer.ingest.budget import Budget, Overloaded
from whodid_indexer.ingest.writer import GroupWriter
from whodid_indexer.store.base import Item
from whodid_schema.bulk import DUPLICATE, INDEXED, Outcome, Result
from whodid_schema.errors import StateError


class Gate:
    """A store that waits to be let on, remembers its transactions, and can fail once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()
        self.transactions: list[list[str]] = []
        self.fault: Exception | None = None

    def create(self, items: Sequence[Item]) -> list[Result]:
        """Odd ids are duplicates."""
        self.entered.set()
        assert self.open.wait(10)
        self.transactions.append([item.id for item in items])
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        return [DUPLICATE if int(item.id) % 2 else INDEXED for item in items]


def items(*numbers: int) -> list[Item]:
    return [Item("i", str(number), b"{}") for number in numbers]


def test_requests_that_wait_become_one_transaction_and_each_has_its_own_results() -> None:
    gate = Gate()
    writer = GroupWriter(gate.create)
    writer.start()
    first = writer.submit(items(0))
    assert gate.entered.wait(10)
    waiting = [writer.submit(items(1, 2)), writer.submit([]), writer.submit(items(3))]
    gate.open.set()
    writer.close()
    assert gate.transactions == [["0"], ["1", "2", "3"]]
    assert first.result() == [INDEXED]
    assert [future.result() for future in waiting] == [[DUPLICATE, INDEXED], [], [DUPLICATE]]


def test_a_group_takes_no_further_request_once_it_is_full() -> None:
    gate = Gate()
    writer = GroupWriter(gate.create, group_items=2)
    writer.start()
    writer.submit(items(0))
    assert gate.entered.wait(10)
    for start in (2, 4, 6):
        writer.submit(items(start, start + 1))
    gate.open.set()
    writer.close()
    assert [len(transaction) for transaction in gate.transactions] == [1, 2, 2, 2]


def test_a_store_that_fails_tells_all_who_waited_and_takes_the_next(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    gate.open.set()
    gate.fault = StateError("the disk is full")
    writer = GroupWriter(gate.create)
    writer.start()
    with pytest.raises(StateError, match="the disk is full"):
        writer.submit(items(0)).result(10)
    assert writer.submit(items(0)).result(10) == [INDEXED]
    assert writer.alive
    writer.close()
    assert "the disk is full" in caplog.text


def test_a_store_that_loses_a_result_is_an_error_for_all_never_a_shift() -> None:
    writer = GroupWriter(lambda sent: [INDEXED] * (len(sent) - 1))
    writer.start()
    with pytest.raises(StateError, match="1 results for 2 items"):
        writer.submit(items(0, 2)).result(10)
    writer.close()


def test_a_request_that_was_given_up_harms_nobody() -> None:
    gate = Gate()
    writer = GroupWriter(gate.create)
    writer.start()
    given_up = writer.submit(items(0))
    given_up.cancel()
    gate.open.set()
    assert writer.submit(items(2)).result(10) == [INDEXED]
    writer.close()
    assert [identity for transaction in gate.transactions for identity in transaction] == ["0", "2"]


def test_after_its_end_the_writer_takes_nothing() -> None:
    writer = GroupWriter(lambda sent: [Result(Outcome.INDEXED)] * len(sent))
    writer.start()
    writer.close()
    assert not writer.alive
    with pytest.raises(RuntimeError):
        writer.submit(items(0))


def test_the_budget_refuses_what_would_go_over_it_and_takes_back_what_was_held() -> None:
    budget = Budget(100)
    with budget.hold() as first:
        first.grow(60)
        with budget.hold() as second, pytest.raises(Overloaded):
            second.grow(41)
        with budget.hold() as third:
            third.grow(40)
            assert budget.held == 100
    assert budget.held == 0
