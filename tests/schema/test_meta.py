"""The store's own word on filing: rules, routing, and the document that agents read."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from whodid_schema import taxonomy
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Meta, Retention, Router, Rule, compile_when, default_meta, read_meta, sealed
from whodid_schema.record import Actor, Record, Ref, Target

RECORD = Record(
    timestamp="2026-04-30T14:22:11.000000Z",
    app="shop",
    surface="activity",
    action="user.login",
    verb="sign_in",
    actor=Actor(type="admin", role="owner"),
    target=Target(type="user"),
    workspace=Ref(id="acme"),
)


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"action": "user.login"}, True),
        ({"action": "user.*"}, True),
        ({"action": "user"}, False),
        ({"action": "User.login"}, False),
        ({"action": ["x", "user.login"]}, True),
        ({"action": ["x", "user.*"]}, True),
        ({"action": ["x", "y*"]}, False),
        ({"action": []}, False),
        ({"action": "*"}, True),
        ({"reason": "*"}, None),
        ({"app": "shop", "verb": "sign_in"}, True),
        ({"app": "shop", "verb": "delete"}, False),
        ({"actor.type": "admin", "role": "own*", "type": "user", "workspace": "acme"}, True),
        ({"project": "*"}, False),
        ({"outcome": "success"}, False),
        ({}, True),
    ],
)
def test_a_rule_matches_if_all_its_fields_do(when: dict[str, str | list[str]], matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(ConfigError, match="reason"):
            compile_when(when, "noise")
    else:
        assert compile_when(when)(RECORD) is matches


def test_a_rule_about_an_empty_record_matches_nothing() -> None:
    assert not compile_when({"actor.type": "*"})(Record())


def test_an_unknown_field_names_the_rule_and_the_known_fields() -> None:
    with pytest.raises(ConfigError) as caught:
        compile_when({"colour": "red"}, "rule noise")
    assert "rule noise" in caught.value.message
    assert "'colour'" in caught.value.message
    assert "actor.type" in caught.value.hint


@pytest.mark.parametrize("condition", [404, None, [404], {"is": "x"}, ["x", None]])
def test_a_condition_that_is_no_text_names_the_rule_and_the_field(condition: Any) -> None:
    with pytest.raises(ConfigError, match=r"^rule noise: action: .* is no text — "):
        compile_when({"action": condition}, "rule noise")


def test_the_first_matching_class_rule_decides_and_else_the_surface() -> None:
    rules = [
        Rule("none", {"app": "other"}, class_="x"),
        Rule("first", {"verb": "sign_in"}, class_="logins"),
        Rule("second", {"app": "shop"}, class_="shop"),
    ]
    router = Router(Meta(epoch="2025-01-01", class_rules=rules))
    assert router.class_of(RECORD) == "logins"
    assert router.class_of(msgspec.structs.replace(RECORD, verb="create")) == "shop"
    assert router.class_of(Record(surface="delivery")) == "delivery"
    assert router.class_of(Record()) == "activity"


@pytest.mark.parametrize(
    ("partitions", "stamp", "index"),
    [
        ("server", "2026-04-30T14:22:11.000000Z", "whodid-activity"),
        ("period", "2026-04-30T14:22:11.000000Z", "whodid-activity-2026-04"),
        ("period", "2024-12-31T23:59:59.999999Z", "whodid-activity-2024"),
        ("period", "2025-01-01T00:00:00.000000Z", "whodid-activity-2025-01"),
        ("period", "2001-01-01T00:00:00.000000Z", "whodid-activity-2001"),
    ],
)
def test_the_index_is_named_by_class_and_period_and_by_year_before_the_epoch(
    partitions: str, stamp: str, index: str
) -> None:
    router = Router(Meta(epoch="2025-01-01", partitions=partitions, classes={"activity": Retention(days=365)}))
    assert router.index_of(Record(timestamp=stamp, surface="activity")) == index


def test_a_class_kept_for_days_has_an_index_a_day() -> None:
    router = Router(
        Meta(epoch="2025-01-01", partitions="period", classes={"delivery": Retention(days=30, period="day")})
    )
    record = Record(timestamp="2026-04-30T14:22:11.000000Z", surface="delivery")
    assert router.index_of(record) == "whodid-delivery-2026-04-30"


def test_a_new_store_keeps_every_surface_for_ever_from_a_year_before_its_set_up() -> None:
    meta = default_meta(datetime(2026, 11, 21, 1, 0, tzinfo=timezone(timedelta(hours=2))))
    assert meta.epoch == "2025-11-01"
    assert set(meta.classes) == set(taxonomy.SURFACES)
    assert all(retention.days is None for retention in meta.classes.values())
    assert meta.rules


def test_a_new_store_can_be_set_up_on_a_leap_day() -> None:
    assert default_meta(datetime(2028, 2, 29, tzinfo=UTC)).epoch == "2027-02-01"


def test_the_documents_version_follows_its_contents_and_nothing_else() -> None:
    first = sealed(Meta(epoch="2025-01-01"))
    assert sealed(first) == first
    assert sealed(Meta(epoch="2025-01-01", hold=True)).rules != first.rules
    reordered = Meta(epoch="2025-01-01", categories=dict(reversed(list(taxonomy.CATEGORIES.items()))))
    assert sealed(reordered).rules == first.rules


def test_a_document_survives_being_written_and_read() -> None:
    meta = sealed(Meta(epoch="2025-01-01", class_rules=[Rule("r", {"app": ["a", "b*"]}, class_="c")]))
    assert read_meta(msgspec.json.decode(msgspec.json.encode(meta))) == meta


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"epoch": 5},
        {"epoch": "2025-01-01", "classes": {"a": {"days": "x"}}},
        {"epoch": "2025-01-01", "class_rules": [{"name": "r", "when": {}, "colour": 1}]},
    ],
)
def test_a_foreign_document_says_to_run_setup(document: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        read_meta(document)
    assert caught.value.hint == "run whodid setup"
