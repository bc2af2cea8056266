"""Exports from OpenSearch and through a server: the same file as from SQLite, gone on with, and day by day."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server as Node
from support.records import item
from support.serving import Server, make
from whodid_indexer.export.bookmark import Bookmark, export_news
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.run import Asked, Destination, RowWriter, Watch, check, export_file
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.store.base import Reader
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.remote import RemoteStore

QUERY = AuditQuery(terms=(Term("outcome", ("success",)), Term("surface", ("audit",), negated=True)))
"""Without whodid's own events: a server keeps one of every export."""
ASKED = Asked(
    QUERY,
    "outcome:success -surface:audit",
    "csv",
    "https://example.org:9200",
    "UTC",
    ("time", "id", "actor", "details"),
)

Create = Callable[[range], None]


class Ending(Watch):
    """Ctrl-C after so many rows."""

    def rows(self, rows: int) -> None:
        if rows > 500:
            raise KeyboardInterrupt


@pytest.fixture(params=["opensearch", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Reader, Create]]:
    """A reader, and what creates records in its store."""
    if request.param == "server":
        with Server(tmp_path) as server, closing(RemoteStore(server.url)) as remote:
            yield remote, lambda numbers: _sent(server, numbers)
        return
    node: Node = request.getfixturevalue("opensearch")
    set_up(node)
    with closing(OpenSearchReader(*connect(node.url, Access()))) as reader:
        yield reader, lambda numbers: _indexed(node, numbers)


def _sent(server: Server, numbers: range) -> None:
    if numbers:
        assert all(result.outcome == "indexed" for result in server.create(map(make, numbers)))


def _indexed(node: Node, numbers: range) -> None:
    """Not refreshed: what is exported is what has arrived, not what happens to be found already."""
    assert set(index(node, [item(make(number)) for number in numbers], refresh=False)) <= {201}


def writer(asked: Asked) -> RowWriter:
    return Sheet(asked.columns or ())


def test_an_interrupted_export_becomes_the_same_file(store: tuple[Reader, Create], tmp_path: Path) -> None:
    reader, create = store
    create(range(0, 3000, 2))
    whole = export_file(reader, ASKED, Destination(tmp_path / "whole.csv"), writer)
    check(whole)
    assert whole.rows == 1200
    assert whole.promised == (1200, 1200)
    with pytest.raises(KeyboardInterrupt):
        export_file(reader, ASKED, Destination(tmp_path / "a.csv"), writer, watch=Ending())
    create(range(2001, 2101, 2))
    finished = export_file(reader, ASKED, Destination(tmp_path / "a.csv"), writer, resume=True)
    check(finished)
    assert finished.resumed == 1
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_day_by_day_every_record_is_in_one_file_and_none_is_missing(
    store: tuple[Reader, Create], tmp_path: Path
) -> None:
    reader, create = store
    asked = msgspec.structs.replace(ASKED, form="ndjson", columns=None)
    exported: list[str] = []
    days = [range(1000, 1700), range(1700, 1710), range(0), range(5)]
    for day, numbers in enumerate(days):
        create(numbers)
        with Bookmark(tmp_path, "siem", asked.store, asked.query) as bookmark:
            assert bookmark.settle() is None
            path = tmp_path / f"{day}.ndjson"
            manifest = export_news(reader, asked, Destination(path), bookmark, lambda _: Lines())
        lines = path.read_bytes().splitlines()
        assert manifest.rows == len(lines) == sum(number % 5 != 0 for number in numbers)
        exported += [msgspec.json.decode(line)["id"] for line in lines]
    assert sorted(exported) == sorted(str(make(n).id) for numbers in days for n in numbers if n % 5)
