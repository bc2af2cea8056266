"""Archives of records for tests, made by the product's own writer."""

from collections.abc import Iterable
from pathlib import Path

from whodid_indexer.archive.writer import Archive, Leaving
from whodid_schema.record import Record, encode

LEAVING = Leaving("activity", "before 2026-10-22T12:00:00Z", "older than 30 days")


def archived(folder: Path, records: Iterable[Record]) -> Path:
    """The one file with these records."""
    folder.mkdir(exist_ok=True)
    with Archive(folder, "sqlite:///audit.db") as archive:
        kept = archive.keep(LEAVING, ((str(record.id), encode(record)) for record in records))
    assert kept is not None
    return kept.path
