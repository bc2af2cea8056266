"""Tokens for a test's server, written into its store as `whodid token` does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from whodid_indexer.access import token as tokens
from whodid_indexer.access.roles import Grant
from whodid_indexer.access.tokens import Register, SqliteRegister

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def make_token(path: Path, grant: Grant, name: str = "", life: timedelta | None = None) -> str:
    """A token of the store in this file; its secret."""
    made, secret = tokens.new(grant, name, datetime.now(UTC), life)
    SqliteRegister(path).add(made, tokens.digest(secret))
    return secret


def make_named(path: Path, grant: Grant, name: str = "", now: datetime = NOW) -> tuple[str, str]:
    """A token's id and its secret."""
    made, secret = tokens.new(grant, name, now, None)
    SqliteRegister(path).add(made, tokens.digest(secret))
    return made.id, secret


def put_token(register: Register, grant: Grant, name: str = "", life: timedelta | None = None) -> tuple[str, str]:
    """A token of any store: its id and its secret."""
    made, secret = tokens.new(grant, name, datetime.now(UTC), life)
    register.add(made, tokens.digest(secret))
    return made.id, secret


def end_token(path: Path, identifier: str) -> None:
    """Revoke the token of this id."""
    SqliteRegister(path).revoke(identifier, datetime.now(UTC))


def bearer(secret: str) -> dict[str, str]:
    """The header that shows it."""
    return {"Authorization": f"Bearer {secret}"}
