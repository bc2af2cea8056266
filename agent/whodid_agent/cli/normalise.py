"""`whodid-agent normalise`: what the events of a file become, one record a line, nothing stored."""

import gzip
import importlib
import io
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import click
import msgspec
import zstandard

from whodid_agent.normalise.contract import InputOptions, Origin, Refusal, Shipment, Stream
from whodid_agent.normalise.decode import decode
from whodid_agent.normalise.explain import explain
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema import identity, timestamp
from whodid_schema.errors import Incomplete, Undecodable, UsageError
from whodid_schema.meta import default_meta
from whodid_schema.record import Record
from whodid_schema.record import decode as decode_record
from whodid_schema.visible import visible

_LONGEST_VALUE = 64 * 1024 * 1024


class Entry(NamedTuple):
    """One JSON value of a file: where it begins (byte and line, from 0 and 1) and its bytes, on one line."""

    offset: int
    line: int
    data: bytes


@click.command("normalise")
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-")
@click.option("--profile", "profile", metavar="NAME", help="The events' profile; without it, recognised by shape.")
@click.option("--profiles", type=click.Path(path_type=Path, file_okay=False, exists=True), help="A folder of your own.")
@click.option("--app", help="The application that wrote the events.")
@click.option("--workspace", help="The workspace they belong to.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["ecs", "ocsf"]),
    help="In the names of the Elastic Common Schema (8.17.0) or of OCSF (1.5.0) instead of whodid's.",
)
@click.option("--explain", "explained", is_flag=True, help="Say where each field comes from, instead of the records.")
def command(
    files: tuple[str, ...],
    profile: str | None,
    profiles: Path | None,
    app: str | None,
    workspace: str | None,
    form: str | None,
    explained: bool,
) -> None:
    """Print the record of every event in FILEs (- is standard input), as NDJSON in input order.

    Nothing is stored, no drop rule is applied. Lines, arrays, response bodies and pretty-printed JSON are read, also
    from .gz and .zst. What cannot be read goes to stderr as `file:line: reason`; the exit code is then 5.
    """
    known = ProfileSet.load(profiles)
    options = InputOptions(app=app, profile=profile, workspace=workspace)
    now = timestamp.now()
    meta = default_meta(datetime.now(UTC))
    pipeline = Pipeline(options, meta, known, host=socket.gethostname(), drops=False)
    out = sys.stdout.buffer
    write = _written(form)
    refused = 0
    for name in files:
        for entry, origin in _entries(name, now):
            for event in pipeline.events(pipeline.redact(entry.data + b"\n")[:-1], origin):
                if isinstance(event, Refusal):
                    refused += 1
                    _complain(name, entry.line, event)
                elif explained:
                    out.write(explain(event, known).encode())
                elif isinstance(event, Shipment):
                    out.write(write(event.body) + b"\n")
        out.flush()
    if refused:
        raise Incomplete(f"{refused} event{'s' if refused > 1 else ''} could not be read", "see the lines above")


def _written(form: str | None) -> Callable[[bytes], bytes]:
    """How a record's JSON is written: as it is, or in the names of another schema."""
    if form is None:
        return lambda body: body
    module = importlib.import_module(f"whodid_schema.{form}")  # only what is asked for
    convert: Callable[[Record], dict[str, Any]] = getattr(module, f"to_{form}")
    return lambda body: msgspec.json.encode(convert(decode_record(body)))


def _complain(name: str, line: int, refusal: Refusal) -> None:
    sys.stderr.write(f"{visible(name)}:{line}: {refusal.reason}: {visible(refusal.detail)}\n")


def _entries(name: str, now: str) -> Iterator[tuple[Entry, Origin]]:
    """The values of a file, each with the position that the file input would give it."""
    path = Path(name).absolute()
    source = "stdin" if name == "-" else str(path)
    stream: Stream | None = None
    try:
        with opened(name) as file:
            for entry in values_in(file):
                if stream is None:
                    generation = identity.generation_of(entry.data)
                    host = socket.gethostname()
                    stream = Stream("file", f"{host}:{source}", generation, now, host=host)
                yield entry, Origin(stream, entry.offset, now)
    except (OSError, EOFError, zstandard.ZstdError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{name}: cannot be read: {reason}") from error


def opened(name: str) -> BinaryIO:
    """The file to read from, decompressed; - is standard input. Raises OSError."""
    if name == "-":
        return sys.stdin.buffer
    if name.endswith(".gz"):
        return cast("BinaryIO", gzip.open(name, "rb"))
    if name.endswith(".zst"):
        return io.BufferedReader(zstandard.open(name, "rb"))
    return Path(name).open("rb")


def values_in(file: BinaryIO) -> Iterator[Entry]:
    """The JSON values of a file: one a line, or one over several lines (then made one line)."""
    offset, number = 0, 0
    begun: list[Entry] = []
    for line in file:
        number += 1
        entry = Entry(offset, number, line.rstrip(b"\r\n"))
        offset += len(line)
        if begun:
            begun.append(entry)
            if entry.data.lstrip()[:1] in (b"}", b"]"):
                whole = _joined(begun)
                if whole is not None:
                    yield whole
                    begun = []
            if begun and offset - begun[0].offset > _LONGEST_VALUE:
                yield from begun
                begun = []
        elif not entry.data.strip():
            continue
        elif _goes_on(entry.data):
            begun = [entry]
        else:
            yield entry
    yield from (entry for entry in begun if entry.data.strip())


def _goes_on(data: bytes) -> bool:
    """Whether this line begins a value that it does not end."""
    if data.rstrip()[-1:] not in b"{[,:":
        return False
    try:
        decode(data)
    except Undecodable as error:
        return error.reason == "truncated"
    return False


def _joined(lines: list[Entry]) -> Entry | None:
    data = b"\n".join(entry.data for entry in lines)
    try:
        decode(data)
    except Undecodable:
        return None
    return Entry(lines[0].offset, lines[0].line, msgspec.json.format(data, indent=-1))
