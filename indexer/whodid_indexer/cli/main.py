"""The command `whodid`: its sub-commands, each in a module of its own that is imported when it is called."""

from typing import NoReturn

import click

from whodid_config.commandline import LazyGroup, run
from whodid_schema import __version__


@click.group(
    cls=LazyGroup,
    lazy={
        "backup": "whodid_indexer.cli.backup:command",
        "completion": "whodid_indexer.cli.completion:command",
        "count": "whodid_indexer.cli.count:command",
        "doctor": "whodid_indexer.cli.doctor:command",
        "demo": "whodid_indexer.demo.command:demo",
        "export": "whodid_indexer.cli.export:command",
        "facets": "whodid_indexer.cli.facets:command",
        "hold": "whodid_indexer.cli.hold:group",
        "forward": "whodid_indexer.cli.forward:group",
        "retention": "whodid_indexer.cli.retention:group",
        "report": "whodid_indexer.cli.report:command",
        "restore": "whodid_indexer.cli.restore:command",
        "search": "whodid_indexer.cli.search:command",
        "serve": "whodid_indexer.cli.serve:command",
        "setup": "whodid_indexer.cli.setup:command",
        "show": "whodid_indexer.cli.show:command",
        "stats": "whodid_indexer.cli.stats:command",
        "tail": "whodid_indexer.cli.tail:command",
        "token": "whodid_indexer.cli.token:group",
        "views": "whodid_indexer.cli.views:group",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="whodid")
def cli() -> None:
    """Who did what, when, from where: ask the audit store, or be it."""


def main() -> NoReturn:
    """The console script."""
    run(cli, "whodid")
