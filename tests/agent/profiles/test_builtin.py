"""The built-in profiles: their own tests, the twenty actions, the products' sentences, and reading back."""

import msgspec
import pytest

from support.events import PROFILES, outcomes, profile_events, record, shipped
from support.running import whodid_agent
from whodid_agent.normalise.cases import failures
from whodid_agent.normalise.contract import Shipment
from whodid_agent.normalise.language.load import builtin_heads, builtin_profile
from whodid_agent.normalise.language.load import head as cut
from whodid_agent.normalise.language.profile import Case, Profile
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


def test_the_tests_of_a_built_in_profile_are_run_by_its_name() -> None:
    assert whodid_agent("profile", "test", "mailtrap").stdout == "mailtrap: 7 of 7 pass\n"


def test_every_built_in_profile_has_tests() -> None:
    assert all(mapper.profile.cases for mapper in PROFILES)


@pytest.mark.parametrize("head", builtin_heads(), ids=lambda one: one.name)
def test_the_head_of_a_built_in_profile_says_of_events_to_come_what_the_whole_profile_says(head: Profile) -> None:
    whole = builtin_profile(head.name)
    assert (whole.whole, head.whole) == (True, False)
    for field in ("name", "title", "where", "source", "proven", "depth", "shapes", "split", "mask", "allow", "drops"):
        assert getattr(head, field) == getattr(whole, field), field


def test_the_cut_to_the_head_leaves_every_line_where_it_stood() -> None:
    text = "# mine\nprofile: mine\nactor:\n  id: user\n# who\nrecognise:\n  has:\n  - user\ntests:\n- event: {}\n"
    assert cut(text) == "\nprofile: mine\n\n\n\nrecognise:\n  has:\n  - user\n\n\n"


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


AT = "2026-04-30T14:22:11Z"

INBOX_ROWS = [
    ("Signed in", "user", "sign_in", "auth", "Ana Ruiz signed in"),
    ("Signed out", "user", "sign_out", "auth", "Ana Ruiz signed out"),
    ("Password reset", "user", "password_reset", "auth", "Ana Ruiz reset the password of user #4"),
    ("Assigned conversation", "conversation", "assign", "inbox", "Ana Ruiz assigned conversation #4"),
    ("Resolved conversation", "conversation", "resolve", "inbox", "Ana Ruiz resolved conversation #4"),
    ("Reopened conversation", "conversation", "reopen", "inbox", "Ana Ruiz reopened conversation #4"),
    ("Snoozed conversation", "conversation", "snooze", "inbox", "Ana Ruiz snoozed conversation #4"),
    ("Replied to conversation", "conversation", "reply", "inbox", "Ana Ruiz replied to conversation #4"),
    ("Added note", "note", "create", "notes", "Ana Ruiz added note #4"),
    ("Deleted note", "note", "delete", "notes", "Ana Ruiz deleted note #4"),
    ("Created team", "team", "create", "teams", "Ana Ruiz created team #4"),
    ("Updated team", "team", "update", "teams", "Ana Ruiz updated team #4"),
    ("Deleted team", "team", "delete", "teams", "Ana Ruiz deleted team #4"),
    ("Invited member", "user", "invite", "teams", "Ana Ruiz invited user #4"),
    ("Changed role", "user", "update", "teams", "Ana Ruiz changed role of user #4"),
    ("Removed member", "user", "delete", "teams", "Ana Ruiz removed user #4"),
    ("Sent broadcast", "broadcast", "send", "broadcasts", "Ana Ruiz sent broadcast #4"),
    ("Fired webhook", "webhook", "fire", "webhooks", "Ana Ruiz fired webhook #4"),
    ("Tested webhook", "webhook", "test", "webhooks", "Ana Ruiz tested webhook #4"),
    ("Switched workspace", "workspace", "switch", "workspace", "Ana Ruiz switched to workspace #4"),
    ("Changed workspace", "workspace", "update", "workspace", "Ana Ruiz changed workspace #4"),
    ("Impersonated user", "user", "impersonate", "impersonation", "Ana Ruiz impersonated user #4"),
    ("Viewed report", "report", "view", "other", "Ana Ruiz viewed report #4"),
]


