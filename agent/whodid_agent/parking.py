"""Parking: events whose index takes nothing for the moment wait on disk, so that everything else goes on.

`parking/<seq>-<random>.jsonl` holds the parked items of one batch and one cause, one entry with its record a line
(see `entry`); it is written once, fsynced, named in the checkpoint, and removed when the checkpoint no longer names
it. Causes are of three kinds: `index` (it is blocked: one event is tried from time to time), `value` (most of a batch
was rejected for one reason, so rather the store is wrong than the events) and `item` (asked to come again too often).
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from whodid_agent.batch import Batch, Range
from whodid_agent.checkpoint import Parked, now
from whodid_agent.entry import Entry, entry_of_item
from whodid_agent.inputs.contract import Counters
from whodid_agent.normalise.contract import Shipment
from whodid_agent.quarantine import Full
from whodid_agent.state import sync_folder, write_synced
from whodid_agent.target.retry import Backoff
from whodid_schema.errors import StateError

QUOTA = 1 << 30
PROBE_FIRST = 1.0
PROBE_MOST = 60.0


class Cause:
    """All that is parked for one reason, and when it is tried next."""

    def __init__(self, kind: str, index: str, clock: Callable[[], float]) -> None:
        self.kind = kind
        self.index = index
        self.files: list[Parked] = []
        self._clock = clock
        self._backoff = Backoff(PROBE_FIRST, PROBE_MOST)
        self.due = 0.0
        self.later()

    def later(self) -> None:
        """Not now: try again after the next, longer wait."""
        self.due = self._clock() + self._backoff.next()

    def at_once(self) -> None:
        """Something got through: the rest may follow."""
        self._backoff.reset()
        self.due = self._clock()


class Parking:
    """What is parked. The delivering thread owns it; the checkpoint's list is the truth at a start."""

    def __init__(
        self, folder: Path, known: Iterable[Parked], quota: int = QUOTA, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._quota = quota
        self._clock = clock
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Entry)
        self.causes: dict[tuple[str, str], Cause] = {}
        for parked in known:
            if not (folder / parked.name).exists():
                raise StateError(
                    f"{folder / parked.name} is missing: {sum(parked.events.values())} parked events are in it",
                    "restore the file from a backup",
                )
            self._remember(parked)

    def _remember(self, parked: Parked) -> None:
        cause = self.causes.setdefault((parked.kind, parked.index), Cause(parked.kind, parked.index, self._clock))
        cause.files.append(parked)

    def blocks(self, index: str) -> bool:
        """Whether events for this index are parked without being tried."""
        return ("index", index) in self.causes

    def add(self, batch: Batch, items: list[int], kind: str, index: str, reason: str) -> Parked:
        """Write items of the batch down, fsynced. Raises Full, OSError."""
        when = now()
        lines = []
        for number in items:
            entry = entry_of_item(batch, number, kind, reason, when)
            entry.record = msgspec.Raw(batch.records[number])
            lines.append(self._encoder.encode(entry) + b"\n")
        size = sum(map(len, lines))
        if size + sum(parked.bytes for cause in self.causes.values() for parked in cause.files) > self._quota:
            raise Full(f"parking {self._folder} has reached its limit of {self._quota >> 20} MB: {reason}")
        name = f"{batch.seq:012d}-{secrets.token_hex(4)}.jsonl"
        write_synced(self._folder / name, *lines)
        sync_folder(self._folder)
        events = Counter(batch.ranges[batch.owners[number]].key for number in items)
        parked = Parked(name, index, kind, reason, dict(events), size)
        self._remember(parked)
        return parked

    def due(self) -> list[Cause]:
        """Causes that should be tried now."""
        moment = self._clock()
        return [cause for cause in self.causes.values() if cause.due <= moment]

    def next_due(self) -> float | None:
        """Seconds until a cause is due; None where nothing is parked."""
        times = [cause.due for cause in self.causes.values()]
        return max(0.0, min(times) - self._clock()) if times else None

    def load(self, parked: Parked) -> Batch:
        """The parked events as a batch of their own; its ranges count nothing but what becomes of them now."""
        batch = Batch()
        numbers: dict[str, int] = {}
        with (self._folder / parked.name).open("rb") as file:
            for data in file:
                entry = self._decoder.decode(data)
                line, sent = entry.as_line(), entry.sent
                if line is None or sent is None or entry.record is msgspec.UNSET:
                    raise StateError(f"{self._folder / parked.name}: an entry without its line, id or record")
                if entry.stream not in numbers:
                    numbers[entry.stream] = len(batch.ranges)
                    batch.ranges.append(Range(entry.input, entry.stream, 0, 0, "", Counters()))
                event = Shipment(entry.item or 0, sent.id, sent.index, bytes(entry.record), mapped=True)
                batch.ship(numbers[entry.stream], [line], [event])
        batch.released = parked.name
        batch.advances = False
        return batch

    def release(self, cause: Cause, parked: Parked) -> None:
        """The file's events are on their way or laid aside elsewhere; the file goes with the checkpoint."""
        cause.files.remove(parked)
        if not cause.files and self.causes.get((cause.kind, cause.index)) is cause:
            del self.causes[cause.kind, cause.index]


def count(folder: Path, parked: Parked) -> dict[str, int]:
    """Events in a parked file by stream, counted from the file. Raises FileNotFoundError."""
    decoder = msgspec.json.Decoder(Entry)
    with (folder / parked.name).open("rb") as file:
        return dict(Counter(decoder.decode(line).stream for line in file))
