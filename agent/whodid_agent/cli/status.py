"""`whodid-agent status`: the reconciliation of every stream, whether the agent runs or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from whodid_agent import reconciliation
from whodid_agent.cli import common
from whodid_schema.errors import StateError
from whodid_schema.visible import visible

COLUMNS = ("decoded", "indexed", "duplicate", "quarantined", "dropped", "expired", "in_flight", "missed_bytes")


@click.command("status")
@common.config_option
@common.state_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(config: Path | None, state_dir: Path | None, form: str) -> None:
    """Show what was read and what became of it: events and bytes, stream by stream."""
    folder = common.settings_of(config, state_dir=state_dir).state_path()
    if not folder.is_dir():
        raise StateError(f"{folder}: there is no state yet", "has whodid-agent run there? name it with --state-dir")
    report = reconciliation.report(folder)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    for line in (*_table(report), *_unread(report), *_expired(report)):
        click.echo(line)


def _unread(report: dict[str, Any]) -> Iterator[str]:
    """What was posted and waits in a spool: it is in no other place than this directory."""
    for name, size in report["unread"].items():
        yield f"not read yet: {size:,} bytes of posts in the spool of {visible(name)}; they go out when the store is up"


def _expired(report: dict[str, Any]) -> Iterator[str]:
    """What was too old when it came, by class, with a few of them."""
    for name, found in report.get("expired", {}).items():
        yield f"expired: {found['events']} of {visible(name)}, from {found['oldest']} to {found['newest']}"
        for each in found["examples"]:
            yield f"  {each['time']}  {visible(each['action'])}  ({visible(each['source'])} at {each['offset']})"


def _table(report: dict[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = [("stream", *COLUMNS)]
    rows += [
        (visible(stream["path"] or stream["key"]), *(str(stream[name]) for name in COLUMNS))
        for stream in sorted(report["streams"], key=lambda stream: str(stream["path"] or stream["key"]))
    ]
    rows.append(("total", *(str(report["totals"][name]) for name in COLUMNS)))
    widths = [max(len(row[number]) for row in rows) for number in range(len(COLUMNS) + 1)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