@pytest.mark.parametrize(("action", "kind", "verb", "category", "sentence"), INBOX_ROWS)
def test_every_kind_of_inbox_row_reads_alike_in_texts_in_objects_and_in_flat_keys(
    action: str, kind: str, verb: str, category: str, sentence: str
) -> None:
    texts = {"timestamp": AT, "actor": "Ana Ruiz", "action": action, "subject": f"{kind} #4", "result": "success"}
    objects = {"occurred_at": AT, "user": {"name": "Ana Ruiz"}, "event": action, "subject": {"type": kind, "number": 4}}
    flat = {"when": AT, "who": "Ana Ruiz", "what": action, "subject_type": kind, "subject_number": 4}
    for event in (
        {**texts, "ip": "203.0.113.9", "device": "Chrome 126 on macOS", "layer": "workspace"},
        {
            **objects,
            "status": "success",
            "ip_address": "203.0.113.9",
            "device": "Chrome 126 on macOS",
            "level": "workspace",
        },
        {
            **flat,
            "outcome": "success",
            "client_ip": "203.0.113.9",
            "device_name": "Chrome 126 on macOS",
            "level": "workspace",
        },
    ):
        found = record(event)
        assert found.actor is not None
        assert found.target is not None
        assert found.client is not None
        assert (found.description, found.verb, found.category) == (sentence, verb, category)
        assert (found.actor.name, found.target.type, found.target.id) == ("Ana Ruiz", kind, "4")
        assert (found.outcome, found.layer, found.timestamp) == ("success", "workspace", "2026-04-30T14:22:11.000000Z")
        assert (found.client.ip, found.client.device) == ("203.0.113.9", "Chrome 126 on macOS")


CAMPAIGN_ROWS = [
    ("CREATE", "Broadcast", "May Newsletter #38", "broadcast", "Ann created broadcast May Newsletter #38"),
    ("EDIT", "Segment", "Highly Engaged", "segment", "Ann edited segment Highly Engaged"),
    ("SCHEDULE", "Drip", "Welcome → News", "drip", "Ann scheduled drip Welcome → News"),
    ("DELETE", "Contact", "19 imported rows (bulk)", "contact", "Ann deleted 19 imported rows"),
    ("SUPPRESS", "Domain", "yahoo.com (CIDR import)", "domain", "Ann suppressed domain yahoo.com (CIDR import)"),
    (
        "UPDATE",
        "Sending node",
        "Amazon SES — hourly limit 30k → 50k",
        "sending_node",
        "Ann updated sending node Amazon SES: hourly limit 30k → 50k",
    ),
    ("CREATE", "API role", "Read-only auditor", "api_role", "Ann created API role Read-only auditor"),
    ("SEND", "Broadcast", "May", "broadcast", "Ann sent broadcast May"),
    ("PAUSE", "Drip", "Welcome", "drip", "Ann paused drip Welcome"),
    ("RESUME", "Drip", "Welcome", "drip", "Ann resumed drip Welcome"),
    ("UNSUPPRESS", "Domain", "yahoo.com", "domain", "Ann unsuppressed domain yahoo.com"),
    ("ACTIVATE", "Trigger", "Birthday", "trigger", "Ann activated trigger Birthday"),
    ("DEACTIVATE", "Trigger", "Birthday", "trigger", "Ann deactivated trigger Birthday"),
    ("CONFIGURE", "Bounce rule", "Hard", "bounce_rule", "Ann configured bounce rule Hard"),
]


@pytest.mark.parametrize(("verb", "kind", "name", "stored", "sentence"), CAMPAIGN_ROWS)
def test_every_campaign_row_reads_alike_in_texts_in_objects_and_in_flat_keys(
    verb: str, kind: str, name: str, stored: str, sentence: str
) -> None:
    for event in (
        {"time": AT, "verb": verb, "target": f"{kind}: {name}", "actor": "Ann"},
        {
            "timestamp": AT,
            "verb": verb.capitalize(),
            "target": {"type": kind, "name": name},
            "administrator": {"name": "Ann"},
        },
        {"created_at": AT, "action": verb.lower(), "resource_type": kind, "resource_name": name, "admin_name": "Ann"},
    ):
        found = record(event)
        assert found.target is not None
        assert found.ingest is not None
        assert (found.description, found.target.type, found.ingest.profile) == (sentence, stored, "campaigns")
        assert (found.outcome, found.surface) == ("success", "activity")


def test_a_payload_of_two_sides_is_compared_and_one_of_changed_fields_is_read_as_changes() -> None:
    row = {"time": AT, "verb": "UPDATE", "target": "Segment: A", "actor": "Ann"}
    both = record({**row, "payload": {"before": {"limit": 1}, "after": {"limit": 2}}})
    assert both.snapshot is not None
    assert (both.snapshot.before, both.snapshot.after, both.changed) == ({"limit": 1}, {"limit": 2}, ["limit"])
    fields = record({**row, "payload": {"limit": {"from": 1, "to": 2}}})
    assert (fields.snapshot, fields.changed) == (None, ["limit"])
    assert fields.description == "Ann updated segment A: limit 1 → 2"


