"""What is made for events by the list of their keys, since most events of one kind have the same."""

from collections.abc import Callable
from typing import Generic, TypeVar

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
