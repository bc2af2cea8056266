"""The ledger: the streams' rows, what is parked, and when the checkpoint is written; kept by the reading thread.

What an older generation of the checkpoint still needs (journals, parking files, spool segments, quarantine entries
taken out) is given up one write later, so that going back one generation loses nothing.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from whodid_agent import metrics
from whodid_agent.batch import Batch, Range
from whodid_agent.checkpoint import CheckpointFile
from whodid_agent.delivery import Settled
from whodid_agent.expired import merge
from whodid_agent.inputs.contract import Source, StreamRow
from whodid_agent.journal import Journal, JournalEntry, JournalRange
from whodid_agent.reconciliation import add

log = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two checkpoints while events flow."""


class Ledger:
    """Rows and counters of one state directory, and the sources they belong to."""

    def __init__(self, folder: Path, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._file = CheckpointFile(folder)
        self._parking = folder / "parking"
        self.journal = Journal(folder / "journal")
        known = self._file.read()
        self.settled = known.settled
        self.rows = {row.key: row for row in known.streams}
        self.parked = {parked.name: parked for parked in known.parked}
        self.replayed = list(known.released)
        self.expired = dict(known.expired)
        self.missed = 0
        self._changed: set[str] = set()
        self._unwritten: set[str] = set()
        self._sums: set[str] = set()
        self._dirty = False
        self._written = 0.0
        self._trouble = ""
        # What the last write passed; it is given up after the next one.
        self._passed: dict[str, int] = {}
        self._passed_seq = 0
        self._kept: set[int] = set()
        self._garbage = [path for path in self._parking.glob("*.jsonl") if path.name not in self.parked]
        self._older_garbage: list[Path] = []

    def rows_of(self, source: str) -> dict[str, StreamRow]:
        """The rows of one input's streams."""
        return {key: row for key, row in self.rows.items() if row.input == source and key != _summed(source)}

    def unsettled(self) -> Iterator[JournalEntry]:
        """Batches that were written down, of which a range is not settled."""
        return (entry for entry in self.journal.all() if any(not self.passed(each) for each in entry.ranges))

    def passed(self, each: JournalRange) -> bool:
        """Whether the range is settled: positions move batch by batch, so there is no half of it.

        A stream has its row before it is journaled. Where there is none now, it was summed up; or the generation is
        so old that it knows nothing of the stream, which is then read from its start.
        """
        row = self.rows.get(each.key)
        return row is None or each.end <= row.position

    def keep(self, seq: int) -> None:
        """Do not give up this journal in this run: an input that it needs is not configured now."""
        self._kept.add(seq)

    def know(self, batch: Batch) -> bool:
        """See to it that every stream of the batch has a row on disk; False where the disk does not take it now."""
        new = [each for each in batch.ranges if each.key not in self.rows or each.key in self._unwritten]
        for each in new:
            if each.key not in self.rows:
                self._enter(each.key, each.input, each.start)
        return not new or self.write()

    def _enter(self, key: str, source: str, start: int) -> StreamRow:
        """A row for a stream that had none; before `start` there is nothing any more."""
        row = StreamRow(key=key, input=source, position=start)
        row.counters.skipped_bytes = start
        row.detail = self._sources[source].detail(key, start)
        self.rows[key] = row
        self._unwritten.add(key)
        return row

    def miss(self, key: str, source: str, missed: int) -> None:
        """Bytes of a stream are gone unread; what was never read of has no row until now."""
        if not missed:
            return
        log.error("%s: at least %d bytes vanished before they were read", key, missed)
        row = self.rows.get(key) or self._enter(key, source, 0)
        row.counters.missed_bytes += missed
        metrics.MISSED_BYTES.labels(row.input).inc(missed)
        self.missed += missed
        self._touch(key)

    def _sum_up(self) -> None:
        """Rows of streams that ended long ago become one row of their input, so that rotations do not add up.

        A row that an event in quarantine, parking, journal or the last generation may still need stays.
        """
        for source in [] if self._kept else self._sources.values():
            ended = [
                key
                for key in source.spent()
                if key not in self._changed and key not in self._passed and _is_closed(self.rows.get(key))
            ]
            for key in ended:
                row = self.rows.pop(key)
                summed = self.rows.setdefault(_summed(source.name), _empty_sum(source.name))
                add(summed.counters, row.counters)
                summed.position += row.position
            if ended:
                source.forget(ended)
                self._sums.add(_summed(source.name))

    def _take_missed(self) -> None:
        for source in self._sources.values():
            for key, missed in source.missed().items():
                self.miss(key, source.name, missed)

    def settle(self, done: Iterable[Settled], *, idle: bool) -> None:
        """Count what is settled; write the checkpoint when it is time."""
        for settled in done:
            self._count(settled)
        self._take_missed()
        waited = time.monotonic() - self._written
        if (self._dirty and (idle or waited > INTERVAL)) or (self._owing() and waited > 1.0):
            self.write()

    def _count(self, settled: Settled) -> None:
        batch = settled.batch
        for each in batch.ranges:
            row = self.rows[each.key]
            add(row.counters, each.counters)
            if batch.advances:
                # A gap is only there where bytes were gone at a resend; they are passed over, and counted as missed.
                row.counters.skipped_bytes += each.start - row.position
                row.position = each.end
            self._touch(each.key)
            _measure(each)
        for (kind, rule), number in batch.discards.items():
            metrics.DISCARDED.labels(kind, rule).inc(number)
        merge(self.expired, batch.expired)
        if batch.released:
            del self.parked[batch.released]
            self._garbage.append(self._parking / batch.released)
        self.parked.update((parked.name, parked) for parked in settled.parked)
        self.replayed += batch.replayed
        self.settled = max(self.settled, batch.seq)
        self._dirty = True
        metrics.BATCHES.inc()
        metrics.PARKED.set(sum(sum(parked.events.values()) for parked in self.parked.values()))
        metrics.PARKED_BYTES.set(sum(parked.bytes for parked in self.parked.values()))

    def _touch(self, key: str) -> None:
        self._changed.add(key)
        self._dirty = True

    def _owing(self) -> bool:
        """Whether something waits for the write after the last."""
        return bool(self._passed or self._older_garbage or self._garbage)

    def write(self) -> bool:
        """Write a generation; then give up what the one before it has passed. False where the disk does not take it."""
        # A detail says that missed bytes are counted, so their count must be in the same generation.
        self._take_missed()
        self._sum_up()
        for key in self._changed:
            row = self.rows[key]
            if row.input in self._sources:
                row.detail = self._sources[row.input].detail(key, row.position)
        try:
            changed = self._changed | self._sums
            self._file.write(
                self.settled,
                self.rows,
                changed,
                parked=list(self.parked.values()),
                released=self.replayed,
                expired=self.expired,
            )
        except OSError as error:
            if str(error) != self._trouble:
                # The reason is in the line; a traceback of a full disk tells nothing more.
                log.error("the checkpoint cannot be written: %s; nothing is lost, it is tried again", error)  # noqa: TRY400 - as above
            self._trouble = str(error)
            self._written = time.monotonic()
            return False
        self._trouble = ""
        self._give_up()
        self._unwritten.clear()
        self._sums.clear()
        self._changed.clear()
        self._dirty = False
        self._written = time.monotonic()
        metrics.CHECKPOINTS.inc()
        metrics.CHECKPOINT_TIME.set_to_current_time()
        return True

    def _give_up(self) -> None:
        """Two generations have passed what the last write passed."""
        for key, position in self._passed.items():
            source = self._sources.get(self.rows[key].input)
            if source is not None:
                source.delivered(key, position)
        for path in self._older_garbage:
            path.unlink(missing_ok=True)
        self.journal.forget(self._passed_seq, self._kept)
        self._passed = {key: self.rows[key].position for key in self._changed}
        self._passed_seq = self.settled
        self._older_garbage, self._garbage = self._garbage, []

    def clean(self) -> bool:
        """Whether nothing lies in quarantine or parking and nothing was missed in this run."""
        return not (self.parked or self.missed or any(row.counters.quarantined for row in self.rows.values()))

    def close(self) -> None:
        """Both generations to the present, so that everything settled is given up.

        Of bytes that end with this process the size is written down: the next start counts them as missed.
        """
        for source in self._sources.values():
            for key, size in source.at_risk().items():
                if size <= (self.rows[key].position if key in self.rows else 0):
                    continue
                if key not in self.rows:
                    self._enter(key, source.name, 0)
                log.warning("%s: its file was deleted before all of it was delivered; the rest ends with this run", key)
                self._touch(key)
        if self._dirty or self._owing():
            _ = self.write() and self.write()


def _summed(source: str) -> str:
    """The key of the row that stands for an input's streams of long ago."""
    return f"{source}#earlier"


def _empty_sum(source: str) -> StreamRow:
    return StreamRow(key=_summed(source), input=source)


def _is_closed(row: StreamRow | None) -> bool:
    """Whether nothing of the stream lies in quarantine or is in flight."""
    if row is None:
        return False
    known = row.counters
    return known.decoded == known.indexed + known.duplicate + known.dropped + known.expired


def _measure(each: Range) -> None:
    counters = each.counters
    metrics.DECODED.labels(each.input).inc(counters.decoded)
    metrics.READ_BYTES.labels(each.input).inc(each.end - each.start)
    for outcome in metrics.OUTCOMES:
        number = getattr(counters, outcome)
        if number > 0:
            metrics.SETTLED.labels(each.input, outcome).inc(number)
