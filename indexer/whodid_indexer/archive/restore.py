"""Putting archived records back: everything is verified first, then stored in pieces, as class `imported` and marked.

    verify    every file against its manifest, before anything is stored (`unverified`: only that its lines are records)
    mark      `mark.marked`: the archive file's name among the record's `meta`
    store     what is not there yet; restoring the same again adds nothing, and goes on where it was interrupted

Class `imported` ages from the month of the restoring, so that what was just put back does not go again the next day.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from whodid_indexer.archive.manifest import SUFFIX
from whodid_indexer.archive.mark import marked
from whodid_indexer.archive.reader import lines_of, verify
from whodid_indexer.archive.sinks import Sink
from whodid_indexer.export.snapshot import place_of
from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result
from whodid_schema.errors import UsageError, WhodidError
from whodid_schema.meta import IMPORTED
from whodid_schema.record import decode

_AT_ONCE = 500
_AT_ONCE_BYTES = 4 << 20


class Source(NamedTuple):
    """A file that was looked through; `proven` by its manifest."""

    path: Path
    records: int
    proven: bool


class Restored(msgspec.Struct, frozen=True):
    """What became of the records of a file; `reason` is the store's first refusal."""

    file: str
    records: int
    restored: int
    there: int
    refused: int
    reason: str = ""


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant: of a folder its archives, each once, by name. Raises UsageError where there is none."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} is not there", "name an archive, or a folder of them")
        inside = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path} has no archive in it", f"their names end in {SUFFIX}")
        found.update(dict.fromkeys(inside))
    return list(found)


def look_through(files: Iterable[Path], *, unverified: bool = False) -> list[Source]:
    """Every file, verified. Raises UsageError, WhodidError at the first that is not what it should be."""
    return [_unproven(path) if unverified else Source(path, verify(path).records, proven=True) for path in files]


def _unproven(path: Path) -> Source:
    try:
        return Source(path, verify(path).records, proven=True)
    except WhodidError:
        return Source(path, sum(1 for _ in _items(path, "")), proven=False)


def restore(source: Source, sink: Sink, now: datetime, stored: Callable[[int], None] = lambda _: None) -> Restored:
    """Store the records of a file; `stored` hears how many are done. Raises what the sink raises."""
    index = f"whodid-{IMPORTED}-{now.astimezone(UTC):%Y-%m}"
    done = dict.fromkeys(Outcome, 0)
    reason = ""
    for items in _together(_items(source.path, index)):
        results = sink.create(items)
        for result in results:
            done[result.outcome] += 1
            reason = reason or _refusal(result)
        stored(sum(done.values()))
    new, there, total = done[Outcome.INDEXED], done[Outcome.DUPLICATE], sum(done.values())
    if total != source.records:
        raise WhodidError(f"{source.path} was changed while it was read: {total:,} records, not {source.records:,}")
    return Restored(source.path.name, total, new, there, total - new - there, reason)


def _refusal(result: Result) -> str:
    return "" if result.outcome in (Outcome.INDEXED, Outcome.DUPLICATE) else result.reason or str(result.outcome)


def _items(path: Path, index: str) -> Iterator[Item]:
    """Raises WhodidError where a line is no record."""
    for number, line in enumerate(lines_of(path), 1):
        try:
            decode(line)
            yield Item(index, place_of(line).id, marked(line, path.name))
        except (msgspec.DecodeError, ValueError) as error:
            raise WhodidError(f"{path}: line {number} is not a record: {error}") from error


def _together(items: Iterable[Item]) -> Iterator[list[Item]]:
    """So many at a time as a store takes lightly."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) == _AT_ONCE or size + len(item.body) > _AT_ONCE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.body)
    if batch:
        yield batch
