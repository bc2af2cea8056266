"""What legal holds must do on every store, beside `lifecycle`: what is held is never deleted, and no more than that."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.lifecycle import DAY, NOW, Kept, made
from support.records import identifier
from whodid_indexer.export.match import matcher
from whodid_indexer.holds.hold import Hold, new_hold
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.retention.due import stamped
from whodid_indexer.retention.plan import Done
from whodid_schema.errors import UsageError
from whodid_schema.record import Actor, Change, Record, Ref

REAL = datetime.now(UTC)
"""Holds are added at the machine's own time; what they hold is looked at as of the test's."""

QUESTIONS = (
    "actor:ana",
    "actor:bo*",
    "-actor:ana",
    "quota",
    "-quota",
    "number surface:delivery",
    "actor:ana OR type:x",
    "workspace:ws1",
    "changed:quota.limit -actor:bob",
    "(actor:bob quota) OR -(number workspace:ws0)",
    "id:*",
)


def hold(text: str, name: str = "case", until: datetime | None = None) -> Hold:
    """A hold that was asked for before the test's time."""
    asked = read_query((), [text], context=Context(NOW)).query
    return new_hold(asked, "the case", "lena", NOW - DAY, name=name, until=until)


def by(number: int, age: timedelta, who: str, surface: str = "activity") -> Record:
    """A record of somebody."""
    record = made(number, age, surface)
    record.actor = Actor(type="user", id=who, name=who.title(), key=f"shop/user:{who}")
    record.description = f"{who.title()} changed the quota of number {number}"
    record.workspace = Ref(f"ws{number % 2}", "Acme")
    record.changes = [Change("quota.limit", 1, 2)]
    return record


class HoldContract:
    by_record = True
    """Whether what nobody holds goes beside what is held, or an index stays as a whole."""

    steps = 25

    def test_what_is_held_stays_and_goes_when_it_is_let_go(self, kept: Kept) -> None:
        kept.keep({"activity": 1, "delivery": 1})
        kept.store([by(1, 400 * DAY, "ana"), by(2, 400 * DAY, "bob", "delivery")])
        kept.holds().add(hold("actor:ana"))
        assert kept.meta().hold
        assert [(done.class_, done.records) for done in kept.apply(NOW)] == [("delivery", 1)]
        assert kept.left() == {identifier(1)}
        kept.holds().release("case", "max", "settled", NOW)
        assert not kept.meta().hold
        assert [(done.class_, done.records) for done in kept.apply(NOW)] == [("activity", 1)]
        (ended,) = kept.holds().all()
        assert (ended.released_by, ended.released_reason, ended.state_at(NOW)) == ("max", "settled", "released")

    def test_a_hold_covers_what_arrives_later_and_is_never_given_up_by_a_shorter_retention(self, kept: Kept) -> None:
        kept.keep({"activity": 300})
        kept.holds().add(hold("actor:ana quota"))
        kept.store([by(1, 400 * DAY, "ana"), by(2, 40 * DAY, "ana")])
        kept.keep({"activity": 1})
        assert kept.meta().hold, "who changes retention changes nothing of holds"
        assert kept.apply(NOW + 5_000 * DAY) == []
        assert kept.left() == {identifier(1), identifier(2)}

    def test_a_hold_that_has_ended_by_itself_holds_nothing_and_stays_listed(self, kept: Kept) -> None:
        ends = REAL + 100 * DAY
        kept.keep({"activity": 1})
        kept.store([by(1, 400 * DAY, "ana")])
        kept.holds().add(hold("actor:ana", until=ends))
        (part,) = kept.plan(NOW).parts
        assert (part.goes, part.due, part.why) == (stamped(ends), False, "held by case")
        assert kept.apply(ends - 2 * DAY) == []
        assert kept.meta().hold
        assert [done.records for done in kept.apply(ends + DAY)] == [1]
        assert not kept.meta().hold
        assert [one.state_at(ends + DAY) for one in kept.holds().all()] == ["expired"]

    def test_a_hold_that_comes_while_an_apply_runs_counts_for_all_that_is_left(self, kept: Kept) -> None:
        kept.keep({"activity": 1, "delivery": 1})
        kept.store([by(1, 400 * DAY, "ana"), by(2, 400 * DAY, "ana", "delivery")])
        kept.apply(NOW, lambda _: kept.holds().add(hold("actor:ana")))
        assert len(kept.left()) == 1

    def test_the_plan_lists_holds_with_what_they_keep_and_why(self, kept: Kept) -> None:
        kept.keep({"activity": 30})
        kept.store([by(1, 400 * DAY, "ana"), by(2, 3 * DAY, "ana"), by(3, 4 * DAY, "bob")])
        kept.holds().add(hold("actor:ana", "one"))
        kept.holds().add(hold("actor:nobody", "two"))
        plan = kept.plan(NOW)
        one, two = plan.holds
        assert (one.name, one.query, one.reason, one.by, one.matches) == ("one", "actor:ana", "the case", "lena", 2)
        assert [(each.class_, each.records) for each in one.keeps] == [("activity", 1)]
        assert (two.matches, list(two.keeps)) == (0, [])
        (part,) = [part for part in plan.parts if part.why.startswith("held")]
        assert (part.why, part.due, part.goes, part.records) == ("held by one", False, None, 1)
        assert sum(part.records or 0 for part in plan.parts) == 3

    def test_a_name_is_used_once_and_an_unknown_one_is_named(self, kept: Kept) -> None:
        kept.keep({})
        kept.holds().add(hold("actor:ana"))
        with pytest.raises(UsageError, match="there is, or was, a hold 'case'"):
            kept.holds().add(hold("actor:bob"))
        with pytest.raises(UsageError, match="there is no hold 'other'"):
            kept.holds().release("other", "max", "settled", NOW)
        kept.holds().release("case", "max", "settled", NOW)
        with pytest.raises(UsageError, match="was released at"):
            kept.holds().release("case", "max", "again", NOW)
        with pytest.raises(UsageError, match="there is, or was, a hold 'case'"):
            kept.holds().add(hold("actor:bob"))

    def test_holds_against_retention_as_a_model(self, kept: Kept) -> None:
        """Records come, the clock goes on, holds come and go, applies run: the model says what must be left."""
        questions = st.sampled_from(QUESTIONS)
        people, classes = st.sampled_from(["ana", "bob"]), st.sampled_from(["activity", "delivery"])
        arrivals = st.lists(st.tuples(people, classes, st.integers(0, 90)), min_size=1, max_size=5)
        step = st.one_of(
            st.tuples(st.just("store"), arrivals),
            st.tuples(st.just("hold"), st.tuples(questions, st.one_of(st.none(), st.integers(1, 80)))),
            st.tuples(st.just("release"), st.integers(0, 5)),
            st.tuples(st.just("pass"), st.integers(1, 60)),
            st.tuples(st.just("keep"), st.one_of(st.none(), st.integers(1, 60))),
            st.tuples(st.just("apply"), st.none()),
        )

        @given(st.lists(step, min_size=4, max_size=12))
        @settings(max_examples=self.steps, deadline=None, suppress_health_check=list(HealthCheck))
        def check(steps: Sequence[tuple[str, object]]) -> None:
            Model(kept, self.by_record).run([("store", [("ana", "activity", 60)]), *steps, ("apply", None)])

        check()


