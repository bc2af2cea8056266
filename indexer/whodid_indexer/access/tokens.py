"""Where tokens are kept: the table `token` of a SQLite store, which a running server looks into at every request.

So a token works, and stops working, from the moment it is written, without a word to the server. Rows are never
deleted: who once had access stays listed, and a server that has ever had a token never opens again to everybody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import apsw
import msgspec

from whodid_indexer.access.token import Token
from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.schema import require_version
from whodid_schema.errors import UsageError

_decode = msgspec.json.Decoder(Token).decode


class Tokens(Protocol):
    """What a server asks."""

    def any(self) -> bool:
        """Whether there was ever a token."""

    def find(self, digest: bytes) -> Token | None:
        """The token whose secret has this hash, whatever its state."""

    def get(self, identifier: str) -> Token | None:
        """The token of this id, whatever its state."""

    def close(self) -> None:
        """Nothing more is asked."""


class SqliteTokens:
    """The tokens of one file, as they are at each moment."""

    def __init__(self, path: Path) -> None:
        """Raises StoreUnreachable where the store is not set up, StateError where it cannot be read."""
        self._path = path
        self._connection = open_for_reading(path)

    def any(self) -> bool:
        """See Tokens."""
        return bool(self._ask("SELECT EXISTS (SELECT 1 FROM token)"))

    def find(self, digest: bytes) -> Token | None:
        """See Tokens."""
        found = self._ask("SELECT json FROM token WHERE hash = ?", digest)
        return None if found is None else _decode(found)

    def get(self, identifier: str) -> Token | None:
        """See Tokens."""
        found = self._ask("SELECT json FROM token WHERE id = ?", identifier)
        return None if found is None else _decode(found)

    def all(self) -> list[Token]:
        """Every token there ever was, the oldest first."""
        with guard(self._path):
            rows: Any = self._connection.execute("SELECT json FROM token").fetchall()
        return sorted((_decode(json) for (json,) in rows), key=lambda token: (token.created, token.id))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _ask(self, sql: str, *values: Any) -> Any:
        with guard(self._path):
            return self._connection.execute(sql, values).get


def add(path: Path, token: Token, digest: bytes) -> None:
    """Keep a token. Raises StateError and StoreUnreachable."""
    with _writing(path) as connection:
        values = (token.id, digest, msgspec.json.encode(token).decode())
        connection.execute("INSERT INTO token VALUES (?, ?, ?)", values)


def revoke(path: Path, identifier: str, now: datetime) -> tuple[Token, bool]:
    """End a token at once; the token, and whether it was this call that ended it. Raises UsageError for an unknown id.

    Whatever a browser was signed in to by it ends too.
    """
    with _writing(path) as connection:
        token = _required(connection, identifier)
        ended = msgspec.structs.replace(token, revoked=now.astimezone(UTC).replace(microsecond=0))
        if token.revoked is None:
            json = msgspec.json.encode(ended).decode()
            connection.execute("UPDATE token SET json = ? WHERE id = ?", (json, identifier))
    return (ended, True) if token.revoked is None else (token, False)


def known(path: Path, identifier: str) -> Token:
    """The token of this id. Raises UsageError where there is none."""
    connection = open_for_reading(path)
    try:
        with guard(path):
            return _required(connection, identifier)
    finally:
        connection.close()


def _required(connection: apsw.Connection, identifier: str) -> Token:
    found = connection.execute("SELECT json FROM token WHERE id = ?", (identifier,)).get
    if found is None:
        raise UsageError(f"there is no token {identifier[:40]!r}", "whodid token list names them by id")
    return _decode(str(found))


@contextmanager
def _writing(path: Path) -> Iterator[apsw.Connection]:
    """A transaction on the file, beside a server if one runs."""
    connection = open_for_writing(path)
    try:
        with guard(path):
            require_version(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
    finally:
        connection.close()
