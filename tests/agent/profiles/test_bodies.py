"""Answers of vendors' endpoints: bodies that hold many events, and events that merely look like one."""

from typing import Any

import msgspec
import pytest

from support.events import outcomes
from support.golden import golden
from whodid_agent.normalise.contract import Shipment

GOLDEN = golden()


def profiles_of(body: Any) -> list[str]:
    """The profiles that the events of one line were read by."""
    found = outcomes(body)
    assert all(isinstance(one, Shipment) for one in found), found
    return [msgspec.json.decode(one.body)["ingest"]["profile"] for one in found if isinstance(one, Shipment)]


@pytest.mark.parametrize(
    ("name", "key", "beside"),
    [
        ("slack-audit", "entries", {"ok": True, "response_metadata": {"next_cursor": "dGVhbTpD"}}),
        ("mailer", "entries", {"next_cursor": None}),
        ("asana", "data", {"next_page": {"offset": "e1", "path": "/audit_log_events", "uri": "https://app.asana.com"}}),
        ("zendesk", "audit_logs", {"meta": {"has_more": False}, "links": {"next": None}}),
    ],
)
def test_the_answer_of_an_endpoint_is_its_events_one_by_one(name: str, key: str, beside: dict[str, Any]) -> None:
    mailer = {"id": "01HE", "created_at": "2024-03-12T08:15:30Z", "actor_id": "01HA", "actor_email": "ann@example.com"}
    events = [one.event for one in GOLDEN[name]] if name in GOLDEN else [{**mailer, "action": "smtp.update"}]
    assert profiles_of({key: events, **beside}) == [name] * len(events)
    assert profiles_of(events) == [name] * len(events)


def test_an_event_whose_data_are_an_object_is_one_event() -> None:
    event = next(one.event for one in GOLDEN["auth0"] if "data" in one.event)
    assert profiles_of(event) == ["auth0"]


def test_an_array_beside_what_no_body_has_is_part_of_one_event() -> None:
    event = {
        "specversion": "1.0",
        "type": "com.example.made",
        "source": "/shop",
        "id": "1",
        "data": [{"a": 1}, {"a": 2}],
    }
    assert profiles_of(event) == ["cloudevents"]
