"""Formats that no profile knows still say who, what, when and from where; what is guessed is said to be."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.normalise.test_properties import KEYS, VALUES, scalars
from support.events import PROFILES, outcomes, record
from support.timing import least
from support.unseen import GENERIC, JUDGED, Sample, at, samples, score, wrong
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_agent.normalise.unknown import shapes
from whodid_agent.normalise.unknown.generic import Evidence
from whodid_schema.timestamp import to_micros

SEARCH = PROFILES.get("generic").search
TIME = "2026-03-05T10:00:00Z"


@pytest.mark.parametrize("sample", samples("tuned"), ids=lambda one: one.format)
def test_a_format_that_the_names_were_chosen_by_is_read_as_it_should(sample: Sample) -> None:
    assert not wrong(sample)


@pytest.mark.parametrize("part", JUDGED)
def test_of_formats_held_out_nine_in_ten_are_right(part: str) -> None:
    right, asked = score("held_out")[part]
    assert asked >= 25
    assert right >= 0.9 * asked


def test_of_formats_taken_from_documentation_later_nearly_all_is_right() -> None:
    for part, (right, asked) in score("vendors").items():
        assert asked >= 17
        assert right >= 0.9 * asked, part


def test_an_id_said_twice_is_nobodys_name() -> None:
    event = {"actorId": "us9", "actor": {"id": "us9", "name": "Ann Lee", "email": "ann@x.example"}, "action": "a.b"}
    found = record(event, GENERIC).actor
    assert found is not None
    assert (found.id, found.name, found.email) == ("us9", "Ann Lee", "ann@x.example")


def test_a_tokens_subject_is_who_acts_if_it_says_who() -> None:
    for subject, expected in (("ann@x.example", "ann@x.example"), (7, "7"), ({"id": "u1"}, "u1")):
        found = record({"subject": subject, "action": "a.b"}, GENERIC).actor
        assert found is not None
        assert expected in (found.id, found.email)


def evidence(event: dict[str, Any]) -> dict[str, Evidence]:
    return SEARCH.evidence(event)


def test_a_name_is_the_same_however_it_is_written() -> None:
    spellings = [
        {"actor": {"id": "7"}, "source": {"ip": "203.0.113.1"}},
        {"actor_id": "7", "source_ip": "203.0.113.1"},
        {"ActorId": "7", "SourceIP": "203.0.113.1"},
        {"actor-id": "7", "source-ip": "203.0.113.1"},
        {"actor.id": "7", "source.ip": "203.0.113.1"},
        {"pairs": [{"Name": "actorId", "Value": "7"}, {"Name": "sourceIp", "Value": "203.0.113.1"}]},
        {"payload": '{"actor": {"id": "7"}, "sourceIp": "203.0.113.1"}'},
    ]
    for event in spellings:
        found = record(event, GENERIC)
        assert found.actor is not None
        assert found.actor.id == "7", event
        assert found.client is not None
        assert found.client.ip == "203.0.113.1", event


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jane", {"name": "jane"}),
        ("jane@x.example", {"email": "jane@x.example"}),
        ("Jane Doe <jane@x.example>", {"name": "Jane Doe", "email": "jane@x.example"}),
        (7, {"id": "7"}),
        ("7d6f3c2a-0b1c-4f5e-8a9b-000000000001", {"id": "7d6f3c2a-0b1c-4f5e-8a9b-000000000001"}),
        ("usr_8f3k", {"id": "usr_8f3k"}),
        ("-", {}),
        (True, {}),
    ],
)
def test_a_plain_actor_is_told_by_its_looks(value: Any, expected: dict[str, str]) -> None:
    found = msgspec.to_builtins(record({"actor": value, "action": "a.b"}, GENERIC)).get("actor") or {}
    assert {part: found[part] for part in ("id", "name", "email") if found.get(part)} == expected


@pytest.mark.parametrize(
    "value",
    [
        *(1772704800 * unit for unit in (1, 1.0, 1000, 10**6, 10**9)),
        *("1772704800", TIME, "Thu, 05 Mar 2026 10:00:00 GMT", "05/Mar/2026:11:00:00 +0100", "/Date(1772704800000)/"),
        *("audit(1772704800.000:42)", {"$date": TIME}, "Thu Mar  5 10:00:00 2026"),
    ],
)
def test_a_time_is_read_in_every_unit_and_form(value: Any) -> None:
    assert record({"timestamp": value, "action": "a.b"}, GENERIC).timestamp == "2026-03-05T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("event", "time", "left"),
    [
        ({"date": "2026-03-05", "time": "10:00:00"}, TIME, None),
        ({"log_date": "2026-03-05", "log_time": "12:00:00.5 +02:00"}, "2026-03-05T10:00:00.5Z", None),
        ({"data": {"eventDate": "20260305", "eventTime": "10:00 UTC"}}, TIME, None),
        ({"date": "2026-03-05", "start_time": "10:00:00"}, "2026-03-05T00:00:00Z", {"start_time": "10:00:00"}),
        ({"date": "2026-03-05", "time": "10:00 pm"}, "2026-03-05T00:00:00Z", {"time": "10:00 pm"}),
        ({"date": "2026-03-05", "time": "99:00:00"}, "2026-03-05T00:00:00Z", {"time": "99:00:00"}),
        ({"date": "2026-03-05", "time": TIME}, TIME, {"date": "2026-03-05"}),
        ({"a": {"date": "2026-03-05"}, "time": "10:00:00"}, "2026-03-05T00:00:00Z", {"time": "10:00:00"}),
        ({"timestamp": TIME, "date": "2026-03-04", "time": "09:00"}, TIME, {"date": "2026-03-04", "time": "09:00"}),
    ],
)
def test_date_and_time_of_day_in_two_fields_are_one_time(event: dict[str, Any], time: str, left: Any) -> None:
    found = record({**event, "action": "a.b"}, GENERIC)
    assert found.timestamp is not None
    assert to_micros(found.timestamp) == to_micros(time)
    assert found.metadata == left


@pytest.mark.parametrize(
    ("event", "ip"),
    [
        ({"x_forwarded_for": "10.0.0.9, 203.0.113.5, 10.0.0.1", "remote_addr": "10.0.0.1"}, "203.0.113.5"),
        ({"ip": "10.1.1.1", "xff": ["192.168.0.1", "203.0.113.6"]}, "203.0.113.6"),
        ({"server_ip": "203.0.113.7", "client_ip": "10.0.0.3"}, "10.0.0.3"),
        ({"server": {"ip": "203.0.113.7"}}, None),
        ({"destination": {"ip": "203.0.113.7"}, "version": "1.2.3.4"}, None),
        ({"target": {"ip": "203.0.113.7"}}, None),
        ({"peer": "[2001:db8::7]:443"}, "2001:db8::7"),
    ],
)
def test_the_address_is_the_clients_or_none(event: dict[str, Any], ip: str | None) -> None:
    found = record({"action": "a.b", **event}, GENERIC)
    assert (found.client.ip if found.client else None) == ip


def test_when_an_account_was_made_is_not_when_it_happened() -> None:
    event = {"user": {"id": 1, "created_at": "2020-01-01T00:00:00Z"}, "target": {"updated_at": "2021-01-01T00:00:00Z"}}
    assert record({**event, "action": "a.b"}, GENERIC).time_precision == "received"
    assert record({**event, "created_at": TIME}, GENERIC).timestamp == "2026-03-05T10:00:00.000000Z"


def test_who_it_was_done_to_is_not_who_did_it() -> None:
    for event in (
        {"target_user": {"id": 5, "email": "bo@x.example"}},
        {"data": {"object": {"email": "bo@x.example", "name": "Bo"}}},
        {"changes": {"user": {"from": "a", "to": "b"}}},
        {"old_username": "a", "new_username": "b"},
        {"recipients": ["bo@x.example"]},
        {"request_parameters": {"user_name": "bo"}},
        {"subject": "Invoice", "recipient": "bo@x.example"},
    ):
        assert record({"action": "a.b", **event}, GENERIC).actor is None, event


def test_who_acts_in_the_place_of_another_is_the_actor() -> None:
    event = {"impersonator": {"id": 1}, "user": {"id": 9}, "action": "a.b"}
    found = record(event, GENERIC)
    assert found.actor is not None
    assert found.actor.id == "1"


def test_what_is_taken_leaves_the_metadata_and_all_else_stays() -> None:
    event = {"actor": {"id": 7, "colour": "red"}, "ip": "203.0.113.1", "action": "a.b", "x": [{"y": 1}], "ts": "soon"}
    found = record(event, GENERIC)
    assert found.metadata == {"actor": {"colour": "red"}, "x": [{"y": 1}], "ts": "soon"}


def test_each_field_says_where_it_is_from_and_how_sure_that_is() -> None:
    found = evidence({"actor": {"id": 7}, "user": "x", "peer": "203.0.113.9", "data": {"eventName": "a.b"}})
    assert found["actor.id"] == (("actor", "id"), 0.95)
    assert found["action"].path == ("data", "eventName")
    assert found["client.ip"].confidence < 0.5


def test_the_answer_does_not_depend_on_the_events_before() -> None:
    events = [{"user": value, "actor": other} for value in ("jane", None, 5) for other in ("bo", None, "", "-")]
    first = [record(event, GENERIC).actor for event in events]
    assert [record(event, GENERIC).actor for event in reversed(events)] == first[::-1]


QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SECRET = "Zq7secretofmine7qZ"


@QUICK
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_no_event_makes_the_search_stumble_or_invent_anybody(event: dict[str, Any]) -> None:
    for outcome in outcomes(event, GENERIC):  # a body of a known form holds none or several
        assert isinstance(outcome, Shipment | Refusal)
        if isinstance(outcome, Refusal):
            assert outcome.reason == "not_an_object"
            continue
        found = msgspec.json.decode(outcome.body)
        written = set(scalars(msgspec.json.decode(found["raw"])))
        inside = {part for text in written for part in scalars(_opened(text))}
        for path in ("actor.id", "actor.name", "actor.email", "actor.role", "actor.token.id", "client.ip"):
            value = at(found, path)
            assert value is None or value in written | inside or any(value in text for text in written), path


def _opened(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


@QUICK
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from(["password", "client_secret", "pin"]), st.booleans())
def test_a_planted_secret_is_in_no_part_of_what_becomes_of_an_event(
    event: dict[str, Any], key: str, in_text: bool
) -> None:
    inner = {**event, key: SECRET, "changes": {key: {"from": SECRET, "to": None}}}
    whole = {"actor": {"id": 1}, "payload": msgspec.json.encode(inner).decode()} if in_text else inner
    for outcome in outcomes(whole, GENERIC):
        assert SECRET not in repr(outcome)


HOSTILE: list[bytes] = [
    b'{"actor":' * 900 + b"1" + b"}" * 900,
    b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"actor":1,"actor":2,"action":"a","action":"b"}',
    b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(100_000)) + b"}",
    b'{"ip":NaN}',
    b'{"ts":' + b"9" * 5000 + b"}",
    b'{"ts":1e400}',
    b'{"ts":-1e308,"time":1e308,"created":99999999999999999999}',
    b'{"actor":"\\ud800"}',
    b'{"actor":"' + b"x" * 1_000_000 + b'","action":"' + b"y" * 1_000_000 + b'","ip":"' + b"1." * 500_000 + b'"}',
    b'{"actor":{"id":[],"name":{},"email":5},"action":{"a":1},"ip":{"b":2},"ts":[1]}',
    b'{"":"","actor":{"":""}}',
    b'{"actor":"\\u202e<script>","action":"\\u0000"}',
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_is_a_record_or_refused_with_a_reason(line: bytes) -> None:
    (outcome,) = outcomes(line, GENERIC)
    if isinstance(outcome, Refusal):
        assert outcome.reason != "internal"
        assert outcome.detail
    else:
        assert isinstance(outcome, Shipment)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ('"Jane Doe" <jane@x.example>', ("Jane Doe", "jane@x.example")),
        ("  Jane   <jane@x.example>  ", ("Jane", "jane@x.example")),
        ('" Jane" <jane@x.example>', ("Jane", "jane@x.example")),
        (" <jane@x.example>", (None, "jane@x.example")),
        ("Jane <jane>", ("Jane <jane>", None)),
        ('Jane "J" Doe <jane@x.example>', ('Jane "J" Doe <jane@x.example>', None)),
        ("J" * 121 + " <jane@x.example>", ("J" * 121 + " <jane@x.example>", None)),
    ],
)
def test_a_name_before_an_address_is_the_name(text: str, person: tuple[str | None, str | None]) -> None:
    assert shapes.person(text) == (None, *person)


@pytest.mark.parametrize(
    "text", [" " * 500 + ">", " " * 250 + "a" + " " * 250 + "<x>", "a" * 500 + ">", '"' * 500 + ">"]
)
def test_a_text_of_spaces_takes_no_longer_than_another(text: str) -> None:
    def seconds(one: str) -> float:
        return least(lambda: [shapes.person(f"{one[turn:-1]}>") for turn in range(20)])

    assert seconds(text) < 20 * seconds("Jane Doe " * 50 + "<jane@x.example>")


@pytest.mark.parametrize("key", ["owner{}_by", "actor{}_id", "a{}.user.b.c.d.e.f.id"])
def test_of_hundreds_of_keys_that_say_something_the_first_are_looked_at_and_all_are_kept(key: str) -> None:
    many = {key.format(number): None for number in range(300)} | {"ip_address": "203.0.113.1"}
    found = record({"who": 7, "operation": "a.b"} | many)
    assert (found.actor and found.actor.id, found.action, found.client) == ("7", "a.b", None)
    assert found.metadata == many
