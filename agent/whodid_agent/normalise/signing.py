"""What tells an event from all others: its id, and how it came in; as fields of a record, or as JSON.

Of the events of one stream nearly all of both is the same, and made once.
"""

from collections.abc import Callable

import msgspec

from whodid_agent.normalise.contract import Origin, Stream
from whodid_schema import identity
from whodid_schema.record import Ingest

_to_json = msgspec.json.Encoder().encode


class Signer:
    """Signs the events of one stream that one profile reads."""

    def __init__(self, stream: Stream, agent: str, host: str, profile: str, rules: str) -> None:
        self.stream = stream
        self._agent = stream.agent or agent
        self._ingest = (self._agent or None, stream.host or host or None, stream.source, stream.generation or None)
        self._read = (profile, rules or None)
        of_file = stream.kind == "file"
        self._file_id = identity.file_ids(stream.source, stream.generation) if of_file else None
        self._came = self._came_in()

    def identifier(self, origin: Origin, item: int, data: bytes, *, timeless: bool) -> str:
        """The id of an event without one of its own; `timeless`: it is filed under its receipt."""
        number = origin.first_item + item
        if self._file_id is not None:
            return self._file_id(origin.offset, number, data, self.stream.first_receipt if timeless else "")
        return identity.http_id(self.stream.source, origin.key or f"{self._agent}/{origin.offset}", number, data)

    def ingest(self, origin: Origin, item: int, data: bytes) -> Ingest:
        """How the event came in."""
        return Ingest(*self._ingest, origin.offset, origin.first_item + item, *self._read, identity.origin_of(data))

    def sign(self, origin: Origin, item: int, data: bytes) -> tuple[str, str]:
        """`identifier` and, as JSON, `ingest`."""
        _, offset, _, _, number = origin
        number += item
        if self._file_id is not None:
            identifier = self._file_id(offset, number, data, "")
        else:
            identifier = self.identifier(origin, item, data, timeless=False)
        before, between, behind, end = self._came
        return identifier, f"{before}{offset}{between}{number}{behind}{identity.origin_of(data)}{end}"

    def _came_in(self) -> tuple[str, str, str, str]:
        """The JSON of `ingest` around what varies."""
        texts = [msgspec.Raw(b"\0") for _ in range(3)]
        whole: Callable[..., Ingest] = Ingest
        made = _to_json(whole(*self._ingest, texts[0], texts[1], *self._read, texts[2])).decode()
        before, between, behind, end = made.split("\0")  # JSON holds no such character itself
        return before, between, f'{behind}"', f'"{end}'
