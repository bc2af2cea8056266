"""From a store's URL to something that can be asked."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from whodid_indexer.store.base import Reader
from whodid_schema.errors import UsageError

_HOW = "sqlite:///path/audit.db (sqlite:audit.db: in this folder), or the URL of a whodid server"


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


def open_reader(url: str) -> Reader:
    """The store at `url`. Raises UsageError for a URL of no known kind, and whatever its store raises."""
    scheme = _split(url).scheme
    if scheme == "sqlite":
        from whodid_indexer.store.sqlite.read import SqliteReader  # noqa: PLC0415  apsw only where it is used

        return SqliteReader(path_of(url))
    if scheme in ("http", "https"):
        from whodid_indexer.store.remote import RemoteStore  # noqa: PLC0415  httpx only where it is used

        return RemoteStore(url)
    raise UsageError(f"{url!r} is not the URL of a store", _HOW)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}", _HOW) from error
