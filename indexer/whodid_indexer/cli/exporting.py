"""What `whodid export` does once it is clear what is asked: into stdout, into a file, or what is new into one."""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from whodid_indexer.cli.output import counted, say, write
from whodid_indexer.cli.places import own_place
from whodid_indexer.cli.progress import Progress
from whodid_indexer.cli.zone import zone_of
from whodid_indexer.export.bookmark import Bookmark, export_news
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.manifest import Manifest
from whodid_indexer.export.part import gzip_member
from whodid_indexer.export.run import Asked, Destination, RowWriter, check, check_rows, export_file
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.export.snapshot import take
from whodid_indexer.query.zones import shown_time, written_time, zone_name
from whodid_indexer.store.base import Reader
from whodid_schema.errors import UsageError, WhodidError

if TYPE_CHECKING:
    from whodid_indexer.cli.export import To


def to_stdout(reader: Reader, asked: Asked, zone: tzinfo) -> None:
    """Every row, as it is read; then how many there were. Raises Incomplete where it was another number."""
    snapshot = take(reader, asked.query, ascending=asked.ascending)
    writer = _writer(asked, zone)
    pieces = writer.chunks(snapshot.rows)
    write(_compressed(pieces) if asked.gzip else pieces)
    say(counted(writer.rows, "row"))
    check_rows(writer.rows, snapshot.least, snapshot.most)


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    member = gzip_member()
    yield from map(member.compress, pieces)
    yield member.flush()


def to_file(reader: Reader, asked: Asked, zone: tzinfo, to: "To") -> None:
    """The file with its manifest; where it is interrupted, what there is of it and how to go on."""
    progress = Progress(to.progress)
    path = Path(to.output)
    try:
        manifest = export_file(
            reader,
            asked,
            Destination(path, to.force),
            lambda final: _writer(final, zone),
            resume=to.resume,
            watch=progress,
        )
    finally:
        progress.ended()
        _say_kept(progress, path)
    _say_done(manifest, path)
    check(manifest)


def _say_kept(progress: Progress, path: Path) -> None:
    if progress.interrupted:
        say(f"kept: {counted(progress.interrupted, 'row')}; go on with: whodid export --resume -o {path}")


def to_news(reader: Reader, asked: Asked, zone: tzinfo, to: "To") -> None:
    """What arrived since the last export of the name, behind its bookmark."""
    progress = Progress(to.progress)
    path = Path(to.output)
    with Bookmark(to.bookmarks or own_place("bookmarks"), to.since_last or "", asked.store, asked.query) as bookmark:
        settled = bookmark.settle()
        if settled is not None:
            say(f"the export before was interrupted when it was whole: {settled} is finished now")
            if settled == path.absolute():
                return
        if bookmark.changed:
            say(f"note: the filters are others than the last time {to.since_last} was exported")
        try:
            manifest = export_news(
                reader,
                asked,
                Destination(path, to.force),
                bookmark,
                lambda final: _writer(final, zone),
                progress,
            )
        finally:
            progress.ended()
    _say_done(manifest, path)


def _say_done(manifest: Manifest, path: Path) -> None:
    say(f"{counted(manifest.rows, 'row')} in {path}")


def _writer(asked: Asked, zone: tzinfo) -> RowWriter:
    if asked.form == "ndjson":
        return Lines()
    if asked.zone != zone_name(zone):  # it goes on with what was asked when it began
        zone = _zone(asked.zone)
    if asked.excel:
        return Sheet(asked.columns or (), lambda record: shown_time(record.timestamp, zone), excel=asked.zone)
    time = None if zone is UTC else lambda record: written_time(record.timestamp, zone)
    return Sheet(asked.columns or (), time)


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(utc=False, local=False, tz=name)
    except UsageError as error:
        raise WhodidError(f"the interrupted export has its times in {name}, which is not known here") from error