class Model:
    """What is left must be all that is young or held; where records go one by one, nothing else."""

    def __init__(self, kept: Kept, by_record: bool) -> None:
        kept.empty()
        kept.keep({"activity": 20, "delivery": 20})
        self.kept, self.by_record = kept, by_record
        self.days: int | None = 20
        self.later = timedelta()
        self.records: dict[str, Record] = {}
        self.number = 0
        self.holds: dict[str, tuple[Callable[[Record], bool], datetime | None]] = {}

    @property
    def now(self) -> datetime:
        return max(NOW, REAL) + self.later

    def run(self, steps: Sequence[tuple[str, object]]) -> None:
        for name, given_ in steps:
            getattr(self, f"do_{name}")(given_)

    def do_store(self, arrivals: list[tuple[str, str, int]]) -> None:
        new = [
            by(self.number + place, (NOW - self.now) + timedelta(days=age), who, surface)
            for place, (who, surface, age) in enumerate(arrivals)
        ]
        self.number += len(new)
        self.kept.store(new)
        self.records |= {str(record.id): record for record in new}

    def do_hold(self, what: tuple[str, int | None]) -> None:
        text, days = what
        name = f"h{len(self.holds)}"
        until = None if days is None else (self.now + timedelta(days=days)).replace(microsecond=0)
        one = hold(text, name, until)
        self.kept.holds().add(one)
        self.holds[name] = matcher(one.asked()), until

    def do_release(self, place: int) -> None:
        if self.holds:
            name = sorted(self.holds)[place % len(self.holds)]
            if all(one.name != name or one.released_at is None for one in self.kept.holds().all()):
                self.kept.holds().release(name, "max", "settled", self.now)
                self.holds[name] = (lambda _: False), None

    def do_pass(self, days: int) -> None:
        self.later += timedelta(days=days)

    def do_keep(self, days: int | None) -> None:
        self.days = days
        self.kept.keep({"activity": days, "delivery": days})

    def do_apply(self, _: None) -> None:
        done: list[Done] = self.kept.apply(self.now)
        left = self.kept.left()
        for name, record in self.records.items():
            old = self.now - datetime.fromisoformat(str(record.timestamp))
            held = any(test(record) and (end is None or self.now < end) for test, end in self.holds.values())
            young = self.days is None or old <= self.days * DAY
            assert name in left or not (held or young), (name, held, young, done)
            if self.by_record:
                assert (name in left) == (held or young), (name, held, young)
        assert sum(one.records or 0 for one in done) == len(self.records) - len(left)
        self.records = {name: record for name, record in self.records.items() if name in left}
        assert self.kept.meta().hold == any(one.state_at(self.now) == "active" for one in self.kept.holds().all()), (
            "agents are told"
        )
