"""`whodid demo`: the whole way of an event on one machine, in a temporary folder, with real processes.

product ─► *.jsonl ─┐
product ─► POST ────┴─► whodid-agent ─► whodid serve ─► audit.db ─► whodid search, export
"""

import json
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from whodid_indexer.demo.processes import PATIENCE, Process, command, free_address
from whodid_indexer.demo.product import Product
from whodid_indexer.demo.questions import Asker, ask_all
from whodid_schema.errors import WhodidError

PAUSE = 1.0
"""Seconds between the product's new events once the questions are answered."""


@click.command("demo")
@click.option("--exit", "leave", is_flag=True, help="End after the answers instead of running until Ctrl-C.")
@click.option("--keep", is_flag=True, help="Leave the folder with files, store and logs behind.")
@click.option("--seed", type=int, default=1, show_default=True, help="Varies people, addresses and events.")
def demo(leave: bool, keep: bool, seed: int) -> None:
    """Show the whole thing at work: a product's audit events become answers, on this machine, in a minute."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by either signal, it leaves nothing behind
    folder = Path(tempfile.mkdtemp(prefix="whodid-demo-"))
    try:
        _show(folder, seed, leave)
    except KeyboardInterrupt:
        click.echo("\nstopped")
    finally:
        if keep:
            click.echo(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


def _show(folder: Path, seed: int, leave: bool) -> None:
    server, receiver = free_address(), free_address()
    store = f"http://{server}"
    logs = folder / "logs"
    logs.mkdir()
    configuration = _configuration(folder, store, receiver)
    with Process(
        "whodid", ["serve", "--listen", server, "--store", f"sqlite:///{folder}/audit.db"], *_log(folder, "server")
    ) as serve:
        serve.wait_for(server)
        with Process("whodid-agent", ["run", "--config", str(configuration)], *_log(folder, "agent")) as agent:
            agent.wait_for(receiver)
            product = Product(logs, seed, f"http://{receiver}", lambda: datetime.now(UTC))
            product.a_working_day()
            _wait_until_stored(configuration, product.written)
            _introduce(folder, store, receiver, product.written)
            ask_all(Asker(store), folder, configuration)
            if leave:
                return
            click.secho(f"\nRunning until Ctrl-C: {store} takes questions, new events keep coming.", bold=True)
            while True:
                time.sleep(PAUSE)
                product.a_moment()


def _log(folder: Path, name: str) -> tuple[Path, dict[str, str]]:
    return folder / f"{name}.log", {"PYTHONUNBUFFERED": "1"}


def _configuration(folder: Path, store: str, receiver: str) -> Path:
    path = folder / "agent.yaml"
    path.write_text(
        f"target: {store}\n"
        f"state_dir: {folder}/agent-state\n"
        "inputs:\n"
        f"  - file: {folder}/logs/*.jsonl\n"
        f"  - http: {receiver}\n"
    )
    return path


def _wait_until_stored(configuration: Path, events: int) -> None:
    """Wait until the agent's own reconciliation says that every event is in the store."""
    deadline = time.monotonic() + PATIENCE
    totals: dict[str, int] = {}
    while time.monotonic() < deadline:
        done = subprocess.run(
            [command("whodid-agent"), "status", "--config", str(configuration), "--format", "json"],
            stdout=subprocess.PIPE,
            check=True,
        )
        totals = json.loads(done.stdout)["totals"]
        if totals["indexed"] >= events:
            return
        time.sleep(0.2)
    raise WhodidError(
        f"after {PATIENCE:.0f} s not all of {events} events are stored: {totals}", "run with --keep, read the logs"
    )


def _introduce(folder: Path, store: str, receiver: str, events: int) -> None:
    click.secho(f"{events} audit events went through the agent into the store.", bold=True)
    click.echo(f"  folder    {folder}   (the product's files in logs/, the store audit.db)")
    click.echo(f"  store     {store}   (export WHODID_STORE={store} to ask it yourself)")
    click.echo(f"  receiver  http://{receiver}/v1/events")
