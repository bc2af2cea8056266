"""When records go: a period's index by its name, and a moment in the past by a number of days.

    whodid-activity-2026-11      month, counted as 31 days        whodid-activity-2019      year, as 366
    whodid-delivery-2026-11-21   day                              whodid-imported-2026-11   month of the import

An index goes when its period's beginning lies its length and the retention behind: then everything in it is as old as
the retention at least. ISM goes by the same sum. All of it is UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_DATED = re.compile(r"whodid-(?P<name>[a-z][a-z0-9_]*)-(?P<date>\d{4}(-\d{2}(-\d{2})?)?)").fullmatch
MONTH = 31
"""Days that a month counts as."""

_LENGTH = {4: 366, 7: MONTH, 10: 1}
"""Days that a period counts as, by the length of its date."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Period(NamedTuple):
    """What an index's name says: its class, when it begins, and how many days it counts as."""

    class_: str
    start: datetime
    days: int

    def due(self, days: int) -> datetime:
        """When it goes, kept for so many days; the end of the calendar where that lies behind it."""
        try:
            return self.start + timedelta(days=self.days + days)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)


def period_of(index: str) -> Period | None:
    """The period that the name tells; None for a name of another form."""
    match = _DATED(index)
    if match is None:
        return None
    date = match["date"]
    try:
        start = datetime.fromisoformat((date + "-01-01")[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Period(match["name"], start, _LENGTH[len(date)])


def cutoff(now: datetime, days: int) -> int:
    """Microseconds since 1970: what is older than that is older than its retention."""
    return (now - timedelta(days=days) - EPOCH) // _MICROSECOND


def stamped(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(micros: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)
