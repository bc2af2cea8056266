"""Sessions and attempts, with the time in the test's hands."""

from datetime import UTC, datetime, timedelta

import pytest

from whodid_indexer.access import attempts, sessions
from whodid_indexer.access.attempts import Attempts
from whodid_indexer.access.sessions import Sessions


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


def test_a_session_that_is_used_lasts_twelve_hours_and_no_longer() -> None:
    clock = Clock()
    held = Sessions(clock)
    value = held.begin("t1")
    for _ in range(23):
        clock.pass_by(minutes=31)
        found = held.find(value)
        assert found is not None
        assert found.token == "t1"
    clock.pass_by(minutes=31)
    assert held.find(value) is None


def test_a_session_that_is_not_used_ends_after_an_hour() -> None:
    clock = Clock()
    held = Sessions(clock)
    value = held.begin("t1")
    clock.pass_by(minutes=59, seconds=59)
    assert held.find(value) is not None
    clock.pass_by(hours=1)
    assert held.find(value) is None
    clock.pass_by(hours=-1)
    assert held.find(value) is None


def test_a_session_that_was_ended_is_none() -> None:
    held = Sessions(Clock())
    value, other = held.begin("t1"), held.begin("t1")
    held.end(value)
    held.end("never was")
    assert held.find(value) is None
    assert held.find(other) is not None


@pytest.mark.parametrize("value", ["", "x", "\udcff", "é", "a" * 10_000, "t1"])
def test_no_other_value_is_a_session(value: str) -> None:
    held = Sessions(Clock())
    held.begin("t1")
    assert held.find(value) is None


def test_the_session_that_was_longest_unused_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    held = Sessions(Clock())
    first, second, third = (held.begin(f"t{number}") for number in range(3))
    held.find(first)
    held.begin("t4")
    assert [held.find(value) is not None for value in (first, second, third)] == [True, False, True]


def test_each_failure_of_an_address_waits_longer_up_to_a_bound() -> None:
    tried = Attempts(lambda: 0.0)
    assert [tried.failed("a") for _ in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert tried.failed("b") == 0.25
    for _ in range(2_000):
        assert tried.failed("a") <= attempts.LONGEST
    tried.succeeded("a")
    assert tried.failed("a") == 0.25


def test_an_address_is_new_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    tried = Attempts(lambda: now[0])
    tried.failed("a")
    now[0] = attempts.FORGOTTEN
    assert tried.failed("a") == 0.5
    now[0] += attempts.FORGOTTEN + 1
    assert tried.failed("a") == 0.25
    monkeypatch.setattr(attempts, "MOST", 2)
    for address in ("b", "c", "d"):
        tried.failed(address)
    assert tried.failed("a") == 0.25
