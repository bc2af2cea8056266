"""The command whodid-agent: its sub-commands by name, each loaded when it is called."""

from typing import NoReturn

import click

from whodid_config.commandline import LazyGroup, run
from whodid_schema import __version__

SAYS = {
    "run": "Read audit events from files and HTTP, and deliver each exactly once.",
    "check": "Say whether a run would work, and what to mend where it would not; and which protections are in force.",
    "status": "Show what was read and what became of it: events and bytes, stream by stream.",
    "quarantine": "Events that could not be stored: list them, show one, send them again.",
    "normalise": "Print the record of every event in FILEs (- is standard input), as NDJSON in input order.",
    "profile": "Look at the profiles that say how events become records.",
}
"""What the help says of each: the first sentence of its own (tested)."""

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
    says=SAYS,
    aliases={"normalize": "normalise"},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="whodid-agent")
def cli() -> None:
    """Read applications' audit events and deliver each exactly once."""


def main() -> NoReturn:
    """Run the command line of this process."""
    run(cli, "whodid-agent")
