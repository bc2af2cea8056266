"""A search that notes what it asks, and the recall that is made of it."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from whodid_agent.normalise.plain import PLAIN, filled
from whodid_agent.normalise.unknown.aside import MANY, Aside
from whodid_agent.normalise.unknown.find import Finder, Took
from whodid_agent.normalise.unknown.plan import Place, Plan
from whodid_agent.normalise.unknown.recall import Held, Idle, Recall, Used
from whodid_agent.normalise.unknown.shapes import Accept
from whodid_agent.normalise.unknown.spread import MOST_ITEMS, Spread

Asked = tuple[Place, Accept]

_PEOPLE = frozenset({"actor.id", "actor.name", "actor.email"})


class Noting(Finder):
    """A search that keeps what it asked and what it was answered."""

    __slots__ = ("aside", "asked", "compared", "kept", "mixed")

    def __init__(self, spread: Spread, plan: Plan) -> None:
        super().__init__(spread, plan)
        self.aside = plan.aside
        self.asked: dict[Asked, Any] = {}
        self.compared: list[tuple[Asked, Asked, bool]] = []
        self.kept: dict[tuple[str, str], Took] = {}
        self.mixed = False

    def _ask(self, place: Place, question: Accept) -> Any:
        answer = self.asked[place, question] = super()._ask(place, question)
        return answer

    def _equal(self, one: Took, other: Took) -> bool:
        equal = super()._equal(one, other)
        self.compared.append(((one.place, one.question), (other.place, other.question), equal))
        return equal

    def _joined(self, day: str, clock: str) -> Any:
        self.mixed = True  # such a value is no answer of one place
        return super()._joined(day, clock)

    def _keep(self, took: Took) -> None:
        super()._keep(took)
        self.kept[took.group, took.member] = took


class _Unfit(Exception):
    """The event that was met is too odd to be recalled."""


def recall_of(noted: Noting, aside: Aside, braces: int, lift: Sequence[str]) -> Recall | None:
    """The recall of a search (its event still whole, its bytes with so many braces); None where there can be none."""
    try:
        return _Maker(noted, aside).recall(braces, tuple(lift))
    except _Unfit:
        return None


class _Maker:
    """The making of one recall. `numbers`: of the search's objects → of the recall's."""

    def __init__(self, noted: Noting, aside: Aside) -> None:
        self._noted, self._aside = noted, aside
        self._spread = noted.spread
        self._numbers = {0: 0}
        self._held: list[Held] = []
        self._idle: list[Idle] = []
        self._idle_objects = 0

    def recall(self, braces: int, lift: tuple[str, ...]) -> Recall:
        if self._noted.mixed:
            raise _Unfit
        inside: set[int] = set()
        for number in range(1, len(self._spread.where)):
            self._hold(number, inside)
        asked = [*self._noted.asked, *self._empty()]
        own = 1 + len(self._held) + sum(question is _is_empty for _, question in asked)
        if own + self._idle_objects != braces or len(asked) < 2:  # `itemgetter` of one gives no tuple
            raise _Unfit
        return self._made(asked, own, lift)

    def _hold(self, number: int, inside: set[int]) -> None:
        """Note that an object is there; `inside`: those that stand in one that says nothing."""
        spread, where = self._spread, self._spread.where[number]
        last = self._noted.aside.get(number)
        if where.inside in inside:
            inside.add(number)
            return
        if where.text or where.pair is not None:
            raise _Unfit
        outer = self._numbers[where.inside]
        if last is not None and where.item is None:
            count = self._aside.objects(spread.objects[number], last)
            if count < MANY:
                inside.add(number)
                self._idle.append(Idle(outer, where.key, last))
                self._idle_objects += count
                return
        of = 0 if where.item is None else len(spread.objects[where.inside][where.key])
        if of > MOST_ITEMS:
            raise _Unfit
        self._numbers[number] = len(self._numbers)
        self._held.append(Held(outer, where.key, where.item or 0, of, tuple(spread.objects[number])))

    def _empty(self) -> list[Asked]:
        """Places of empty objects, which must stay empty."""
        held = {(where.inside, where.key) for where in self._spread.where}
        return [
            ((number, key), _is_empty)
            for number in self._numbers
            for key, value in self._spread.objects[number].items()
            if value == {} and type(value) is dict and (number, key) not in held
        ]

    def _made(self, asked: list[Asked], braces: int, lift: tuple[str, ...]) -> Recall:
        begins, values = {}, 0
        for number in self._numbers:  # in the order of the recall's objects
            begins[number] = values, list(self._spread.objects[number])
            values += len(self._spread.objects[number])
        answers = [self._answer(place, question) for place, question in asked]
        places = {one: number for number, one in enumerate(asked)}
        parts = {number: answer for number, answer in enumerate(answers) if type(answer) is tuple}
        begin, behind = {}, len(answers)
        for number, answer in parts.items():
            begin[number] = behind
            behind += len(answer)
        slots = {}
        for (group, member), took in self._noted.kept.items():
            number = places[took.place, took.question]
            slots[group, member] = number if took.part is None else begin[number] + took.part
        return Recall(
            held=tuple(self._held),
            idle=tuple(self._idle),
            braces=braces,
            pick=itemgetter(*(begins[number][0] + begins[number][1].index(key) for (number, key), _ in asked)),
            questions=tuple(question for _, question in asked),
            kinds=list(map(type, answers)),
            parts=tuple((number, list(map(type, answer))) for number, answer in parts.items()),
            compared=tuple((places[one], places[other], equal) for one, other, equal in self._noted.compared),
            used=self._used(),
            slots=tuple((group, member, number) for (group, member), number in slots.items()),
            lift=lift,
            **_plainly(slots, behind),
        )

    def _answer(self, place: Place, question: Accept) -> Any:
        return True if question is _is_empty else self._noted.asked[place, question]

    def _used(self) -> tuple[Used, ...]:
        """What leaves the event, of the innermost objects first; the objects around may be emptied by that alone."""
        where = self._spread.where
        keys: dict[int, list[str]] = {}
        for number, key in self._noted.used():
            if where[number].loose:
                keys.setdefault(number, []).append(key)
                while number > 0:
                    number = where[number].inside  # noqa: PLW2901  # up to the event itself
                    keys.setdefault(number, [])
        numbers = self._numbers | {-1: 0}
        return tuple(
            Used(numbers[number], tuple(keys[number]), numbers[where[number].inside], where[number].key)
            for number in sorted(keys, reverse=True)
            if number or keys[number]
        )


def _is_empty(value: Any) -> bool | None:
    return True if value == {} and type(value) is dict else None


def _plainly(slots: Mapping[tuple[str, str], int], behind: int) -> dict[str, Any]:
    """How a plain event is made of the answers; `behind` them and their parts stand nothing, and the actor's type."""
    numbers = {f"{group}.{member}" if group else member: number for (group, member), number in slots.items()}
    if not numbers.keys() <= set(PLAIN):
        return {"plain": None, "told": None, "named": None}
    named = None
    if "actor.type" not in numbers and not _PEOPLE.isdisjoint(numbers):
        if numbers.keys().isdisjoint(("actor.id", "actor.email")):
            named = numbers["actor.name"]
        numbers["actor.type"] = behind + 1
    return {
        "plain": itemgetter(*(numbers.get(slot, behind) for slot in PLAIN)),
        "told": filled(dict.fromkeys(numbers, "v")),
        "named": named,
    }
