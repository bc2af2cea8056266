"""A store's URL says where it is, or is refused with how to write it."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.records import item, records
from whodid_indexer.query.model import ALL
from whodid_indexer.store.open import open_reader, path_of
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.errors import UsageError
from whodid_schema.meta import default_meta


def test_a_path_is_read_as_written() -> None:
    assert path_of("sqlite:///var/lib/whodid/audit.db") == Path("/var/lib/whodid/audit.db")
    assert path_of("sqlite:///a%20b/c%3F.db") == Path("/a b/c?.db")
    assert str(path_of("sqlite:////var/audit.db")) == "/var/audit.db"


def test_a_sqlite_url_without_slashes_names_a_file_in_the_current_folder() -> None:
    assert path_of("sqlite:audit.db") == Path("audit.db")


@pytest.mark.parametrize("url", ["sqlite://audit.db", "sqlite:///", "sqlite:", "sqlite:///a.db?mode=rw", "http://x/"])
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="sqlite"):
        path_of(url)


@pytest.mark.parametrize("url", ["", "audit.db", "postgres://x/y", "/var/audit.db"])
def test_a_url_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="sqlite:///path"):
        open_reader(url)


def test_a_sqlite_url_opens_its_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a b#%.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    url = "sqlite://" + str(path).replace("%", "%25").replace("#", "%23").replace(" ", "%20")
    with closing(open_reader(url)) as reader:
        assert reader.count(ALL) == 0


def test_a_cursor_means_nothing_in_another_file_that_has_grown_past_it(tmp_path: Path) -> None:
    cursors = []
    for name in ("one.db", "two.db"):
        path = tmp_path / name
        SqliteStore.setup(path, default_meta(datetime.now(UTC)))
        writer = SqliteStore(path)
        writer.create([item(record) for record in records(1, 20, 1_795_000_000_000_000, 1)])
        writer.close()
        with closing(SqliteReader(path)) as reader:
            cursors.append(reader.changes(None, 5).cursor)
            if name == "two.db":
                with pytest.raises(UsageError, match="not a cursor of this store"):
                    reader.changes(cursors[0])
                assert len(reader.changes(cursors[1]).records) == 15
