"""`whodid report`: what happened, told in order, as Markdown or as a page: of one actor, or of an incident."""

import shlex
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli.audited import require, unrecorded_option
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, source_options
from whodid_indexer.cli.output import counted, say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.zones import zone_name
from whodid_schema.errors import UsageError, WhodidError

if TYPE_CHECKING:
    from whodid_indexer.query.model import AuditQuery
    from whodid_indexer.report.render import Head
    from whodid_indexer.store.base import Reader


class Paper(NamedTuple):
    """What the report looks like and where it goes, as typed."""

    form: str | None
    output: str
    force: bool
    title: str | None
    unrecorded: bool


paper_options = bundle(
    "paper",
    [
        click.option(
            "--format",
            "form",
            type=click.Choice(["markdown", "html"]),
            help="[default: by FILE's name, .html, else markdown]",
        ),
        click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is stdout (the default)."),
        click.option("--force", is_flag=True, help="Replace FILE where it exists."),
        click.option("--title", metavar="TEXT", help="The report's heading."),
        unrecorded_option,
    ],
    Paper,
    Paper._fields,
)


@click.group("report", cls=LazyGroup)
def command() -> None:
    """Tell what happened, in order, for people who were not there."""


@command.command("actor")
@click.argument("who", metavar="WHO")
@source_options
@filter_options
@zone_options
@paper_options
def actor(who: str, source: Source, question: Question, zone: tzinfo, paper: Paper) -> None:
    """All that WHO did: a name, e-mail, id or key. For a handover, or when somebody has to answer for it.

    What was created or granted and not taken back again stands in a list of its own.
    """
    _report(source, question, zone, paper, f"What {who} did", who)


@command.command("incident")
@source_options
@filter_options
@zone_options
@paper_options
def incident(source: Source, question: Question, zone: tzinfo, paper: Paper) -> None:
    """All that happened, whoever did it: give the time and whatever else narrows it, like --since, --ip, --session."""
    if not question.ranged and not question.filters and not question.texts:
        raise UsageError("an incident has a time or something that narrows it", "give --since and --until, --ip …")
    _report(source, question, zone, paper, "What happened")


def _report(source: Source, question: Question, zone: tzinfo, paper: Paper, title: str, who: str | None = None) -> None:
    from whodid_indexer.report.render import render  # noqa: PLC0415  jinja2, only when there is something to tell
    from whodid_indexer.report.story import MOST, tell  # noqa: PLC0415  as above
    from whodid_schema.record import decode  # noqa: PLC0415  as above

    now = datetime.now(UTC)
    query = _of(question.query(zone, now), who)
    form = paper.form or ("html" if paper.output.lower().endswith((".html", ".htm")) else "markdown")
    _check_output(paper)
    with opened(source, "report") as reader:
        total = reader.count(query)
        if total > MOST:
            raise UsageError(
                f"{total:,} records match, and a report tells at most {MOST:,}",
                "narrow it, for example with --last 7d or --kind write; `whodid export` has no limit",
            )
        recorded = require(reader, "report", query, unrecorded=paper.unrecorded, found=total, title=title)
        story = tell(map(decode, reader.scan(query, ascending=True)), zone)
        head = _head(reader, source, query, zone, now, paper.title or title, recorded=recorded)
    _put(paper, render(story, head, form))
    say(f"{counted(story.records, 'record')} told")


def _of(query: "AuditQuery", who: str | None) -> "AuditQuery":
    """The query, of this actor alone; a filter on actors that is there already must hold as well."""
    if who is None:
        return query
    from msgspec.structs import replace  # noqa: PLC0415  as above

    from whodid_indexer.query.check import check_query  # noqa: PLC0415  as above
    from whodid_indexer.query.model import Term  # noqa: PLC0415  as above

    narrowed = replace(query, terms=(*query.terms, Term("actor", (who,))))
    check_query(narrowed)
    return narrowed


def _head(
    reader: "Reader", source: Source, query: "AuditQuery", zone: tzinfo, now: datetime, title: str, *, recorded: bool
) -> "Head":
    from whodid_indexer.cli.places import find_store  # noqa: PLC0415  as above
    from whodid_indexer.export.manifest import range_of, whoami, without_credentials  # noqa: PLC0415  as above
    from whodid_indexer.query.printer import to_text  # noqa: PLC0415  as above
    from whodid_indexer.query.zones import shown_time  # noqa: PLC0415  as above
    from whodid_indexer.report.render import Head  # noqa: PLC0415  as above
    from whodid_schema import __version__  # noqa: PLC0415  as above

    asked = range_of(query)
    begin = shown_time(asked.since, zone) if asked.since else "the first record"
    end = shown_time(asked.until, zone) if asked.until else "now"
    days = [each.days for each in reader.meta().classes.values() if each.days is not None]
    notes = [f"retention is set: what is older than {min(days)} days may have been deleted"] if days else []
    notes += [] if recorded else ["that this report was made is not recorded in the store"]
    return Head(
        title=title,
        question=to_text(query),
        range=f"{begin} to {end}",
        zone=zone_name(zone),
        store=without_credentials(find_store(source.store, source.config).url),
        made=f"{now.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        by="@".join(whoami()),
        version=__version__,
        again=shlex.join(["whodid", *sys.argv[1:]]),
        note="; ".join(notes),
    )


def _check_output(paper: Paper) -> None:
    if paper.output != "-" and not paper.force and Path(paper.output).exists():
        raise UsageError(f"{paper.output} is there already", "give --force to replace it, or another name")


def _put(paper: Paper, text: str) -> None:
    data = text.encode(errors="replace")
    if paper.output == "-":
        write([data])
        return
    path = Path(paper.output)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WhodidError(
            f"cannot write {path}: {error.strerror}", "is there room, and may you write there?"
        ) from error
