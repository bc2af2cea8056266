"""Numbers of dictionary rows: the same for the same value, however many there are and whoever wrote them."""

from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import item, records
from whodid_indexer.store.sqlite import SqliteStore, axes
from whodid_schema.meta import default_meta


@pytest.mark.parametrize("remembered", [2, 200_000])
def test_two_writers_in_turn_number_every_value_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(axes, "_REMEMBERED", remembered)
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    items = [item(record) for record in records(3, 200, 1_793_000_000_000_000, 1_000_000, actors=20)]
    stores = SqliteStore(path), SqliteStore(path)
    for start in range(0, 200, 20):
        stores[start // 20 % 2].create(items[start : start + 20])
    for store in stores:
        store.close()
    connection = apsw.Connection(str(path))
    for table in ("combo", "actor", "ip", "ws"):
        rows = f"SELECT count(*), count(DISTINCT key) FROM {table}"  # noqa: S608  the tables' names are ours
        total, keys = next(iter(connection.execute(rows)))
        assert total == keys > 1
        lost = f"SELECT count(*) FROM event e WHERE e.{table} <> 0 AND e.{table} NOT IN (SELECT id FROM {table})"  # noqa: S608  as above
        assert connection.execute(lost).get == 0
    connection.close()
