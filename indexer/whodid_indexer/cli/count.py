"""`whodid count`: how many records match, as a bare number."""

from datetime import tzinfo

import click

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.explain import explain_option, say_explained
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options


@click.command("count")
@source_options
@filter_options
@zone_options
@explain_option
def command(source: Source, question: Question, zone: tzinfo, explain: bool) -> None:
    """Print how many records match.

    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    query = question.query(zone)
    with opened(source, "count") as reader:
        if explain:
            say_explained(reader, query, "count")
        number = reader.count(query)
        note(reader, "count", query, found=number)
    click.echo(number)
