"""One reader's connection: its moments, and what is kept of the file between two questions."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from whodid_indexer.store.sqlite.bodies import Unpacker
from whodid_indexer.store.sqlite.compile import Compiler
from whodid_indexer.store.sqlite.connect import guard, open_for_reading

if TYPE_CHECKING:
    from whodid_indexer.store.sqlite.columns import Columns
    from whodid_indexer.store.sqlite.dictionaries import Dictionaries

_NOW = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
_BODY = "SELECT body FROM event WHERE seq = ?"


class Session:
    """A file that is being read; for one thread at a time."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the file for reading. Raises StoreUnreachable where it is not set up, StateError where it cannot be."""
        self.path = path
        self.clock = clock
        self.connection = open_for_reading(path)
        self.unpack = Unpacker(self.connection).unpack
        self.compiler = Compiler(self.connection)
        self._columns: Columns | None = None

    @property
    def columns(self) -> "Columns":
        """See Columns."""
        from whodid_indexer.store.sqlite.columns import Columns  # noqa: PLC0415  numpy, which only counting needs

        if self._columns is None:
            self._columns = Columns(self.connection)
        return self._columns

    @cached_property
    def dictionaries(self) -> "Dictionaries":
        """See Dictionaries."""
        from whodid_indexer.store.sqlite.dictionaries import Dictionaries  # noqa: PLC0415  only counting needs them

        return Dictionaries(self.connection)

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """One read transaction: what is asked inside is answered as of one moment. SQLite's errors: see guard."""
        with guard(self.path):
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._columns is not None:
                    self._columns.release()
                self.connection.execute("COMMIT")

    def now(self) -> int:
        """The number of the last record that has arrived."""
        last: int = self.connection.execute(_NOW).get
        return last

    def body(self, seq: int) -> bytes:
        """A record's body, unpacked."""
        return self.unpack(self.connection.execute(_BODY, (seq,)).get)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
