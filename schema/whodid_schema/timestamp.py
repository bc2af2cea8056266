"""Times: whatever an application wrote becomes RFC 3339 in UTC with six decimals, or is said to be no time.

Read as a time:

    RFC 3339            2026-04-30T14:22:11.123456789+02:00, also t and z, any number of fraction digits (cut to six)
    ISO 8601            basic 20260430T142211Z, week 2026-W18-4, ordinal 2026-120, comma fractions, 24:00 (the next
                        midnight), an hour or a day alone
    log files           a space for the T; UTC, GMT or an offset behind a space (Go's `+0000 UTC`); a zone's name in
                        brackets behind an offset (RFC 9557)
    no zone             read as UTC, and `zone_assumed` says so
    leap seconds        23:59:60 UTC on the last day of a month; kept as that day's last microsecond
    epoch               seconds, ms, µs or ns by size, as number or as text of nine and more digits

Not read, because it would be a guess: 30/04/2026, month names, years or months alone, second 60 elsewhere.
A time as precise as an hour counts as `day`: a precision never claims more than was written.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

_LATEST = 2.0**33
"""Below this, six decimals of a float are exact."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PLAUSIBLE = "2000"
"""Texts before this are times that are not believed: see `settle`."""

_LONGEST = 80


class Instant(NamedTuple):
    """A moment: `text` is RFC 3339 in UTC with six decimals, `precision` us, ms, s, minute or day."""

    text: str
    precision: str
    zone_assumed: bool = False


class Settled(NamedTuple):
    """What the record says of time: see `settle`."""

    timestamp: str
    precision: str
    reported_time: str | None = None
    zone_assumed: bool = False


def parse(value: object) -> Instant | None:
    """The moment that a JSON value names (see the module's table); None where it names none. Never raises."""
    if type(value) is str:
        return _zulu(value) or _common(value) or _text(value.strip())
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _epoch(value, "")
    if isinstance(value, float):
        return _float(value)
    return None


def settle(value: object, received_at: str) -> Settled:
    """The record's time: `value`'s, or the receipt's where there is none (`received`).

    A time before 2000 or more than a day after the receipt is not believed: the record is filed under its receipt,
    precision `implausible`, and `reported_time` keeps the time. `value` may be an Instant already.
    `received_at` has the form of an Instant's text.
    """
    instant = value if type(value) is Instant else parse(value)
    if instant is None:
        return Settled(received_at, "received")
    text = instant.text
    if text < FIRST_PLAUSIBLE or (text > received_at and text > _day_after(received_at)):
        return Settled(received_at, "implausible", text, instant.zone_assumed)
    return Settled(text, instant.precision, None, instant.zone_assumed)


def to_micros(text: str) -> int:
    """Microseconds since the epoch of an Instant's text. Raises ValueError where it is no such text."""
    moment = datetime.fromisoformat(text) - _EPOCH
    return (moment.days * 86_400 + moment.seconds) * 1_000_000 + moment.microseconds


def from_micros(micros: int) -> str:
    """The text of a moment; the inverse of `to_micros`. Raises OverflowError beyond the years 1 to 9999."""
    return _format(_EPOCH + timedelta(microseconds=micros))


