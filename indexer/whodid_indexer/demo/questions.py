"""What the demonstration asks: each question as the command a person would type, run as a process of its own."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from whodid_indexer.demo.processes import command
from whodid_schema.errors import WhodidError


class Asker:
    """Runs `whodid` commands against one store, showing each as it would be typed."""

    def __init__(self, store: str) -> None:
        self._environment = {**os.environ, "WHODID_STORE": store}

    def ask(self, question: str, arguments: Sequence[str], program: str = "whodid") -> None:
        """Print the question and the command, then let the command print its answer."""
        click.secho(f"\n{question}", bold=True)
        click.echo(f"$ {shlex.join([program, *arguments])}")
        sys.stdout.flush()
        subprocess.run([command(program), *arguments], env=self._environment, check=True, stderr=subprocess.STDOUT)

    def read(self, arguments: Sequence[str]) -> list[dict[str, object]]:
        """The records that a `whodid search … --format ndjson` prints."""
        done = subprocess.run(
            [command("whodid"), *arguments], env=self._environment, check=True, capture_output=True, text=True
        )
        return [json.loads(line) for line in done.stdout.splitlines()]


def ask_all(asker: Asker, folder: Path, configuration: Path, kept_at: str) -> None:
    """The demonstration's questions, one after the other; later ones use what earlier ones answered."""
    asker.ask("Who deleted the 19 imported rows?", ["search", "--verb", "delete", "-q", '"19 imported rows"'])

    newsletter = ["search", "--verb", "create", "--target", "May Newsletter*"]
    asker.ask("Who created the newsletter?", newsletter)
    asker.ask(
        "And what else did that administrator do today?",
        ["search", "--actor", _actor_of(asker.read([*newsletter, "--format", "ndjson"])), "--since", "today"],
    )
    asker.ask(
        "Which sign-ins failed, and from where?",
        ["search", "--verb", "sign_in", "--outcome", "failure", "--columns", "time,outcome,actor,ip,device,reason"],
    )
    asker.ask("Who raised the hourly limit from 30k to 50k?", ["search", "--changed", "hourly limit"])
    asker.ask(
        "Everything of today, for a spreadsheet:",
        ["export", "--format", "csv", "--since", "today", "--output", str(folder / "audit.csv")],
    )
    asker.ask("Is anything missing or double?", ["status", "--config", str(configuration)], program="whodid-agent")
    asker.ask("What is kept how long, and what goes when?", ["retention", "plan", "--store", kept_at])


def _actor_of(records: list[dict[str, object]]) -> str:
    for record in records:
        actor = record.get("actor")
        if isinstance(actor, dict) and isinstance(actor.get("name"), str):
            return str(actor["name"])
    raise WhodidError("the demonstration found nobody who created the newsletter", "please report this")
