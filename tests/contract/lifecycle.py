"""What every Lifecycle must do. A subclass gives `kept`, an empty store and how to fill it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.records import identifier
from whodid_indexer.holds.hold import Holds
from whodid_indexer.retention.plan import Done, RetentionPlan
from whodid_schema.errors import StateError
from whodid_schema.meta import Meta
from whodid_schema.record import Record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)

CLASSES = st.sampled_from(["activity", "delivery", "audit"])


class Kept(Protocol):
    """A store of the test: `delivery` may have other periods than the others."""

    def empty(self) -> None:
        """Forget everything."""

    def keep(self, days: Mapping[str, int | None]) -> None:
        """What the store's document says from now on."""

    def holds(self) -> Holds:
        """Where its legal holds are kept."""

    def meta(self) -> Meta:
        """The store's document."""

    def store(self, records: Sequence[Record]) -> None:
        """Store them as an agent would."""

    def apply(self, now: datetime, told: Callable[[Done], None] = ...) -> list[Done]:
        """One apply; what was deleted, of which `told` hears as it goes."""

    def plan(self, now: datetime) -> RetentionPlan:
        """The plan."""

    def left(self) -> set[str]:
        """The ids of all records there are."""

    def period(self, name: str) -> timedelta:
        """How long a record of the class may be kept beyond its retention."""


def made(number: int, age: timedelta, surface: str = "activity") -> Record:
    stamp = (NOW - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Record(timestamp=stamp, received_at=stamp, id=identifier(number), app="shop", surface=surface)


class LifecycleContract:
    examples = 25

    def test_without_retention_everything_is_kept_for_ever(self, kept: Kept) -> None:
        kept.keep({"activity": 1})
        kept.store([made(1, 5_000 * DAY, "audit")])
        assert kept.apply(NOW + 50_000 * DAY) == []
        (part,) = kept.plan(NOW).parts
        assert (part.class_, part.kept, part.goes, part.due, part.why) == (
            "audit",
            "forever",
            None,
            False,
            "kept for ever",
        )
        assert kept.left() == {identifier(1)}

    def test_each_class_goes_by_its_own_and_a_second_apply_finds_nothing(self, kept: Kept) -> None:
        kept.keep({"activity": 90, "delivery": 7})
        kept.store([made(n, 45 * DAY, ("activity", "delivery", "audit")[n % 3]) for n in range(9)])
        assert sum(done.records or 0 for done in kept.apply(NOW)) == 3
        assert kept.left() == {identifier(n) for n in range(9) if n % 3 != 1}
        assert kept.apply(NOW) == []

    def test_the_plan_names_what_apply_then_deletes(self, kept: Kept) -> None:
        kept.keep({"activity": 60, "delivery": 7})
        kept.store([made(n, n * 9 * DAY, ("activity", "delivery", "audit")[n % 3]) for n in range(18)])
        due = [(part.class_, part.what, part.records) for part in kept.plan(NOW).parts if part.due]
        assert [(done.class_, done.what, done.records) for done in kept.apply(NOW)] == due != []
        assert sum(part.records or 0 for part in kept.plan(NOW).parts) == len(kept.left())
        assert not any(part.due for part in kept.plan(NOW).parts)

    def test_a_longer_and_a_shorter_retention_hold_for_what_is_there(self, kept: Kept) -> None:
        kept.keep({"activity": 60})
        kept.store([made(n, n * DAY) for n in range(200)])
        kept.keep({"activity": 300})
        assert kept.apply(NOW) == []
        kept.keep({"activity": 50})
        kept.apply(NOW)
        ages = [n for n in range(200) if identifier(n) in kept.left()]
        assert set(range(51)) <= set(ages)
        assert max(ages) * DAY <= 50 * DAY + kept.period("activity")

    def test_a_longer_retention_that_comes_while_an_apply_runs_stops_it(self, kept: Kept) -> None:
        kept.keep({"activity": 1, "delivery": 1})
        kept.store([made(1, 400 * DAY), made(2, 400 * DAY, "delivery")])
        with pytest.raises(StateError, match="was changed meanwhile; nothing more was deleted"):
            kept.apply(NOW, lambda _: kept.keep({"activity": 500, "delivery": 500}))
        assert len(kept.left()) == 1

    def test_nothing_younger_goes_and_nothing_older_than_retention_and_period_stays(self, kept: Kept) -> None:
        """Against a model: every record's class and age, and whatever retention holds when an apply comes."""
        days = st.dictionaries(CLASSES, st.one_of(st.none(), st.integers(1, 90)), max_size=3)
        ages = st.lists(st.tuples(CLASSES, st.integers(0, 120 * 86_400_000_000)), min_size=1, max_size=8)

        @given(st.lists(st.tuples(ages, days, st.integers(0, 40 * 86_400_000_000)), min_size=1, max_size=3))
        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck))
        def check(steps: list[tuple[list[tuple[str, int]], dict[str, int | None], int]]) -> None:
            kept.empty()
            kept.keep({})
            model: dict[str, tuple[str, timedelta]] = {}
            later, number = timedelta(), 0
            for arrivals, wanted, pause in steps:
                records = []
                for surface, age in arrivals:
                    number += 1
                    records.append(made(number, timedelta(microseconds=age), surface))
                    model[identifier(number)] = surface, timedelta(microseconds=age)
                kept.store(records)
                later += timedelta(microseconds=pause)
                kept.keep(wanted)
                kept.apply(NOW + later)
                left = kept.left()
                for name, (surface, first) in model.items():
                    limit, old = wanted.get(surface), first + later
                    if limit is None or old <= limit * DAY:
                        assert name in left
                    elif old > limit * DAY + kept.period(surface):
                        assert name not in left
                model = {name: value for name, value in model.items() if name in left}
                assert left == set(model)

        check()