def now(clock: Callable[[], int] = time.time_ns) -> str:
    """This moment's text; `clock` gives nanoseconds since the epoch."""
    return from_micros(clock() // 1000)


def _format(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"


@lru_cache(maxsize=64)
def _day_after(received_at: str) -> str:
    return from_micros(to_micros(received_at) + 86_400_000_000)


_instant = tuple.__new__
"""What a named tuple's own `__new__` comes to, in a third of the time."""

_SIXTY = tuple(f"{number:02}" for number in range(60))
_OF_SIXTY = frozenset(_SIXTY)


def _zulu(text: str) -> Instant | None:
    """`YYYY-MM-DDThh:mm:ss[.…]Z`, fastest; None for every other form, valid or not."""
    if text[-1:] != "Z":
        return None
    marks = text[4:20:3]
    digits = len(text) - 21
    if not (marks == "--T::." and digits > 0) and marks != "--T::Z":
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    if digits == 3:
        return _instant(Instant, (f"{text[:23]}000Z", "ms", False))
    if digits < 0:
        return _instant(Instant, (f"{text[:19]}.000000Z", "s", False))
    precision = "ms" if digits < 3 else "us"
    return _instant(Instant, (f"{text[:20]}{text[20:-1][:6]:0<6}Z", precision, False))


def _common(text: str) -> Instant | None:
    """`YYYY-MM-DD?hh:mm:ss[.…][Z|±hh:00]`, fast; None for every other form, valid or not."""
    end = len(text)
    if end < 19 or text[16] != ":":
        return None
    zone = ""
    if text[-1] == "Z":
        zone, end = "Z", end - 1
    elif text[-6] in "+-" and end >= 25:
        zone, end = text[-6:], end - 6
    hour = _hour(text[:14], zone)
    if hour is None or text[14:16] not in _OF_SIXTY or text[17:19] not in _OF_SIXTY:
        return None
    if end == 19:
        return _instant(Instant, (f"{hour}{text[14:19]}.000000Z", "s", not zone))
    digits = text[20:end]
    if text[19] != "." or not digits.isdecimal() or not digits.isascii():
        return None
    if len(digits) == 3:
        return _instant(Instant, (f"{hour}{text[14:23]}000Z", "ms", not zone))
    precision = "ms" if len(digits) < 3 else "us"
    return _instant(Instant, (f"{hour}{text[14:20]}{digits[:6]:0<6}Z", precision, not zone))


@lru_cache(maxsize=4096)
def _hour(head: str, zone: str) -> str | None:
    """`YYYY-MM-DDThh:` in UTC of an hour in a zone that is whole hours away; None for anything else."""
    if head[10:11] not in ("T", " ") or head[4:8:3] != "--" or head[13:] != ":" or head[11:13] == "24":
        return None
    try:
        moment = datetime.fromisoformat(f"{head[:13]}:00")
        if len(zone) == 6:
            if zone[3:] != ":00":
                return None
            moment = datetime.fromisoformat(f"{head[:13]}:00{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat()[:14]


_ZONE = r"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?: (?:UTC|GMT|Z))?(?:\[[A-Za-z][\w/+-]*\])?)?"
_EXTENDED = re.compile(
    r"(?P<year>\d{4})-(?:(?P<month>\d\d)-(?P<day>\d\d)|W(?P<week>\d\d)-(?P<weekday>\d)|(?P<ordinal>\d{3}))"
    rf"(?:[Tt ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?{_ZONE})?",
    re.ASCII,
)
_BASIC = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?P<day>\d\d)|W(?P<week>\d\d)(?P<weekday>\d)|(?P<ordinal>\d{3})(?=[Tt]))"
    rf"(?:[Tt ](?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?{_ZONE})?",
    re.ASCII,
)
_NUMBER = re.compile(r"(-?\d{9,20})(?:\.(\d+))?", re.ASCII)


def _text(text: str) -> Instant | None:
    if len(text) > _LONGEST:
        return None
    match = _EXTENDED.fullmatch(text) or _BASIC.fullmatch(text)
    if match is None:
        number = _NUMBER.fullmatch(text)
        return None if number is None else _epoch(int(number[1]), number[2] or "")
    try:
        return _calendar(match)
    except (ValueError, OverflowError):
        return None


