"""From a store's URL to something that can be asked.

Behind http and https there may be a whodid server or OpenSearch; what answers `GET /` says which.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from whodid_indexer.store.base import Reader
from whodid_schema.errors import UsageError

if TYPE_CHECKING:
    from whodid_indexer.store.opensearch.access import Access

_HOW = "sqlite:///path/audit.db (sqlite:audit.db: in this folder), or the URL of a whodid server or of OpenSearch"


def path_of(url: str) -> Path:
    """The file that a `sqlite:` URL names. Raises UsageError.

    `sqlite:///var/audit.db` is /var/audit.db (a fourth slash, as some write it, changes nothing);
    `sqlite:audit.db` is audit.db in the current folder.
    """
    parts = _split(url)
    if parts.scheme != "sqlite":
        raise UsageError(f"{url} does not name a SQLite file", "sqlite:///path/audit.db")
    if parts.netloc or not parts.path.strip("/"):
        raise UsageError(f"{url} names no file", "three slashes and the path: sqlite:///path/audit.db")
    if parts.query or parts.fragment:
        raise UsageError(
            f"{url}: ? and # have no meaning here", "write them as %3F and %23 if they are the file's name"
        )
    path = unquote(parts.path)
    return Path(f"/{path.lstrip('/')}" if path.startswith("/") else path)


def open_reader(url: str, access: "Callable[[], Access] | None" = None, action: str | None = None) -> Reader:
    """The store at `url`; `access` says how a cluster is reached, and is asked only for an http or https URL.

    `action` is what it is opened for (see `audit.event`): a whodid server is told, and records it.

    Raises UsageError for a URL of no known kind, and whatever its store raises.
    """
    scheme = _split(url).scheme
    if scheme == "sqlite":
        from whodid_indexer.store.sqlite.read import SqliteReader  # noqa: PLC0415  apsw only where it is used

        return SqliteReader(path_of(url))
    if scheme in ("http", "https"):
        return _over_http(url, access, action)
    raise UsageError(f"{url!r} is not the URL of a store", _HOW)


def _over_http(url: str, access: "Callable[[], Access] | None", action: str | None) -> Reader:
    """Whoever answers there. Raises StoreUnreachable where that is neither a whodid server nor OpenSearch."""
    from whodid_indexer.store.opensearch.access import Access  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.store.opensearch.connect import Client, read_root  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  as above
    from whodid_indexer.store.remote import RemoteStore  # noqa: PLC0415  as above

    client = Client(url, Access() if access is None else access())
    try:
        root = client.root()
        if isinstance(root, dict) and root.get("product") == "whodid":
            client.close()
            return RemoteStore(url, action=action, access=client.access)
        return OpenSearchReader(client, read_root(client.url, root))
    except BaseException:
        client.close()
        raise


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}", _HOW) from error
