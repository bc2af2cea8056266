"""The manifest beside an exported file, `FILE.manifest.json`: what was asked, what is in it, who made it, its SHA-256.

It is evidence only together with something that signs it; by itself it tells a damaged or exchanged file, and what the
file was meant to hold.
"""

import getpass
import hashlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from whodid_indexer.export.part import Mark
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Key
from whodid_schema.errors import UsageError, WhodidError
from whodid_schema.timestamp import from_micros

_READ = 1 << 20


class Range(Struct, frozen=True):
    """The time range asked for, None where it is open: `since` ≤ time < `until`."""

    since: str | None
    until: str | None


class Question(Struct, frozen=True):
    """What was asked, as people write it and as a value; with it any store can be asked the same."""

    text: str
    value: AuditQuery


class Place(Struct, frozen=True):
    """The time and the id of a record."""

    time: str
    id: str


class Manifest(Struct, frozen=True):
    """Everything that is said of an exported file. `promised` is least and most; `bookmark` names a daily export."""

    whodid: str
    file: str
    format: str
    query: Question
    range: Range
    zone: str
    order: str
    columns: tuple[str, ...] | None
    excel: bool
    gzip: bool
    rows: int
    promised: tuple[int, int] | None
    bytes: int
    sha256: str
    first: Place | None
    last: Place | None
    store: str
    user: str
    host: str
    started: str
    finished: str
    resumed: int = 0
    recorded: bool = False
    bookmark: str | None = None
    manifest: int = 1


def manifest_of(path: Path) -> Path:
    """Where the manifest of a file is."""
    return path.with_name(f"{path.name}.manifest.json")


def text_of(manifest: Manifest) -> bytes:
    """The manifest as indented JSON; nothing in it steers a terminal."""
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  not needed by whoever only reads one

    return inert(msgspec.json.format(msgspec.json.encode(manifest), indent=2)) + b"\n"


def whoami() -> tuple[str, str]:
    """The operating system's user and the host's name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"  # in a container, say, whose users have no names
    return user, socket.gethostname()


def without_credentials(url: str) -> str:
    """The store's URL without what a password or token may stand in."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url


def range_of(query: AuditQuery) -> Range:
    """The time range in words of time."""
    since, until = query.since, query.until
    return Range(None if since is None else _time(since), None if until is None else _time(until))


def place(key: Key | None) -> Place | None:
    """A place of the time order, for people."""
    return None if key is None else Place(_time(key.micros), key.id)


def ends(mark: Mark) -> tuple[Place | None, Place | None]:
    """The first and the last record of a file."""
    return place(mark.first), place(mark.last)


def verify(path: Path) -> Manifest:
    """The manifest of a file that is as it says. Raises UsageError where there is none, WhodidError at a difference."""
    beside = manifest_of(path)
    try:
        manifest = msgspec.json.decode(beside.read_bytes(), type=Manifest)
        size, digest = measure(path)
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename} is not there", "a file is verified with the manifest beside it") from error
    except OSError as error:
        raise WhodidError(f"cannot read {error.filename}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise WhodidError(f"{beside} is not a manifest: {error}") from error
    if size != manifest.bytes:
        raise WhodidError(f"{path} was changed: it has {size:,} bytes, its manifest says {manifest.bytes:,}")
    if digest != manifest.sha256:
        raise WhodidError(f"{path} was changed: its SHA-256 is {digest}, its manifest says {manifest.sha256}")
    return manifest


def measure(path: Path) -> tuple[int, str]:
    """The size of a file in bytes, and its SHA-256. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(_READ):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _time(micros: int) -> str:
    try:
        return from_micros(micros)
    except (ValueError, OverflowError):
        return f"{micros} µs"
