"""The delivering thread: takes batches in order, hands back what is settled, and sees to what is parked.

It is a thread so that the next batch is normalised while this one is on its way; it owns journal, quarantine and
parking. At most one batch waits for it: reading stops when the store does not keep up.
"""

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from whodid_agent.attempt import Begun
from whodid_agent.batch import Batch
from whodid_agent.delivery import Delivery, Settled
from whodid_agent.quarantine import Quarantine
from whodid_agent.waiting import Interrupted, Waiting
from whodid_schema.bulk import Result
from whodid_schema.meta import Meta

log = logging.getLogger(__name__)

REFRESH = 60.0
"""Seconds between two looks at the store's template document."""


class Flight(NamedTuple):
    """A batch that is written down, and its request where one is on its way."""

    batch: Batch
    begun: Begun | None


class Sender(threading.Thread):
    """Runs `Delivery` on batches until it is told to leave. `wake` is called whenever something is settled."""

    def __init__(
        self,
        delivery: Delivery,
        quarantine: Quarantine,
        waiting: Waiting,
        meta: Meta,
        wake: Callable[[], None],
        last_seq: int,
    ) -> None:
        super().__init__(name="whodid-sender", daemon=True)
        self._delivery = delivery
        self._quarantine = quarantine
        self._waiting = waiting
        self._wake = wake
        self._seq = last_seq
        self._inbox: queue.Queue[Batch | None] = queue.Queue(maxsize=1)
        self._take_out: deque[list[str]] = deque()
        self._done: deque[Settled] = deque()
        self._refreshed = time.monotonic()
        self._last_try = threading.Event()
        self._tried = threading.Event()
        self.meta = meta
        self.failure: BaseException | None = None
        self.open = 0
        self.taken_out: list[str] = []

    # From the reading thread.

    def submit(self, batch: Batch) -> bool:
        """Hand over a batch; False where one already waits."""
        try:
            self._inbox.put_nowait(batch)
        except queue.Full:
            return False
        self.open += 1
        return True

    def settled(self) -> list[Settled]:
        """What was settled since the last call, in order."""
        done = [self._done.popleft() for _ in range(len(self._done))]
        self.open -= sum(not each.batch.released for each in done)
        return done

    def check(self) -> None:
        """Raises what ended the thread."""
        if self.failure is not None:
            raise self.failure

    def nudge(self) -> None:
        """Look up from waiting for a batch."""
        with contextlib.suppress(queue.Full):
            self._inbox.put_nowait(None)

    def take_out(self, names: list[str]) -> None:
        """Have entries, which the checkpoint says are replayed, taken out of quarantine; see `taken_out`."""
        self.taken_out = []
        self._take_out.append(names)
        self.nudge()

    def try_parked_now(self) -> None:
        """Everything parked gets one more try, whatever its turn; `tried` says when that is over."""
        if not self._last_try.is_set():
            self._last_try.set()
            self.nudge()

    @property
    def tried(self) -> bool:
        """Whether the try asked for with `try_parked_now` is over."""
        return self._tried.is_set()

    # In the thread itself.

    def run(self) -> None:
        """Until `Waiting.leave` is set."""
        try:
            while not self._waiting.leave.is_set():
                self._once()
        except Interrupted:
            log.debug("leaving; what is in flight stays in the journal")
        except BaseException as error:  # noqa: BLE001  the reading thread raises it
            self.failure = error
        finally:
            self._wake()

    def _once(self) -> None:
        soonest = self._delivery.parking.next_due()
        try:
            batch = self._inbox.get(timeout=0.1 if soonest is None else min(0.1, soonest))
        except queue.Empty:
            pass
        else:
            flight = self._begin(batch) if batch is not None else None
            while flight is not None:
                following = self._following(flight)
                self._finish(flight)
                flight = following
        while self._take_out:
            names = self._take_out.popleft()
            self._quarantine.take_out(names)
            self.taken_out = names
            self._wake()
        self._see_to_parked()
        if self._due():
            self._refresh()

    def _due(self) -> bool:
        """Whether it is time to look at the template document."""
        return time.monotonic() - self._refreshed > REFRESH

    def _deliver(self, batch: Batch, known: Mapping[int, Result] = MappingProxyType({})) -> bool:
        """Deliver; whether all of it got through."""
        return self._finish(self._begin(batch), known)

    def _begin(self, batch: Batch) -> Flight:
        if not batch.seq:
            self._seq += 1
            batch.seq = self._seq
        return Flight(batch, self._delivery.begin(batch, self.meta.rules, self.nudge))

    def _following(self, flight: Flight) -> Flight | None:
        """The next batch, begun; None where none comes before this one is answered, or other things are to be done."""
        while not (self._take_out or self._due() or self._waiting.leave.is_set()):
            if flight.begun is None or flight.begun.answered:
                return None
            with contextlib.suppress(queue.Empty):
                batch = self._inbox.get(timeout=0.1)
                if batch is not None:
                    return self._begin(batch)
        return None

    def _finish(self, flight: Flight, known: Mapping[int, Result] = MappingProxyType({})) -> bool:
        settled = self._delivery.deliver(flight.batch, known, flight.begun)
        self._done.append(settled)
        self._wake()
        return not settled.parked

    def _see_to_parked(self) -> None:
        everything = self._last_try.is_set() and not self._tried.is_set()
        parking = self._delivery.parking
        for cause in list(parking.causes.values()) if everything else parking.due():
            first = self._delivery.try_parked(cause)
            if first is None:
                cause.later()
                continue
            cause.at_once()
            for parked in list(cause.files):
                batch, known = first or (parking.load(parked), {})
                first = None
                parking.release(cause, parked)
                if not self._deliver(batch, known):
                    cause.later()
                    break
        if everything:
            self._tried.set()
            self._wake()

    def _refresh(self) -> None:
        """Look at the template document again; an unreachable store leaves the last good copy in force."""
        meta = self._waiting.ready(known=True).meta
        self._refreshed = time.monotonic()
        if meta is not None:
            self.meta = meta
