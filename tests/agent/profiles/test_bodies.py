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


ACTIVITY = {
    "kind": "admin#reports#activity",
    "id": {"time": "2024-05-14T09:18:31Z", "uniqueQualifier": "7", "applicationName": "drive", "customerId": "C0"},
    "actor": {"email": "jane@example.com", "profileId": "1"},
    "ipAddress": "203.0.113.7",
}
DONE = [
    {
        "type": "access",
        "name": name,
        "parameters": [{"name": "doc_title", "value": title}, {"name": "doc_id", "value": "d"}],
    }
    for name, title in (("edit", "Plan"), ("rename", "Plan 2"), ("edit", "Plan"))
]


def records_of(body: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.body) for one in outcomes(body) if isinstance(one, Shipment)]


def test_an_activity_with_several_events_is_a_record_of_each() -> None:
    found = records_of({**ACTIVITY, "events": DONE})
    assert [(one["action"], one["target"]["name"]) for one in found] == [
        ("edit", "Plan"),
        ("rename", "Plan 2"),
        ("edit", "Plan"),
    ]
    assert [one["native_id"] for one in found] == [f"2024-05-14T09:18:31Z/7/{number}" for number in (1, 2, 3)]
    assert [one["ingest"]["item"] for one in found] == [0, 1, 2]
    assert all((one["actor"]["email"], one["client"]["ip"]) == ("jane@example.com", "203.0.113.7") for one in found)
    assert len({one["id"] for one in found}) == 3
    for one, done in zip(found, DONE, strict=True):
        assert msgspec.json.decode(one["raw"]) == {**ACTIVITY, "events": [done]}


def test_the_ids_of_an_activitys_events_are_the_same_alone_in_a_page_and_again() -> None:
    several, single = {**ACTIVITY, "events": DONE}, {**ACTIVITY, "events": DONE[:1]}
    alone = [one["id"] for one in (*records_of(several), *records_of(single))]
    page = records_of({"kind": "admin#reports#activities", "items": [several, single]})
    assert [one["id"] for one in page] == alone
    assert page[3]["native_id"] == "2024-05-14T09:18:31Z/7"


def test_what_holds_more_than_a_hundred_or_copies_too_much_stays_one_event() -> None:
    assert len(records_of({**ACTIVITY, "events": DONE * 40})) == 1
    assert len(records_of({**ACTIVITY, "note": "x" * 400_000, "events": DONE})) == 1
    assert len(records_of({**ACTIVITY, "note": "x" * 300_000, "events": DONE})) == 3


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
