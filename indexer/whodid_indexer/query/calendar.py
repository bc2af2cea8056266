"""The edges of a series: hours, days and weeks as a time zone's clocks and calendars show them.

    hour  the moments at which the zone's clocks show a full hour. Where they are set forward or back by half an hour,
          one bucket is half an hour longer or shorter; where by an hour, nothing is missing and nothing is merged
    day   the first moment of each date (23 to 25 hours apart where the clocks change)
    week  the first moment of each Monday

All moments are whole microseconds since the epoch.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from whodid_indexer.query.counting import Interval
from whodid_schema.errors import BadQuery

MOST_BUCKETS = 10_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
MICROSECOND = timedelta(microseconds=1)


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name. Raises BadQuery where there is none."""
    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadQuery(f"{name[:40]!r} is not a time zone", "write it like Europe/Paris or Asia/Tokyo") from error


def interval_for(since: int | None, until: int | None) -> Interval:
    """The interval that suits a range: hours up to two days, days up to four months, then weeks; days for no range."""
    if since is None or until is None:
        return "day"
    length = until - since
    if length <= 50 * _HOUR:  # two days, also where the clocks change
        return "hour"
    return "day" if length <= 124 * _DAY else "week"


def edges(since: int, until: int, interval: Interval, zone: tzinfo) -> list[int]:
    """The edges of the buckets that cover since ≤ time < until, one more than there are buckets; none for no time.

    Raises BadQuery for more than MOST_BUCKETS, and for times beyond the years that calendars know.
    """
    if since >= until:
        return []
    length = {"hour": _HOUR, "day": _DAY, "week": 7 * _DAY}[interval]
    if (until - since) // length > MOST_BUCKETS:
        hint = "ask for a longer interval, or narrow the time range"
        raise BadQuery(f"the series would have more than {MOST_BUCKETS:,} buckets", hint)
    try:
        return _hours(since, until, zone) if interval == "hour" else _dates(since, until, interval, zone)
    except (OverflowError, ValueError) as error:
        raise BadQuery("the range goes beyond the years 1 to 9999", "narrow it with since and until") from error


def _dates(since: int, until: int, interval: Interval, zone: tzinfo) -> list[int]:
    day = _local(since, zone).date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    step = timedelta(days=7 if interval == "week" else 1)
    found = [_midnight(day, zone)]
    while found[-1] < until:
        day += step
        following = _midnight(day, zone)
        if following > found[-1]:  # a date that a zone left out begins with the next one
            found.append(following)
    return found


def _hours(since: int, until: int, zone: tzinfo) -> list[int]:
    found = [_full_hour(since, zone)]
    while found[-1] < until:
        found.append(_next_hour(found[-1], zone))
    return found


def _full_hour(moment: int, zone: tzinfo) -> int:
    """The last moment up to this one at which the clocks show a full hour."""
    edge = _next_hour(moment - 3 * _HOUR, zone)
    while (following := _next_hour(edge, zone)) <= moment:
        edge = following
    return edge


def _next_hour(moment: int, zone: tzinfo) -> int:
    """The first moment behind this one at which the clocks show a full hour."""
    shift = _offset(moment, zone)
    plain = moment + _HOUR - (moment + shift) % _HOUR
    if _offset(plain, zone) == shift == _offset(moment + 2 * _HOUR, zone):
        return plain
    shifts = {_offset(moment + hours * _HOUR, zone) for hours in range(4)}
    full = (moment + hours * _HOUR - (moment + each) % _HOUR for each in shifts for hours in range(1, 5))
    return min(edge for edge in full if edge > moment and (edge + _offset(edge, zone)) % _HOUR == 0)


def _local(moment: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(microseconds=moment)).astimezone(zone)


def _offset(moment: int, zone: tzinfo) -> int:
    """What the zone's clocks are ahead of UTC, in microseconds."""
    return (_local(moment, zone).utcoffset() or timedelta()) // MICROSECOND


def _midnight(day: date, zone: tzinfo) -> int:
    """The first moment of a date; where the clocks leave midnight out, the moment at which they do."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone) - EPOCH) // MICROSECOND
