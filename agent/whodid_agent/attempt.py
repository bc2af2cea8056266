"""One batch on its way: requests of bounded size, again and smaller as the answers ask, until every item has a result.

Nothing is concluded from an answer that is not whole, and no item that was answered is sent again.
"""

import threading
from collections.abc import Callable, Mapping

import msgspec

from whodid_agent.batch import Batch
from whodid_agent.target.answer import Refused, TooLarge, Unanswered, Unwanted
from whodid_agent.target.client import Client
from whodid_agent.target.periods import Periods
from whodid_agent.target.retry import Backoff
from whodid_agent.waiting import Waiting
from whodid_schema.bulk import ACTION_BYTES, INDEXED, Outcome, Result

REQUEST_BYTES = 10 << 20
PATIENCE = 6
"""Rounds that an item may ask to come again while others get through; then it is parked."""
STORM = 100
"""So many items tell what is wrong with the store from what is wrong with some events."""
BUSY = 3
"""Refusals of a request for now, one after the other, until smaller ones are tried: a node's limit may lie below it."""
UNWANTED = 8
"""Lone items that are refused as whole requests, with nothing accepted, until the target itself is suspected."""


class Begun(threading.Thread):
    """A batch's request, on its way while the one before it is answered. `told` is called when its answer is there."""

    def __init__(self, batch: Batch, client: Client, told: Callable[[], None]) -> None:
        super().__init__(name="whodid-request", daemon=True)
        self._batch = batch
        self._client = client
        self._told = told
        self._results: list[Result] | None = None
        self._error: Exception | None = None
        self.answered = False
        self.start()

    def run(self) -> None:
        """Send, and keep what comes of it."""
        try:
            self._results = self._client.bulk(self._batch.request(), len(self._batch))
        except Exception as error:  # noqa: BLE001  raised again where the answer is asked for
            self._error = error
        self.answered = True
        self._told()

    def results(self) -> list[Result]:
        """Wait for the answer. Raises what `Client.bulk` raised."""
        self.join()
        if self._results is None:
            assert self._error is not None  # noqa: S101  one of both is there when the thread has ended
            raise self._error
        return self._results


