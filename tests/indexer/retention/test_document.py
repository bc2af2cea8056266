"""How the configuration becomes the store's document, and what is said of mistakes in it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from whodid_config.settings import load
from whodid_indexer.config import IndexerSettings
from whodid_indexer.retention.document import NOTHING, Wanted, differences, renewed
from whodid_indexer.retention.due import period_of
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Meta, Retention, Router, Rule, default_meta
from whodid_schema.record import Record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FRESH = default_meta(NOW, "period")
LOGINS = Rule(name="logins", when={"action": "login.*"}, class_="logins")
EXPORTS = Rule(name="exports", when={"verb": "export"}, class_="exports")


def class_of(meta: Meta, day: str, action: str = "login.ok", verb: str = "export") -> str:
    record = Record(timestamp=f"{day}T23:59:59.999999Z", surface="activity", action=action, verb=verb)
    return Router(meta).class_of(record)


def test_days_make_the_period_of_a_new_class_and_never_change_it() -> None:
    meta = renewed(FRESH, NOTHING._replace(days={"delivery": 31, "activity": 32}), NOW, fresh=True)
    assert (meta.classes["delivery"], meta.classes["activity"]) == (Retention(31, "day"), Retention(32, "month"))
    later = renewed(meta, NOTHING._replace(days={"delivery": 400}), NOW)
    assert (later.classes["delivery"], later.classes["activity"]) == (Retention(400, "day"), Retention(None, "month"))


def test_the_document_is_the_same_when_the_same_is_wanted_again() -> None:
    wanted = Wanted({"activity": 90, "logins": 30}, [LOGINS], {"billing": "Billing"})
    meta = renewed(FRESH, wanted, NOW, fresh=True)
    assert renewed(meta, wanted, NOW) == meta
    assert differences(meta, wanted, NOW) == []
    assert (meta.categories["billing"], meta.categories["auth"]) == ("Billing", "Auth")


def test_rules_of_a_new_store_hold_always_and_changed_ones_from_the_next_day_on() -> None:
    """A record is filed by the rules of its day, so that it is filed alike whenever it is read."""
    first = renewed(FRESH, NOTHING._replace(rules=[LOGINS]), NOW, fresh=True)
    assert (class_of(first, "1999-01-01"), class_of(first, "2030-01-01")) == ("logins", "logins")
    second = renewed(first, NOTHING._replace(rules=[EXPORTS]), NOW)
    assert [(rule.name, rule.since, rule.until) for rule in second.class_rules] == [
        ("logins", None, "2026-11-22"),
        ("exports", "2026-11-22", None),
    ]
    assert (class_of(second, "2026-11-21"), class_of(second, "2026-11-22")) == ("logins", "exports")
    third = renewed(second, NOTHING, datetime(2026, 12, 1, tzinfo=UTC))
    found = [class_of(third, day) for day in ("2026-11-21", "2026-11-22", "2026-12-01", "2026-12-02")]
    assert found == ["logins", "exports", "exports", "activity"]
    assert third.classes["logins"] == Retention(), "a class that rules no longer make keeps its place"


def test_rules_that_never_came_to_hold_leave_no_trace() -> None:
    first = renewed(FRESH, NOTHING, NOW, fresh=True)
    mistaken = renewed(first, NOTHING._replace(rules=[EXPORTS]), NOW)
    mended = renewed(mistaken, NOTHING._replace(rules=[LOGINS]), NOW)
    assert [(rule.name, rule.since) for rule in mended.class_rules] == [("logins", "2026-11-22")]


def test_the_first_rule_that_matches_decides() -> None:
    meta = renewed(FRESH, NOTHING._replace(rules=[EXPORTS, LOGINS]), NOW, fresh=True)
    assert class_of(meta, "2026-01-01") == "exports"
    assert class_of(meta, "2026-01-01", verb="create") == "logins"


def test_a_difference_is_said_class_by_class() -> None:
    meta = renewed(FRESH, NOTHING._replace(days={"activity": 90}), NOW, fresh=True)
    wanted = Wanted({"activity": 30, "audit": 365}, [LOGINS], {"auth": "Access"})
    assert differences(meta, wanted, NOW) == [
        "activity: the configuration says 30d, the store 90d",
        "audit: the configuration says 365d, the store forever",
        "the class rules of the configuration are not the store's",
        "the categories of the configuration are not the store's",
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "retention:\n  activty: 3d",
            "w.yaml:2: retention.activty: there is no class 'activty'; did you mean 'activity'?",
        ),
        (
            "retention:\n  activity: 3w",
            "w.yaml:2: retention.activity: '3w' is not a number of days: write it like 365d, or",
        ),
        ("retention:\n  activity: 0d", "'0d' is not a number of days"),
        (
            "class_rules:\n  - {name: a, when: {actoin: x}, class: a}",
            "w.yaml:2: class_rules.0.when.actoin: class rule a: rules cannot ask about 'actoin'; did you mean",
        ),
        ("class_rules:\n  - {name: a, when: {}, class: a}", "a rule without a condition would match everything"),
        ("class_rules:\n  - {name: a, when: {action: x}, class: A-b}", "'A-b' is no name of a class"),
        ("class_rules:\n  - {name: a, wen: {action: x}, class: a}", "did you mean 'when'?"),
        ("lifecycle: ilm", "w.yaml:1: lifecycle: "),
        (
            "class_rules:\n" + "".join(f"  - {{name: a, when: {{app: x}}, class: c{n}}}\n" for n in range(11)),
            "w.yaml:1: class_rules: 17 classes, the most are 16: activity, ",
        ),
    ],
)
def test_a_mistake_names_file_line_and_the_nearest_key(lines: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(lines + "\n")
    with pytest.raises(ConfigError) as caught:
        load(IndexerSettings, file)
    assert said in caught.value.message


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(
        "retention: {activity: 365d, logins: 30d, audit: forever, imported: 90d}\n"
        "class_rules: [{name: logins, when: {action: ['login.*', logout]}, class: logins}]\n"
        "categories: {billing: Billing}\nlifecycle: apply\nserve_retention: false\n"
    )
    settings = load(IndexerSettings, file)
    assert settings.wanted() == Wanted(
        {"activity": 365, "logins": 30, "audit": None, "imported": 90},
        [Rule(name="logins", when={"action": ["login.*", "logout"]}, class_="logins")],
        {"billing": "Billing"},
    )
    assert (settings.lifecycle, settings.serve_retention) == ("apply", False)


@pytest.mark.parametrize(
    "name", ["whodid-activity", "whodid-a-b-2026-11", "other-2026-11", "whodid-a-2026-13", "whodid-a-20261"]
)
def test_what_names_no_period_has_none(name: str) -> None:
    assert period_of(name) is None


def test_the_end_of_the_calendar_is_no_failure() -> None:
    period = period_of("whodid-activity-9999-12")
    assert period is not None
    assert period.due(99_999).year == 9999
