"""What an action string is read as; taxonomy.yaml holds the actions of the four products and of others."""

from pathlib import Path

import pytest
import yaml

from whodid_schema import taxonomy

CASES: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("taxonomy.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("action", "expected"), CASES.items(), ids=list(CASES))
def test_an_action_is_classified(action: str, expected: list[str]) -> None:
    verb, word = taxonomy.classify(action)
    assert [verb, word, taxonomy.surface_of(verb), taxonomy.kind_of(verb)] == expected


def test_the_verbs_are_those_of_the_capabilities() -> None:
    listed = (
        "create update delete schedule send pause resume suppress unsuppress activate deactivate configure assign "
        "resolve reopen snooze reply invite revoke rotate import export view search switch test fire deliver bounce "
        "open click complain unsubscribe sign_in sign_out password_change password_reset mfa_enrol impersonate deny "
        "throttle other"
    )
    assert sorted(taxonomy.VERBS) == sorted(listed.split())


def test_every_verb_is_found_by_its_own_name_and_has_kind_surface_and_past() -> None:
    for verb in taxonomy.VERBS:
        assert taxonomy.kind_of(verb) in taxonomy.KINDS
        assert taxonomy.surface_of(verb) in taxonomy.SURFACES
        if verb != "other":
            assert taxonomy.classify(verb).verb == verb
            assert taxonomy.PAST[verb]


def test_every_word_means_the_verb_it_is_listed_under() -> None:
    for word, verb in taxonomy.SYNONYMS.items():
        assert verb in taxonomy.VERBS
        assert word == word.lower() or word == "enrolled in 2FA"


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("user.login_failed", "failure"),
        ("project.delete_denied", "failure"),
        ("rate_limited", "failure"),
        ("login.succeeded", "success"),
        ("suspicious_login", "warning"),
        ("user.login", None),
        ("unlimited_plan.created", None),
    ],
)
def test_an_action_implies_an_outcome_only_where_it_says_so(action: str, outcome: str | None) -> None:
    assert taxonomy.implied_outcome(action) == outcome


@pytest.mark.parametrize(
    ("action", "verb", "badge"),
    [
        ("EDIT", "update", "EDIT"),
        ("activity_log.user.updated", "update", "UPDATED"),
        ("Signed in", "sign_in", "SIGNED IN"),
        ("member_role_changed", "delete", "DELETE"),
        (None, "password_change", "PASSWORD CHANGE"),
        (None, None, "OTHER"),
    ],
)
def test_the_badge_is_the_applications_own_word_unless_it_means_another_verb(
    action: str | None, verb: str | None, badge: str
) -> None:
    assert taxonomy.badge(action, verb) == badge


def test_the_rest_is_read() -> None:
    assert taxonomy.kind_of(None) == "read"
    assert taxonomy.kind_of("no such verb") == "read"


def test_a_message_to_one_recipient_is_delivery_and_a_broadcast_is_activity() -> None:
    assert taxonomy.surface_of("send", "success", "recipient") == "delivery"
    assert taxonomy.surface_of("send", "success", "broadcast") == "activity"


def test_a_request_with_a_revoked_token_is_an_api_request_and_the_revoking_is_activity() -> None:
    assert taxonomy.surface_of("revoke", "failure") == "api_request"
    assert taxonomy.surface_of("revoke", "success") == "activity"


@pytest.mark.parametrize(
    ("verb", "target", "action", "category"),
    [
        ("sign_in", None, "user.login", "auth"),
        ("impersonate", None, "x", "impersonation"),
        ("assign", "conversation", "assigned", "inbox"),
        ("create", "note", "created", "notes"),
        ("create", "workspace", "workspace.member_added", "teams"),
        ("update", "workspace", "workspace.rename", "workspace"),
        ("send", "broadcast", "broadcast.send", "broadcasts"),
        ("fire", None, "Webhook fired", "webhooks"),
        ("update", "sending_node", "update", "other"),
    ],
)
def test_the_category_follows_from_deed_target_and_action(
    verb: str, target: str | None, action: str, category: str
) -> None:
    assert taxonomy.category_of(verb, target, action) == category
    assert category in taxonomy.CATEGORIES


@pytest.mark.parametrize("action", ["", " ", ".", "…", "\x00", "a" * 100_000, "._:/", "𝔘𝔰𝔢𝔯", "gelöscht"])
def test_no_action_is_too_strange_to_read(action: str) -> None:
    reading = taxonomy.read_action(action)
    assert reading.verb == "other"
    assert reading.word == action or reading.word in action


def test_an_endless_action_costs_no_more_memory_than_its_beginning() -> None:
    endless = "user.updated." + "x" * 10_000_000
    assert taxonomy.read_action(endless).verb == "update"
    assert len(taxonomy.read_action(endless).word) < 300
    assert taxonomy.category_of("create", "y" * 10_000_000, endless) == "other"
    hits = taxonomy._read.cache_info().hits
    assert taxonomy.read_action(endless[:1_000_000]).verb == "update"
    assert taxonomy._read.cache_info().hits == hits + 1
