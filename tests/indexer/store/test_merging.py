"""No commit waits until the text index is tidy: merging goes on a little with every one."""

import itertools
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw

from support.records import item, records
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta


def parts(path: Path) -> int:
    """How many parts the text index is kept in."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return int(connection.execute("SELECT count(DISTINCT segid) FROM ft_idx").get)


def test_a_commit_does_not_merge_all_parts_of_the_text_index_where_merging_begins(tmp_path: Path) -> None:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    found = []
    with closing(SqliteStore(path)) as store:
        for record in records(1, 40, 1_764_000_000_000_000, 1_000_000):
            store.create([item(record)])
            found.append(parts(path))
    assert all(after >= before for before, after in itertools.pairwise(found)), found
