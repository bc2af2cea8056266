"""One consumer at work: read, send, be patient, and move the bookmark when the receiver has acknowledged.

    Feed ─► Batch ─► [written down] ─► Sink ─► acknowledged ─► bookmark
                          │              └ NotTaken: again, more and more rarely
                          │              └ Refused: in halves, down to the one record that it is about ─► dead letter
                          └ a webhook that does not take it within `dead_after` ─► dead letters

Each has a thread, a store reader and a bookmark of its own, so that one that stalls delays no other.
"""

import time
from collections import deque
from typing import NamedTuple

from msgspec.structs import replace

from whodid_indexer.forward.bookmark import Counts, Now, Pending, anew
from whodid_indexer.forward.file import FileSink
from whodid_indexer.forward.lag import behind
from whodid_indexer.forward.patience import Patience
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, NotTaken, Refused
from whodid_indexer.forward.tools import Tools, delivery_of
from whodid_schema.errors import StateError, StoreUnreachable, UsageError, WhodidError

INTERVAL = 1.0
"""Seconds between two looks at a store where nothing has arrived."""

_SAVE_EVERY = 1.0
"""Seconds after which a place is put on disk that moved past records which did not match."""


class _Flying(NamedTuple):
    """A batch that was sent and is not acknowledged."""

    records: int
    cursor: str
    read: int
    filtered: int


