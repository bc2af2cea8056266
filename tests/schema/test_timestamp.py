"""What is a time, what is not, and what the record says of it."""

import pytest

from whodid_schema import timestamp
from whodid_schema.timestamp import Instant, Settled

RECEIVED = "2026-11-21T12:00:00.000000Z"

READ: dict[object, tuple[str, str]] = {
    # RFC 3339
    "2026-04-30T14:22:11Z": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-04-30t14:22:11z": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-04-30T14:22:11.1Z": ("2026-04-30T14:22:11.100000Z", "ms"),
    "2026-04-30T14:22:11.123Z": ("2026-04-30T14:22:11.123000Z", "ms"),
    "2026-04-30T14:22:11.1234Z": ("2026-04-30T14:22:11.123400Z", "us"),
    "2026-04-30T14:22:11.123456789Z": ("2026-04-30T14:22:11.123456Z", "us"),
    "2026-04-30T14:22:11.999999999Z": ("2026-04-30T14:22:11.999999Z", "us"),
    "2026-04-30T14:22:11.123456789012Z": ("2026-04-30T14:22:11.123456Z", "us"),
    "2026-04-30T14:22:11+02:00": ("2026-04-30T12:22:11.000000Z", "s"),
    "2026-04-30T14:22:11.5-23:59": ("2026-05-01T14:21:11.500000Z", "ms"),
    "2026-01-01T00:30:00+05:45": ("2025-12-31T18:45:00.000000Z", "s"),
    "2026-04-30T14:22:11-00:00": ("2026-04-30T14:22:11.000000Z", "s"),
    "2024-02-29T00:00:00Z": ("2024-02-29T00:00:00.000000Z", "s"),
    "0001-01-01T00:00:00Z": ("0001-01-01T00:00:00.000000Z", "s"),
    # leap seconds, where one can be
    "2016-12-31T23:59:60Z": ("2016-12-31T23:59:59.999999Z", "s"),
    "2017-01-01T08:59:60.5+09:00": ("2016-12-31T23:59:59.999999Z", "s"),
    "2015-06-30T23:59:60Z": ("2015-06-30T23:59:59.999999Z", "s"),
    # ISO 8601 beyond it
    "2026-04-30T24:00:00Z": ("2026-05-01T00:00:00.000000Z", "s"),
    "2026-04-30T24:00:00.000+02:00": ("2026-04-30T22:00:00.000000Z", "ms"),
    "20260430T142211Z": ("2026-04-30T14:22:11.000000Z", "s"),
    "20260430T142211.25+0200": ("2026-04-30T12:22:11.250000Z", "ms"),
    "2026-W18-4T14:22:11Z": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-120T14:22:11Z": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-04-30T14:22+02": ("2026-04-30T12:22:00.000000Z", "minute"),
    "2026-04-30T14:22:11,123Z": ("2026-04-30T14:22:11.123000Z", "ms"),
    "2026-04-30T14Z": ("2026-04-30T14:00:00.000000Z", "day"),
    # log files
    "2026-04-30 14:22:11 +0200": ("2026-04-30T12:22:11.000000Z", "s"),
    "2026-04-30 14:22:11 UTC": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-04-30 14:22:11.5 +0000 UTC": ("2026-04-30T14:22:11.500000Z", "ms"),
    "2026-04-30T14:22:11+02:00[Europe/Paris]": ("2026-04-30T12:22:11.000000Z", "s"),
    " 2026-04-30T14:22:11Z ": ("2026-04-30T14:22:11.000000Z", "s"),
    # epoch
    1733739084: ("2024-12-09T10:11:24.000000Z", "s"),
    "1733739084": ("2024-12-09T10:11:24.000000Z", "s"),
    1733739084123: ("2024-12-09T10:11:24.123000Z", "ms"),
    "1733739084123": ("2024-12-09T10:11:24.123000Z", "ms"),
    1733739084123456: ("2024-12-09T10:11:24.123456Z", "us"),
    1733739084123456789: ("2024-12-09T10:11:24.123456Z", "us"),
    1733739084.1: ("2024-12-09T10:11:24.100000Z", "ms"),
    1733739084.123457: ("2024-12-09T10:11:24.123457Z", "us"),
    1733739085.0: ("2024-12-09T10:11:25.000000Z", "s"),
    "1733739084.123456789": ("2024-12-09T10:11:24.123456Z", "us"),
    1733739084123.5: ("2024-12-09T10:11:24.123500Z", "us"),
    0: ("1970-01-01T00:00:00.000000Z", "s"),
    -1: ("1969-12-31T23:59:59.000000Z", "s"),
    -0.5: ("1969-12-31T23:59:59.500000Z", "ms"),
}

