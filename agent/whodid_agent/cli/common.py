"""What the agent's commands share: the configuration option, the settings behind it, and how logs are written.

pydantic takes a fifth of a start to import, so it is asked only where settings are read, not for `--help`.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from whodid_config.commandline import loading
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_agent.config import AgentSettings

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG_FILE = Path("/etc/whodid/agent.yaml")
"""Read where it is there, `--config` names no other, and the command line names nothing to read."""


def config_option(command: Command) -> Command:
    """`--config F`, for every command."""
    kind = click.Path(dir_okay=False, path_type=Path)
    text = (
        f"The agent's settings; without it WHODID_AGENT_CONFIG, else {CONFIG_FILE} where it is there and nothing "
        "to read is named."
    )
    return click.option("--config", type=kind, envvar="WHODID_AGENT_CONFIG", help=text)(command)


def state_option(command: Command) -> Command:
    """`--state-dir D`, for every command that looks at the agent's state."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--state-dir", type=kind, help="Where positions, journal and quarantine are kept.")(command)


def target_option(command: Command) -> Command:
    """`--target URL`, as often as the store has addresses."""
    text = "The store that events go to; again for each further address of a cluster."
    return click.option("--target", multiple=True, metavar="URL", callback=_none_given, help=text)(command)


def _none_given(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    return list(value) or None


def settings_of(config: Path | None, named: Sequence[str] = (), **overrides: Any) -> "AgentSettings":
    """The settings of the file under the environment and the flags; `named` inputs are asked for instead of its own.

    Raises ConfigError.
    """
    with loading():
        from whodid_agent.config import AgentSettings  # noqa: PLC0415  pydantic, see above
        from whodid_config.settings import load  # noqa: PLC0415  as above

    if config is None and not named and os.path.exists(CONFIG_FILE):  # noqa: PTH110 - no error where none may look
        config = CONFIG_FILE
    return load(AgentSettings, config, **overrides)


def with_inputs(settings: "AgentSettings", files: tuple[str, ...], http: tuple[str, ...]) -> "AgentSettings":
    """The settings with files and addresses named on the command line besides those of the file."""
    from whodid_agent.config import InputSettings  # noqa: PLC0415  as above

    named = [InputSettings(file=str(Path(name).absolute())) for name in files]
    named += [InputSettings(http=address) for address in http]
    known = {one.name for one in settings.inputs}
    return settings.model_copy(update={"inputs": [*settings.inputs, *(one for one in named if one.name not in known)]})


class _Lines(logging.Formatter):
    """One line a message: time in UTC, level, message; whatever came from outside made harmless."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = f"{moment} {record.levelname.lower()} {visible(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def log_to_stderr(*, verbose: bool) -> None:
    """Send the agent's log to stderr; libraries' only where they warn."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("whodid_agent").setLevel(logging.DEBUG if verbose else logging.INFO)
