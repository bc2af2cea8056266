"""How long a consumer waits for a receiver or a store that does not answer as hoped; said when it begins and ends."""

import random

from whodid_indexer.forward.sink import NotTaken
from whodid_indexer.forward.tools import Say

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
"""Seconds."""


class Patience:
    """`reason` is why it waits, empty where it does not; `attempts` since when, `retries` since the beginning."""

    def __init__(self, name: str, say: Say) -> None:
        self._name = name
        self._say = say
        self.reason = ""
        self.attempts = 0
        self.retries = 0

    def trouble(self, error: NotTaken) -> float:
        """Seconds to wait after this: longer each time, with jitter, at least as long as was asked for."""
        if not self.reason:
            self._say(f"{self._name}: {error.message}; trying again")
        self.reason = error.message
        self.attempts += 1
        self.retries += 1
        wait: float = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.attempts - 1, 10))
        wait *= random.uniform(0.5, 1.0)  # noqa: S311  nobody gains by guessing it
        return max(wait, error.after)

    def over(self) -> None:
        """It answers."""
        if self.reason:
            self._say(f"{self._name}: goes on after {self.attempts} attempts")
        self.reason = ""
        self.attempts = 0
