"""Delivery of one batch: every item ends as indexed, duplicate, quarantined or parked, whatever the store answers.

    begin: journal (fsync) ─► request ─┐
    deliver:                           └─► answers per item ─► quarantine, parking (fsync) ─► Settled
                                              └── again where it may be (`attempt`)

One batch may be begun while the one before it is on its way; they are settled in order. Items whose index is blocked
are parked, and later ones for it are parked without asking. Where more than half of at least a hundred items are
rejected for one reason, the store is rather wrong than the events: they are parked, not quarantined.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from whodid_agent.attempt import REQUEST_BYTES, STORM, Attempt, Begun
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
from whodid_schema.bulk import INDEXED, Outcome, Result

log = logging.getLogger(__name__)

DISK_FIRST = 0.5


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

    def begin(self, batch: Batch, rules: str, told: Callable[[], None]) -> Begun | None:
        """Write the batch down; where nothing stands in its way, also send it, while the one before is on its way.

        `told` is called when the answer is there. None: nothing was sent yet. Raises Interrupted.
        """
        if not batch.advances or not (batch.records or batch.refused):
            return None
        self._persist("the journal cannot be written", lambda: self._journal.write(batch, rules))
        if (
            not 0 < batch.size <= REQUEST_BYTES
            or self._waiting.trouble
            or self.parking.causes
            or not self._periods.there(batch.indexes)
        ):
            return None
        return Begun(batch, self._client, told)

    def deliver(
        self, batch: Batch, known: Mapping[int, Result] = MappingProxyType({}), begun: Begun | None = None
    ) -> Settled:
        """See the batch through, which was begun, and lay aside what must be; `known` items were answered already.

        Raises Interrupted; then the journal has it.
        """
        if begun is None:
            known = self._known(batch, known)
        results = Attempt(batch, self._client, self._periods, self._waiting, known, begun).run()
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
            result = self._client.bulk(batch.request([number]), 1)[0]
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
                "to quarantine: %d, the first: %s offset %d: %s: %s",
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
