"""The manifest beside an archive file, `FILE.manifest.json`: what is in it, why it left the store, and how to prove it.

    whodid-activity-20250101T000000Z-20250131T235959Z.jsonl.gz                  the records, a line each
    whodid-activity-20250101T000000Z-20250131T235959Z.jsonl.gz.manifest.json    this

A line is the record's JSON as it was stored; a newline between its values, which only a foreign writer leaves there,
is a space. `sha256` is of the file as it lies on the disk, `ids` of the records' ids in the file's order, a newline
behind each.
"""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from whodid_indexer.export.lines import inert
from whodid_indexer.export.manifest import Place, manifest_of

SUFFIX = ".jsonl.gz"


class ArchiveManifest(Struct, frozen=True, rename={"class_": "class"}):
    """Everything that is said of an archive file. `what` and `why` are the words of the retention plan."""

    whodid: str
    file: str
    class_: str
    what: str
    why: str
    records: int
    bytes: int
    sha256: str
    ids: str
    first: Place
    last: Place
    store: str
    user: str
    host: str
    started: str
    finished: str
    archive: int = 1


class Ids:
    """The digest of ids in an order, and how many there were."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.number = 0

    def add(self, identifier: str) -> None:
        """The next one."""
        self._hash.update(identifier.encode() + b"\n")
        self.number += 1

    def digest(self) -> str:
        """Of all so far, in hexadecimal."""
        return self._hash.hexdigest()


def text_of(manifest: ArchiveManifest) -> bytes:
    """The manifest as indented JSON; nothing in it steers a terminal."""
    return inert(msgspec.json.format(msgspec.json.encode(manifest), indent=2)) + b"\n"


def read_manifest(path: Path) -> ArchiveManifest:
    """The manifest of the archive `path`. Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(manifest_of(path).read_bytes(), type=ArchiveManifest)
