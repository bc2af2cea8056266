"""`whodid-agent quarantine`: look at what could not be stored, and send it again once the cause is mended."""

from collections import Counter
from pathlib import Path

import click
import msgspec

from whodid_agent import quarantine, replay
from whodid_agent.cli import common
from whodid_agent.entry import Entry
from whodid_agent.runner import Options
from whodid_agent.state import is_locked
from whodid_config.commandline import LazyGroup
from whodid_schema.errors import Incomplete, StateError, UsageError
from whodid_schema.visible import visible

WIDTH = 100


def _folder(config: Path | None, state_dir: Path | None) -> Path:
    path = common.settings_of(config, state_dir=state_dir).state_path()
    if not path.is_dir():
        raise StateError(f"{path}: there is no state yet", "has whodid-agent run there? name it with --state-dir")
    return path


@click.group("quarantine", cls=LazyGroup)
def command() -> None:
    """Events that could not be stored: list them, show one, send them again."""


@command.command("list")
@common.config_option
@common.state_option
@click.option("--format", "form", type=click.Choice(["table", "ndjson"]), default="table", show_default=True)
def list_(config: Path | None, state_dir: Path | None, form: str) -> None:
    """List what lies in quarantine, oldest first: id, time, place, reason."""
    reasons: Counter[str] = Counter()
    for entry in quarantine.read(_folder(config, state_dir) / "quarantine"):
        reasons[entry.reason] += 1
        if form == "ndjson":
            click.echo(msgspec.json.encode(entry).decode())
        else:
            place = f"{entry.stream} offset {entry.offset}" + (f" item {entry.item}" if entry.item else "")
            click.echo(visible(f"{entry.name}  {entry.when}  {place}  {entry.reason}: {entry.detail}"[: 3 * WIDTH]))
    if form == "table":
        summary = ", ".join(f"{count} {visible(reason)}" for reason, count in reasons.most_common())
        click.echo(f"{reasons.total()} in quarantine" + (f": {summary}" if summary else ""))


@command.command("show")
@click.argument("name", metavar="ID")
@common.config_option
@common.state_option
def show(name: str, config: Path | None, state_dir: Path | None) -> None:
    """Show one entry whole, with its redacted line."""
    entry = _find(_folder(config, state_dir), name)
    for field in ("name", "when", "reason", "detail", "input", "stream", "offset", "item", "sent"):
        value = getattr(entry, field)
        if value is not None:
            click.echo(f"{field:8} {visible(' '.join(value) if field == 'sent' else str(value))}")
    data = entry.data()
    click.echo(f"{'line':8} {'(never read)' if data is None else visible(data.decode('utf-8', 'backslashreplace'))}")


def _find(folder: Path, name: str) -> Entry:
    for entry in quarantine.read(folder / "quarantine"):
        if entry.name == name:
            return entry
    raise UsageError(f"there is no entry {visible(name)} in quarantine", "whodid-agent quarantine list shows their ids")


@command.command("replay")
@click.argument("names", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All entries.")
@common.config_option
@common.target_option
@common.state_option
def replay_(
    names: tuple[str, ...], everything: bool, config: Path | None, target: list[str] | None, state_dir: Path | None
) -> None:
    """Send entries again under the ids they had; what succeeds leaves quarantine."""
    if bool(names) == everything:
        raise UsageError("name the entries, or give --all", "whodid-agent quarantine list shows their ids")
    settings = common.settings_of(config, target=target, state_dir=state_dir)
    folder = _folder(config, state_dir)
    entries = [entry for entry in quarantine.read(folder / "quarantine") if everything or entry.name in names]
    for name in names:
        if name not in {entry.name for entry in entries}:
            raise UsageError(
                f"there is no entry {visible(name)} in quarantine", "whodid-agent quarantine list shows their ids"
            )
    if is_locked(folder):
        answer = replay.ask(folder / "requests", list(names), patience=60.0)
    else:
        from whodid_agent.process import replay_stopped  # noqa: PLC0415  only here the whole agent is needed

        # Files that were named on the command line of the run are known by their entries.
        files = tuple({entry.input[5:]: None for entry in entries if entry.input.startswith("file:")})
        settings = common.with_inputs(settings, files, ())
        answer = replay_stopped(settings, list(names), Options(once=True, timeout=30.0, read=False))
    left = sum(not names or entry.name in names for entry in quarantine.read(folder / "quarantine"))
    click.echo(f"{answer.sent} sent, {answer.kept} cannot be sent yet, {left} still in quarantine")
    if left:
        raise Incomplete("some entries are still in quarantine", "whodid-agent quarantine list says why")
