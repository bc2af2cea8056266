"""`whodid setup --dashboards URL | --dashboards-file FILE | --dashboards-check`, found by its entry point."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import click

from whodid_dashboards.opensearch.check import Answered, check, faults
from whodid_dashboards.opensearch.fields import DEFAULT_VIEWER, checked_viewer
from whodid_dashboards.opensearch.importer import make_plan, objects_for, put
from whodid_dashboards.opensearch.requests import Range
from whodid_dashboards.opensearch.saved import packaged, to_ndjson
from whodid_dashboards.opensearch.server import Dashboards
from whodid_indexer.cli.dashboards import Wanted
from whodid_indexer.cli.options import Source
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import find_settings, find_store
from whodid_indexer.store.opensearch.access import access_of
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.plan import difference
from whodid_schema.errors import Incomplete, UsageError
from whodid_schema.visible import visible

OVERVIEW = "whodid-overview"
DAYS = 7
"""What the dashboards show when they are opened."""


def install(wanted: Wanted, source: Source, dry_run: bool, diff: bool) -> None:
    """Do what was asked for, see `whodid_indexer.cli.dashboards`."""
    viewer = None if wanted.viewer is None else checked_viewer(wanted.viewer)
    if wanted.url is not None:
        _import(wanted.url, wanted.tenant, viewer, source, dry_run=dry_run, diff=diff)
    elif wanted.file is not None:
        _write(wanted.file, viewer)
    else:
        _check(source)


def _import(url: str, tenant: str | None, viewer: str | None, source: Source, *, dry_run: bool, diff: bool) -> None:
    dashboards = Dashboards(url, access_of(find_settings(source.config)), tenant)
    try:
        version = dashboards.version()
        plan, objects = make_plan(dashboards, viewer)
        for step in plan.steps:
            if diff:
                click.echo(visible(difference(step), newlines=True))
            if dry_run:
                click.echo(f"would {'create' if step.before is None else 'overwrite'} {visible(step.name)}")
        if not dry_run:
            put(dashboards, objects)
            for step in plan.steps:
                say(f"{'created' if step.before is None else 'overwrote'} {step.name}")
    finally:
        dashboards.close()
    where = f"{dashboards.url} (OpenSearch Dashboards {version}{f', tenant {tenant}' if tenant else ''})"
    if dry_run:
        say(f"{'nothing is written yet' if objects else 'would change nothing'}: {where}")
    else:
        say(f"{counted(len(objects), 'object') + ' imported' if objects else 'up to date'}: {where}")
        say(f"the first of them: {dashboards.url}/app/dashboards#/view/{OVERVIEW}")


def _write(file: str, viewer: str | None) -> None:
    content = to_ndjson(objects_for(viewer or DEFAULT_VIEWER))
    if file == "-":
        click.echo(content, nl=False)
        return
    path = Path(file)
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file, or - for stdout") from error
    say(f"written: {path}; import it in Dashboards: Management, Saved objects, Import")
    if path.suffix != ".ndjson":
        say("note: Dashboards takes files whose name ends with .ndjson")


def _check(source: Source) -> None:
    place = find_store(source.store, source.config)
    if not place.url.startswith(("http:", "https:")):
        raise UsageError(
            f"{place.url} is no OpenSearch, and Dashboards shows nothing else", "--store https://host:9200"
        )
    client, info = connect(place.url, access_of(find_settings(source.config)))
    now = datetime.now(UTC)
    try:
        found = list(check(client, packaged(), Range(now - timedelta(days=DAYS), now)))
        wrong = list(faults(client, packaged()))
    finally:
        client.close()
    for line in _table(found):
        click.echo(visible(line))
    for fault in wrong:
        say(f"wrong: {fault}")
    failed = sum(1 for one in found if one.error)
    if failed or wrong:
        raise Incomplete(f"{failed} requests failed, {len(wrong)} fields are not as they should be", "see above")
    say(f"every panel has an answer, of the last {DAYS} days: {client.url} (OpenSearch {info.number})")


def _table(found: Iterable[Answered]) -> Iterator[str]:
    """A line per panel; the choices of one together, as many rows as have values."""
    lines = [("Dashboard", "Panel", "Events", "Rows", "")]
    for (dashboard, panel), group in groupby(found, lambda one: (one.dashboard, one.panel)):
        parts = list(group)
        number = sum(bool(one.rows) for one in parts) if parts[0].about else parts[0].rows
        empty = ", ".join(one.about for one in parts if one.about and not one.rows)
        notes = [*(one.error for one in parts if one.error), *([f"no values: {empty}"] if empty else [])]
        lines.append((dashboard, panel, f"{parts[0].events:,}", f"{number:,}", "; ".join(notes)))
    widths = [max(len(line[place]) for line in lines) for place in range(5)]
    for line in lines:
        cells = [
            cell.rjust(width) if place in (2, 3) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
