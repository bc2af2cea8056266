"""Times as people and files read them: in their zone, with its rules of that day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from whodid_indexer.query.zones import shown_range, shown_time, written_time, zone_name

PARIS = ZoneInfo("Europe/Paris")


def test_a_time_has_the_offset_of_its_own_day() -> None:
    before, behind = "2026-10-25T00:59:59.000001Z", "2026-10-25T01:00:00Z"
    assert [shown_time(moment, PARIS) for moment in (before, behind)] == ["2026-10-25 02:59:59", "2026-10-25 02:00:00"]
    assert written_time(before, PARIS) == "2026-10-25T02:59:59.000001+02:00"
    assert written_time(behind, PARIS) == "2026-10-25T02:00:00.000000+01:00"
    assert written_time(before, UTC) == before
    assert (zone_name(PARIS), zone_name(UTC)) == ("Europe/Paris", "UTC")


@pytest.mark.parametrize(
    ("timestamp", "zone"), [("9999-12-31T23:59:59Z", "Asia/Tokyo"), ("0001-01-01T00:00:00Z", "America/Lima")]
)
def test_where_a_zone_leads_beyond_the_years_that_there_are_the_time_stays_as_it_is(timestamp: str, zone: str) -> None:
    shown = shown_time(timestamp, ZoneInfo(zone))
    assert datetime.fromisoformat(written_time(timestamp, ZoneInfo(zone))) == datetime.fromisoformat(timestamp)
    assert shown.endswith(timestamp[5:-1].replace("T", " "))


def test_a_range_says_its_ends_and_its_zone() -> None:
    assert shown_range(None, None, PARIS) == "all time"
    assert shown_range(0, None, PARIS) == "1970-01-01 01:00:00 to now (Europe/Paris)"
    assert shown_range(None, 0, UTC) == "the beginning to 1970-01-01 00:00:00 (UTC)"
