"""Times and spans as people type them.

    times     2026-11-21T06:33:00Z, 2026-11-21 06:33, 2026-11-21; now, today, yesterday; 90s 15m 24h 7d 4w ago
    spans     90s 15m 24h 7d 4w
    days      2026-11-21, today, yesterday

A time without a zone is read in the zone given; a date is its first moment.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from whodid_schema.errors import BadQuery
from whodid_schema.timestamp import from_micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TIMES = "write it like 2026-11-21T06:33:00Z, 2026-11-21, today, yesterday, 24h or 7d"

_span = re.compile(r"([0-9]{1,6})([smhdw])").fullmatch


def parse_time(text: str, now: datetime, zone: tzinfo = UTC) -> int:
    """Microseconds since the epoch. Raises BadQuery where the text is no time."""
    try:
        return _micros(_moment(text, now, zone))
    except (ValueError, OverflowError) as error:
        raise BadQuery(f"{text[:60]!r} is not a time", _TIMES, length=len(text), text=text) from error


def parse_span(text: str) -> timedelta:
    """A length of time. Raises BadQuery where the text is none."""
    read = _span(text.strip())
    if read is None:
        hint = "write it like 15m, 24h, 7d or 4w"
        raise BadQuery(f"{text[:60]!r} is not a span of time", hint, length=len(text), text=text)
    return timedelta(seconds=int(read[1]) * _SECONDS[read[2]])


def parse_day(text: str, now: datetime, zone: tzinfo = UTC) -> tuple[int, int]:
    """The first microsecond of a day of the zone, and that of the day after. Raises BadQuery where it is no day."""
    typed = text.strip()
    today = now.astimezone(zone).date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = named[typed] if typed in named else date.fromisoformat(typed)
        return _micros(_midnight(day, zone)), _micros(_midnight(day + timedelta(days=1), zone))
    except (ValueError, OverflowError) as error:
        hint = "write it like 2026-11-21, today or yesterday"
        raise BadQuery(f"{text[:60]!r} is not a day", hint, length=len(text), text=text) from error


def format_time(micros: int) -> str:
    """A time as `parse_time` reads it back: RFC 3339 in UTC, as short as it is exact."""
    whole, _, fraction = from_micros(micros).removesuffix("Z").partition(".")
    return f"{whole}.{fraction}Z" if fraction.strip("0") else f"{whole}Z"


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    typed = text.strip().removesuffix(" ago")
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if typed in named:
        return named[typed]
    if _span(typed):
        return now - parse_span(typed)
    read = datetime.fromisoformat(typed)
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
