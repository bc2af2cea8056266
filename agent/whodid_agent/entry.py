"""An event laid aside on disk: everything needed to show it, to send it again under the same id, and to count it.

Quarantine and parking both write these, one JSON object a line:

    {"name": "41.0", "seq": 41, "when": "…", "reason": "…", "detail": "…",
     "input": "…", "stream": "…", "offset": 8123, "end": 8211, "item": 0,
     "sent": ["01…", "whodid-activity"],       absent: it was no record, so it never had an id
     "origin": {"kind": "file", "source": "…", …, "received_at": "…"},
     "line": "…"}                              redacted; `line_base64` where it is not UTF-8; absent: never read
`item` absent means the line as a whole. A parked entry carries the record as well.
"""

import base64
from typing import Literal

import msgspec
from msgspec import Struct

from whodid_agent.batch import Batch, Range, Refused
from whodid_agent.inputs.contract import Line
from whodid_agent.normalise.contract import Origin, Sent, Stream


class From(Struct, omit_defaults=True):
    """An Origin with its Stream, as written."""

    kind: Literal["file", "http"]
    source: str
    received_at: str
    generation: str = ""
    first_receipt: str = ""
    agent: str = ""
    host: str = ""
    key: str = ""
    first_item: int = 0


class Entry(Struct, omit_defaults=True, kw_only=True):
    """One event laid aside; see the module."""

    name: str
    seq: int
    when: str
    reason: str
    detail: str
    input: str
    stream: str
    offset: int
    end: int = 0
    item: int | None = None
    sent: Sent | None = None
    origin: From | None = None
    line: str | None = None
    line_base64: str | None = None
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    def data(self) -> bytes | None:
        """The redacted line's bytes; None where it was never read."""
        if self.line is not None:
            return self.line.encode()
        return None if self.line_base64 is None else base64.b64decode(self.line_base64)

    def as_line(self) -> Line | None:
        """The line as an input would give it; None where it was never read."""
        data, origin = self.data(), self.origin
        if data is None or origin is None:
            return None
        stream = Stream(origin.kind, origin.source, origin.generation, origin.first_receipt, origin.agent, origin.host)
        return Line(Origin(stream, self.offset, origin.received_at, origin.key, origin.first_item), data, self.end)


def entry_of_item(batch: Batch, number: int, reason: str, detail: str, when: str) -> Entry:
    """Item `number` of the batch, laid aside."""
    entry = _entry(batch, batch.ranges[batch.owners[number]], batch.lines[number], reason, detail, when)
    entry.item = batch.items[number]
    entry.sent = Sent(batch.ids[number], batch.indexes[number])
    return entry


def entry_of_refusal(batch: Batch, refused: Refused, when: str) -> Entry:
    """An event of the batch that is no record, laid aside."""
    entry = _entry(batch, batch.ranges[refused.range], refused.line, refused.reason, refused.detail, when)
    entry.offset, entry.item = refused.offset, refused.item
    return entry


def _entry(batch: Batch, place: Range, line: Line | None, reason: str, detail: str, when: str) -> Entry:
    entry = Entry(
        name="", seq=batch.seq, when=when, reason=reason, detail=detail, input=place.input, stream=place.key, offset=0
    )
    if line is not None:
        origin, stream = line.origin, line.origin.stream
        entry.offset, entry.end = origin.offset, line.end
        entry.origin = From(
            stream.kind,
            stream.source,
            origin.received_at,
            stream.generation,
            stream.first_receipt,
            stream.agent,
            stream.host,
            origin.key,
            origin.first_item,
        )
        try:
            entry.line = line.data.decode()
        except UnicodeDecodeError:
            entry.line_base64 = base64.b64encode(line.data).decode()
    return entry
