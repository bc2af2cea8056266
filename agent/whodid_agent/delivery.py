"""Delivery of one batch: every item ends as indexed, duplicate, quarantined or parked, whatever the store answers.

    journal (fsync) ─► requests ─► answers per item ─► quarantine, parking (fsync) ─► Settled
                          └── only what may be asked again, with back-off ──┘

Nothing is concluded from an answer that is not whole, and no item that was answered is sent again. Items whose index
is blocked are parked, and later ones for it are parked without asking. Where more than half of at least a hundred
items are rejected for one reason, the store is rather wrong than the events: they are parked, not quarantined.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from whodid_agent.batch import Batch
from whodid_agent.checkpoint import Parked, now
from whodid_agent.entry import entry_of_item, entry_of_refusal
from whodid_agent.journal import Journal
from whodid_agent.parking import Cause, Parking
from whodid_agent.quarantine import Full, Quarantine
from whodid_agent.target.answer import Refused, TooLarge, Unanswered, Unwanted
from whodid_agent.target.client import Client
from whodid_agent.target.periods import Periods
from whodid_agent.target.retry import Backoff
from whodid_agent.waiting import Waiting
from whodid_schema.bulk import INDEXED, Outcome, Result, action

log = logging.getLogger(__name__)

REQUEST_BYTES = 10 << 20
PATIENCE = 6
"""Rounds that an item may ask to come again while others get through; then it is parked."""
STORM = 100
DISK_FIRST = 0.5
BUSY = 3
"""Refusals of a request for now, one after the other, until smaller ones are tried: a node's limit may lie below it."""
UNWANTED = 8
"""Lone items that are refused as whole requests, with nothing accepted, until the target itself is suspected."""


class Settled(NamedTuple):
    """A batch of which nothing is open any more; its ranges' counters are complete. `parked` are new files."""

    batch: Batch
    parked: list[Parked]


class Delivery:
    """Delivers batches one after the other. Every method runs in the delivering thread."""

    def __init__(
        self, client: Client, journal: Journal, quarantine: Quarantine, parking: Parking, waiting: Waiting
    ) -> None:
        self._client = client
        self._periods = Periods(client)
        self._journal = journal
        self._quarantine = quarantine
        self.parking = parking
        self._waiting = waiting

    def deliver(self, batch: Batch, rules: str, known: Mapping[int, Result] = MappingProxyType({})) -> Settled:
        """Send what the batch holds and lay aside what must be; `known` items were answered already.

        Raises Interrupted; then the journal has it.
        """
        if batch.advances and (batch.documents or batch.refused):
            self._persist("the journal cannot be written", lambda: self._journal.write(batch, rules))
        results = _Attempt(batch, self._client, self._periods, self._waiting, self._known(batch, known)).run()
        return Settled(batch, self._lay_aside(batch, results))

    def _known(self, batch: Batch, known: Mapping[int, Result]) -> Mapping[int, Result]:
        """Items of blocked indexes need not be asked for: they wait behind those that are parked."""
        if not (batch.advances and self.parking.causes):
            return known
        behind = Result(Outcome.BLOCKED, "parked behind others of its index")
        return {number: behind for number, index in enumerate(batch.indexes) if self.parking.blocks(index)}

    def try_parked(self, cause: Cause) -> tuple[Batch, dict[int, Result]] | None:
        """One event of the cause, by itself. Where the others may follow: its file's batch, and that event's result."""
        batch = self.parking.load(cause.files[0])
        number = len(batch) // 2
        try:
            if self._periods.prepare([batch.indexes[number]]):
                return None
            result = self._client.bulk(batch.documents[number : number + 1])[0]
        except (Unanswered, Refused, TooLarge, Unwanted) as error:
            log.debug("parked events wait on: %s", error)
            return None
        stands = {
            "index": (Outcome.BLOCKED, Outcome.RETRY),
            "value": (Outcome.BLOCKED, Outcome.REJECTED, Outcome.RETRY),
        }
        if result.outcome in (Outcome.PAUSED, *stands.get(cause.kind, (Outcome.RETRY,))):
            return None
        return batch, {number: result}

    def _lay_aside(self, batch: Batch, results: list[Result]) -> list[Parked]:
        """Write down what was not stored, and complete the ranges' counters."""
        parked: list[Parked] = []
        for refused in batch.refused:
            batch.ranges[refused.range].counters.quarantined += 1
        if results.count(INDEXED) == len(results):
            for each in batch.ranges:
                each.counters.indexed += each.shipped
            aside: dict[tuple[str, str, str], list[int]] = {}
            rejected: list[int] = []
        else:
            aside, rejected = _sorted(batch, results)
            _count(batch, results, rejected)
        for (kind, index, reason), items in aside.items():
            self._persist(
                "events cannot be parked",
                lambda items=items, kind=kind, index=index, reason=reason: parked.append(  # type: ignore[misc]
                    self.parking.add(batch, items, kind, index, reason)
                ),
            )
            log.error("%d events are parked (%s): %s", len(items), index, reason)
        when = now()
        entries = [entry_of_refusal(batch, refused, when) for refused in batch.refused]
        entries += [entry_of_item(batch, number, "rejected", results[number].reason, when) for number in rejected]
        if entries:
            self._persist("quarantine cannot be written", lambda: self._quarantine.add(entries))
            first = entries[0]
            log.warning(
                "%d events to quarantine, the first: %s offset %d: %s: %s",
                len(entries),
                first.stream,
                first.offset,
                first.reason,
                first.detail,
            )
        return parked

    def _persist(self, what: str, write: Callable[[], None]) -> None:
        """Until the disk takes it: a full disk or quota stops delivery, and loses nothing."""
        backoff = Backoff(DISK_FIRST, 30.0)
        while True:
            try:
                write()
            except Full as error:
                self._waiting.pause(f"{what}: {error}", backoff.next())
            except OSError as error:
                where = f"under {self._journal.folder.parent}: {error.strerror or error}"
                self._waiting.pause(f"{what} {where}; nothing is lost, it goes on when it can be", backoff.next())
            else:
                return


