"""What stands behind a server: a SQLite store, of which it is the writer, or an OpenSearch, whose records it reads."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from whodid_indexer.access.gate import Gate
from whodid_indexer.access.tokens import SqliteTokens, Tokens
from whodid_indexer.api.app import Closable
from whodid_indexer.audit.recorder import IntoCluster, recorder_of
from whodid_indexer.cli.archives import archive_of
from whodid_indexer.cli.options import Source
from whodid_indexer.cli.places import Place, find_store
from whodid_indexer.cli.source import access_to, opened
from whodid_indexer.holds.hold import Holds
from whodid_indexer.retention.daily import Daily
from whodid_indexer.store.base import Reader
from whodid_indexer.store.open import open_reader, path_of
from whodid_indexer.store.sqlite import SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.holds import SqliteHolds
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_indexer.store.sqlite.views import SqliteViews
from whodid_indexer.store.views import Views
from whodid_schema.errors import UsageError

if TYPE_CHECKING:
    from whodid_indexer.config import IndexerSettings

Admit = Callable[[Tokens | None], Gate]
"""The gate over these tokens. Raises UsageError where it would let in more than is safe."""


_PATIENCE = 5.0
"""Seconds that a cluster has to say which tokens there are: everybody waits for that."""


class Behind(NamedTuple):
    """The parts of `api.app.build`, what deletes from the store meanwhile, and what is to be said of it."""

    store: Closable | IntoCluster
    opener: Callable[[], Reader]
    gate: Gate
    views: Views | None
    holds: Holds
    daily: AbstractContextManager[object]
    said: list[str]


@contextlib.contextmanager
def served(source: Source, settings: "IndexerSettings | None", admit: Admit) -> Iterator[Behind]:
    """What the source names. Raises UsageError for another server, and whatever its store raises."""
    place = find_store(source.store, source.config)
    if place.url.startswith(("http://", "https://")):
        with _cluster(source, place, settings, admit) as behind:
            yield behind
    else:
        with _file(path_of(place.url), place, settings, admit) as behind:
            yield behind


@contextlib.contextmanager
def _file(path: Path, place: Place, settings: "IndexerSettings | None", admit: Admit) -> Iterator[Behind]:
    if not path.exists():
        admit(None)  # nothing is made for a server that will not start
    change = write_document(path, None if settings is None else settings.wanted(), datetime.now(UTC))
    said = [f"store {path} ({place.said_by})"]
    old, new = change.layouts
    if old != new:
        said.append(f"it was brought from layout {old} to layout {new}")
    if change.before is not None and change.before != change.after:
        said.append("the store's document was changed to what the configuration says")
    kept = settings is None or settings.serve_retention
    archive = archive_of(settings, place.url)
    daily = Daily(lambda leave: SqliteLifecycle(path, leave, archive=archive)) if kept else contextlib.nullcontext()
    with contextlib.closing(SqliteTokens(path)) as tokens:
        gate = admit(tokens)
        store = SqliteStore(path)
        holds = SqliteHolds(path, store)
        yield Behind(store, lambda: open_reader(place.url), gate, SqliteViews(store), holds, daily, said)


@contextlib.contextmanager
def _cluster(source: Source, place: Place, settings: "IndexerSettings | None", admit: Admit) -> Iterator[Behind]:
    from whodid_indexer.store.opensearch.connect import Client  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.holds import ClusterHolds  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.state_tokens import ClusterTokens  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.state_views import ClusterViews  # noqa: PLC0415  as above

    with opened(source, "serve") as reader:
        recorder = recorder_of(reader)
        if not isinstance(recorder, IntoCluster) or not isinstance(reader, OpenSearchReader):
            raise UsageError(
                f"{place.url} is a whodid server itself", "name its store: sqlite:///… or OpenSearch's URL"
            )
        reader.meta()
        access = access_to(source)
        said = [f"store {place.url} ({place.said_by}); agents write to it directly"]
        ism, repository = (True, None) if settings is None else (settings.ism_deletes, settings.snapshot_repository)
        holds = ClusterHolds(reader.client, deletes_by_ism=ism, repository=repository)
        views = ClusterViews(reader.client)
        with contextlib.closing(ClusterTokens(Client(place.url, access, patience=_PATIENCE))) as tokens:
            gate = admit(tokens)
            yield Behind(
                recorder,
                lambda: open_reader(place.url, lambda: access),
                gate,
                views,
                holds,
                contextlib.nullcontext(),
                said,
            )
