"""The run loop: read fairly, normalise, hand over in batches, settle, checkpoint; once or until told to leave.

    open ─► store ready ─► resend the journal ─► read · hand over · settle ─► leave

The thread that runs this owns the sources, the streams' rows and the checkpoint; the sender's thread owns delivery.
Memory holds at most three batches: one being filled, one waiting, one on its way. When the second is there, nothing
is read: the backlog stays where it is, in the application's files and the spool.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from whodid_agent import replay, resend
from whodid_agent.batch import Batch
from whodid_agent.delivery import Delivery
from whodid_agent.inputs.contract import Source
from whodid_agent.ledger import Ledger
from whodid_agent.metrics import begin
from whodid_agent.outlook import Outlook
from whodid_agent.parking import Parking
from whodid_agent.quarantine import Quarantine
from whodid_agent.sender import Sender
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_agent.waiting import Interrupted, Waiting
from whodid_schema.errors import StoreUnreachable
from whodid_schema.meta import Meta

log = logging.getLogger(__name__)

IDLE = 0.25
"""Longest wait in seconds until inputs are looked at again."""


class Options(Struct, frozen=True):
    """How the loop behaves. Times in seconds; without `read` only what is in flight and what was asked for is sent."""

    once: bool = False
    timeout: float = 60.0
    batch_events: int = 5000
    batch_bytes: int = 8 << 20
    read_bytes: int = 256 << 10
    linger: float = 1.0
    grace: float = 5.0
    read: bool = True


class Runner:
    """One run of the agent over its sources.

    `follow` is told the store's template document whenever it changes; `woken` is set when inputs should be looked at.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        state: StateDirectory,
        client: Client,
        follow: Callable[[Meta], None],
        woken: threading.Event,
        options: Options,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._turn = list(sources)
        self._state = state
        self._options = options
        self._follow = follow
        self._woken = woken
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._leaving = threading.Event()
        self._waiting = Waiting(client)
        self._ledger = Ledger(state.path, self._sources)
        self._batch = Batch()
        self._since = 0.0
        self._finishing = False
        self._outlook = Outlook(sources)
        self._replay_names: list[str] | None = None
        self.replayed = replay.Answer()
        self._client = client
        for name in self._sources:
            begin(name)

    def stop(self) -> None:
        """Leave soon: safe to call from a signal handler."""
        self._orders.put("stop")

    def run(self) -> bool:
        """Until stopped, or with `once` until everything is drained. Whether nothing lies aside and nothing was missed.

        Raises StoreUnreachable with `once` where the store takes nothing for `timeout` seconds; StateError.
        """
        threading.Thread(target=self._obey, name="whodid-orders", daemon=True).start()
        try:
            for source in self._turn:
                source.open(self._ledger.rows_of(source.name))
            meta = self._store_ready()
            self._sender = self._start(meta)
            try:
                self._resend()
                if self._replay_names is not None:
                    self.replayed = self.replay(self._replay_names)
                self._loop()
            finally:
                self._leave()
        except Interrupted:
            log.info("stopped before anything was sent")
        finally:
            for source in self._turn:
                source.close()
            self._orders.put("end")
        return self._ledger.clean() and not self._outlook.troubled

    def _obey(self) -> None:
        if self._orders.get() == "stop":
            self._leaving.set()
            if not hasattr(self, "_sender"):
                self._waiting.leave.set()
            self._woken.set()

    # Setting up.

    def _store_ready(self) -> Meta:
        """The store's template document, waited for. Raises Interrupted, StoreUnreachable."""
        meta = self._waiting.ready(patience=self._options.timeout if self._options.once else None).meta
        assert meta is not None  # noqa: S101  ready() comes back with READY only
        self._meta = meta
        self._follow(meta)
        self._waiting.heard()
        return meta

    def _start(self, meta: Meta) -> Sender:
        folder, ledger = self._state.path, self._ledger
        quarantine = Quarantine(folder / "quarantine", ledger.settled)
        parking = Parking(folder / "parking", ledger.parked.values())
        delivery = Delivery(self._client, ledger.journal, quarantine, parking, self._waiting)
        sender = Sender(
            delivery, quarantine, self._waiting, meta, self._woken.set, max(ledger.settled, ledger.journal.last())
        )
        sender.start()
        return sender

    def _resend(self) -> None:
        """What was written down and not settled goes again, under the same ids."""
        for batch in resend.unsettled(self._ledger, self._sources):
            if not self._until(lambda batch=batch: self._sender.submit(batch)):  # type: ignore[misc]
                return
        self._until(self._take_out)

    # The loop.

    def _loop(self) -> None:
        while not self._leaving.is_set():
            self._settle()
            self._serve_requests()
            read = self._options.read and not self._full() and self._read()
            if self._hand_over(nothing_more=not read) or read:
                continue
            if self._options.once and self._drained() and self._finish():
                return
            self._pause()

    def _finish(self) -> bool:
        """Nothing is left to read: whether last lines without newline and a last try at the parked are done too."""
        if not self._finishing:
            self._finishing = True
            self._outlook.look_soon()
            for source in self._turn:
                source.finish()
            self._woken.set()
            return False
        self._sender.try_parked_now()
        return not self._ledger.parked or self._sender.tried

    def _serve_requests(self) -> None:
        """About once a second: look at the inputs, replay what commands ask for."""
        if not self._outlook.look():
            return
        for path, request in replay.asked(self._state.path / "requests"):
            replay.answer(path, self.replay(request.names))

    def replay_first(self, names: list[str]) -> None:
        """Have `run` replay these entries of quarantine (none: all) before anything is read."""
        self._replay_names = names

    def replay(self, names: list[str]) -> replay.Answer:
        """Send entries of quarantine again, these or all; returns when they are settled and taken out."""
        answer = replay.Answer()
        normalisers = {source.name: source.normaliser for source in self._turn}
        for batch in replay.batches(self._state.path / "quarantine", names, normalisers, answer):
            if not self._until(lambda batch=batch: self._sender.submit(batch)):  # type: ignore[misc]
                break
            if not self._until(lambda: self._sender.open == 0):
                break
            answer.sent += len(batch.replayed)
            self._until(self._take_out)
        return answer

    def _take_out(self) -> bool:
        """Entries that the checkpoint names as replayed leave their files; whether that is done."""
        if not self._ledger.replayed:
            return True
        names = list(self._ledger.replayed)
        if self._ledger.write():
            self._sender.take_out(names)
            if self._until(lambda: self._sender.taken_out == names):
                self._ledger.replayed = []
                return self._ledger.write()
        return False

    def _until(self, done: Callable[[], bool]) -> bool:
        """Settle and wait until `done`; False where the agent has to leave first."""
        while not done():
            self._settle()
            self._pause()
            if self._leaving.is_set():
                return False
        return True

    def _settle(self) -> None:
        self._sender.check()
        self._ledger.settle(self._sender.settled(), idle=self._sender.open == 0)
        if self._sender.meta is not self._meta:
            self._meta = self._sender.meta
            self._follow(self._meta)

    def _read(self) -> bool:
        """A block of each source, in turn, until the batch is full; whether there was any."""
        found = False
        self._turn.append(self._turn.pop(0))
        for source in self._turn:
            if self._full():
                break
            source.poll()
            block = source.read(self._options.read_bytes)
            if block is not None:
                found = True
                if not self._batch.ranges:
                    self._since = time.monotonic()
                self._batch.add(source.name, block, source.normaliser)
        return found

    def _full(self) -> bool:
        return len(self._batch) >= self._options.batch_events or self._batch.size >= self._options.batch_bytes

    def _hand_over(self, *, nothing_more: bool) -> bool:
        """Give the batch to the sender where it is time and the sender can take it."""
        if not self._batch.ranges:
            return False
        idle = self._sender.open == 0
        old = time.monotonic() - self._since >= self._options.linger
        if not (self._full() or old or (nothing_more and idle)) or not self._ledger.know(self._batch):
            return False
        if idle:
            self._waiting.heard()
        if not self._sender.submit(self._batch):
            return False
        self._batch = Batch()
        return True

    def _drained(self) -> bool:
        """Whether there is nothing left to read and nothing on its way."""
        if self._batch.ranges or self._sender.open:
            return False
        return not self._options.read or self._outlook.nothing_waits(finishing=self._finishing)

    def _pause(self) -> None:
        """Until something happens, not long. Raises StoreUnreachable with `once` where the store is silent too long."""
        self._woken.wait(IDLE)
        self._woken.clear()
        silent = time.monotonic() - self._waiting.last_heard
        if self._options.once and self._sender.open and silent > self._options.timeout:
            raise StoreUnreachable(
                f"the store took nothing for {self._options.timeout:g} s: {self._waiting.trouble or 'no answer'}",
                "what was read is safe; run again when the store is there",
            )

    # Leaving.

    def _leave(self) -> None:
        """Give what is on its way a moment to arrive; what does not stays in the journal."""
        end = time.monotonic() + self._options.grace
        while self._sender.is_alive() and time.monotonic() < end and (self._sender.open or self._batch.ranges):
            self._ledger.settle(self._sender.settled(), idle=False)
            if self._hand_over(nothing_more=True) or self._waiting.trouble:
                end = min(end, time.monotonic() + 0.5) if self._waiting.trouble else end
            self._woken.wait(0.05)
            self._woken.clear()
        self._waiting.leave.set()
        self._sender.nudge()
        self._sender.join(2.0)
        self._ledger.settle(self._sender.settled(), idle=False)
        self._ledger.close()
