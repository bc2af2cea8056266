"""What the pipeline makes of lines: refusals, ids, workspaces, rules, time, raw."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from support.events import AT_START, FILE, HTTP, META, PROFILES, RECEIVED, outcomes, pipeline, record, shipped
from whodid_agent.normalise.contract import Discard, Origin, Refusal, Sent, Shipment
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema import identity
from whodid_schema.document import document
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Retention, Rule
from whodid_schema.record import MASK
from whodid_schema.record import decode as decode_record

EVENT = {"timestamp": "2026-05-30T10:00:00Z", "actor": {"id": 7, "name": "Ann"}, "action": "document.update"}
TIMELESS = {"actor": {"id": 7, "name": "Ann"}, "action": "document.update"}


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b"", "empty", ""),
        (b"  \t", "empty", ""),
        (b'{"a":"\xff\xfe"}', "not_utf8", "byte 6"),
        (b'\xef\xbb\xbf{"a":1}', "bom", "byte order mark"),
        (b"[" * 5000, "too_deep", "deeper"),
        (b'{"a":1e400}', "number", "out of range"),
        (b'{"a":' + b"9" * 641 + b"}", "number", "out of range"),
        (b'{"a":1} x', "trailing", "byte 9"),
        (b'{"a":1', "truncated", "ends inside"),
        (b'{"a":NaN}', "not_json", "byte 5"),
        (b"{'a':1}", "not_json", "byte 1"),
        (b"hello", "not_json", "byte 0"),
        (b'{"a":"\\ud800 and more"}', "not_json", ""),
        (b"5", "not_an_object", "a number"),
        (b'"text"', "not_an_object", "a text"),
        (b"null", "not_an_object", "null"),
        (b"true", "not_an_object", "true or false"),
    ],
)
def test_what_is_no_event_is_refused_with_a_word_and_a_place(line: bytes, reason: str, detail: str) -> None:
    (only,) = pipeline().events(line, AT_START)
    assert isinstance(only, Refusal)
    assert (only.item, only.reason) == (0, reason)
    assert detail in only.detail


def test_one_bad_event_of_a_body_does_not_touch_the_others() -> None:
    found = outcomes([EVENT, 5, [1], EVENT])
    assert [type(one) for one in found] == [Shipment, Refusal, Refusal, Shipment]
    assert [one.item for one in found] == [0, 1, 2, 3]
    assert isinstance(found[2], Refusal)
    assert found[2].detail.endswith("this is an array")


def test_an_empty_body_has_no_events() -> None:
    assert outcomes("[]") == outcomes('{"events":[]}') == []


def test_an_object_that_only_happens_to_have_an_events_key_is_one_event() -> None:
    for event in ({"events": [1, 2], "action": "x"}, {"events": [{"a": 1}], "action": "x"}, {"entries": {}, "a": 1}):
        assert len(outcomes(event)) == 1


def test_an_empty_object_is_a_record_that_claims_nothing() -> None:
    found = record({})
    assert (found.action, found.verb, found.outcome) == ("event", "other", "unknown")
    assert (found.actor, found.target, found.metadata) == (None, None, None)
    assert (found.timestamp, found.time_precision) == (RECEIVED, "received")


def test_raw_is_the_line_byte_for_byte_unless_something_was_masked() -> None:
    line = '{ "action":"x",  "n": 1.0, "u":"\\u00fc", "a": 1 }'
    assert record(line).raw == line
    assert record(line).raw_redacted is None
    masked = record('{"action":"x","password":"hunter22"}')
    assert masked.raw == '{"action":"x","password":"[FILTERED]"}'
    assert masked.raw_redacted is True
    assert record(line, pipeline(keep_raw=False)).raw is None


def test_an_event_of_a_pretty_printed_body_keeps_its_own_bytes() -> None:
    found = outcomes('{"events": [ {"event":"activity_log.a.b",  "timestamp":1} , {"action":"y"} ]}')
    assert [msgspec.json.decode(one.body)["raw"] for one in found if isinstance(one, Shipment)] == [
        '{"event":"activity_log.a.b",  "timestamp":1}',
        '{"action":"y"}',
    ]


def test_an_event_with_native_ids_is_named_by_them_wherever_it_comes_from() -> None:
    event = {
        "id": "01H",
        "created_at": "2026-05-30T10:00:00Z",
        "actor_id": "a",
        "actor_email": None,
        "action": "x.create",
    }
    line = msgspec.json.encode(event)
    expected = identity.native_id("mailer", ["01H"], line)
    assert shipped(event).id == shipped(event, origin=Origin(HTTP, 9, RECEIVED, "key")).id == expected
    assert record(event).native_id == "01H"
    assert shipped({**event, "action": "x.delete"}).id != expected
    assert shipped({**event, "id": ""}).id != expected


def test_an_event_of_a_file_is_named_by_its_place() -> None:
    line = msgspec.json.encode(EVENT)
    assert shipped(EVENT).id == identity.file_id(FILE.source, FILE.generation, 0, 0, line)
    assert shipped(EVENT, origin=Origin(FILE, 99, RECEIVED)).id == identity.file_id(
        FILE.source, FILE.generation, 99, 0, line
    )


def test_an_event_filed_under_its_receipt_also_takes_the_files_first_receipt() -> None:
    for event in (TIMELESS, {**TIMELESS, "timestamp": "1970-01-01T00:00:00Z"}):
        line = msgspec.json.encode(event)
        expected = identity.file_id(FILE.source, FILE.generation, 0, 0, line, FILE.first_receipt)
        assert shipped(event).id == expected
        later = Origin(FILE, 0, "2026-06-02T00:00:00.000000Z")
        assert shipped(event, origin=later).id == expected


def test_a_posted_event_is_named_by_its_key_or_its_frame() -> None:
    line = msgspec.json.encode(EVENT)
    assert shipped(EVENT, origin=Origin(HTTP, 9, RECEIVED, "k", 3)).id == identity.http_id(HTTP.source, "k", 3, line)
    assert shipped(EVENT, origin=Origin(HTTP, 9, RECEIVED)).id == identity.http_id(HTTP.source, "agent-1/9", 0, line)


def test_equal_lines_at_different_places_are_different_events() -> None:
    ids = {shipped(EVENT, origin=Origin(FILE, offset, RECEIVED)).id for offset in range(500)}
    assert len(ids) == 500


def test_a_mapping_that_changes_does_not_rename_events() -> None:
    other = parse_profile(
        "profile: other\nrecognise: {has: [actor, action, timestamp]}\nreason: action\ntime: timestamp\n", Path("o")
    )
    profiles = ProfileSet([other, PROFILES.get("generic").profile])
    assert shipped(EVENT, pipeline(profiles=profiles, profile="other")).id == shipped(EVENT).id


def test_what_the_journal_says_is_sent_again_under_the_same_name_whatever_the_rules_say() -> None:
    through = pipeline(drop=("reads",))
    event = {**EVENT, "action": "document.view"}
    assert isinstance(outcomes(event, through)[0], Discard)
    (found,) = outcomes(event, through, sent={0: Sent("an-id", "an-index")})
    assert isinstance(found, Shipment)
    assert (found.id, found.index) == ("an-id", "an-index")
    assert msgspec.json.decode(found.body)["id"] == "an-id"


def test_the_inputs_workspace_stands_above_the_events() -> None:
    event = {**EVENT, "workspace": {"id": "evil", "name": "Evil"}}
    found = record(event, pipeline(workspace="acme"))
    assert found.workspace is not None
    assert (found.workspace.id, found.workspace.name) == ("acme", None)
    assert found.metadata == {"workspace": {"id": "evil", "name": "Evil"}}
    same = record({**EVENT, "workspace": {"id": "acme", "name": "Acme"}}, pipeline(workspace="acme"))
    assert same.workspace is not None
    assert same.workspace.name == "Acme"


def test_a_default_workspace_only_fills_in() -> None:
    filled, own = (
        record(EVENT, pipeline(workspace_default="acme")),
        record({**EVENT, "workspace": "own"}, pipeline(workspace_default="acme")),
    )
    assert filled.workspace is not None
    assert own.workspace is not None
    assert (filled.workspace.id, own.workspace.id) == ("acme", "own")


def test_the_inputs_app_names_the_application() -> None:
    found = record({**EVENT, "app": "theirs"}, pipeline(app="shop"))
    assert found.app == "shop"
    assert found.actor is not None
    assert found.actor.key == "shop/user:7"
    assert found.metadata == {"app": "theirs"}


@pytest.mark.parametrize(
    ("drop", "action", "rule"),
    [
        (("reads",), "document.view", "reads"),
        (("reads",), "document.update", None),
        (({"name": "noise", "when": {"action": "document.*"}},), "document.update", "noise"),
        (({"name": "noise", "when": {"action": "document.*", "verb": ["view", "delete"]}},), "document.update", None),
    ],
)
def test_drop_rules_count_what_they_leave_out(drop: tuple[object, ...], action: str, rule: str | None) -> None:
    (found,) = outcomes({**EVENT, "action": action}, pipeline(drop=drop))
    assert found == Discard(0, "dropped", rule) if rule else isinstance(found, Shipment)


@pytest.mark.parametrize(
    "drop", ["writes", {"name": "x"}, {"when": {"verb": "view"}}, {"name": "x", "when": {"a": "b"}}]
)
def test_a_rule_that_is_none_is_a_configuration_error(drop: object) -> None:
    with pytest.raises(ConfigError):
        pipeline(drop=(drop,))


def test_what_is_older_than_its_class_keeps_is_counted_expired_unless_held() -> None:
    classes = {"activity": Retention(days=1)}
    meta = msgspec.structs.replace(META, classes=classes)
    when = "2026-05-30T10:00:00.000000Z"
    assert outcomes(EVENT, pipeline(meta)) == [Discard(0, "expired", "activity", when, "document.update")]
    (imported,) = outcomes(EVENT, pipeline(meta, import_old=True))
    assert isinstance(imported, Shipment)
    assert imported.index == "whodid-imported-2026-06"
    assert isinstance(outcomes({**EVENT, "timestamp": "2026-06-01T11:00:00Z"}, pipeline(meta))[0], Shipment)
    assert isinstance(outcomes(EVENT, pipeline(msgspec.structs.replace(meta, hold=True)))[0], Shipment)


def test_rules_of_the_store_hold_from_the_next_event_on() -> None:
    through = pipeline()
    assert shipped(EVENT, through).index == "whodid-activity"
    rules = [Rule(name="docs", when={"action": "document.*"}, class_="documents")]
    through.file_by(msgspec.structs.replace(META, class_rules=rules, partitions="period"))
    assert shipped(EVENT, through).index == "whodid-documents-2026-05"


def test_a_store_that_cannot_make_them_itself_gets_the_fields_it_finds_by() -> None:
    plain = shipped(EVENT)
    sent = shipped(EVENT, pipeline(msgspec.structs.replace(META, partitions="period")))
    assert sent.body == document(decode_record(plain.body), plain.body)
    assert decode_record(sent.body) == decode_record(plain.body)


def test_a_time_that_cannot_be_is_filed_under_its_receipt_and_reported() -> None:
    found = record({**EVENT, "timestamp": "2099-01-01T00:00:00Z"})
    assert (found.timestamp, found.time_precision) == (RECEIVED, "implausible")
    assert found.reported_time == "2099-01-01T00:00:00.000000Z"


def test_a_time_that_cannot_be_read_is_kept_as_it_came() -> None:
    found = record({**EVENT, "timestamp": "yesterday"})
    assert (found.time_precision, found.metadata) == ("received", {"timestamp": "yesterday"})


def test_an_address_that_is_none_is_kept_as_it_came() -> None:
    assert record({**EVENT, "ip": "cloudtrail.amazonaws.com"}).metadata == {"ip": "cloudtrail.amazonaws.com"}


def test_783_and_its_text_are_one_actor() -> None:
    one, other = (record({**EVENT, "actor": {"id": number}}).actor for number in (783, "783"))
    assert one == other


def test_a_profiles_own_masks_reach_raw_hash_and_metadata() -> None:
    profile = parse_profile(
        "profile: salary\nrecognise: {has: [action, pay]}\naction: action\nmask: [pay.amount]\n", Path("salary")
    )
    profiles = ProfileSet([profile, PROFILES.get("generic").profile])
    body = shipped({"action": "pay.raise", "pay": {"amount": 123456, "unit": "EUR"}}, pipeline(profiles=profiles)).body
    assert b"123456" not in body
    found = msgspec.json.decode(body)
    assert found["metadata"]["pay"] == {"amount": MASK, "unit": "EUR"}
    assert found["raw_redacted"] is True


def test_where_it_came_from_is_written_down() -> None:
    found = record(EVENT, origin=Origin(FILE, 42, RECEIVED)).ingest
    assert found is not None
    assert (found.agent, found.host, found.source) == ("agent-1", "host", FILE.source)
    assert (found.generation, found.offset, found.item) == (FILE.generation, 42, 0)
    assert (found.profile, found.rules) == ("whodid", META.rules)
    assert found.origin == identity.origin_of(msgspec.json.encode(EVENT))


def test_a_payload_beyond_256_kilobytes_stays_in_the_metadata() -> None:
    big = {"text": "x" * 300_000}
    found = record({"time": 1733739084, "verb": "CREATE", "actor": "Ann", "target": "Broadcast: N", "payload": big})
    assert found.snapshot is None
    assert found.metadata is not None
    assert found.metadata["after"] == big


def test_before_and_after_give_the_changes() -> None:
    event = {
        "verb": "EDIT",
        "actor": "Ann",
        "target": "Segment: S",
        "before": {"n": 1, "m": 2},
        "after": {"n": 3, "m": 2},
    }
    found = record(event)
    assert [(change.field, change.from_, change.to) for change in found.changes or []] == [("n", 1, 3)]
    assert datetime.fromisoformat(found.received_at or "") == datetime(2026, 6, 1, 12, tzinfo=UTC)