ZONELESS: dict[str, tuple[str, str]] = {
    "2026-04-30T14:22:11": ("2026-04-30T14:22:11.000000Z", "s"),
    "2026-04-30 14:22:11": ("2026-04-30T14:22:11.000000Z", "s"),
    "2022-12-16 19:32:22.377": ("2022-12-16T19:32:22.377000Z", "ms"),
    "2023-05-23 21:35:54.491000000": ("2023-05-23T21:35:54.491000Z", "us"),
    "2026-04-30 14:22:11,123": ("2026-04-30T14:22:11.123000Z", "ms"),
    "2026-04-30 14:22": ("2026-04-30T14:22:00.000000Z", "minute"),
    "2026-04-30": ("2026-04-30T00:00:00.000000Z", "day"),
    "20260430": ("2026-04-30T00:00:00.000000Z", "day"),
    "2026-W18-4": ("2026-04-30T00:00:00.000000Z", "day"),
    "2026-120": ("2026-04-30T00:00:00.000000Z", "day"),
}

NO_TIME: list[object] = [
    None,
    True,
    False,
    "",
    "yesterday",
    [],
    {},
    ["2026-04-30T14:22:11Z"],
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-04-31T00:00:00+02:00",
    "2026-04-30T25:00:00Z",
    "2026-04-30T24:00:01Z",
    "2026-04-30T24:00:00.1Z",
    "2026-04-30T14:60:00Z",
    "2026-04-30T14:22:61Z",
    "2026-04-30T14:22:60Z",
    "2026-04-30T23:59:60+02:00",
    "2026-04-29T23:59:60Z",
    "2026-04-30T14:22:11+24:00",
    "2026-04-30T14:22:11+01:60",
    "2026-04-30T14:22:11.Z",
    "2026-04-30T14:22:11.12x456Z",
    "2026-04-30T14:22:11Zulu",
    "2026-4-30T14:22:11Z",
    "20260430T14:22:11Z",
    "2026-W54-1",
    "2026-W18-8",
    "2026-366",
    "2026-000",
    "30/04/2026",
    "04/30/2026 14:22",
    "30 Apr 2026",
    "2026-04",
    "2026",
    "0",
    "12345",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "٢٠٢٦-04-30T14:22:11Z",
    "2026-04-30T14:22:1１Z",
    "2026-04-30T14:22:11\nZ",
    "2026-04-30T14:22:11Z\x00",
    float("nan"),
    float("inf"),
    1e300,
    10**30,
    -(10**20),
    "9" * 5000,
]


@pytest.mark.parametrize(("value", "expected"), READ.items(), ids=map(repr, READ))
def test_a_time_with_its_zone_is_read(value: object, expected: tuple[str, str]) -> None:
    assert timestamp.parse(value) == Instant(*expected, zone_assumed=False)


@pytest.mark.parametrize(("value", "expected"), ZONELESS.items(), ids=ZONELESS)
def test_a_time_without_zone_is_read_as_utc_and_says_so(value: str, expected: tuple[str, str]) -> None:
    assert timestamp.parse(value) == Instant(*expected, zone_assumed=True)
    assert timestamp.settle(value, RECEIVED).zone_assumed


@pytest.mark.parametrize("value", NO_TIME, ids=lambda value: repr(value)[:40])
def test_what_is_no_time_is_not_guessed(value: object) -> None:
    assert timestamp.parse(value) is None
    assert timestamp.settle(value, RECEIVED) == Settled(RECEIVED, "received")


def test_a_believable_time_is_the_records_time() -> None:
    assert timestamp.settle(1733739084, RECEIVED) == Settled("2024-12-09T10:11:24.000000Z", "s")


def test_an_instant_can_be_settled_as_it_is() -> None:
    instant = timestamp.parse("2026-04-30 14:22")
    assert timestamp.settle(instant, RECEIVED) == Settled(
        "2026-04-30T14:22:00.000000Z", "minute", None, zone_assumed=True
    )


@pytest.mark.parametrize("value", ["2026-11-22T12:00:00Z", "2000-01-01T00:00:00Z", RECEIVED])
def test_the_limits_of_belief_are_still_believed(value: str) -> None:
    settled = timestamp.settle(value, RECEIVED)
    assert settled.timestamp[:19] == value[:19]
    assert settled.reported_time is None


@pytest.mark.parametrize(
    ("value", "reported"),
    [
        ("2026-11-22T12:00:00.000001Z", "2026-11-22T12:00:00.000001Z"),
        ("2033-01-01T00:00:00Z", "2033-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
        ("1999-12-31T23:59:59.999Z", "1999-12-31T23:59:59.999000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (20260430, "1970-08-23T11:53:50.000000Z"),
    ],
)
def test_an_implausible_time_is_kept_beside_the_receipt(value: object, reported: str) -> None:
    assert timestamp.settle(value, RECEIVED) == Settled(RECEIVED, "implausible", reported)


def test_now_is_the_injected_clock_cut_to_microseconds() -> None:
    assert timestamp.now(lambda: 1_733_739_084_123_456_789) == "2024-12-09T10:11:24.123456Z"


@pytest.mark.parametrize("text", ["", "now", "2026-04-30", "2026-13-01T00:00:00.000000Z"])
def test_micros_of_what_is_no_instant_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        timestamp.to_micros(text)


def test_micros_beyond_the_calendar_are_an_error() -> None:
    with pytest.raises(OverflowError):
        timestamp.from_micros(10**20)
