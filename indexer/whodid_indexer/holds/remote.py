"""The holds of a store behind a whodid server, which keeps them and records what is done."""

from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from whodid_indexer.holds.hold import Hold
from whodid_indexer.store.remote import RemoteStore
from whodid_schema.errors import StoreUnreachable

Answer = TypeVar("Answer")

PATH = "/api/v1/holds"


class _List(msgspec.Struct):
    holds: list[Hold]


class RemoteHolds:
    """The Holds of the store that `store` asks. Who puts a hold, and when, the server says by the token shown."""

    def __init__(self, store: RemoteStore) -> None:
        self._store = store

    def all(self) -> list[Hold]:
        """See Holds. Raises NotAllowed, StoreUnreachable and whatever the server answers, as all three."""
        return _read(self._store.send(PATH), _List).holds

    def add(self, hold: Hold) -> None:
        """See Holds."""
        told = {"query": hold.query, "reason": hold.reason, "name": hold.name, "until": hold.until}
        self._store.send(PATH, msgspec.json.encode(told))

    def release(self, name: str, by: str, reason: str, now: datetime) -> Hold:  # noqa: ARG002  the server's to say
        """See Holds."""
        body = msgspec.json.encode({"reason": reason})
        return _read(self._store.send(f"{PATH}/{quote(name, safe='')}/release", body), Hold)


def _read(data: bytes, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise StoreUnreachable(f"{PATH} answered what no whodid server does: {error}") from error
