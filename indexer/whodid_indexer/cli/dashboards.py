"""`whodid setup --dashboards…`: what is asked for, and the package that can do it.

That is the entry point `opensearch` of the group `whodid.dashboards`: a function of the type `Install`. The indexer
knows it by that name alone.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import NamedTuple, cast

import click

from whodid_indexer.cli.options import Source, bundle
from whodid_schema.errors import UsageError

GROUP = "whodid.dashboards"


class Wanted(NamedTuple):
    """Into which Dashboards, or into which file (`-` is stdout), or a check of every panel on the store.

    `tenant` is the security plugin's; `viewer` the address that events' ids lead to.
    """

    url: str | None
    file: str | None
    check: bool
    tenant: str | None
    viewer: str | None

    @property
    def anything(self) -> bool:
        """Whether dashboards are meant at all."""
        return any(self)


Install = Callable[[Wanted, Source, bool, bool], None]
"""Does it; the flags are `dry_run` and `diff`."""

_NAMES = ("dashboards_url", "dashboards_file", "dashboards_check", "dashboards_tenant", "viewer")

dashboards_options = bundle(
    "wanted",
    [
        click.option(
            "--dashboards",
            "dashboards_url",
            metavar="URL",
            help="Import the dashboards into this OpenSearch Dashboards, instead of setting up the store. Only "
            "objects of whodid's own are ever overwritten.",
        ),
        click.option(
            "--dashboards-tenant",
            metavar="NAME",
            help="Into which tenant of the security plugin: global, private, or a name; else the user's own default.",
        ),
        click.option(
            "--dashboards-file",
            metavar="FILE",
            help="Write the dashboards to a file (- is stdout), for import by hand.",
        ),
        click.option(
            "--dashboards-check",
            is_flag=True,
            help="Ask the store what every panel asks, and show how many rows each has.",
        ),
        click.option(
            "--viewer",
            metavar="URL",
            help="The address of whodid's pages, which events' ids in Dashboards lead to; else as it was imported "
            "before, else http://127.0.0.1:8642.",
        ),
    ],
    lambda **given: Wanted(*(given[name] for name in _NAMES)),
    _NAMES,
)


def install(wanted: Wanted, source: Source, *, dry_run: bool, diff: bool) -> None:
    """Do what is wanted. Raises UsageError for what makes no sense, or where no package can do it."""
    if sum((wanted.url is not None, wanted.file is not None, wanted.check)) > 1:
        raise UsageError(
            "--dashboards, --dashboards-file and --dashboards-check are three commands", "give one of them"
        )
    if wanted.tenant is not None and wanted.url is None:
        raise UsageError("--dashboards-tenant is nothing without --dashboards URL")
    if wanted.viewer is not None and wanted.url is None and wanted.file is None:
        raise UsageError("--viewer is nothing without --dashboards URL or --dashboards-file FILE")
    if (dry_run or diff) and wanted.url is None:
        raise UsageError("--dry-run and --diff belong to --dashboards URL", "a file or a check changes nothing there")
    found = [each for each in entry_points(group=GROUP) if each.name == "opensearch"]
    if not found:
        raise UsageError("the package with the dashboards is not installed", "pip install whodid")
    cast("Install", found[0].load())(wanted, source, dry_run, diff)
