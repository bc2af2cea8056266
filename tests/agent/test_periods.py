"""What an index is dated from: no policy may take it for older than its youngest record."""

from datetime import UTC, datetime, timedelta

import pytest

from whodid_agent.target.periods import start_of
from whodid_indexer.store.opensearch.policies import policy
from whodid_schema.meta import Retention


@pytest.mark.parametrize(
    ("index", "starts"),
    [
        ("whodid-activity-2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
        ("whodid-delivery-2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("whodid-activity-2019", datetime(2019, 12, 31, tzinfo=UTC)),
        ("whodid-activity", None),
        ("whodid-activity-2026-13", None),
    ],
)
def test_an_index_is_dated_by_its_name(index: str, starts: datetime | None) -> None:
    assert start_of(index) == starts


@pytest.mark.parametrize("period", ["day", "month"])
def test_ism_deletes_no_year_before_its_last_record_is_old_enough(period: str) -> None:
    states = policy("activity", Retention(3_650, period))["policy"]["states"]
    (transition,) = [each for state in states for each in state["transitions"] if each["state_name"] == "expired"]
    age = timedelta(days=int(transition["conditions"]["min_index_age"].removesuffix("d")))
    dated = start_of("whodid-activity-2017")
    assert dated is not None
    assert dated + age >= datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=3_650)
