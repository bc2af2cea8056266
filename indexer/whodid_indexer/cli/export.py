"""`whodid export`: every matching record into a file, at constant memory, counted, with a manifest beside it."""

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from whodid_indexer.cli.audited import require, unrecorded_option
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, source_options
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import find_store
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.zones import zone_name
from whodid_schema.errors import UsageError

if TYPE_CHECKING:
    from whodid_indexer.export.run import Asked
    from whodid_indexer.store.base import Reader


class To(NamedTuple):
    """Where the export goes, as typed: a file or `-`, and how it is begun."""

    output: str
    force: bool
    resume: bool
    since_last: str | None
    bookmarks: Path | None
    progress: bool | None
    unrecorded: bool
    verify: Path | None


class Shape(NamedTuple):
    """What the file looks like, as typed."""

    form: str | None
    columns: str | None
    excel: bool
    gzip: bool
    oldest_first: bool


_NOT_ASKED = frozenset({*Source._fields, *To._fields})
"""Options that do not change what is in the file."""

to_options = bundle(
    "to",
    [
        click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is stdout (the default)."),
        click.option("--force", is_flag=True, help="Replace FILE where it exists."),
        click.option("--resume", is_flag=True, help="Go on with the interrupted export to FILE, if there is one."),
        click.option(
            "--since-last", metavar="NAME", help="What arrived since the last export of this name, in that order."
        ),
        click.option(
            "--bookmarks",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="WHODID_BOOKMARKS",
            metavar="DIR",
            help="Where the bookmarks of --since-last are.  [default: /var/lib/whodid/bookmarks for root, else "
            "~/.local/state/whodid/bookmarks]",
        ),
        click.option(
            "--progress/--no-progress", default=None, help="Rows so far, on stderr.  [default: on a terminal]"
        ),
        unrecorded_option,
        click.option(
            "--verify",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Compare a file with its manifest; nothing is exported.",
        ),
    ],
    To,
    To._fields,
)

shape_options = bundle(
    "shape",
    [
        click.option(
            "--format",
            "form",
            type=click.Choice(["csv", "ndjson"]),
            help="[default: by FILE's name, .ndjson and .jsonl, else csv]",
        ),
        click.option(
            "--columns",
            metavar="NAMES",
            help="Comma-separated columns of a CSV file.  [default: time, layer, outcome, actor, workspace, action, "
            "target, ip, device, details, id]",
        ),
        click.option(
            "--excel", is_flag=True, help="CSV that Excel opens by a double click: marked, times without zone."
        ),
        click.option("--gzip", is_flag=True, help="Compress; a FILE that ends in .gz is compressed anyway."),
        click.option("--oldest-first", is_flag=True, help="In the order of time instead of newest first."),
    ],
    Shape,
    Shape._fields,
)


@click.command("export")
@source_options
@filter_options
@zone_options
@shape_options
@to_options
@click.pass_context
def command(context: click.Context, /, source: Source, question: Question, zone: tzinfo, shape: Shape, to: To) -> None:
    """Write every matching record, newest first, as CSV or NDJSON.

    The file appears when it is whole, with FILE.manifest.json beside it; the number of its rows is checked against the
    count. Interrupted, it goes on with --resume.
    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    if to.verify is not None:
        _verify(to.verify)
        return
    _check(to, shape)
    asked = _asked(source, question, zone, shape, to, _typed(context))
    from whodid_indexer.cli.exporting import to_file, to_news, to_stdout  # noqa: PLC0415  not needed to print help

    with opened(source, "export") as reader:
        asked = _recorded(reader, asked, to)
        if to.output == "-":
            to_stdout(reader, asked, zone)
        elif to.since_last is not None:
            to_news(reader, asked, zone, to)
        else:
            to_file(reader, asked, zone, to)


def _check(to: To, shape: Shape) -> None:
    """Raises UsageError for options that contradict each other."""
    name = to.output == "-" and next((flag for flag in ("resume", "since_last") if getattr(to, flag)), None)
    if name:
        raise UsageError(f"--{name.replace('_', '-')} needs a file", "name it with -o FILE")
    if to.since_last is not None and (to.resume or shape.oldest_first):
        raise UsageError(
            "--since-last is in the order of arrival, and begins where the last one ended",
            "leave --resume and --oldest-first out: an interrupted one is made anew by itself",
        )


def _typed(context: click.Context) -> dict[str, Any]:
    """What was typed that decides what is in the file, to be compared when the export goes on."""
    source = context.get_parameter_source
    return {
        name: value
        for name, value in context.params.items()
        if name not in _NOT_ASKED and source(name) is click.core.ParameterSource.COMMANDLINE
    }


def _asked(source: Source, question: Question, zone: tzinfo, shape: Shape, to: To, typed: dict[str, Any]) -> "Asked":
    from msgspec import to_builtins  # noqa: PLC0415  not needed to print help

    from whodid_indexer.export.columns import AUDITOR, parse_columns  # noqa: PLC0415  as above
    from whodid_indexer.export.manifest import without_credentials  # noqa: PLC0415  as above
    from whodid_indexer.export.run import Asked  # noqa: PLC0415  as above
    from whodid_indexer.query.printer import to_text  # noqa: PLC0415  as above

    plain = to.output.removesuffix(".gz")
    form = shape.form or ("ndjson" if plain.endswith((".ndjson", ".jsonl")) else "csv")
    if form == "ndjson" and (shape.columns is not None or shape.excel):
        raise UsageError("--columns and --excel are for CSV", "an NDJSON line is the whole record")
    chosen = AUDITOR if shape.columns is None else parse_columns(shape.columns)
    query = question.query(zone)
    return Asked(
        query=query,
        text=to_text(query),
        form=form,
        store=without_credentials(find_store(source.store, source.config).url),
        zone=zone_name(zone),
        columns=chosen if form == "csv" else None,
        excel=shape.excel,
        gzip=shape.gzip or plain != to.output,
        ascending=shape.oldest_first,
        typed=to_builtins(typed),
    )


def _recorded(reader: "Reader", asked: "Asked", to: To) -> "Asked":
    """Recorded in the store before anything leaves it. Raises NotAllowed where it cannot be, and must."""
    from msgspec.structs import replace  # noqa: PLC0415  as above

    known = {"format": asked.form, "file": to.output, "since_last": to.since_last, "resumed": to.resume or None}
    found = None if to.since_last or to.resume else reader.count(asked.query)
    recorded = require(reader, "export", asked.query, unrecorded=to.unrecorded, found=found, **known)
    return replace(asked, recorded=recorded)


def _verify(path: Path) -> None:
    from whodid_indexer.export.manifest import verify  # noqa: PLC0415  as above

    manifest = verify(path)
    say(f"{path} is as its manifest says: {counted(manifest.rows, 'row')}, SHA-256 {manifest.sha256}")
