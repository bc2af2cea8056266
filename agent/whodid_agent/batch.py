"""A batch: events on their way, with what is needed to write them down, send them, and count them.

    Block ─► Batch.add ─► ranges, records, refusals ─► journal ─► delivery ─► Settled

A `Range` is one block: a run of whole lines of one stream, read at one time. Its counters are what it adds to the
stream's once the batch is settled. The text of a request is put together when it is sent: to copy the records is most
of what a batch costs, and so it happens once.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from prometheus_client import Counter

from whodid_agent import metrics
from whodid_agent.expired import Found, note
from whodid_agent.inputs.contract import Block, Counters, Line
from whodid_agent.normalise.contract import Discard, Normaliser, Refusal, Sent, Shipment
from whodid_schema.bulk import ACTION_BYTES, request_body


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

    Of an item: `records` what is stored, `ids` and `indexes` its names, `lines` its line, `items` its number there,
    `owners` the number of its range.
    `seq` is its number in the order of delivery, 0 until it has one. `size` is about the bytes of a request with all
    of it. A batch from an input `advances` its streams' positions; others are what was laid aside: `released` names
    the parking file, `replayed` the quarantine entries they were.
    """

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.ranges: list[Range] = []
        self.records: list[bytes] = []
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
        return len(self.records)

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
        counters.decoded += len(shipped)
        self.ship(number, theirs, shipped)

    def ship(self, number: int, lines: list[Line], shipped: list[Shipment]) -> None:
        """Take on items of range `number`, and the line of each."""
        if not shipped:
            return
        # Column by column: an item costs a third of what one call for each would.
        items, ids, indexes, records, mapped, named = zip(*shipped, strict=True)
        self.records += records
        self.ids += ids
        self.indexes += indexes
        self.lines += lines
        self.items += items
        self.owners += [number] * len(shipped)
        self.size += sum(map(len, records)) + len(shipped) * ACTION_BYTES
        place = self.ranges[number]
        place.shipped += len(shipped)
        _count(metrics.UNRECOGNISED, place.input, mapped)
        _count(metrics.UNNAMED, place.input, named)

    def request(self, items: Sequence[int] | None = None) -> bytes:
        """The text of a request with these items, by their numbers; None: with all of them."""
        if items is None:
            return request_body(self.indexes, self.ids, self.records)
        indexes, ids, records = self.indexes, self.ids, self.records
        return request_body(
            [indexes[number] for number in items],
            [ids[number] for number in items],
            [records[number] for number in items],
        )

    def _discard(self, counters: Counters, event: Discard, line: Line) -> None:
        counters.decoded += 1
        if event.kind == "dropped":
            counters.dropped += 1
        else:
            counters.expired += 1
            note(self.expired, event, line)
        self.discards[event.kind, event.rule] = self.discards.get((event.kind, event.rule), 0) + 1


def _count(metric: Counter, name: str, well: Sequence[bool]) -> None:
    """Add those of an input that are not well."""
    number = well.count(False)
    if number:
        metric.labels(name).inc(number)