class _Attempt:
    """One batch on its way: which items are answered, and which must be asked again."""

    def __init__(
        self, batch: Batch, client: Client, periods: Periods, waiting: Waiting, known: Mapping[int, Result]
    ) -> None:
        self._batch = batch
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
                whole = len(part) == len(self._batch)
                documents = self._batch.documents
                results = self._client.bulk(documents if whole else [documents[number] for number in part])
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
            smaller = _without_raw(self._batch, number)
            if smaller is not None:
                self._batch.documents[number] = smaller
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
        length = len(batch.documents[number])
        if parts[-1] and size + length > REQUEST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(number)
        size += length
    parts.reverse()
    return parts


def _without_raw(batch: Batch, number: int) -> bytes | None:
    """The item's document without its original; None where it has none."""
    fields = msgspec.json.decode(batch.documents[number].partition(b"\n")[2], type=dict[str, msgspec.Raw])
    if fields.pop("raw", None) is None:
        return None
    return b"%b%b\n" % (action(batch.indexes[number], batch.ids[number]), msgspec.json.encode(fields))


def _sorted(batch: Batch, results: list[Result]) -> tuple[dict[tuple[str, str, str], list[int]], list[int]]:
    """Items to park by (kind, index, first reason), and items to quarantine."""
    parked: dict[tuple[str, str], list[int]] = defaultdict(list)
    rejected: dict[str, list[int]] = defaultdict(list)
    for number, result in enumerate(results):
        if result.outcome is Outcome.BLOCKED:
            parked["index", batch.indexes[number]].append(number)
        elif result.outcome is Outcome.RETRY:
            parked["item", batch.indexes[number]].append(number)
        elif result.outcome is Outcome.REJECTED:
            rejected[result.reason.partition(":")[0]].append(number)
    for kind in list(rejected):
        if len(results) >= STORM and len(rejected[kind]) * 2 > len(results):
            for number in rejected.pop(kind):
                parked["value", batch.indexes[number]].append(number)
    named = {(kind, index, results[items[0]].reason): items for (kind, index), items in parked.items()}
    return named, sorted(number for items in rejected.values() for number in items)


def _count(batch: Batch, results: list[Result], rejected: list[int]) -> None:
    """Complete the counters of the batch's ranges by what became of its events; parked ones are in flight."""
    outcomes = Counter(zip(batch.owners, (result.outcome for result in results), strict=True))
    for number, each in enumerate(batch.ranges):
        each.counters.indexed += outcomes[number, Outcome.INDEXED]
        each.counters.duplicate += outcomes[number, Outcome.DUPLICATE]
    for number in rejected:
        batch.ranges[batch.owners[number]].counters.quarantined += 1
