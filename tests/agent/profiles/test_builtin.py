"""The built-in profiles: their own tests, the twenty actions, the products' sentences, and reading back."""

import msgspec
import pytest

from support.events import PROFILES, outcomes, profile_events, record, shipped
from whodid_agent.normalise.cases import failures
from whodid_agent.normalise.contract import Shipment
from whodid_agent.normalise.profile import Case, Profile
from whodid_schema import taxonomy
from whodid_schema.record import decode

CASES = [(mapper.profile, case) for mapper in PROFILES for case in mapper.profile.cases]

TWENTY = (
    *("project.create", "project.update", "project.delete", "smtp.update", "bounce_imap.update"),
    *("bounce_token.rotate", "api_key.create", "api_key.revoke", "webhook.create", "webhook.delete"),
    *("suppression.add", "suppression.delete", "workspace.create", "workspace.rename", "workspace.delete"),
    *("workspace.member_added", "workspace.member_removed", "workspace.member_role_changed"),
    *("workspace.user_created", "broadcast.send"),
)

QUALIFIED_TYPES = (
    "Contact", "List", "Custom field", "Segment", "Broadcast", "Drip", "Trigger", "Sending node", "Sending domain",
    "Bounce address", "Bounce rule", "Web form", "Suppression entry", "API token", "API role", "Admin role",
    "Administrator", "User",
)  # fmt: skip


@pytest.mark.parametrize(("profile", "case"), CASES, ids=[f"{profile.name}: {case.name}" for profile, case in CASES])
def test_the_tests_inside_the_profiles_pass(profile: Profile, case: Case) -> None:
    assert failures(profile, case, PROFILES) == []


def test_every_built_in_profile_has_tests() -> None:
    assert all(mapper.profile.cases for mapper in PROFILES)


def test_all_twenty_actions_of_the_mailer_are_classified_writes() -> None:
    tested = {event["action"] for event in profile_events("mailer")}
    assert set(TWENTY) <= tested
    for event in profile_events("mailer"):
        found = record(event)
        assert found.verb != "other"
        assert (found.kind, found.surface) == ("write", "activity")


@pytest.mark.parametrize("kind", QUALIFIED_TYPES)
@pytest.mark.parametrize(
    "verb",
    [
        *("Create", "Update", "Edit", "Delete", "Schedule", "Send", "Pause", "Resume", "Suppress", "Unsuppress"),
        *("Activate", "Deactivate", "Configure"),
    ],
)
def test_every_verb_on_every_type_of_the_campaign_platform_is_understood(verb: str, kind: str) -> None:
    found = record(
        {"time": "2026-04-30T14:22:00Z", "verb": verb.upper(), "target": f"{kind}: Some name", "actor": "Ann"}
    )
    assert found.verb == {"Edit": "update"}.get(verb, verb.lower())
    assert found.action == verb.upper()
    assert found.target is not None
    assert (found.target.type, found.target.name) == (kind.lower().replace(" ", "_"), "Some name")
    assert found.description is not None
    assert found.description.startswith("Ann ")


def test_a_webhook_body_an_array_and_a_response_give_the_same_events_one_by_one() -> None:
    for name, body in (("mailtrap", {"events": []}), ("mailer", {"next_cursor": None, "entries": []})):
        events = profile_events(name)
        key = "events" if "events" in body else "entries"
        bodies = [msgspec.json.encode({**body, key: events}), msgspec.json.encode(events)]
        singles = [shipped(event) for event in events]
        for line in bodies:
            found = outcomes(line)
            assert len(found) == len(events)
            for number, (got, single) in enumerate(zip(found, singles, strict=True)):
                assert isinstance(got, Shipment)
                assert got.item == number
                left, right = decode(got.body), decode(single.body)
                assert (left.raw, left.description, left.actor, left.target, left.timestamp) == (
                    right.raw, right.description, right.actor, right.target, right.timestamp,
                )  # fmt: skip


@pytest.mark.parametrize("name", sorted(mapper.profile.name for mapper in PROFILES))
def test_a_printed_record_is_read_back_into_the_same_fields(name: str) -> None:
    ours = {"id", "received_at", "ingest", "raw", "raw_redacted", "metadata", "meta"}
    for case in PROFILES.get(name).profile.cases:
        if case.drop:
            continue
        printed = shipped(case.event)
        again = msgspec.json.decode(shipped(printed.body).body)
        assert again["ingest"]["profile"] == "whodid-record"
        before = msgspec.json.decode(printed.body)
        if before["time_precision"] == "received":
            ours.add("time_precision")
        assert {key: value for key, value in again.items() if key not in ours} == {
            key: value for key, value in before.items() if key not in ours
        }
        if "metadata" in before:
            assert before["metadata"].items() <= again["metadata"].items() or "metadata" in again["metadata"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"verb": "CREATE", "resource": {"type": "broadcast", "name": "News"}, "user": {"id": 1, "name": "Ann"}},
            "Ann created broadcast News",
        ),
        (
            {"verb": "delete", "target_type": "segment", "target_id": "12", "actor_name": "Ann", "created_at": 17e8},
            "Ann deleted segment #12",
        ),
        (
            {"action": "Signed in", "user": "Ana Ruiz", "level": "workspace", "time": "2026-04-30 14:22:11"},
            "Ana Ruiz signed in",
        ),
        (
            {"action": "Assigned conversation", "actor": {"name": "Ann"}, "as": "Bob", "subject": "conversation #42"},
            "Ann (as Bob) assigned conversation #42",
        ),
        (
            {
                "action": "Assigned conversation",
                "actor": {"name": "Ann"},
                "impersonating": {"name": "Bob"},
                "subject": {"type": "conversation", "id": 42},
            },
            "Ann (as Bob) assigned conversation #42",
        ),
    ],
)
def test_rows_are_read_whatever_their_keys_are_called(event: dict[str, object], expected: str) -> None:
    assert record(event).description == expected


def test_whom_an_administrator_acted_for_is_found_by_either_name() -> None:
    found = record(
        {"action": "Assigned conversation", "actor": {"name": "Ann", "id": 1}, "on_behalf_of": {"name": "Bob", "id": 2}}
    )
    assert found.related is not None
    assert {"Ann", "Bob", "1", "2"} <= set(found.related)


def test_a_diff_that_comes_as_the_payload_is_kept_and_read() -> None:
    found = record(
        {
            "time": 1733739084,
            "verb": "UPDATE",
            "actor": "Ann",
            "target": "Segment: A",
            "changes": {"n": {"from": 1, "to": 2}},
            "payload": {"n": 2},
        }
    )
    assert found.changed == ["n"]
    assert found.snapshot is not None
    assert found.snapshot.after == {"n": 2}
    assert found.category in taxonomy.CATEGORIES
