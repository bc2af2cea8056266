"""Groups of options that several commands share; each arrives in the command as one value."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

Command = Callable[..., Any]
Option = Callable[[Command], Command]


def bundle(name: str, options: Sequence[Option], make: Callable[..., Any], names: Sequence[str]) -> Option:
    """A decorator that adds `options`; of their values `names`, `make` makes the command's parameter `name`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**given: Any) -> Any:
            parts = {part: given.pop(part) for part in names}
            return command(**given, **{name: make(**parts)})

        decorated: Command = wrapped
        for option in reversed(options):  # click lists options in the reverse order of decoration
            decorated = option(decorated)
        return decorated

    return decorate


class Source(NamedTuple):
    """Where the question goes, as typed: `--store`, `--config`, and who asks: `--token-file`."""

    store: str | None
    config: Path | None
    token_file: Path | None = None


_place = [
    click.option(
        "--store",
        metavar="URL",
        help="sqlite:///path/audit.db, or the URL of a whodid server or of OpenSearch; "
        "else WHODID_STORE, else the configuration file.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="A whodid.yaml to read instead of /etc/whodid/whodid.yaml.",
    ),
]
_token = click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Holds the token that is shown to a server; else WHODID_TOKEN, else the configuration file.",
)

source_options = bundle("source", [*_place, _token], Source, ["store", "config", "token_file"])
"""Of commands that ask a store, wherever it is."""

place_options = bundle("source", _place, Source, ["store", "config"])
"""Of commands that need the store's own file."""

colour_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="NO_COLOR is obeyed.",
)
