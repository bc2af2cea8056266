"""Slowing down whoever tries tokens: each failure from an address makes its next failure wait longer.

Nobody is locked out: a right token is answered at once, so that a stranger behind the same address can keep nobody out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

FIRST = 0.25
LONGEST = 8.0
"""Seconds that a failure waits: the first one, and at most."""

FORGOTTEN = 900.0
"""Seconds after the last failure until an address is new again."""

MOST = 10_000
"""Addresses remembered."""


class Attempts:
    """Failures by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, address: str) -> float:
        """Count a failure; the seconds that its answer is to wait."""
        now = self._clock()
        times, last = self._failed.pop(address, (0, now))
        times = 1 if now - last > FORGOTTEN else times + 1
        self._failed[address] = times, now
        if len(self._failed) > MOST:
            self._failed.popitem(last=False)
        return min(FIRST * 2.0 ** min(times - 1, 30), LONGEST)

    def succeeded(self, address: str) -> None:
        """Forget an address."""
        self._failed.pop(address, None)
