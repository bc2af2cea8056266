"""One profile at work: functions made for the events that are met, behind them the interpreter.

the event's action ─► its variant of the profile ─► the event's keys ─► a guess, else the compiled function
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from whodid_agent.normalise.byshape import ByShape
from whodid_agent.normalise.compile import Extract, compile_profile
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.expression import looked_at
from whodid_agent.normalise.generic import Search
from whodid_agent.normalise.guess import Guess, guess
from whodid_agent.normalise.interpret import extract
from whodid_agent.normalise.load import builtin_profile
from whodid_agent.normalise.path import table_key
from whodid_agent.normalise.peek import compile_peek
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.profile import Profile

_MOST_GUESSES = 4


class Fitted:
    """What serves the events of one list of keys: guesses made of those that were met, and behind them `run`."""

    def __init__(self, profile: Profile, run: Extract, *, guessing: bool) -> None:
        self._profile = profile
        self.run = run
        self.guesses: tuple[Guess, ...] = ()
        self._tries = _MOST_GUESSES if guessing else 0
        self._missed = 0
        self._next = 1

    def extract(self, event: dict[str, Any]) -> Draft | Plain:
        """The draft of an event with these keys, or what a plain one is made of; uses it up."""
        for one in self.guesses:
            draft = one(event)
            if draft is not None:
                return draft
        if self._tries:
            self._missed += 1
            if self._missed == self._next:
                # One guess of the first that is met, another where that fits few, at last none: senders make events up.
                self._tries -= 1
                self._next *= 8
                made = guess(self._profile, event)
                if made is not None:
                    self.guesses += (made,)
        return self.run(event)


def by_shape(profile: Profile) -> ByShape[Fitted]:
    """The functions of a profile without overrides."""
    paths = [path for expr in profile.slots.values() for path in looked_at(expr)]
    looked_for = frozenset(path.top for path in (*paths, *profile.native, *profile.ignore))

    def fit(keys: frozenset[str]) -> Fitted:
        return Fitted(profile, compile_profile(profile, keys), guessing=True)

    return ByShape(Fitted(profile, compile_profile(profile), guessing=False), looked_for, fit)


class Mapper:
    """Makes drafts of events; its functions are made at the first event, so a profile never met costs nothing.

    `head` is what its profile is recognised by, and more where it was read already.
    """

    def __init__(self, head: Profile) -> None:
        self.head = head
        self.fell_back = 0
        self._variants: dict[int, ByShape[Fitted]] = {}

    @cached_property
    def profile(self) -> Profile:
        """The whole profile."""
        return self.head if self.head.whole else builtin_profile(self.head.name)

    @cached_property
    def _fitted(self) -> ByShape[Fitted]:
        return by_shape(self.profile.plain)

    @cached_property
    def search(self) -> Search:
        """What serves a profile that searches (`names:`)."""
        return Search(self.profile)

    @cached_property
    def _peek(self) -> Callable[[dict[str, Any]], str | None]:
        return compile_peek(self.profile)

    def _variant(self, event: dict[str, Any]) -> ByShape[Fitted]:
        """The functions for the event's action."""
        number = self.profile.which.get(table_key(self._peek(event)))
        if number is None:
            return self._fitted
        if number not in self._variants:
            self._variants[number] = by_shape(self.profile.variants[number])
        return self._variants[number]

    def extract(self, event: dict[str, Any], data: bytes, shape: tuple[str, ...]) -> Draft | Plain:
        """The draft of `event` (its keys: `shape`), decoded from `data`, or what a plain one is made of; uses it up."""
        if self.profile.names:
            return self.search.extract(event, data, shape)
        try:
            fitted = self._variant(event) if self.profile.actions else self._fitted
            return (fitted.known.get(shape) or fitted.meet(shape)).extract(event)
        except Exception:  # noqa: BLE001  # whatever the fast way stumbles over, the complete way answers
            self.fell_back += 1
            return extract(self.profile, decode_json(data))
