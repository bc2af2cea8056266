"""What the inputs say of themselves: what they cannot read, each problem named once, and what still waits in them."""

import logging
import time
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from whodid_agent.inputs.contract import Source
from whodid_agent.metrics import PENDING_BYTES

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks."""

STUCK = 3.0
"""Seconds after which --once no longer waits for bytes that an input has and does not give."""


@runtime_checkable
class Troubled(Protocol):
    """A source that can say what it cannot read now."""

    def problems(self) -> list[str]:
        """One sentence each; they may go away by themselves."""


class Outlook:
    """Looks at the sources about once a second."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = list(sources)
        self._problems: dict[str, set[str]] = {}
        self._looked = 0.0
        self._pending = 0
        self._pending_since = 0.0
        self.left_unread = False

    @property
    def troubled(self) -> bool:
        """Whether something could not be read when it was looked last, or was left unread for good."""
        return self.left_unread or any(self._problems.values())

    def look_soon(self) -> None:
        """The next `look` looks."""
        self._looked = 0.0

    def look(self) -> bool:
        """Name what cannot be read, and measure the backlog; False where it is too soon to look again."""
        if time.monotonic() - self._looked < EVERY:
            return False
        self._looked = time.monotonic()
        for source in self._sources:
            source.poll()  # also while nothing can be taken: what happens to files meanwhile must be seen
            PENDING_BYTES.labels(source.name).set(source.pending())
            self._name_problems(source)
        return True

    def _name_problems(self, source: Source) -> None:
        """Say once what an input cannot read, and once when it can again."""
        now = set(source.problems()) if isinstance(source, Troubled) else set()
        before = self._problems.get(source.name, set())
        for problem in sorted(now - before):
            log.warning("%s", problem)
        if before and not now:
            log.info("%s: everything can be read again", source.name)
        self._problems[source.name] = now

    def nothing_waits(self, *, finishing: bool) -> bool:
        """Whether everything was read; when finishing, what is not given for a while is left where it is."""
        pending = sum(source.pending() for source in self._sources)
        if pending != self._pending:
            self._pending, self._pending_since = pending, time.monotonic()
        if pending and finishing and time.monotonic() - self._pending_since > STUCK:
            log.warning("%d bytes are there and cannot be read as lines now; they are left for the next run", pending)
            self.left_unread = True
            return True
        return not pending
