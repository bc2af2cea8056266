"""A file of another layout: brought up to today's, or one clear line; never a traceback."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import item, records
from support.running import whodid
from whodid_indexer.query.model import ALL
from whodid_indexer.query.own import without_own
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.schema import MIGRATIONS
from whodid_schema.errors import StoreTooOld
from whodid_schema.meta import default_meta

SOME = [item(record) for record in records(1, 50, 1_764_000_000_000_000, 1_000_000)]
META = default_meta(datetime(2026, 11, 21, tzinfo=UTC))


def made(path: Path) -> Path:
    SqliteStore.setup(path, META)
    with closing(SqliteStore(path)) as store:
        store.create(SOME)
    return path


def changed(path: Path, script: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(script)


@pytest.mark.parametrize(
    ("lost", "command"),
    [
        ("DROP TABLE combo", ["search"]),
        ("DROP TABLE actor", ["facets"]),
        ("DROP TABLE token", ["token", "list"]),
        ("DROP TABLE zdict", ["setup"]),
        ("ALTER TABLE combo DROP COLUMN layer", ["count", "--layer", "platform"]),
        ("DROP TABLE chunk", ["retention", "plan"]),
    ],
)
def test_what_a_layout_lacks_is_one_line_that_says_what_to_do(lost: str, command: list[str], tmp_path: Path) -> None:
    path = made(tmp_path / "audit.db")
    changed(path, lost)
    done = whodid(*command, "--store", f"sqlite://{path}", check=False)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert (done.returncode, f"{path} lacks what this version needs: " in done.stderr) == (4, True)
        assert "run whodid setup" in done.stderr


def layout(path: Path) -> set[tuple[str, str]]:
    """Every table and index with the SQL that made it, and every option of the text index."""
    with closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute("SELECT name, coalesce(sql, '') FROM sqlite_schema").fetchall()
        rows += connection.execute("SELECT k, v FROM ft_config").fetchall()
    return {(str(name), str(sql)) for name, sql in rows}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_store_of_every_earlier_layout_is_refused_until_setup_and_whole_after_it(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, fresh = tmp_path / "old.db", made(tmp_path / "fresh.db")
    with monkeypatch.context() as earlier:
        earlier.setattr("whodid_indexer.store.sqlite.schema.MIGRATIONS", MIGRATIONS[:version])
        made(old)
    refused = whodid("count", "--store", f"sqlite://{old}", check=False)
    assert (refused.returncode, "whodid setup" in refused.stderr, "Traceback" in refused.stderr) == (4, True, False)
    with pytest.raises(StoreTooOld, match="layout"):
        SqliteReader(old)
    unsaved = whodid("backup", str(tmp_path / "copy.db"), "--store", f"sqlite://{old}", check=False)
    assert (unsaved.returncode, "the version that made it backs it up" in unsaved.stderr) == (4, True), unsaved.stderr
    said = f"{old} from layout {version} to layout {len(MIGRATIONS)}"
    assert f"would bring {said}" in whodid("setup", "--store", f"sqlite://{old}", "--dry-run").stderr
    assert whodid("count", "--store", f"sqlite://{old}", check=False).returncode == 4, "nothing is written yet"
    assert f"brought {said}" in whodid("setup", "--store", f"sqlite://{old}").stderr
    assert layout(old) == layout(fresh)
    with closing(SqliteReader(old)) as upgraded, closing(SqliteReader(fresh)) as other:
        assert list(upgraded.scan(without_own(ALL))) == list(other.scan(ALL))
        assert upgraded.count(ALL) == len(SOME) + 1, "that it was set up is recorded"
