"""Lines made to cost time give what others give: records with all that they said, and no secret."""

import json

import pytest

from support.costly import lines
from support.events import AT_START, outcomes, pipeline
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_schema.record import decode

KINDS = dict(lines())
LEFT_OUT = ("100,000 keys", "1 MB", "100,000 equal")
"""Too large to be looked at more than once."""

REFUSED = {
    "nested 3,000 times": "too_deep",
    "50 numbers of 4,000 digits": "number",
    "a number of 100,000 digits": "number",
    "text of 50 KB": "not_json",
    "half a line of 5,000 quotes": "truncated",
}
THROUGH = pipeline()


@pytest.mark.parametrize("name", KINDS)
def test_a_line_made_to_cost_time_is_records_or_refused_with_a_reason(name: str) -> None:
    found = outcomes(KINDS[name], THROUGH)
    assert found
    for one in found:
        assert isinstance(one, Refusal) == (name in REFUSED), one
        if isinstance(one, Refusal):
            assert one.reason == REFUSED[name]


@pytest.mark.parametrize("name", [name for name in KINDS if name not in REFUSED and not any(map(name.count, LEFT_OUT))])
def test_such_a_line_is_kept_whole_and_its_keys_are_in_the_metadata_but_for_a_few(name: str) -> None:
    masked = THROUGH.redact(KINDS[name] + b"\n")[:-1]
    assert not [secret for secret in (b"hunter2", b"s3cr3t", b"abcdefgh") if secret in masked]
    found = THROUGH.events(masked, AT_START)
    if len(found) == 1 and isinstance(found[0], Shipment):
        record, event = decode(found[0].body), json.loads(masked)
        assert record.raw == masked.decode()
        metadata = record.metadata or {}
        assert len([key for key, value in event.items() if metadata.get(key) != value]) <= 12
