"""The time zone that times are shown in: UTC unless asked otherwise, and always named."""

import os
from datetime import UTC, datetime, tzinfo
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


def zone_name(zone: tzinfo) -> str:
    """What the zone is called beside the times shown."""
    return "UTC" if zone is UTC else str(zone)


def shown_time(timestamp: str | None, zone: tzinfo) -> str:
    """A record's time to the second in `zone`, without the zone's name: `2026-11-21 06:33:00`."""
    return f"{_in(timestamp, zone):%Y-%m-%d %H:%M:%S}" if timestamp else ""


def written_time(timestamp: str | None, zone: tzinfo) -> str:
    """A record's time in full, with its offset; in UTC exactly as the record has it."""
    if not timestamp or zone is UTC:
        return timestamp or ""
    return _in(timestamp, zone).isoformat(timespec="microseconds")


def shown_range(since: int | None, until: int | None, zone: tzinfo) -> str:
    """A range of microseconds since the epoch, in words, with the zone's name."""
    if since is None and until is None:
        return "all time"
    from whodid_schema.timestamp import from_micros  # noqa: PLC0415  not needed to print help

    begin = "the beginning" if since is None else shown_time(from_micros(since), zone)
    end = "now" if until is None else shown_time(from_micros(until), zone)
    return f"{begin} to {end} ({zone_name(zone)})"


def _in(timestamp: str, zone: tzinfo) -> datetime:
    return datetime.fromisoformat(timestamp).astimezone(zone)


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
