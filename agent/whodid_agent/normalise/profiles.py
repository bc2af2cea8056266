"""The profiles there are: the built-in ones and those of a folder, ready to be applied to events."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from whodid_agent.normalise.compile import Extract, compile_profile
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.expression import looked_at
from whodid_agent.normalise.generic import Search
from whodid_agent.normalise.guess import Guess, guess
from whodid_agent.normalise.interpret import extract
from whodid_agent.normalise.load import builtin_profiles, load_profiles
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.profile import Profile, Split
from whodid_agent.normalise.recognise import Recogniser
from whodid_schema.errors import ConfigError

GENERIC = "generic"

_MET_OFTEN = 16
_MOST_SHAPES = 1024
_MOST_MADE = 48
_MOST_KEYS = 64
_LONGEST_KEY = 128
"""Bounds of what is kept for the key lists that senders make up."""


Made = TypeVar("Made")


class ByShape(Generic[Made]):
    """What is made for the key lists that events have: the general one until a list has been met often.

    Bounded, since the keys are the sender's. `looked_for` are the keys that make a difference.
    """

    def __init__(self, general: Made, looked_for: frozenset[str], make: Callable[[frozenset[str]], Made]) -> None:
        self._general, self._looked_for, self._make = general, looked_for, make
        self._met: dict[tuple[str, ...], int] = {}
        self._made: dict[frozenset[str], Made] = {}
        self.known: dict[tuple[str, ...], Made] = {}

    def meet(self, shape: tuple[str, ...]) -> Made:
        """What serves events with just these keys, in this order; kept in `known` once it is special."""
        if len(shape) > _MOST_KEYS or any(len(key) > _LONGEST_KEY for key in shape):
            return self._general
        met = self._met.get(shape, 0) + 1
        if len(self._met) >= _MOST_SHAPES:
            self._met.clear()
        self._met[shape] = met
        keys = self._looked_for.intersection(shape)
        if met < _MET_OFTEN or (keys not in self._made and len(self._made) >= _MOST_MADE):
            return self._general
        if len(self.known) >= _MOST_SHAPES:
            self.known.clear()
        made = self._made[keys] = self.known[shape] = self._made.get(keys) or self._make(keys)
        return made


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


class Mapper:
    """One profile at work: its compiled functions, behind them the interpreter."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.fell_back = 0

    @cached_property
    def _fitted(self) -> ByShape[Fitted]:
        """Made at the first event: a profile that is never met costs nothing."""
        profile = self.profile
        paths = [path for expr in profile.slots.values() for path in looked_at(expr)]
        looked_for = frozenset(path.top for path in (*paths, *profile.native, *profile.ignore))
        return ByShape(Fitted(profile, compile_profile(profile), guessing=False), looked_for, self._fit)

    @cached_property
    def search(self) -> Search:
        """What serves a profile that searches (`names:`)."""
        return Search(self.profile)

    def _fit(self, keys: frozenset[str]) -> Fitted:
        return Fitted(self.profile, compile_profile(self.profile, keys), guessing=True)

    def extract(self, event: dict[str, Any], data: bytes, shape: tuple[str, ...]) -> Draft | Plain:
        """The draft of `event` (its keys: `shape`), decoded from `data`, or what a plain one is made of; uses it up."""
        if self.profile.names:
            return self.search.extract(event)
        try:
            fitted = self._fitted.known.get(shape) or self._fitted.meet(shape)
            return fitted.extract(event)
        except Exception:  # noqa: BLE001  # whatever the fast way stumbles over, the complete way answers
            self.fell_back += 1
            return extract(self.profile, decode_json(data))


class ProfileSet:
    """All profiles by name. The order of the files never matters: see `recognise`."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._mappers: dict[str, Mapper] = {}
        for profile in profiles:
            if profile.name in self._mappers:
                other = self._mappers[profile.name].profile.where
                raise ConfigError(f"{profile.where}: the profile {profile.name!r} is already there ({other})")
            self._mappers[profile.name] = Mapper(profile)
        known = [mapper.profile for mapper in self._mappers.values()]
        self._recogniser = Recogniser(known, self.get(GENERIC).profile)
        self._chains = ByShape(self._recogniser.profile_of, self._recogniser.looked_for, self._recogniser.for_keys)
        self.splits: Mapping[str, Split] = {one.split.path: one.split for one in known if one.split is not None}

    @classmethod
    def load(cls, folder: Path | None = None) -> "ProfileSet":
        """The built-in profiles, and those in `folder` (*.yaml), which replace built-in ones of the same name.

        Raises ConfigError naming file, line and key.
        """
        own = load_profiles(sorted(folder.glob("*.yaml"))) if folder is not None else []
        replaced = {profile.name for profile in own}
        return cls([*(profile for profile in builtin_profiles() if profile.name not in replaced), *own])

    def __iter__(self) -> Iterator[Mapper]:
        return iter(self._mappers.values())

    def get(self, name: str) -> Mapper:
        """The profile of this name. Raises ConfigError naming the nearest one."""
        if name not in self._mappers:
            near = difflib.get_close_matches(name, self._mappers, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(self._mappers))}"
            raise ConfigError(f"there is no profile {name!r}", hint)
        return self._mappers[name]

    def mapper_of(self, event: dict[str, Any], shape: tuple[str, ...]) -> Mapper:
        """The profile whose shape this event (its keys: `shape`) has, else the generic one."""
        profile_of = self._chains.known.get(shape) or self._chains.meet(shape)
        return self._mappers[profile_of(event).name]
