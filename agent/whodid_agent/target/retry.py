"""Back-off: how long to wait before trying again, with jitter, so that agents of many hosts do not come in step."""

import random
from collections.abc import Callable


class Backoff:
    """Waits that double from `first` to `most` seconds, each between half of it and all of it by chance."""

    def __init__(self, first: float = 0.2, most: float = 30.0, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._chance = chance
        self._tries = 0

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now; at least what the store asked for (`Retry-After`), up to ten minutes."""
        wait = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return max(wait * (0.5 + self._chance() / 2), min(at_least, 600.0))

    def reset(self) -> None:
        """Something got through: begin with short waits again."""
        self._tries = 0


def retry_after(header: str | None) -> float:
    """Seconds of a `Retry-After` header; 0 where there is none or it is a date (clocks differ: our own back-off)."""
    try:
        return max(0.0, float(header)) if header else 0.0
    except ValueError:
        return 0.0
