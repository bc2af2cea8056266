"""The door itself, with what cannot be made with a real server: tokens that cannot be read."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from whodid_indexer.access.gate import Gate
from whodid_indexer.access.token import Token
from whodid_indexer.api.app import build
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.errors import StateError
from whodid_schema.meta import default_meta


class Broken:
    """Tokens on a disk that fails."""

    def any(self) -> bool:
        raise StateError("the disk failed", "check the disk")

    def find(self, digest: bytes) -> Token | None:
        raise AssertionError(digest)

    def get(self, identifier: str) -> Token | None:
        raise AssertionError(identifier)

    def fresh(self) -> bool:
        return True

    def refresh(self) -> None:
        raise AssertionError("they are fresh")

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v1/count"), ("POST", "/_bulk"), ("GET", "/"), ("GET", "/x")]
)
def test_where_tokens_cannot_be_read_nobody_is_let_in(tmp_path: Path, method: str, path: str) -> None:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    with closing(SqliteStore(file)) as store:
        app = build(store, lambda: SqliteReader(file), None, Gate(Broken()))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
                return await client.request(method, path)

        answer = anyio.run(ask)
    assert answer.status_code == 503
    assert answer.json()["code"] == "state"
    assert "Traceback" not in answer.text
