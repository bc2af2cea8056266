"""Where tokens are kept, and the store that is a SQLite file; one in OpenSearch: `store/opensearch/state_tokens.py`.

    Tokens      what a running server asks at every request
    Register    what `whodid token` reads and writes, beside the server if one runs

In a file it is the table `token`, which the server looks into each time: a token works, and stops working, from the
moment it is written, without a word to the server. None is ever deleted: who once had access stays listed, and a server
that has ever had a token never opens again to everybody.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
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
    """What a server asks. Each of the first three raises StoreUnreachable or StateError where nobody can tell."""

    def any(self) -> bool:
        """Whether there was ever a token."""

    def find(self, digest: bytes) -> Token | None:
        """The token whose secret has this hash, whatever its state."""

    def get(self, identifier: str) -> Token | None:
        """The token of this id, whatever its state."""

    def fresh(self) -> bool:
        """Whether they can be asked in passing; where not, `refresh` comes first, on a thread of its own."""

    def refresh(self) -> None:
        """Look at what is kept, for as long as that takes. Raises as the others do."""

    def close(self) -> None:
        """Nothing more is asked."""


class Register(Protocol):
    """What administers. Raises StateError and StoreUnreachable where the store is not there, or not in order."""

    def all(self) -> list[Token]:
        """Every token there ever was, the oldest first."""

    def known(self, identifier: str) -> Token:
        """The token of this id. Raises UsageError where there is none."""

    def add(self, token: Token, digest: bytes) -> None:
        """Keep a token, durably, with the hash of its secret."""

    def revoke(self, identifier: str, now: datetime) -> tuple[Token, bool]:
        """End a token, and what browsers were signed in to by it; the token, and whether it was this call that did.

        Raises UsageError for an unknown id.
        """


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

    def fresh(self) -> bool:
        """See Tokens: a look into the file takes microseconds."""
        return True

    def refresh(self) -> None:
        """See Tokens."""

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _ask(self, sql: str, *values: Any) -> Any:
        with guard(self._path):
            return self._connection.execute(sql, values).get


class SqliteRegister:
    """The tokens of one file, for who administers them; opened for each act alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[Token]:
        """See Register."""
        with self._reading() as connection:
            rows: Any = connection.execute("SELECT json FROM token").fetchall()
        return in_order(_decode(json) for (json,) in rows)

    def known(self, identifier: str) -> Token:
        """See Register."""
        with self._reading() as connection:
            return _required(connection, identifier)

    def add(self, token: Token, digest: bytes) -> None:
        """See Register."""
        with self._writing() as connection:
            values = (token.id, digest, msgspec.json.encode(token).decode())
            connection.execute("INSERT INTO token VALUES (?, ?, ?)", values)

    def revoke(self, identifier: str, now: datetime) -> tuple[Token, bool]:
        """See Register."""
        with self._writing() as connection:
            token = _required(connection, identifier)
            if token.revoked is not None:
                return token, False
            ended = ended_at(token, now)
            json = msgspec.json.encode(ended).decode()
            connection.execute("UPDATE token SET json = ? WHERE id = ?", (json, identifier))
        return ended, True

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with closing(open_for_reading(self._path)) as connection, guard(self._path):
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """A transaction on the file, beside a server if one runs."""
        with closing(open_for_writing(self._path)) as connection, guard(self._path):
            require_version(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise


def in_order(tokens: Iterable[Token]) -> list[Token]:
    """The tokens, the oldest first."""
    return sorted(tokens, key=lambda token: (token.created, token.id))


def ended_at(token: Token, now: datetime) -> Token:
    """The token as it is once it has been revoked."""
    return msgspec.structs.replace(token, revoked=now.astimezone(UTC).replace(microsecond=0))


def unknown(identifier: str) -> UsageError:
    """What is raised where there is no token of this id."""
    return UsageError(f"there is no token {identifier[:40]!r}", "whodid token list names them by id")


def _required(connection: apsw.Connection, identifier: str) -> Token:
    found = connection.execute("SELECT json FROM token WHERE id = ?", (identifier,)).get
    if found is None:
        raise unknown(identifier)
    return _decode(str(found))
