"""`whodid demo`: the whole way of an event on one machine, in a temporary folder, with real processes.

product ─► *.jsonl ─┐
product ─► POST ────┴─► whodid-agent ─┬─► whodid serve ─► audit.db ─┬─► whodid search, export
                                      └─► OpenSearch (--store) ─────┴─► whodid serve ─► the page for people
"""

import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from whodid_indexer.cli.places import find_settings
from whodid_indexer.demo.processes import PATIENCE, Process, command, free_address
from whodid_indexer.demo.product import Product
from whodid_indexer.demo.questions import Asker, ask_all
from whodid_schema.errors import WhodidError

DAYS_BEFORE = 6
"""Days before today that the product has been at work: a week is what the page shows first."""

RETENTION = "{activity: 365d, authentication: 180d, delivery: 30d}"
"""As it stands in the configuration; a cluster that is lent keeps its own."""

PAUSE = 1.0
"""Seconds between the product's new events once the questions are answered."""


@click.command("demo")
@click.option("--exit", "leave", is_flag=True, help="End after the answers instead of running until Ctrl-C.")
@click.option("--keep", is_flag=True, help="Leave the folder with files, store and logs behind.")
@click.option("--seed", type=int, default=1, show_default=True, help="Varies people, addresses and events.")
@click.option(
    "--store",
    metavar="URL",
    help="Show it on this OpenSearch, which must hold nothing of whodid's; what is made there is removed at the end. "
    "Without it: on a file of its own.",
)
def demo(leave: bool, keep: bool, seed: int, store: str | None) -> None:
    """Show the whole thing at work: a product's audit events become answers, on this machine, in a minute."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by either signal, it leaves nothing behind
    folder = Path(tempfile.mkdtemp(prefix="whodid-demo-"))
    try:
        with _on_file(folder) if store is None else _on_cluster(folder, store) as stage:
            _show(folder, seed, leave, stage)
    except KeyboardInterrupt:
        click.echo("\nstopped")
    finally:
        if keep:
            click.echo(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


class Stage(NamedTuple):
    """A store that is ready: its URL, where it is kept, the page for people, what the agent needs, how to settle it."""

    store: str
    kept_at: str
    page: str
    agent_lines: str
    agent_environment: dict[str, str]
    settle: Callable[[], object]


@contextmanager
def _on_file(folder: Path) -> Iterator[Stage]:
    """A server of our own over a file of our own."""
    (folder / "logs").mkdir()
    server = free_address()
    settings = folder / "whodid.yaml"
    settings.write_text(f"retention: {RETENTION}\n")
    store = f"sqlite://{folder}/audit.db"  # given as a flag: a WHODID_STORE that is somebody's would win over a file
    arguments = ["serve", "--listen", server, "--config", str(settings), "--store", store]
    with Process("whodid", arguments, *_log(folder, "server")) as serve:
        serve.wait_for(server)
        yield Stage(f"http://{server}", store, f"http://{server}/", "", {}, lambda: None)


@contextmanager
def _on_cluster(folder: Path, url: str) -> Iterator[Stage]:
    """An OpenSearch that is somebody's: see `guest`."""
    from whodid_indexer.demo import guest  # noqa: PLC0415  httpx and pydantic only where they are used

    (folder / "logs").mkdir()
    settings = find_settings(None)
    with guest.guest(url, settings, lambda: _totals(folder / "agent.yaml").get("decoded", 0)) as client:
        Asker(client.url).ask("A cluster is set up once:", ["setup"])
        server = free_address()
        with Process("whodid", ["serve", "--listen", server, "--store", client.url], *_log(folder, "server")) as serve:
            serve.wait_for(server)
            yield Stage(
                client.url,
                client.url,
                f"http://{server}/",
                guest.agent_lines(settings),
                guest.agent_environment(settings),
                lambda: client.json("POST", "/whodid/_refresh"),
            )


def _show(folder: Path, seed: int, leave: bool, stage: Stage) -> None:
    receiver = free_address()
    configuration = _configuration(folder, stage, receiver)
    log, environment = _log(folder, "agent")
    environment |= stage.agent_environment | {"WHODID_TARGET": stage.store}
    with Process("whodid-agent", ["run", "--config", str(configuration)], log, environment) as agent:
        agent.wait_for(receiver)
        product = Product(folder / "logs", seed, f"http://{receiver}", lambda: datetime.now(UTC))
        product.a_working_day()
        product.a_mailing()
        product.earlier_days(DAYS_BEFORE)
        _wait_until_stored(configuration, product.written)
        stage.settle()
        _introduce(folder, stage.store, stage.page, receiver, product.written)
        ask_all(Asker(stage.store), folder, configuration, stage.kept_at)
        if leave:
            click.echo(
                "\nThat was all. `whodid demo` without --exit, or `make demo` on a terminal, stays to look around in."
            )
            return
        click.secho(
            f"\nOpen {stage.page} in a browser: everything above is there, and new events keep coming.", bold=True
        )
        click.echo(f"Running until Ctrl-C; {stage.store} takes questions too.")
        while True:
            time.sleep(PAUSE)
            product.a_moment()


def _log(folder: Path, name: str) -> tuple[Path, dict[str, str]]:
    return folder / f"{name}.log", {"PYTHONUNBUFFERED": "1"}


def _configuration(folder: Path, stage: Stage, receiver: str) -> Path:
    path = folder / "agent.yaml"
    path.write_text(
        f"target: {stage.store}\n{stage.agent_lines}"
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
        totals = _totals(configuration)
        if totals.get("indexed", 0) >= events:
            return
        time.sleep(0.2)
    raise WhodidError(
        f"after {PATIENCE:.0f} s not all of {events} events are stored: {totals}", "run with --keep, read the logs"
    )


def _totals(configuration: Path) -> dict[str, int]:
    """The agent's own reconciliation, running or stopped; empty before it has begun."""
    done = subprocess.run(
        [command("whodid-agent"), "status", "--config", str(configuration), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        return {}
    totals: dict[str, int] = json.loads(done.stdout)["totals"]
    return totals


def _introduce(folder: Path, store: str, page: str, receiver: str, events: int) -> None:
    click.secho(f"{events} audit events went through the agent into the store.", bold=True)
    click.echo(f"  folder    {folder}   (the product's files are in logs/)")
    whodid = "whodid" if shutil.which("whodid") == command("whodid") else command("whodid")
    click.echo(f"  store     {store}   (to ask it yourself: {whodid} search --store {store})")
    click.echo(f"  page      {page}   (for a browser)")
    click.echo(f"  receiver  http://{receiver}/v1/events")
