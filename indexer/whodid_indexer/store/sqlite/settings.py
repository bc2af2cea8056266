"""The table `setting`: documents of the store itself, by name."""

from pathlib import Path

import apsw
import msgspec

from whodid_schema.errors import StoreUnreachable
from whodid_schema.meta import Meta, read_meta


def write_setting(connection: apsw.Connection, name: str, value: str, *, replace: bool) -> None:
    """Store a value; one that is there stays unless `replace`."""
    verb = "REPLACE" if replace else "IGNORE"
    connection.execute(f"INSERT OR {verb} INTO setting VALUES (?, ?)", (name, value))  # noqa: S608  one of two words


def read_setting(connection: apsw.Connection, path: Path) -> Meta:
    """The template document. Raises StoreUnreachable where there is none, ConfigError where it is none of ours."""
    stored: str | None = connection.execute("SELECT value FROM setting WHERE name = 'meta'").get
    if stored is None:
        raise StoreUnreachable(f"{path} has no template document", "run whodid setup")
    return read_meta(msgspec.json.decode(stored))
