"""Where whodid's own events go: into the store they are about, as it takes every other record.

    SQLite file        written by whoever asks, beside the server if one runs: a transaction of one record
    OpenSearch         one `create` in the index of class `audit`; who may only read cannot, and is told so
    whodid server      it records by itself what it is asked: there is no Recorder on this side

`record` returns why it was not recorded instead of raising: a search is answered nevertheless and says so, an export or
an act of administration is refused.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result
from whodid_schema.errors import StateError, StoreUnreachable, WhodidError
from whodid_schema.meta import Meta, Router
from whodid_schema.record import Record, encode

if TYPE_CHECKING:
    from whodid_indexer.store.base import Reader
    from whodid_indexer.store.opensearch.connect import Client


class Recorder(Protocol):
    """Records one event of whodid's own."""

    def record(self, event: Record) -> str | None:
        """None when the event is durable (or another of the same five minutes is); else why it is not."""


class IntoFile:
    """Into a SQLite file; opened for the one record, so that a question holds no lock while it is answered.

    `patience` is how many milliseconds it waits for another writer; None: as long as every writer does.
    """

    def __init__(self, path: Path, patience: int | None = None) -> None:
        self._path = path
        self._patience = patience

    def record(self, event: Record) -> str | None:
        """See Recorder."""
        from whodid_indexer.store.sqlite.write import SqliteStore  # noqa: PLC0415  apsw only where it is used

        try:
            store = SqliteStore(self._path, self._patience)
        except (StateError, StoreUnreachable) as error:
            return error.message
        try:
            (result,) = store.create([item_of(store.meta(), event)])
        except (StateError, StoreUnreachable) as error:
            return error.message
        finally:
            store.close()
        return why_not(result)


class IntoCluster:
    """Into OpenSearch, with the rights of whoever asks."""

    def __init__(self, client: "Client", meta: Callable[[], Meta]) -> None:
        self._client = client
        self._meta = meta

    def record(self, event: Record) -> str | None:
        """See Recorder."""
        from whodid_indexer.store.opensearch.connect import Refused  # noqa: PLC0415  httpx only where it is used
        from whodid_schema.document import document  # noqa: PLC0415  as above

        try:
            item = item_of(self._meta(), event)
            path = f"/{quote(item.index, safe='')}/_create/{item.id}"
            self._client.ask("PUT", path, document(event, item.body))
        except Refused as error:
            return None if error.status == 409 else f"{error.kind}: {error.reason}"
        except WhodidError as error:
            return error.message
        return None


def recorder_of(reader: "Reader", patience: int | None = None) -> Recorder | None:
    """Where what is asked of this reader is recorded; None where whoever answers does it. `patience`: see IntoFile."""
    from whodid_indexer.store.sqlite.read import SqliteReader  # noqa: PLC0415  apsw only where it is used

    if isinstance(reader, SqliteReader):
        return IntoFile(reader.path, patience)
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  httpx only where it is used

    return IntoCluster(reader.client, reader.meta) if isinstance(reader, OpenSearchReader) else None


def item_of(meta: Meta, event: Record) -> Item:
    """The event as a store takes it."""
    return Item(Router(meta).index_of(event), event.id or "", encode(event))


def why_not(result: Result) -> str | None:
    """Why an event is not in the store; None where it is."""
    return None if result.outcome in (Outcome.INDEXED, Outcome.DUPLICATE) else result.reason
