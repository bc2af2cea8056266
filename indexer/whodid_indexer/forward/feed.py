"""What arrives in the store, as batches for one consumer: in order of arrival, matched and formed."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import msgspec

from whodid_indexer.export.match import matcher
from whodid_indexer.forward.sink import Batch
from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.query.parse import build_query
from whodid_indexer.store.base import Reader, Stored
from whodid_schema.errors import StateError, StoreUnreachable
from whodid_schema.record import decode

OpenReader = Callable[[], Reader]
_READ_AT_ONCE = 1000


class Limits:
    """How much a batch may hold; a receiver that finds one too long gets shorter ones from then on."""

    def __init__(self, records: int, size: int) -> None:
        self.records = records
        self.size = size

    def halve(self, records: int) -> None:
        """A batch of so many records was too long."""
        self.records = max(1, min(self.records, records // 2))


class Feed:
    """The feed behind `cursor`. A store that went away is opened again when it is next asked for something."""

    def __init__(
        self,
        opener: OpenReader,
        query: AuditQuery,
        line: Callable[[bytes], bytes],
        cursor: str | None,
        limits: Limits,
    ) -> None:
        self._opener = opener
        self._matches = None if query == ALL else matcher(query)
        self._line = line
        self._cursor = cursor
        self._limits = limits
        self._reader: Reader | None = None
        self._read: list[Stored] = []

    def reader(self) -> Reader:
        """The open store. Raises StoreUnreachable."""
        if self._reader is None:
            self._reader = self._opener()
        return self._reader

    def next(self) -> Batch | None:
        """The next batch, its lines empty where nothing of it matched; None where nothing has arrived.

        Raises StoreUnreachable, and UsageError where the cursor is not of this store.
        """
        if not self._read:
            try:
                self._read = self.reader().changes(self._cursor, _READ_AT_ONCE).records[::-1]
            except StoreUnreachable:
                self.close()
                raise
        if not self._read:
            return None
        bodies: list[bytes] = []
        lines: list[bytes] = []
        read = size = 0
        while self._read and len(bodies) < self._limits.records and size < self._limits.size:
            body, self._cursor = self._read.pop()
            read += 1
            line = self._formed(body)
            if line is not None:
                bodies.append(body)
                lines.append(line)
                size += len(line)
        return Batch(bodies, lines, self._cursor or "", read, read - len(bodies))

    def _formed(self, body: bytes) -> bytes | None:
        """The line of a record that matches. Raises StateError for what the store should not have taken."""
        try:
            if self._matches is None or self._matches(decode(body)):
                return self._line(body)
        except msgspec.MsgspecError as error:
            raise StateError(f"the record at {self._cursor} cannot be read: {error}", "run whodid doctor") from error
        return None

    def close(self) -> None:
        """Close the store."""
        if self._reader is not None:
            with closing(self._reader):
                self._reader = None


def query_of(text: str) -> AuditQuery:
    """The query of a consumer. Raises BadQuery."""
    return build_query(texts=(text,), now=datetime.now(UTC)) if text.strip() else ALL