@pytest.mark.parametrize(
    "token",
    [
        {"actor": {"token_name": "ci-2", "token_id": "9", "role": "admin"}},
        {"actor": {"token": {"id": "9", "name": "ci-2"}, "role": "admin"}},
        {"token_name": "ci-2", "token_id": "9", "role": "admin"},
        {"api_token": {"id": 9, "name": "ci-2"}, "role": "admin"},
    ],
)
def test_a_token_named_however_is_an_actor_of_its_own(token: dict[str, object]) -> None:
    own = {"timestamp": AT, "action": "campaign.create", "target": {"type": "campaign", "name": "May"}, "app": "app"}
    row = {"time": AT, "verb": "CREATE", "target": "Campaign: May", "app": "app"}
    unknown = {"ts": AT, "operation": "campaign.create", "object": {"type": "campaign", "name": "May"}}
    for event in ({**own, **token}, {**row, **token}, {**unknown, **token}):
        found = record(event)
        assert found.actor is not None
        assert found.actor.token is not None
        assert (found.actor.type, found.actor.token.id, found.actor.token.name) == ("api_token", "9", "ci-2")
        assert found.description == "API token ci-2 (role admin) created campaign May"
        assert found.actor.key == f"{'unknown' if 'ts' in event else 'app'}/api_token:9"


def test_a_person_with_a_token_stays_the_person() -> None:
    found = record({"ts": AT, "operation": "campaign.create", "user": "bob", "token_name": "ci-2", "token_id": "9"})
    assert found.actor is not None
    assert (found.actor.type, found.actor.key) == ("user", "unknown/user:bob")
    assert found.description == "bob (API token ci-2) created campaign"


def test_an_actor_of_whom_only_the_role_is_known_has_no_key() -> None:
    found = record({"action": "release.create", "actor": {"role": "admin"}, "target": {"type": "release", "id": 1}})
    assert found.actor is not None
    assert (found.actor.role, found.actor.key) == ("admin", None)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"user": "bob", "msg": "disk almost full"}, "disk almost full"),
        ({"user": "bob", "action": "zork", "message": "zorked the thing."}, "bob zorked the thing"),
        ({"user": "bob", "action": "project.delete", "message": "done"}, "bob deleted project"),
    ],
)
def test_free_text_is_the_sentence_only_where_none_can_be_made(event: dict[str, str], expected: str) -> None:
    found = record(event)
    assert found.description == expected
    assert found.metadata is not None
    assert found.metadata.items() <= event.items()


@pytest.mark.parametrize(
    "event",
    [
        {
            "timestamp": AT,
            "actor": "Ann",
            "action": "Failed login",
            "subject": "user #4",
            "details": {"reason": "no such user"},
        },
        {"timestamp": AT, "actor": {"id": 1}, "action": "user.login_failed", "metadata": {"reason": "no such user"}},
        {
            "ts": AT,
            "user": "ann",
            "operation": "user.login",
            "result": "failure",
            "details": {"reason": "no such user"},
        },
    ],
)
def test_the_reason_of_a_failed_sign_in_is_found_inside_the_details(event: dict[str, object]) -> None:
    found = record(event)
    assert found.reason == "no such user"
    assert found.description is not None
    assert found.description.endswith(" attempted to log in (no such user)")


def test_a_time_without_a_zone_is_said_to_be_read_as_utc_also_when_the_record_is_read_back() -> None:
    event = {"timestamp": "2026-04-30 14:22:11", "action": "user.login", "actor": {"id": 1}}
    assert record({**event, "timestamp": AT}).zone_assumed is None
    printed = shipped(event)
    assert decode(printed.body).zone_assumed is True
    assert record(printed.body).zone_assumed is True


@pytest.mark.parametrize("kind", ["API role", "api_role", "api-role", "ApiRole", " API Role"])
def test_a_target_type_has_one_form_however_it_is_written(kind: str) -> None:
    found = record(
        {"action": "role.create", "actor": {"name": "Ann"}, "target": {"type": kind, "id": "9", "name": "Auditor"}}
    )
    assert (found.target_types, found.target_refs) == (["api_role"], ["api_role:9"])
    assert found.description == "Ann created API role Auditor"


def test_the_original_is_said_to_be_masked_also_where_the_application_masked_it() -> None:
    event = {"action": "user.update", "actor": {"id": 1}, "target": {"type": "user", "id": 2}}
    assert record(event).raw_redacted is None
    assert record({**event, "changes": {"name": {"from": "[FILTERED]", "to": "[FILTERED]"}}}).raw_redacted is True
    assert record({**event, "metadata": {"password": "hunter2hunter2"}}).raw_redacted is True
