"""Making an export: from the records of a store to a finished file with its manifest, or to one's caller in pieces.

    begin     what is asked and the moment it is asked of are written beside the file (`part`, `snapshot`)
    write     rows in pieces; a mark on disk every few seconds
    finish    everything on disk, the rows counted against what was promised, the manifest, then the file's name

Whatever ends it in between leaves the unfinished file, and `resume` goes on with it.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from whodid_indexer.export.file import exists, write_state
from whodid_indexer.export.manifest import (
    Manifest,
    Question,
    ends,
    manifest_of,
    range_of,
    text_of,
    whoami,
    without_credentials,
)
from whodid_indexer.export.part import Mark, Part, cannot_write
from whodid_indexer.export.snapshot import go_on, place_of, take
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.base import Reader
from whodid_schema import __version__, timestamp
from whodid_schema.errors import Incomplete, UsageError


class Asked(Struct, frozen=True):
    """Everything that decides what is in the file; an interrupted export goes on with exactly this.

    `typed` is what the person wrote, to compare with what is written when it goes on. `cursor` and `promised` are of
    the moment it began. `columns` is None for whole records. `recorded`: the store knows of the export.
    """

    query: AuditQuery
    text: str
    form: str
    store: str
    zone: str
    columns: tuple[str, ...] | None = None
    excel: bool = False
    gzip: bool = False
    ascending: bool = False
    typed: dict[str, Any] = {}
    cursor: str = ""
    promised: tuple[int, int] | None = None
    started: str = ""
    resumed: int = 0
    bookmark: str | None = None
    recorded: bool = False


class RowWriter(Protocol):
    """What turns records into a file: `Sheet` or `Lines`."""

    rows: int

    def chunks(self, bodies: Iterable[bytes], *, header: bool = True) -> Iterator[bytes]:
        """The file in pieces of whole rows."""


class Watch:
    """Who is told how far an export is; this one listens and says nothing."""

    def begins(self, asked: Asked, rows: int) -> None:
        """What is asked, and how many rows are there already."""

    def rows(self, rows: int) -> None:
        """So many are there by now."""

    def kept(self, rows: int) -> None:
        """It ends early, and leaves so many to go on with."""


SILENT = Watch()


class Destination(NamedTuple):
    """The file to make; `force` replaces one that is there."""

    path: Path
    force: bool = False


class Marked:
    """Records as they pass, and the mark behind the last one that did."""

    def __init__(self, bodies: Iterable[bytes], start: Mark) -> None:
        self._bodies = bodies
        self._start = start
        self._first: bytes | None = None
        self._last: bytes | None = None
        self._rows = 0

    def __iter__(self) -> Iterator[bytes]:
        for body in self._bodies:
            if self._first is None:
                self._first = body
            self._last = body
            self._rows += 1
            yield body

    def mark(self) -> Mark:
        """Rows and places up to here; the size is not known here."""
        first = self._start.first or (None if self._first is None else place_of(self._first))
        last = self._start.last if self._last is None else place_of(self._last)
        return Mark(rows=self._start.rows + self._rows, first=first, last=last)


def export_file(
    reader: Reader,
    asked: Asked,
    to: Destination,
    writer: Callable[[Asked], RowWriter],
    *,
    resume: bool = False,
    watch: Watch = SILENT,
) -> Manifest:
    """Make the file of everything that matches now. With `resume` an interrupted one is gone on with, if there is one.

    The caller asks `check` whether its rows are as many as were promised.
    Raises UsageError where the file exists, WhodidError where it cannot be written.
    """
    if not to.force and to.path.exists():
        raise exists(to.path)
    part = opened(to.path, asked)
    with keeping(part, watch):
        saved = part.go_on() if resume else None
        if saved is None:
            snapshot = take(reader, asked.query, ascending=asked.ascending)
            promised = (snapshot.least, snapshot.most)
            asked = msgspec.structs.replace(asked, cursor=snapshot.cursor, promised=promised, started=timestamp.now())
            rows = snapshot.rows
            part.begin(asked)
        else:
            asked = _same(msgspec.convert(saved, Asked), asked)
            rows = go_on(reader, asked.query, asked.cursor, part.mark.last, ascending=asked.ascending)
            part.remember(asked)
        final = pump(part, rows, writer(asked), watch, asked)
        manifest = finish(part, asked, final, to)
        part.place(force=to.force)
    return manifest


def _same(saved: Asked, given: Asked) -> Asked:
    """What was asked, if the same is asked now, or nothing in particular. Raises UsageError."""
    if given.typed and given.typed != saved.typed:
        differing = sorted(
            name for name in {*given.typed, *saved.typed} if given.typed.get(name) != saved.typed.get(name)
        )
        raise UsageError(
            f"the interrupted export asked for something else: {', '.join(differing)} differ",
            "--resume and -o FILE alone go on with it; without --resume it begins anew",
        )
    if given.store != saved.store:
        raise UsageError(f"the interrupted export was of {saved.store}", "name that store, or begin without --resume")
    recorded = saved.recorded and given.recorded
    return msgspec.structs.replace(saved, resumed=saved.resumed + 1, recorded=recorded)


def opened(path: Path, asked: Asked) -> Part:
    """The unfinished file. Raises WhodidError where it cannot be made."""
    try:
        return Part(path, gzip=asked.gzip)
    except OSError as error:
        raise cannot_write(path, error) from error


class keeping:  # noqa: N801  a context manager is read as a verb
    """What ends the block early leaves the file to go on with, and says how many rows that are."""

    def __init__(self, part: Part, watch: Watch) -> None:
        self._part = part
        self._watch = watch

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None:
            return
        kept = self._part.suspend()
        if kept:
            self._watch.kept(self._part.mark.rows)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise cannot_write(self._part.target, error, kept=kept) from error


def pump(part: Part, rows: Iterable[bytes], writer: RowWriter, watch: Watch, asked: Asked) -> Mark:
    """Write the rows behind those that are there; where the file ends then. Raises OSError."""
    watch.begins(asked, part.mark.rows)
    marked = Marked(rows, part.mark)
    for piece in writer.chunks(marked, header=not part.mark.size):
        mark = marked.mark()
        if piece:
            part.write(piece, mark)
        watch.rows(mark.rows)
    return marked.mark()


def finish(part: Part, asked: Asked, final: Mark, to: Destination) -> Manifest:
    """Everything on disk, and the manifest beside the name that the file will have."""
    size, digest = part.finish()
    user, host = whoami()
    first, last = ends(final)
    manifest = Manifest(
        whodid=__version__,
        file=to.path.name,
        format=asked.form,
        query=Question(asked.text, asked.query),
        range=range_of(asked.query),
        zone=asked.zone,
        order="arrival" if asked.bookmark else ("oldest first" if asked.ascending else "newest first"),
        columns=asked.columns,
        excel=asked.excel,
        gzip=asked.gzip,
        rows=final.rows,
        promised=asked.promised,
        bytes=size,
        sha256=digest,
        first=first,
        last=last,
        store=without_credentials(asked.store),
        recorded=asked.recorded,
        user=user,
        host=host,
        started=asked.started,
        finished=timestamp.now(),
        resumed=asked.resumed,
        bookmark=asked.bookmark,
    )
    if not to.force and to.path.exists():
        raise exists(to.path)
    write_state(manifest_of(to.path), text_of(manifest))
    return manifest


def check(manifest: Manifest) -> None:
    """Raises Incomplete where the rows are not as many as were promised."""
    if manifest.promised is not None:
        check_rows(manifest.rows, *manifest.promised)


def check_rows(rows: int, least: int, most: int) -> None:
    """Raises Incomplete where `rows` is not from `least` to `most`."""
    if not least <= rows <= most:
        promised = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        raise Incomplete(f"{promised} records match, but {rows:,} rows were written", "export again")
