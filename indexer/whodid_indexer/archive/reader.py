"""Reading archives: their records as bytes, and whether a file is what its manifest says.

`verify` reads everything twice, once as the file lies there and once record by record, and shares nothing with whoever
wrote it but the form.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from whodid_indexer.archive.manifest import ArchiveManifest, Ids, read_manifest
from whodid_indexer.export.manifest import manifest_of, measure
from whodid_indexer.export.snapshot import place_of
from whodid_schema.errors import UsageError, WhodidError

_GZIP = b"\x1f\x8b"

UNVERIFIED = "--unverified takes it as it is"


def lines_of(path: Path) -> Iterator[bytes]:
    """The records of a file, packed or not. Raises WhodidError where it is damaged or cannot be read."""
    from isal import isal_zlib  # noqa: PLC0415  only where something is unpacked

    damaged: Any = isal_zlib.error  # isal publishes no types
    try:
        with path.open("rb") as file:
            for line in _unpacked(file):
                yield line.removesuffix(b"\n")
    except (damaged, EOFError) as error:
        raise WhodidError(f"{path} is damaged: it cannot be unpacked: {error}") from error
    except OSError as error:  # what is said of a damaged gzip file has no words of the system's
        raise WhodidError(f"cannot read {path}: {error.strerror or error}") from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    from isal import igzip  # noqa: PLC0415  as above

    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    unpacked: Any = igzip  # as above
    return cast("BinaryIO", unpacked.IGzipFile(fileobj=file, mode="rb")) if packed else file


def read_ids(path: Path) -> Ids:
    """The ids of all records of a file. Raises WhodidError where something in it is none."""
    ids = Ids()
    for line in lines_of(path):
        try:
            ids.add(place_of(line).id)
        except (msgspec.DecodeError, ValueError) as error:
            raise WhodidError(f"{path}: line {ids.number + 1} is not a record: {error}") from error
    return ids


def verify(path: Path) -> ArchiveManifest:
    """The manifest of a file that is as it says: size, hash, number of records and every id.

    Raises UsageError where there is none, WhodidError at a difference.
    """
    beside = manifest_of(path)
    try:
        manifest = read_manifest(path)
        size, digest = measure(path)
    except FileNotFoundError as error:
        hint = f"an archive is verified with the manifest beside it; {UNVERIFIED}"
        raise UsageError(f"{error.filename} is not there", hint) from error
    except OSError as error:
        raise WhodidError(f"cannot read {error.filename}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise WhodidError(f"{beside} is not the manifest of an archive: {error}", UNVERIFIED) from error
    if (size, digest) != (manifest.bytes, manifest.sha256):
        raise WhodidError(
            f"{path} was changed: {size:,} bytes with SHA-256 {digest}, "
            f"its manifest says {manifest.bytes:,} with {manifest.sha256}",
            UNVERIFIED,
        )
    ids = read_ids(path)
    if (ids.number, ids.digest()) != (manifest.records, manifest.ids):
        raise WhodidError(
            f"{path} does not hold the {manifest.records:,} records that its manifest says: {ids.number:,} others",
            UNVERIFIED,
        )
    return manifest
