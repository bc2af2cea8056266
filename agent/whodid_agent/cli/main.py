"""The command whodid-agent: its sub-commands by name, each loaded when it is called."""

from typing import NoReturn

import click

from whodid_config.commandline import LazyGroup, run
from whodid_schema import __version__

COMMANDS = {
    "run": "whodid_agent.cli.run:command",
    "check": "whodid_agent.cli.check:command",
    "status": "whodid_agent.cli.status:command",
    "quarantine": "whodid_agent.cli.quarantine:command",
    "normalise": "whodid_agent.cli.normalise:command",
    "profile": "whodid_agent.cli.profile:command",
}


@click.group(
    "whodid-agent",
    cls=LazyGroup,
    lazy=COMMANDS,
    aliases={"normalize": "normalise"},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="whodid-agent")
def cli() -> None:
    """Read applications' audit events and deliver each exactly once."""


def main() -> NoReturn:
    """Run the command line of this process."""
    run(cli, "whodid-agent")
