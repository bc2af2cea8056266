"""One profile at work: functions made for the events that are met, behind them the interpreter.

the event's action ─► its variant of the profile ─► the event's keys ─► a guess, else the compiled function
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.fast.byshape import ByShape
from whodid_agent.normalise.fast.compile import Extract, compile_profile
from whodid_agent.normalise.fast.guess import Guess, guess
from whodid_agent.normalise.fast.peek import compile_peek
from whodid_agent.normalise.interpret import extract
from whodid_agent.normalise.language.expression import looked_at
from whodid_agent.normalise.language.load import builtin_profile
from whodid_agent.normalise.language.path import table_key
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.unknown.generic import Search

_MOST_GUESSES = 6
_FIRST, _SELDOM = 4, 64
"""Events that no guess serves until one is made, the first time and at last."""

_MOST_ACTIONS = 512
_LONGEST_ACTION = 128
_ROOM, _REFILL = 1_024, 1 / 256
"""Bounds of what is kept for the actions that senders make up: a guess takes 14 KB, and 1.5 ms to make."""


class Guesses:
    """What serves the events of one list of keys and one action: guesses of those met lately, the useful in front."""

    def __init__(self) -> None:
        self.known: list[Guess] = []
        self._next = self._pause = _FIRST

    def prefer(self, useful: Guess) -> None:
        """This one has served: a place further to the front with it."""
        place = self.known.index(useful)
        self.known[place - 1 : place + 1] = useful, self.known[place - 1]

    def is_due(self) -> bool:
        """Whether a guess is to be made of the event that none of those there are serves."""
        self._next -= 1
        if self._next:
            return False
        self._next = self._pause = min(2 * self._pause, _SELDOM)
        return True


class Room:
    """How many guesses of one profile may be kept still, and how many made: so many at once, then some now and then."""

    def __init__(self) -> None:
        self.kept = _ROOM
        self.made: float = _ROOM

    def keep(self, guesses: Guesses, made: Guess) -> bool:
        """Put a guess to the others, where there is no room in the place of the last; whether there was a place."""
        if self.kept and len(guesses.known) < _MOST_GUESSES:
            guesses.known.append(made)
            self.kept -= 1
        elif guesses.known:
            guesses.known[-1] = made
        return bool(guesses.known)


class Fitted:
    """What serves the events of one list of keys: guesses by their action, where it matters, and behind them `run`."""

    def __init__(self, profile: Profile, run: Extract, room: Room | None) -> None:
        self._profile = profile
        self.run = run
        self._room = room
        self.guesses: dict[str | None, Guesses] = {}
        self._met: dict[str | None, Guesses] = {}

    def extract(self, event: dict[str, Any], action: str | None = None) -> Draft | Plain:
        """The draft of an event with these keys, or what a plain one is made of; uses it up."""
        guesses = self.guesses.get(action)
        if guesses is not None:
            for one in guesses.known:
                draft = one(event)
                if draft is not None:
                    if one is not guesses.known[0]:
                        guesses.prefer(one)
                    return draft
        if self._room is not None:
            self._learn(event, action, guesses, self._room)
        return self.run(event)

    def _learn(self, event: dict[str, Any], action: str | None, guesses: Guesses | None, room: Room) -> None:
        """Make a guess of this event where one is due: senders make events up, so not of each."""
        room.made = min(room.made + _REFILL, _ROOM)
        guesses = guesses or self._met.get(action)
        if guesses is None:
            if len(action or "") > _LONGEST_ACTION:
                return
            if len(self._met) >= _MOST_ACTIONS:
                self._met.clear()
            guesses = self._met[action] = Guesses()
        if guesses.is_due() and room.made >= 1:
            room.made -= 1
            made = guess(self._profile, event, of_action=action is not None)
            if made is not None and room.keep(guesses, made):
                self.guesses[action] = guesses
                self._met.pop(action, None)


def by_shape(profile: Profile, room: Room) -> ByShape[Fitted]:
    """The functions of a profile without overrides."""
    paths = [path for expr in profile.slots.values() for path in looked_at(expr)]
    looked_for = frozenset(path.top for path in (*paths, *profile.native, *profile.ignore))

    def fit(keys: frozenset[str]) -> Fitted:
        return Fitted(profile, compile_profile(profile, keys), room)

    return ByShape(Fitted(profile, compile_profile(profile), None), looked_for, fit)


class Mapper:
    """Makes drafts of events; its functions are made at the first event, so a profile never met costs nothing.

    `head` is what its profile is recognised by, and more where it was read already.
    """

    def __init__(self, head: Profile) -> None:
        self.head = head
        self.fell_back = 0
        self._room = Room()
        self._variants: dict[int, ByShape[Fitted]] = {}
        self._of_action: dict[str | None, ByShape[Fitted]] = {}

    @cached_property
    def profile(self) -> Profile:
        """The whole profile."""
        return self.head if self.head.whole else builtin_profile(self.head.name)

    @cached_property
    def _fitted(self) -> ByShape[Fitted]:
        return by_shape(self.profile.plain, self._room)

    @cached_property
    def search(self) -> Search:
        """What serves a profile that searches (`names:`)."""
        return Search(self.profile)

    @cached_property
    def _peek(self) -> Callable[[dict[str, Any]], str | None]:
        return compile_peek(self.profile)

    def _variant(self, action: str | None) -> ByShape[Fitted]:
        """The functions for events of this action."""
        number = self.profile.which.get(table_key(action))
        if number is not None and number not in self._variants:
            self._variants[number] = by_shape(self.profile.variants[number], self._room)
        found = self._fitted if number is None else self._variants[number]
        if len(action or "") <= _LONGEST_ACTION:
            if len(self._of_action) >= _MOST_ACTIONS:
                self._of_action.clear()
            self._of_action[action] = found
        return found

    def extract(self, event: dict[str, Any], data: bytes, shape: tuple[str, ...]) -> Draft | Plain:
        """The draft of `event` (its keys: `shape`), decoded from `data`, or what a plain one is made of; uses it up."""
        if self.profile.names:
            return self.search.extract(event, data, shape)
        try:
            if not self.profile.actions:
                fitted = self._fitted
                return (fitted.known.get(shape) or fitted.meet(shape)).extract(event)
            action = self._peek(event)
            fitted = self._of_action.get(action) or self._variant(action)
            return (fitted.known.get(shape) or fitted.meet(shape)).extract(event, action)
        except Exception:  # noqa: BLE001  # whatever the fast way stumbles over, the complete way answers
            self.fell_back += 1
            return extract(self.profile, decode_json(data))
