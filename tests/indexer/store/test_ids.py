"""The filter of ids: "no" is certain at any moment, also while it is made, and no transaction makes much of it."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import identifier, item, records
from whodid_indexer.store.sqlite import SqliteStore, ids
from whodid_indexer.store.sqlite.entry import halves
from whodid_schema.meta import default_meta

START = 1_764_000_000_000_000
SOME = list(records(1, 4_000, START, 1_000_000))


def high(identity: str) -> int:
    found = halves(identity)
    assert found is not None
    return found[0]


def test_no_is_certain_while_the_filter_is_made_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records come meanwhile, before and behind the place that it has reached, and then too many for its size."""
    monkeypatch.setattr(ids, "_PART", 400)
    monkeypatch.setattr(ids, "_PART_EACH", 1)
    monkeypatch.setattr(ids, "_LEAST", 1 << 10)
    monkeypatch.setattr(ids, "_MANY", 100)
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime.now(UTC)))
    there: list[str] = []
    sure: list[int] = []
    sizes = set()
    with closing(SqliteStore(path)) as store, closing(apsw.Connection(str(path))) as connection:
        store.create([item(record) for record in SOME[::2]])
        there += [str(record.id) for record in SOME[::2]]
        steps: list[int] = []

        def stepped() -> bool:
            steps.append(1)
            return False

        connection.set_progress_handler(stepped, 100)
        known = ids.Ids(connection)
        for start in range(1, 4_000, 200):
            steps.clear()
            known.catch_up(10)
            assert len(steps) < 100, "one transaction makes a part of it"
            assert all(known.maybe(high(one)) for one in there)
            fresh = [known.maybe(high(identifier(number))) for number in range(10_000, 10_500)]
            sure.append(fresh.count(False))
            sizes.add(known._filter and known._filter.size)
            arriving = SOME[start : start + 200 : 2]
            store.create([item(record) for record in arriving])
            there += [str(record.id) for record in arriving]
    assert sure[0] == 0, "until it is made everything may be there"
    assert sure[-1] > 450
    assert len(sizes) == 3, "none, the first, and a larger one"
