"""Times in a zone, as people and files read them."""

from datetime import UTC, datetime, tzinfo

from whodid_schema.timestamp import from_micros


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
    begin = "the beginning" if since is None else shown_time(from_micros(since), zone)
    end = "now" if until is None else shown_time(from_micros(until), zone)
    return f"{begin} to {end} ({zone_name(zone)})"


def _in(timestamp: str, zone: tzinfo) -> datetime:
    """The moment in the zone; in UTC where the zone would lead beyond the years that there are."""
    moment = datetime.fromisoformat(timestamp)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment
