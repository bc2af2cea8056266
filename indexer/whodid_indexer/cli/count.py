"""`whodid count`: how many records match, as a bare number."""

from datetime import tzinfo

import click

from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options


@click.command("count")
@source_options
@filter_options
@zone_options
def command(source: Source, question: Question, zone: tzinfo) -> None:
    """Print how many records match.

    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    query = question.query(zone)
    with opened(source) as reader:
        click.echo(reader.count(query))
