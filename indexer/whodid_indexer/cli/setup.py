"""`whodid setup`: make the store, or bring it up to this version. Idempotent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from whodid_indexer.cli.audited import administer
from whodid_indexer.cli.dashboards import Wanted, dashboards_options, install
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.output import say
from whodid_indexer.cli.places import configured, find_settings, find_store
from whodid_indexer.store.plan import Plan, Step, difference
from whodid_schema.meta import Meta
from whodid_schema.visible import visible


@click.command("setup")
@source_options
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--diff", is_flag=True, help="Show every document that changes, as it is now and as it will be.")
@dashboards_options
def command(source: Source, dry_run: bool, diff: bool, wanted: Wanted) -> None:
    """Make the store, or bring it up to this version. Done already, it changes nothing.

    On OpenSearch: index template, existing indices, policies and roles, as far as the cluster has the plugins for them.
    With --dashboards: the dashboards for it, and nothing of the store.
    """
    if wanted.anything:
        install(wanted, source, dry_run=dry_run, diff=diff)
        return
    place = find_store(source.store, source.config)
    if place.url.startswith(("http:", "https:")):
        _opensearch(place.url, source.config, dry_run=dry_run, diff=diff)
    else:
        _sqlite(place.url, source.config, dry_run=dry_run, diff=diff)


def _sqlite(url: str, config: Path | None, *, dry_run: bool, diff: bool) -> None:
    from whodid_indexer.audit.recorder import IntoFile  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.sqlite.document import plan_document, write_document  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite.write import SqliteStore  # noqa: PLC0415  as above

    path = path_of(url)
    settings = configured(config)
    wanted = None if settings is None else settings.wanted()
    now = datetime.now(UTC)
    change = plan_document(path, wanted, now)
    old, new = change.layouts
    if not dry_run:
        if old != new:
            SqliteStore.setup(path, change.after)  # before it is recorded: an older layout takes no records
        if change.before is not None and (change.before != change.after or old != new):
            administer(IntoFile(path), "setup", rules=change.after.rules)
        change = write_document(path, wanted, now)
    before = None if change.before is None else msgspec.to_builtins(change.before)
    step = Step(f"the store's document in {path}", str(path), before, msgspec.to_builtins(change.after))
    changed = change.before != change.after
    if diff and changed:
        _show(Plan([step]))
    if old != new:
        say(f"{'would bring' if dry_run else 'brought'} {path} from layout {old} to layout {new}")
    if dry_run:
        click.echo(msgspec.json.encode(change.after))
        said = f"would {step.verb} {step.name}" if changed else f"would change nothing in its document: {path}"
        said += "; nothing is written yet" if changed or old != new else ""
    else:
        said = f"set up: {path}" if before is None else f"{'changed' if changed else 'up to date'}: {path}"
    say(said)
    for note in _notes(path, change.after, by_serve=settings is None or settings.serve_retention):
        say(f"note: {note}")


def _notes(path: Path, meta: Meta, *, by_serve: bool) -> Iterator[str]:
    """What protects the records of a file, and who deletes them in time."""
    yield f"whoever may write {path} may change records: its rights alone protect it"
    if any(kept.days is not None for kept in meta.classes.values()):
        who = "`whodid serve` deletes, once a day," if by_serve else "only `whodid retention apply` deletes"
        yield f"{who} what is older than its retention"


def _opensearch(url: str, config: Path | None, *, dry_run: bool, diff: bool) -> None:
    from whodid_indexer.store.opensearch.access import access_of  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.store.opensearch.connect import connect  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.protection import describe_protection  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.setup import apply, make_plan, own_indices  # noqa: PLC0415  as above

    settings = find_settings(config)
    said = configured(config)
    wanted = None if said is None else said.wanted()
    client, info = connect(url, access_of(settings))
    try:
        now = datetime.now(UTC)

        def again() -> Plan:
            ism, repository = settings.ism_deletes, settings.snapshot_repository
            return make_plan(client, wanted, now, ism=ism, repository=repository)

        plan = again()
        if diff:
            _show(plan)
        if dry_run:
            for step in plan.steps:
                click.echo(f"would {step.verb} {visible(step.name)}")
        else:
            apply(client, plan, again, _tell)
        ism = settings.ism_deletes
        for note in (*plan.notes, *describe_protection(client, own_indices(client), ism=ism)):
            say(f"note: {note}")
        done = "would change nothing" if not plan.steps else "nothing is written yet"
        changed = "set up" if plan.steps else "up to date"
        say(f"{done if dry_run else changed}: {client.url} (OpenSearch {info.number})")
    finally:
        client.close()


def _show(plan: Plan) -> None:
    for step in plan.steps:
        click.echo(visible(difference(step), newlines=True))


def _tell(step: Step) -> None:
    say(f"{step.verb}d {step.name}")