class Attempt:
    """One batch on its way: which items are answered, and which must be asked again."""

    def __init__(
        self,
        batch: Batch,
        client: Client,
        periods: Periods,
        waiting: Waiting,
        known: Mapping[int, Result],
        begun: Begun | None = None,
    ) -> None:
        self._batch = batch
        self._begun = begun
        self._client = client
        self._periods = periods
        self._waiting = waiting
        self._results: list[Result | None] = [None] * len(batch)
        for number, result in known.items():
            self._results[number] = result
        self._backoff = Backoff()
        self._unwanted = 0
        self._busy = 0
        self._most = len(batch)
        self._answered = 0

    def run(self) -> list[Result]:
        """Every item's final result; BLOCKED, RETRY and REJECTED are to be laid aside."""
        rounds = 0
        while todo := [number for number, result in enumerate(self._results) if result is None]:
            again = self._round(todo)
            if not again:
                continue
            reason = next(iter(again.values()))
            rounds = rounds + 1 if reason.outcome is Outcome.RETRY else 0
            settled = self._answered > 0 or len(self._batch) < STORM
            if rounds > PATIENCE and settled and all(result.outcome is Outcome.RETRY for result in again.values()):
                for number, result in again.items():
                    self._results[number] = result
                break
            self._waiting.pause(
                f"the store asks to wait with {len(again)} events: {reason.reason}", self._backoff.next()
            )
        self._waiting.clear()
        return [result for result in self._results if result is not None]

    def _round(self, todo: list[int]) -> dict[int, Result]:
        """Send these once, in requests of bounded size; what must be asked again comes back."""
        again: dict[int, Result] = {}
        parts = _parts(self._batch, todo)
        while parts:
            part = parts.pop()
            if len(part) > self._most:
                parts += _halves(part)
                continue
            try:
                part = self._without_barred(part)
                if not part:
                    continue
                results = self._ask(part)
            except Unanswered as error:
                self._waiting.pause(str(error), self._backoff.next(error.after))
                parts += self._after_silence(part, error)
            except Refused as error:
                self._waiting.until_ready(str(error), self._backoff.next())
                parts.append(part)
            except (TooLarge, Unwanted) as error:
                parts += self._smaller(part, error)
            else:
                self._busy = 0
                self._take(part, results, again)
        return again

    def _ask(self, part: list[int]) -> list[Result]:
        """The items' results, of the request that was begun before where it is this one. Raises as `Client.bulk`."""
        begun, self._begun = self._begun, None
        if len(part) < len(self._batch):
            return self._client.bulk(self._batch.request(part), len(part))
        return begun.results() if begun is not None else self._client.bulk(self._batch.request(), len(part))

    def _after_silence(self, part: list[int], error: Unanswered) -> list[list[int]]:
        """The same again; in halves where the store was too busy for it several times."""
        self._busy = self._busy + 1 if error.busy else 0
        if self._busy < BUSY or len(part) == 1:
            return [part]
        self._busy = 0
        self._most = (len(part) + 1) // 2  # the rest of the batch need not find that out again
        return _halves(part)

    def _without_barred(self, part: list[int]) -> list[int]:
        """The part, once its indices are made; without items whose index cannot be. Raises Unanswered, Refused."""
        indexes = self._batch.indexes
        barred = self._periods.prepare(indexes[number] for number in part)
        if not barred:
            return part
        for number in part:
            self._results[number] = barred.get(indexes[number])
        return [number for number in part if self._results[number] is None]

    def _take(self, part: list[int], results: list[Result], again: dict[int, Result]) -> None:
        if len(part) == len(self._results) == results.count(INDEXED):
            self._results = [*results]
            self._answered += len(part)
            return
        for number, result in zip(part, results, strict=True):
            if result.outcome is Outcome.RETRY or result.outcome is Outcome.PAUSED:
                again[number] = result
            else:
                self._results[number] = result
        got_through = sum(number not in again for number in part)
        self._answered += got_through
        if got_through:
            self._backoff.reset()
            self._waiting.heard()

    def _smaller(self, part: list[int], error: Exception) -> list[list[int]]:
        """Halves of a request that was refused as a whole; a lone item's last chance, or its end."""
        if len(part) > 1:
            return _halves(part)
        number = part[0]
        if isinstance(error, TooLarge):
            smaller = _without_raw(self._batch.records[number])
            if smaller is not None:
                self._batch.records[number] = smaller
                return [part]
        else:
            self._unwanted += 1
            if self._answered == 0 and self._unwanted >= UNWANTED:
                self._waiting.until_ready(f"every request is refused: {error}", self._backoff.next())
                self._unwanted = 0
                return [part]
        self._results[number] = Result(
            Outcome.REJECTED, f"{'413' if isinstance(error, TooLarge) else '400'} request: {error}"
        )
        return []


def _halves(part: list[int]) -> list[list[int]]:
    """Two requests of one, the first last."""
    middle = len(part) // 2
    return [part[middle:], part[:middle]]


def _parts(batch: Batch, todo: list[int]) -> list[list[int]]:
    """The items in requests of at most REQUEST_BYTES (or one item), the first request last."""
    if batch.size <= REQUEST_BYTES:
        return [todo]
    parts: list[list[int]] = [[]]
    size = 0
    for number in todo:
        length = len(batch.records[number]) + ACTION_BYTES
        if parts[-1] and size + length > REQUEST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(number)
        size += length
    parts.reverse()
    return parts


def _without_raw(record: bytes) -> bytes | None:
    """The record without its original; None where it has none."""
    fields = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    if fields.pop("raw", None) is None:
        return None
    return msgspec.json.encode(fields)
