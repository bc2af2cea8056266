"""Times for people: to the second in the zone that is shown, milliseconds and distance where there is room."""

from datetime import UTC, datetime, timedelta, tzinfo

from whodid_indexer.query.calendar import EPOCH

_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def at(micros: int, zone: tzinfo) -> datetime:
    """The moment in a zone; the year 1 or 9999 where the zone would lead beyond."""
    try:
        return (EPOCH + timedelta(microseconds=micros)).astimezone(zone)
    except (OverflowError, ValueError):
        return (EPOCH + timedelta(microseconds=micros)).astimezone(UTC)


def moment(micros: int, zone: tzinfo) -> str:
    """`2026-11-21 06:33:00`."""
    return f"{at(micros, zone):%Y-%m-%d %H:%M:%S}"


def exact(micros: int, zone: tzinfo) -> str:
    """`2026-11-21 06:33:00.412`."""
    return f"{at(micros, zone):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def weekday(micros: int, zone: tzinfo) -> str:
    """`Sat`."""
    return f"{at(micros, zone):%a}"


def typed(micros: int | None, zone: tzinfo) -> str:
    """As a browser's field for a date and time has it; empty for an open end."""
    return "" if micros is None else f"{at(micros, zone):%Y-%m-%dT%H:%M:%S}"


def distance(micros: int, now: int) -> str:
    """`2 hours ago`, `in 3 minutes`, `just now`."""
    seconds = abs(now - micros) // 1_000_000
    for size, unit in _UNITS:
        if seconds >= size:
            number = seconds // size
            text = f"{number} {unit}{'' if number == 1 else 's'}"
            return f"{text} ago" if micros <= now else f"in {text}"
    return "just now"


def span(since: int | None, until: int | None, zone: tzinfo, zone_name: str) -> str:
    """A range in words, with the zone."""
    begin = "the beginning" if since is None else moment(since, zone)
    end = "now" if until is None else moment(until, zone)
    return f"{begin} to {end} {zone_name}"