class Consumer:
    """Runs until it is stopped, or drained; `failed` says what ended it otherwise."""

    def __init__(self, settings: ConsumerSettings, tools: Tools) -> None:
        self.settings = settings
        self.failed: WhodidError | None = None
        self.drained = False
        self._tools = tools
        self._mark = tools.bookmark
        self._waiting: deque[_Flying] = deque()
        self._writes_down = settings.kind == "webhook"
        self._patience = Patience(settings.name, tools.say)
        self._saved = time.monotonic()
        self._unsaved = False

    @property
    def now(self) -> Now:
        """What it is doing, and all that it has counted."""
        place = self._mark.place
        pending = place.pending
        flying = list(self._waiting)
        if pending is not None:
            flying.append(_Flying(pending.records, pending.cursor, pending.read, pending.filtered))
        counts = replace(
            place.counts,
            read=place.counts.read + sum(one.read for one in flying),
            filtered=place.counts.filtered + sum(one.filtered for one in flying),
            in_flight=sum(one.records for one in flying),
        )
        state = "failing" if self._patience.reason else "sending" if flying else "waiting"
        shortened = getattr(self._tools.sink, "shortened", 0)
        return Now(state, counts, self._patience.reason, self._patience.attempts, self._patience.retries, shortened)

    def run(self) -> None:
        """To the end; never raises what can be foreseen."""
        tools = self._tools
        try:
            self._begin()
            while not tools.stop.is_set() and not self.drained:
                self._step()
            self._end()
        except WhodidError as error:
            self.failed = error
            tools.say(f"{self.settings.name} has ended: {error}")
        finally:
            said = replace(self.now, state="ended", reason=str(self.failed or self._patience.reason))
            self._mark.tell(said, hurry=True)
            tools.feed.close()
            tools.sink.close()

    def _begin(self) -> None:
        """What was on its way when the process before ended goes first, under the same name."""
        pending = self._mark.place.pending
        if pending is not None:
            lines = [self._tools.sink.line(body) for body in self._mark.bodies]
            batch = Batch(self._mark.bodies, lines, pending.cursor, pending.read, pending.filtered)
            self._deliver(batch, pending)

    def _step(self) -> None:
        batch = self._next()
        if batch is None:
            self._rest()
        elif not batch.lines:
            self._skip(batch)
        elif self._writes_down:
            self._deliver(batch, self._written(batch))
        else:
            self._hand_on(batch)
        self.drained = self.drained or (batch is not None and self._is_last(batch))
        self._mark.tell(self.now)

    def _is_last(self, batch: Batch) -> bool:
        """Whether it reaches what was there when we began; one that was given up because we are stopped does not."""
        until, stopped = self._tools.until, self._tools.stop.is_set()
        return bool(until) and not stopped and behind(batch.cursor, until or "") == 0

    def _next(self) -> Batch | None:
        """What arrived; None too while the store does not answer, which is said once."""
        try:
            batch = self._tools.feed.next()
        except StoreUnreachable as error:
            self._trouble(NotTaken(f"the store: {error.message}"))
            return None
        except UsageError as error:
            said = f"the store does not know where {self.settings.name} was: {error.message}"
            raise StateError(f"{said}; is it another one, or was it put back?", anew(self._mark.path)) from error
        if self._patience.reason.startswith("the store: "):
            self._patience.over()
        return batch

    def _rest(self) -> None:
        """Nothing has arrived, or the store is silent."""
        if self._patience.reason.startswith("the store: "):
            return
        try:
            self._acknowledge(self._tools.sink.rest())
        except NotTaken as error:
            self._trouble(error)
            return
        if self._patience.reason:
            self._patience.over()
        self._save()
        if self._tools.until is not None:
            self.drained = True
        else:
            self._tools.stop.wait(INTERVAL)

    def _skip(self, batch: Batch) -> None:
        """Nothing of it matched: the place moves behind what is on its way."""
        if self._waiting:
            last = self._waiting.pop()
            read, filtered = last.read + batch.read, last.filtered + batch.filtered
            self._waiting.append(_Flying(last.records, batch.cursor, read, filtered))
            return
        self._settle(_flying(batch))
        if time.monotonic() - self._saved >= _SAVE_EVERY:
            self._save()

    def _hand_on(self, batch: Batch) -> None:
        """To a sink that acknowledges when it can: a file at once, syslog later."""
        self._waiting.append(_flying(batch))
        while not self._tools.stop.is_set():
            try:
                acknowledged = self._tools.sink.send(batch, "")
            except NotTaken as error:
                self._trouble(error)
            else:
                self._patience.over()
                self._acknowledge(acknowledged)
                return
        self._waiting.pop()  # it was not sent: the next run reads it again

    def _acknowledge(self, number: int) -> None:
        for _ in range(number):
            self._settle(self._waiting.popleft())
        if number:
            self._save()

    def _settle(self, done: _Flying, dead: int = 0) -> None:
        """The place moves past a batch, in memory; `_save` puts it on disk."""
        place = self._mark.place
        counts = Counts(
            read=place.counts.read + done.read,
            sent=place.counts.sent + done.records - dead,
            filtered=place.counts.filtered + done.filtered,
            dead=place.counts.dead + dead,
        )
        file = self._tools.sink.state if isinstance(self._tools.sink, FileSink) else place.file
        self._mark.place = replace(place, cursor=done.cursor, counts=counts, pending=None, file=file)
        self._unsaved = True

    def _save(self) -> None:
        if self._unsaved:
            self._mark.save()
            self._unsaved = False
            self._saved = time.monotonic()

    def _written(self, batch: Batch) -> Pending:
        """The batch on disk, with the acknowledgement of the one before."""
        delivery = delivery_of(batch, self._tools.salt)
        pending = Pending(batch.cursor, batch.read, batch.filtered, len(batch.bodies), delivery)
        self._mark.bodies = list(batch.bodies)
        self._mark.save(pending=pending)
        self._unsaved = False
        return pending

    def _deliver(self, batch: Batch, pending: Pending) -> None:
        """A batch that is written down, to its end: taken, or dead; or until we are stopped."""
        dead = 0
        parts = [(0, len(batch.bodies))]
        while parts:
            first, last = parts.pop()
            part = batch._replace(bodies=batch.bodies[first:last], lines=batch.lines[first:last])
            whole = last - first == len(batch.bodies)
            delivery = pending.delivery if whole else f"{pending.delivery}_{first}_{last}"
            try:
                if not self._taken(part, delivery):
                    return
            except Refused as error:
                if error.too_long:
                    self._tools.halve(last - first)
                if last - first > 1:
                    middle = (first + last) // 2
                    parts += [(middle, last), (first, middle)]
                    continue
                self._tools.dead.add(part.bodies, delivery, error.message)
                self._tools.say(
                    f"{self.settings.name}: one record is refused and kept as a dead letter: {error.message}"
                )
                dead += 1
            except NotTaken as error:
                self._tools.dead.add(part.bodies, delivery, error.message)
                self._tools.say(
                    f"{self.settings.name}: {last - first} records are kept as dead letters: {error.message}"
                )
                dead += last - first
        self._settle(_flying(batch), dead)

    def _taken(self, part: Batch, delivery: str) -> bool:
        """Whether it was taken; False: we are stopped. Raises Refused, and NotTaken where its time is over."""
        deadline = time.monotonic() + self.settings.seconds("dead_after")
        while not self._tools.stop.is_set():
            try:
                self._tools.sink.send(part, delivery)
            except NotTaken as error:
                if time.monotonic() >= deadline:
                    raise
                self._trouble(error)
            else:
                self._patience.over()
                return True
        return False

    def _trouble(self, error: NotTaken) -> None:
        """Say it once, and wait: longer each time, at least as long as the receiver asked for."""
        wait = self._patience.trouble(error)
        self._save()
        self._mark.tell(self.now, hurry=self._patience.attempts == 1)
        self._tools.stop.wait(wait)

    def _end(self) -> None:
        """Let the sink acknowledge what it can; when draining, until it has."""
        while self._waiting:
            try:
                self._acknowledge(self._tools.sink.finish())
            except NotTaken as error:
                if self._tools.stop.is_set():
                    self._patience.reason = error.message
                    break
                self._trouble(error)
        self._save()
        if self._waiting or self._mark.place.pending is not None:
            self.drained = False


def _flying(batch: Batch) -> _Flying:
    return _Flying(len(batch.bodies), batch.cursor, batch.read, batch.filtered)
