"""A batch: events on their way, with what is needed to write them down, send them, and count them.

    Block ─► Batch.add ─► ranges, documents, refusals ─► journal ─► delivery ─► Settled

A `Range` is one block: a run of whole lines of one stream, read at one time. Its counters are what it adds to the
stream's once the batch is settled. Documents are ready for the wire: action line, record, newline.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct
from prometheus_client import Counter

from whodid_agent import metrics
from whodid_agent.expired import Found, note
from whodid_agent.inputs.contract import Block, Counters, Line
from whodid_agent.normalise.contract import Discard, Normaliser, Refusal, Sent, Shipment
from whodid_schema.bulk import ACTION_TAIL, action_head


class Refused(NamedTuple):
    """An event that is no record. `line` None: it could not even be read; `item` None: the line as a whole."""

    range: int
    offset: int
    line: Line | None
    item: int | None
    reason: str
    detail: str


class Range(Struct):
    """Bytes `start` to `end` of one stream of the input `input`, first received at `received_at`.

    `shipped` counts its items in the batch.
    """

    input: str
    key: str
    start: int
    end: int
    received_at: str
    counters: Counters
    shipped: int = 0


Remembered = Mapping[int, Mapping[int, Sent]]
"""What the journal knows of a stream's lines: end of the line → item → id and index."""


class Batch:
    """Events in flight. Items are numbered from 0.

    Of an item: `documents` what is sent, `ids` and `indexes` its names, `lines` its line, `items` its number there,
    `owners` the number of its range.
    `seq` is its number in the order of delivery, 0 until it has one. `size` is the documents' bytes. A batch from
    an input `advances` its streams' positions; others are what was laid aside: `released` names the parking file,
    `replayed` the quarantine entries they were.
    """

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.ranges: list[Range] = []
        self.documents: list[bytes] = []
        self.ids: list[str] = []
        self.indexes: list[str] = []
        self.lines: list[Line] = []
        self.items: list[int] = []
        self.owners: list[int] = []
        self.refused: list[Refused] = []
        self.discards: dict[tuple[str, str], int] = {}
        self.expired: Found = {}
        self.size = 0
        self.advances = True
        self.released = ""
        self.replayed: list[str] = []

    def __len__(self) -> int:
        return len(self.documents)

    def add(self, source: str, block: Block, normaliser: Normaliser, remembered: Remembered | None = None) -> None:
        """Normalise the block's lines into the batch. Never raises for what is in them."""
        counters = Counters(
            line_bytes=block.end - block.start - block.blank_bytes - block.skipped_bytes,
            blank_bytes=block.blank_bytes,
            skipped_bytes=block.skipped_bytes,
        )
        received_at = block.lines[0].origin.received_at if block.lines else ""
        self.ranges.append(Range(source, block.key, block.start, block.end, received_at, counters))
        number = len(self.ranges) - 1
        for offset, reason, detail in block.refused:
            self.refused.append(Refused(number, offset, None, None, reason, detail))
        counters.decoded += len(block.refused)
        self._add_lines(number, block.lines, normaliser, remembered or {})

    def _add_lines(self, number: int, lines: list[Line], normaliser: Normaliser, remembered: Remembered) -> None:
        counters, events_of = self.ranges[number].counters, normaliser.events
        shipped: list[Shipment] = []
        theirs: list[Line] = []
        for line in lines:
            events = events_of(line.data, line.origin, remembered.get(line.end) if remembered else None)
            for event in events:
                if type(event) is Shipment:
                    shipped.append(event)
                    theirs.append(line)
                elif type(event) is Discard:
                    self._discard(counters, event, line)
                elif type(event) is Refusal:
                    whole = None if len(events) == 1 and event.item == 0 else event.item
                    self.refused.append(Refused(number, line.origin.offset, line, whole, event.reason, event.detail))
                    counters.decoded += 1
        self.ship(number, theirs, shipped)
        counters.decoded += len(shipped)
        name = self.ranges[number].input
        _count(metrics.UNRECOGNISED, name, map(_mapped, shipped))
        _count(metrics.UNNAMED, name, map(_named, shipped))

    def ship(self, number: int, lines: list[Line], shipped: list[Shipment]) -> None:
        """Take on items of range `number`, and the line of each."""
        # Column by column: an item costs a third of what one call for each would.
        indexes = [event[2] for event in shipped]
        heads = {index: action_head(index) for index in set(indexes)}
        documents = [
            b"%b%b%b%b\n" % (heads[index], identifier.encode(), ACTION_TAIL, body)
            for _, identifier, index, body, _, _ in shipped
        ]
        self.documents += documents
        self.ids += [event[1] for event in shipped]
        self.indexes += indexes
        self.lines += lines
        self.items += [event[0] for event in shipped]
        self.owners += [number] * len(shipped)
        self.ranges[number].shipped += len(shipped)
        self.size += sum(map(len, documents))

    def _discard(self, counters: Counters, event: Discard, line: Line) -> None:
        counters.decoded += 1
        if event.kind == "dropped":
            counters.dropped += 1
        else:
            counters.expired += 1
            note(self.expired, event, line)
        self.discards[event.kind, event.rule] = self.discards.get((event.kind, event.rule), 0) + 1


_mapped, _named = attrgetter("mapped"), attrgetter("named")


def _count(metric: Counter, name: str, well: Iterator[bool]) -> None:
    """Add those of an input that are not well."""
    number = sum(not each for each in well)
    if number:
        metric.labels(name).inc(number)