def _calendar(match: re.Match[str]) -> Instant | None:
    """The moment of a matched calendar form. Raises ValueError and OverflowError for what no calendar has."""
    part = match.groupdict()
    day = _day(part)
    if part["hour"] is None:
        return Instant(f"{day.isoformat()}T00:00:00.000000Z", "day", zone_assumed=True)
    hour, minute, second = int(part["hour"]), int(part["minute"] or 0), int(part["second"] or 0)
    fraction = part["fraction"] or ""
    end_of_day = hour == 24 and minute == second == 0 and not fraction.strip("0")
    leap = second == 60
    local = datetime(
        day.year, day.month, day.day, 0 if end_of_day else hour, minute, 59 if leap else second, tzinfo=UTC
    )
    moment = local + timedelta(days=end_of_day) - _offset(part["zone"])
    if leap:
        following = moment + timedelta(seconds=1)
        if (following.day, following.hour, following.minute) != (1, 0, 0):
            return None
        return Instant(f"{_format(moment)[:19]}.999999Z", "s", part["zone"] is None)
    precision = "day" if part["minute"] is None else "minute" if part["second"] is None else _precision(fraction)
    return Instant(f"{_format(moment)[:19]}.{fraction[:6]:0<6}Z", precision, part["zone"] is None)


def _day(part: dict[str, str | None]) -> date:
    year = int(part["year"] or 0)
    if part["week"] is not None:
        return date.fromisocalendar(year, int(part["week"]), int(part["weekday"] or 0))
    if part["ordinal"] is not None:
        day = date(year, 1, 1) + timedelta(days=int(part["ordinal"]) - 1)
        if day.year != year:
            raise ValueError(part["ordinal"])
        return day
    return date(year, int(part["month"] or 0), int(part["day"] or 0))


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone[0] not in "+-":
        return timedelta(0)
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _precision(fraction: str) -> str:
    return "s" if not fraction else "ms" if len(fraction) <= 3 else "us"


def _float(value: float) -> Instant | None:
    """A float counts by its shortest decimal form, so that 1733739084.1 is not …084.099999."""
    if not -1e20 < value < 1e20:
        return None
    micros = round(value * 1e6) if 0 <= value < _LATEST else -1
    if micros >= 0 and micros / 1e6 == value:
        seconds, rest = divmod(micros, 1_000_000)
        precision = "us" if rest % 1000 else "ms" if rest else "s"
        return _instant(Instant, (f"{_second(seconds)}.{rest:06}Z", precision, False))
    whole, _, fraction = repr(value).partition(".")
    if "e" in whole or "e" in fraction:
        return _epoch(int(value), "")
    return _epoch(int(whole), "" if fraction == "0" else fraction, negative=value < 0)


def _second(seconds: int) -> str:
    """`YYYY-MM-DDThh:mm:ss` of whole seconds since the epoch, from 0 to the year 5138."""
    hour, rest = divmod(seconds, 3600)
    minute, second = divmod(rest, 60)
    return f"{_hour_of(hour)}{_SIXTY[minute]}:{_SIXTY[second]}"


@lru_cache(maxsize=4096)
def _hour_of(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).isoformat()[:14]


_UNITS = ((10**11, 0, "s"), (10**14, 3, "ms"), (10**17, 6, "us"), (10**20, 9, "us"))
"""Below this size a number counts 10**-decimals seconds: 10**11 s is the year 5138, 10**11 ms is 1973."""


def _epoch(whole: int, fraction: str, *, negative: bool | None = None) -> Instant | None:
    """The moment of a decimal number, given by its digits before and after the point."""
    if 0 <= whole < 10**11 and not fraction:
        return Instant(f"{_second(whole)}.000000Z", "s")
    if 10**11 <= whole < 10**14 and not fraction:
        seconds, rest = divmod(whole, 1000)
        return Instant(f"{_second(seconds)}.{rest:03}000Z", "ms")
    for limit, decimals, precision in _UNITS:
        if abs(whole) < limit:
            digits = f"{abs(whole)}{fraction[: 6 + decimals]}"
            micros = int(digits) * 10**6 // 10 ** (decimals + len(digits) - len(str(abs(whole))))
            try:
                text = from_micros(-micros if negative or whole < 0 else micros)
            except OverflowError:
                return None
            return Instant(text, _precision(fraction) if decimals == 0 else "us" if fraction else precision)
    return None
