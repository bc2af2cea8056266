"""Tokens: what is kept of them, how long they last, and that they end at once."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whodid_indexer.access import token as tokens
from whodid_indexer.access.roles import Grant
from whodid_indexer.access.tokens import SqliteRegister
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.errors import UsageError
from whodid_schema.meta import default_meta

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(NOW))
    return file


def test_a_secret_is_long_can_be_recognised_and_is_another_each_time() -> None:
    made = [tokens.new(Grant("platform"), "", NOW, None) for _ in range(50)]
    assert len({secret for _, secret in made}) == len({token.id for token, _ in made}) == 50
    for token, secret in made:
        assert secret.startswith("whodid_")
        assert len(secret) == len("whodid_") + 43
        assert token.id not in secret


def test_the_store_keeps_a_hash_of_the_secret_and_nothing_else_of_it(path: Path) -> None:
    token, secret = tokens.new(Grant("platform"), "ops", NOW, None)
    SqliteRegister(path).add(token, tokens.digest(secret))
    assert tokens.digest(secret) == hashlib.sha256(secret.encode()).digest()
    held = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert token.id.encode() in held
    assert secret.encode() not in held
    assert secret.removeprefix("whodid_").encode() not in held


@pytest.mark.parametrize(
    ("life", "after", "state"),
    [
        (None, timedelta(days=9_999), "valid"),
        (timedelta(days=90), timedelta(0), "valid"),
        (timedelta(days=90), timedelta(days=90, seconds=-1), "valid"),
        (timedelta(days=90), timedelta(days=90), "expired"),
        (timedelta(hours=1), timedelta(days=1), "expired"),
    ],
)
def test_a_token_lasts_to_its_end(life: timedelta | None, after: timedelta, state: str) -> None:
    token, _ = tokens.new(Grant("platform"), "", NOW, life)
    assert token.state(NOW + after) == state


@pytest.mark.parametrize(("text", "life"), [("90d", timedelta(days=90)), ("12h", timedelta(hours=12)), ("never", None)])
def test_how_long_a_token_lasts_is_read(text: str, life: timedelta | None) -> None:
    assert tokens.parse_life(text) == life


@pytest.mark.parametrize("text", ["", "d", "90", "0d", "-1d", "1.5d", "90 d", "3651d", "999999d", "٣d", "for ever"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"90d|3650d"):
        tokens.parse_life(text)


@pytest.mark.parametrize("name", ["x" * 101, "a\nb", "\x1b[31m", "\u202e"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        tokens.new(Grant("platform"), name, NOW, None)
