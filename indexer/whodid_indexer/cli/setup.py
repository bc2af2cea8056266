"""`whodid setup`: make the store, or bring it up to this version. Idempotent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.output import say
from whodid_indexer.cli.places import find_settings, find_store
from whodid_schema.meta import default_meta
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.store.opensearch.plan import Plan, Step


@click.command("setup")
@source_options
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--diff", is_flag=True, help="Show every document that changes, as it is now and as it will be.")
def command(source: Source, dry_run: bool, diff: bool) -> None:
    """Make the store, or bring it up to this version. Done already, it changes nothing.

    On OpenSearch: index template, existing indices, policies and roles, as far as the cluster has the plugins for them.
    """
    place = find_store(source.store, source.config)
    if place.url.startswith(("http:", "https:")):
        _opensearch(place.url, source.config, dry_run=dry_run, diff=diff)
    else:
        _sqlite(place.url, dry_run=dry_run, diff=diff)
        if find_settings(source.config).retention:
            say("note: retention is for a store on OpenSearch; this one keeps everything")


def _sqlite(url: str, *, dry_run: bool, diff: bool) -> None:
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.sqlite import SqliteStore  # noqa: PLC0415  as above

    path = path_of(url)
    existed = path.exists()
    meta = default_meta(datetime.now(UTC))
    if dry_run or (diff and not existed):
        click.echo(msgspec.json.encode(meta))
    if not dry_run:
        SqliteStore.setup(path, meta)
        say(f"{'up to date' if existed else 'set up'}: {path}")


def _opensearch(url: str, config: Path | None, *, dry_run: bool, diff: bool) -> None:
    from whodid_indexer.retention import read_retention  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.store.opensearch.access import access_of  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.connect import connect  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.protection import describe_protection  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.setup import apply, make_plan, own_indices  # noqa: PLC0415  as above

    settings = find_settings(config)
    classes = read_retention(settings.retention)
    client, info = connect(url, access_of(settings))
    try:
        now = datetime.now(UTC)
        plan = make_plan(client, classes, now)
        if diff:
            _show(plan)
        if dry_run:
            for step in plan.steps:
                click.echo(f"would {step.verb} {visible(step.name)}")
        else:
            apply(client, plan, lambda: make_plan(client, classes, now), _tell)
        for note in (*plan.notes, *describe_protection(client, own_indices(client))):
            say(f"note: {note}")
        done = "would change nothing" if not plan.steps else "nothing is written yet"
        changed = "set up" if plan.steps else "up to date"
        say(f"{done if dry_run else changed}: {client.url} (OpenSearch {info.number})")
    finally:
        client.close()


def _show(plan: "Plan") -> None:
    from whodid_indexer.store.opensearch.plan import difference  # noqa: PLC0415  as above

    for step in plan.steps:
        click.echo(visible(difference(step), newlines=True))


def _tell(step: "Step") -> None:
    say(f"{step.verb}d {step.name}")
