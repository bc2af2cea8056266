"""Transports wrap events of known formats: they are taken out of it, masked as ever, and nothing else is opened."""

import json
from typing import Any

import pytest

from support.events import PROFILES, outcomes, pipeline
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_agent.normalise.envelope import MOST, unwrapped
from whodid_schema.record import MASK
from whodid_schema.record import decode as decode_record

TRAIL = {
    "eventVersion": "1.08", "eventTime": "2024-05-14T09:15:31Z", "eventSource": "s3.amazonaws.com",
    "eventName": "CreateBucket", "eventID": "e-1", "sourceIPAddress": "192.0.2.7",
    "userIdentity": {"type": "IAMUser", "userName": "mateo", "arn": "arn:aws:iam::1:user/mateo"},
    "requestParameters": {"bucketName": "invoices"},
}  # fmt: skip
LOGIN = {
    "uuid": "u-1", "eventType": "user.session.start", "published": "2024-05-14T09:15:31.000Z",
    "actor": {"id": "00u1", "type": "User", "alternateId": "jane@example.com", "displayName": "Jane Doe"},
    "outcome": {"result": "SUCCESS"}, "client": {"ipAddress": "192.0.2.7"},
}  # fmt: skip
SECRET = {
    "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a-1", "stage": "ResponseComplete", "verb": "create",
    "user": {"username": "ann"}, "sourceIPs": ["192.0.2.7"], "requestReceivedTimestamp": "2024-05-14T09:15:31.000000Z",
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"},
    "requestObject": {"kind": "Secret", "data": {"pw": "cGxhbnRlZC1zZWNyZXQ="}},
}  # fmt: skip
AUTH0 = {
    "log_id": "9002",
    "data": {"log_id": "9002", "type": "s", "date": "2024-05-14T09:15:31.000Z", "client_id": "c1", "ip": "192.0.2.7",
             "user_id": "auth0|1", "user_name": "jane@example.com", "user_agent": "curl/8"},
}  # fmt: skip
ENTRY = {
    "id": 7, "action": "update", "source_type": "user", "source_id": 3, "source_label": "Bob", "actor_id": 9,
    "actor_name": "Ann", "created_at": "2024-05-14T09:15:31Z", "ip_address": "192.0.2.7",
}  # fmt: skip


def as_text(event: Any) -> str:
    return json.dumps(event)


def bridge(event: Any) -> dict[str, Any]:
    return {"version": "0", "id": "w-1", "detail-type": "x", "source": "aws.s3", "time": "2024-05-14T10:00:00Z",
            "resources": [], "detail": event}  # fmt: skip


def azure(event: Any) -> dict[str, Any]:
    return {"category": "kube-audit", "time": "2024-05-14T10:00:00Z", "properties": {"log": as_text(event), "pod": "p"}}


ENVELOPES: list[tuple[str, Any, str, int]] = [
    ("EventBridge: CloudTrail", bridge(TRAIL), "aws-cloudtrail", 1),
    ("EventBridge: Okta", bridge(LOGIN), "okta-system-log", 1),
    ("EventBridge: Auth0", bridge(AUTH0), "auth0", 1),
    (
        "CloudWatch Logs",
        {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": as_text(SECRET)}] * 2},
        "kubernetes-audit",
        2,
    ),
    (
        "Okta event hook",
        {"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "source": "x", "data": {"events": [LOGIN] * 3}},
        "okta-system-log",
        3,
    ),
    ("AKS", {"records": [azure(SECRET), azure(SECRET)]}, "kubernetes-audit", 2),
    ("AKS, one record", azure(SECRET), "kubernetes-audit", 1),
    ("Splunk HEC", {"sourcetype": "auth0", "host": "h", "time": 1, "event": AUTH0}, "auth0", 1),
    ("one Zendesk entry", {"audit_log": ENTRY}, "zendesk", 1),
]  # fmt: skip
every_envelope = pytest.mark.parametrize(
    ("wrapped", "profile", "number"), [rest for _, *rest in ENVELOPES], ids=[name for name, *_ in ENVELOPES]
)


@every_envelope
def test_the_events_of_an_envelope_are_records_of_their_own_format(wrapped: Any, profile: str, number: int) -> None:
    found = outcomes(wrapped)
    assert [one.item for one in found] == list(range(number))
    for one in found:
        assert isinstance(one, Shipment)
        record = decode_record(one.body)
        assert record.ingest is not None
        assert record.ingest.profile == profile
        assert record.timestamp == "2024-05-14T09:15:31.000000Z"
        assert record.client is not None
        assert record.client.ip == "192.0.2.7"


@every_envelope
def test_what_a_profile_masks_is_masked_in_an_envelope_too(wrapped: Any, profile: str, number: int) -> None:
    masked = pipeline().redact(json.dumps(wrapped).encode() + b"\n")
    assert b"cGxhbnRlZC1zZWNyZXQ" not in masked
    assert (MASK.encode() in masked) == (profile == "kubernetes-audit")


@pytest.mark.parametrize(
    "value",
    [
        bridge({"instance-id": "i-1", "state": "stopped"}),
        bridge("plain text"),
        {"messageType": "DATA_MESSAGE", "logEvents": [{"message": as_text(TRAIL)}, {"message": "START RequestId"}]},
        {"messageType": "DATA_MESSAGE", "logEvents": []},
        {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "{" * 2000}]},
        {"category": "kube-apiserver", "properties": {"log": "I0514 listening"}},
        {"records": [TRAIL], "next": None},
        {"eventTypeVersion": "1.0", "data": {"events": [LOGIN, 7]}},
        {"eventTypeVersion": "1.0", "data": {"events": [LOGIN] * (MOST + 1)}},
        {"audit_log": ENTRY, "shop": 1},
    ],
    ids=lambda value: "/".join(value)[:40],
)
def test_what_holds_anything_unknown_stays_one_event(value: Any) -> None:
    assert unwrapped(value, PROFILES.knows) == []
    (only,) = outcomes(value)
    assert not (isinstance(only, Refusal) and only.reason == "internal")


def test_an_event_is_the_same_record_wrapped_or_not() -> None:
    (bare,), (wrapped,) = outcomes(TRAIL), outcomes(bridge(TRAIL))
    assert isinstance(bare, Shipment)
    assert isinstance(wrapped, Shipment)
    assert bare.id == wrapped.id
