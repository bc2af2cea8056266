"""What `whodid serve` does about retention by itself: an apply some time after the start, and then once a day.

In a thread, on connections of its own, beside all that is written and asked. What goes wrong is logged and tried again
the next day; records are then kept longer, never shorter.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from whodid_indexer.retention.plan import Done
from whodid_indexer.store.base import Lifecycle
from whodid_schema.errors import WhodidError

FIRST = 60.0
"""Seconds after the start: what the server was started for comes first."""

EVERY = 86_400.0

log = logging.getLogger(__name__)


class Daily:
    """Applies the retention of one store as a context manager: begun when entered, ended within a step when left.

    `opener` makes the store's lifecycle, which ends early once the event it is given is set.
    """

    def __init__(
        self,
        opener: Callable[[threading.Event], Lifecycle],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        first: float = FIRST,
        every: float = EVERY,
    ) -> None:
        self._open = opener
        self._clock = clock
        self._first = first
        self._every = every
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._leave.wait(wait):
            self._once()
            wait = self._every

    def _once(self) -> None:
        try:
            with contextlib.closing(self._open(self._leave)) as lifecycle:
                lifecycle.apply(self._clock(), _tell)
        except WhodidError as error:
            log.error("retention was not applied, and is tried again tomorrow: %s", error)  # noqa: TRY400  foreseen
        except Exception:
            log.exception("retention was not applied, and is tried again tomorrow")


def _tell(done: Done) -> None:
    log.warning("retention: deleted %s records of %s: %s", done.records, done.class_, done.what)
