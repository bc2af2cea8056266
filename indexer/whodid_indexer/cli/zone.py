"""The time zone that times are shown in, as options name it: UTC unless asked otherwise, and always named."""

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from whodid_indexer.cli.options import bundle
from whodid_schema.errors import UsageError


def zone_of(utc: bool, local: bool, tz: str | None) -> tzinfo:
    """The zone that the options name. Raises UsageError for two of them, or an unknown zone."""
    if utc + local + (tz is not None) > 1:
        raise UsageError("--utc, --local and --tz exclude each other", "give one of them")
    if local:
        return _machine_zone()
    if tz is None or tz.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"--tz {tz}: there is no such time zone", "write it like Europe/Paris or Asia/Tokyo"
        ) from error


def _machine_zone() -> tzinfo:
    """TZ, else /etc/localtime, else UTC: a zone with its rules, so that times of last summer are shown as they were."""
    if named := os.environ.get("TZ", "").removeprefix(":"):
        return zone_of(utc=False, local=False, tz=named)
    file = Path("/etc/localtime")
    if not file.exists():
        return UTC
    _, _, key = str(file.resolve()).partition("zoneinfo/")
    with file.open("rb") as rules:
        return ZoneInfo.from_file(rules, key=key or "local")


zone_options = bundle(
    "zone",
    [
        click.option("--utc", is_flag=True, help="Show and read times in UTC (the default)."),
        click.option("--local", is_flag=True, help="Show and read times in this machine's zone."),
        click.option("--tz", metavar="ZONE", help="Show and read times in this zone, for example Europe/Paris."),
    ],
    zone_of,
    ["utc", "local", "tz"],
)
