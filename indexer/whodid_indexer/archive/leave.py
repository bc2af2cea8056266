"""What a store's retention does with an archive: which parts of its plan are archived, and what stays because of it."""

from collections.abc import Iterable

from msgspec.structs import replace

from whodid_indexer.archive.writer import Archive
from whodid_indexer.retention.plan import Part


def with_archive(parts: Iterable[Part], archive: Archive | None) -> list[Part]:
    """The parts of a plan; what nobody can read cannot be archived, and so it stays."""
    return [part if archive is None else _with(part, archive) for part in parts]


def _with(part: Part, archive: Archive) -> Part:
    if part.goes is None or not archive.takes(part.class_):
        return part
    if part.due and part.records is None:
        return replace(part, goes=None, due=False, why="closed: it cannot be archived, and stays until it is opened")
    return replace(part, archived=True)
