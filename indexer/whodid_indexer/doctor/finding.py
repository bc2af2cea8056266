"""What a check finds, and how checks run: one after the other, each with half of the time that is left.

ok        looked at, and well
warn      works, but somebody should know
fail      broken, or will be soon
skipped   not looked at, or not to its end: the time was up, a right is missing, or there is nothing to look at
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from whodid_schema.errors import NotAllowed, WhodidError

Status = Literal["ok", "warn", "fail", "skipped"]


class Finding(Struct, frozen=True):
    """The outcome of a check: what was seen, in words, and how to mend it where there is something to mend.

    `check` is the name of the check, given by `look_over`.
    """

    check: str
    status: Status
    said: str
    mend: str = ""


def ok(said: str) -> Finding:
    """It is well."""
    return Finding("", "ok", said)


def warn(said: str, mend: str) -> Finding:
    """Somebody should know."""
    return Finding("", "warn", said, mend)


def fail(said: str, mend: str) -> Finding:
    """It is broken."""
    return Finding("", "fail", said, mend)


def skipped(said: str, mend: str = "") -> Finding:
    """It was not looked at."""
    return Finding("", "skipped", said, mend)


class Spent(Exception):
    """The time of a check is up."""


class Budget:
    """So many seconds from now on."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends = clock() + seconds

    def left(self) -> float:
        """Seconds that are left; 0 when none are."""
        return max(0.0, self._ends - self._clock())

    def require(self) -> None:
        """Raises Spent where no time is left."""
        if not self.left():
            raise Spent

    def half(self) -> "Budget":
        """Half of what is left."""
        return Budget(self.left() / 2, self._clock)


Check = Callable[[Budget], Iterable[Finding]]
"""Looks at one thing, within a budget that short ones leave alone."""


def look_over(checks: Iterable[tuple[str, Check]], budget: Budget) -> Iterator[Finding]:
    """Every check's findings, in order, under its name. What a check raises is a finding of its own."""
    for name, check in checks:
        for finding in _found(check, budget.half()):
            yield replace(finding, check=name)


def _found(check: Check, given: Budget) -> Iterator[Finding]:
    try:
        given.require()
        yield from check(given)
    except Spent:
        yield skipped(f"not looked at to its end within {given.seconds:.1f} s", "--budget gives it more time")
    except NotAllowed as error:
        yield skipped(error.message, error.hint)
    except WhodidError as error:
        yield fail(error.message, error.hint)
    except Exception as error:  # noqa: BLE001  of a damaged store anything may be read, and nothing is hidden here
        yield fail(f"reading ended with {type(error).__name__}: {error}", "see what the other checks say")
