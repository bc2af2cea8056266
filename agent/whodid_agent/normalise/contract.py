"""What the normaliser takes and gives: the seam between the inputs and the records.

    redacted line + Origin ─► Pipeline.events ─► one Shipment, Discard or Refusal per event

A `Shipment` goes to the store, a `Discard` is only counted, a `Refusal` goes to quarantine.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct


class InputOptions(Struct, frozen=True):
    """What the configuration says about one input; `profile` None: recognised by shape."""

    app: str | None = None
    profile: str | None = None
    workspace: str | None = None
    workspace_default: str | None = None
    project: str | None = None
    redact: tuple[str, ...] = ()
    drop: tuple[Any, ...] = ()
    keep_raw: bool = True
    retry: str | None = None
    import_old: bool = False
    drop_text: bool = False


class Stream(Struct, frozen=True):
    """Where events come from: the same for all lines of one file instance or one HTTP source.

    `kind` decides the form of the id; `first_receipt` (RFC 3339) is the file instance's, empty for HTTP.
    """

    kind: Literal["file", "http"]
    source: str
    generation: str = ""
    first_receipt: str = ""
    agent: str = ""
    host: str = ""


class Origin(NamedTuple):
    """Where one line stands. `received_at` is RFC 3339 with six decimals; `key` is a post's Idempotency-Key.

    `offset` is the line's first byte in the decompressed file, for HTTP the spool frame's number. `first_item` is
    the number of the line's first event in the posted body (0 for files).
    """

    stream: Stream
    offset: int
    received_at: str
    key: str = ""
    first_item: int = 0


class Sent(NamedTuple):
    """What the journal remembers of an event that may have reached the store: resend it under exactly these."""

    id: str
    index: str  # type: ignore[assignment]  # hides tuple.index, which nobody needs of an event


class Shipment(NamedTuple):
    """One event for the store. `body` is the whole record's JSON without newline; `item` its number in the line.

    `mapped`: a profile of its own format read it; `named`: its action has a verb.
    """

    item: int
    id: str
    index: str  # type: ignore[assignment]  # hides tuple.index, which nobody needs of an event
    body: bytes
    mapped: bool
    named: bool = True


class Discard(NamedTuple):
    """One event that is only counted: `kind` is dropped or expired, `rule` names why: a rule, or a class.

    Of an expired one also when it happened and what it was.
    """

    item: int
    kind: Literal["dropped", "expired"]
    rule: str
    time: str = ""
    action: str = ""


class Refusal(NamedTuple):
    """One event (or a whole line, item 0) that is no record: `reason` a stable word, `detail` for people."""

    item: int
    reason: str
    detail: str


Event = Shipment | Discard | Refusal


class Normaliser(Protocol):
    """The pipeline of one input."""

    def redact(self, chunk: bytes) -> bytes:
        """The chunk with every secret masked. Whole lines in, as many newlines out; no secret: the same object."""

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        """The events of one redacted line (no newline), in order. Never raises for any input.

        `sent` maps item numbers to what the journal says of them: those are shipped under that id and index
        whatever the rules say today.
        """
