"""Sentences in a profile's own words: true, complete, and never made of what the record does not have."""

import pytest

from whodid_schema.record import Actor, Change, Record, Target
from whodid_schema.telling import GAPS, Gap, tell

ANN = Actor(type="user", name="Ann")
POLICY = ("attached policy p1 to ", Gap("target"))


def record(outcome: str = "success", **more: object) -> Record:
    return Record(actor=ANN, action="AttachUserPolicy", outcome=outcome, **more)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("found", "did", "tried", "says"),
    [
        (record(target=Target("user", "7", "Bob")), POLICY, None, "Ann attached policy p1 to user Bob"),
        (record("failure", target=Target(name="Bob")), POLICY, None, "Ann attempted to attach policy p1 to Bob"),
        (record("failure"), "turned the lights off", "turn the lights off", "Ann attempted to turn the lights off"),
        (record("failure"), "turned the lights off", None, None),
        (record("failure"), "signed in to the console", None, "Ann attempted to sign in to the console"),
        (record("failure"), None, "leave", "Ann attempted to leave"),
        (record(), None, "leave", None),
        (record(), POLICY, None, None),
        (record(), ("did ", Gap("words")), None, "Ann did attach user policy"),
        (record(target=Target("user", "7")), ("met ", Gap("name")), None, "Ann met 7"),
        (record(changes=[Change("seats", 1, 2)]), ("set ", Gap("changes")), None, "Ann set seats 1 → 2"),
        (record("failure", reason="no right"), "deleted it", None, "Ann attempted to delete it (no right)"),
        (record(), ("set it: ", Gap("changes")), None, "Ann set it"),
        (record("failure"), None, ("go: ", Gap("changes")), "Ann attempted to go"),
        (record(), ("set ", Gap("changes")), None, None),
        (record(reason="spam"), ("left for ", Gap("reason")), None, "Ann left for spam"),
        (Record(actor=Actor(name="Ann", provider="Okta"), kind="auth"), "came in", None, "Ann came in using Okta"),
        (Record(), "came in", None, "Someone came in"),
    ],
)  # fmt: skip
def test_a_sentence_tells_what_the_record_says(
    found: Record, did: str | tuple[str | Gap, ...] | None, tried: str | None, says: str | None
) -> None:
    assert tell(found, did, tried) == says


def test_no_gap_is_filled_from_an_empty_record() -> None:
    assert [name for name, fill in GAPS.items() if name != "words" and fill(Record())] == []


DEED = (Gap("deed"),)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            Record(action="CreateAccessKey", verb="create", target=Target("user", "7")),
            "Someone created access key for user #7",
        ),
        (
            Record(action="ListGroupsForUser", verb="view", target=Target("iam_user", name="bob")),
            "Someone listed groups for IAM user bob",
        ),
        (Record(action="DeleteBucket", verb="delete", target=Target("bucket", name="b")), "Someone deleted bucket b"),
        (Record(action="PutKeyPolicy", verb="update", outcome="failure"), "Someone attempted to put key policy"),
        (Record(action="user.login", verb="sign_in", kind="auth"), None),
        (Record(action="user.zork", verb="other"), None),
    ],
)
def test_a_deed_tells_what_the_action_names_and_which_target_it_was_for(found: Record, says: str | None) -> None:
    assert tell(found, DEED) == says
