"""Sentences are data: sentences.yaml holds records and what each must read, word for word."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from whodid_schema import sentence, taxonomy
from whodid_schema.record import Actor, Change, Record, Target

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("sentences.yaml").read_text(encoding="utf-8"))


def record_of(fields: dict[str, Any]) -> Record:
    """The record of these fields, with verb, kind and outcome as the action says them."""
    record = msgspec.convert(fields, Record)
    reading = taxonomy.read_action(record.action or "")
    record.verb = record.verb or reading.verb
    record.kind = record.kind or taxonomy.kind_of(record.verb)
    record.outcome = record.outcome or reading.outcome or "success"
    return record


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_sentence_reads_as_written(case: dict[str, Any]) -> None:
    assert sentence.compose(record_of(case["record"])) == case["sentence"]


def test_composing_twice_changes_nothing() -> None:
    for case in CASES:
        record = record_of(case["record"])
        record.description = sentence.compose(record)
        if not record.description.startswith("Someone: "):
            assert sentence.compose(record) == record.description


@pytest.mark.parametrize(
    "verb", [verb for verb in taxonomy.VERBS if verb not in ("throttle", "bounce", "deny", "other")]
)
def test_a_failure_of_any_verb_is_never_told_as_done(verb: str) -> None:
    record = Record(verb=verb, outcome="failure", actor=Actor(name="Ana"), target=Target("thing", "1"))
    record.kind = taxonomy.kind_of(verb)
    assert sentence.compose(record).startswith("Ana attempted to ")


def test_every_verb_has_a_sentence_without_anything_else_known() -> None:
    for verb in taxonomy.VERBS:
        text = sentence.compose(Record(verb=verb, kind=taxonomy.kind_of(verb)))
        assert text.startswith("Someone")
        assert text == text.strip()


def test_an_endless_name_does_not_make_an_endless_sentence() -> None:
    huge = "n" * 1_000_000
    record = Record(
        action=huge,
        verb="update",
        outcome="success",
        actor=Actor(name=huge, role=huge, provider=huge),
        target=Target(huge, huge, huge),
        targets=[Target(huge, huge, huge), *(Target(huge, huge, huge, None, "from") for _ in range(50))],
        changes=[Change(huge, huge, huge)],
        reason=huge,
    )
    assert len(sentence.compose(record)) <= 4_000


def test_control_characters_in_a_name_stay_data() -> None:
    record = Record(action="user.delete", verb="delete", outcome="success", actor=Actor(name="A\x1b[2Jna"))
    assert sentence.compose(record) == "A\x1b[2Jna deleted user"


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (None, "Someone"),
        (Actor(), "Someone"),
        (Actor("anonymous"), "Someone"),
        (Actor("system"), "System"),
        (Actor("service"), "Service"),
        (Actor("user", "783"), "user 783"),
        (Actor("user", "783", email="a@b.c"), "a@b.c"),
        (Actor("api_token"), "API token"),
        (Actor("api_token", "t1"), "API token t1"),
    ],
)
def test_the_actor_is_named_by_the_best_that_is_known(actor: Actor | None, name: str) -> None:
    assert sentence.actor_name(Record(actor=actor)) == name
