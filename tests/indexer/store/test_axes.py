"""Numbers of dictionary rows: the same for the same value, however many there are and whoever wrote them."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import identifier, item, records
from whodid_indexer.store.sqlite import SqliteStore, axes
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Client, Record, Ref, Target


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
    for table in ("combo", "actor", "ip", "ws", "device", "reason"):
        rows = f"SELECT count(*), count(DISTINCT key) FROM {table}"  # noqa: S608  the tables' names are ours
        total, keys = next(iter(connection.execute(rows)))
        assert total == keys >= 1
        lost = f"SELECT count(*) FROM event e WHERE e.{table} <> 0 AND e.{table} NOT IN (SELECT id FROM {table})"  # noqa: S608  as above
        assert connection.execute(lost).get == 0
    connection.close()


def test_of_every_value_one_spelling_as_written_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    made = [
        Record(
            timestamp="2026-11-21T08:30:00.000000Z",
            received_at="2026-11-21T08:30:00.000000Z",
            id=identifier(number),
            app="Shop",
            category="notes",
            action=action,
            reason="Wrong password",
            actor=Actor(type="User", email="Ada@example.org", role="Owner", provider="GitHub", key="Shop/User:1"),
            target=Target("Note", "7"),
            workspace=Ref("WS-1", "Acme"),
            project=Ref("p-1", "Website"),
            client=Client(device="Chrome 126 on macOS"),
        )
        for number, action in enumerate(["Note.Create", "NOTE.CREATE", "note.create"])
    ]
    with closing(SqliteStore(path)) as store:
        store.create([item(record) for record in made])
    with closing(apsw.Connection(str(path))) as connection:
        labels = connection.execute("SELECT axis, value, label FROM label").fetchall()
        assert connection.execute("SELECT handle FROM actor").fetchall() == [("Shop/User:1",)]
    assert sorted(labels) == [
        ("action", "note.create", "Note.Create"),
        ("actor.type", "user", "User"),
        ("app", "shop", "Shop"),
        ("device", "chrome 126 on macos", "Chrome 126 on macOS"),
        ("email", "ada@example.org", "Ada@example.org"),
        ("project", "website", "Website"),
        ("provider", "github", "GitHub"),
        ("reason", "wrong password", "Wrong password"),
        ("role", "owner", "Owner"),
        ("type", "note", "Note"),
        ("workspace", "acme", "Acme"),
        ("workspace", "ws-1", "WS-1"),
    ]
