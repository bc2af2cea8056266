"""The legal holds of a SQLite file, in the table `hold`; its document says whether one is active (`_meta.hold`)."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from whodid_indexer.holds.hold import Hold, active, named, released
from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.settings import read_setting, write_setting
from whodid_indexer.store.sqlite.write import SqliteStore
from whodid_schema.meta import sealed

Answer = TypeVar("Answer")

_decode = msgspec.json.Decoder(Hold).decode


def read_holds(connection: apsw.Connection) -> list[Hold]:
    """Every hold there is or was, the oldest first."""
    rows: Any = connection.execute("SELECT json FROM hold")
    return sorted((_decode(json) for (json,) in rows), key=lambda hold: (hold.at, hold.name))


def settle(connection: apsw.Connection, path: Path, now: datetime) -> None:
    """Let the document say whether a hold is active, within the caller's transaction: agents go by it."""
    meta = read_setting(connection, path)
    held = bool(active(read_holds(connection), now))
    if meta.hold != held:
        renewed = sealed(msgspec.structs.replace(meta, hold=held))
        write_setting(connection, "meta", msgspec.json.encode(renewed).decode(), replace=True)


class SqliteHolds:
    """The Holds of one file: through the `store` that writes it where there is one, else beside it."""

    def __init__(self, path: Path, store: SqliteStore | None = None) -> None:
        self.path = path
        self._store = store

    def all(self) -> list[Hold]:
        """See Holds. Raises StateError and StoreUnreachable, as all three."""
        with closing(open_for_reading(self.path)) as connection, guard(self.path):
            return read_holds(connection)

    def add(self, hold: Hold) -> None:
        """See Holds."""

        def added(connection: apsw.Connection) -> None:
            now = datetime.now(UTC)
            _keep(connection, named(hold, read_holds(connection), now))
            settle(connection, self.path, now)

        self._alone(added)

    def release(self, name: str, by: str, reason: str, now: datetime) -> Hold:
        """See Holds."""

        def let_go(connection: apsw.Connection) -> Hold:
            hold = released(read_holds(connection), name, by, reason, now)
            _keep(connection, hold)
            settle(connection, self.path, now)
            return hold

        return self._alone(let_go)

    def _alone(self, work: Callable[[apsw.Connection], Answer]) -> Answer:
        if self._store is not None:
            return self._store.alone(work)
        with closing(open_for_writing(self.path)) as connection, guard(self.path), connection:
            answer = work(connection)
        return answer  # noqa: RET504  for mypy a connection may end an exception, and then nothing is returned


def _keep(connection: apsw.Connection, hold: Hold) -> None:
    json = msgspec.json.encode(hold).decode()
    connection.execute("INSERT OR REPLACE INTO hold VALUES (?, ?)", (hold.name, json))
