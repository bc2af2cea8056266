"""The rules for Prometheus speak of metrics that there are, with labels that they have, and the page lists them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GROUPS: list[dict[str, Any]] = yaml.safe_load((ROOT / "config/prometheus/whodid.rules.yaml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
METRICS = (ROOT / "docs/metrics.md").read_text()
DOCUMENTED = dict(re.findall(r"^\| `(whodid_\w+)` \| ([^|]*)\|", METRICS, re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_and_labels_that_are_in_the_reference(rule: dict[str, Any]) -> None:
    asked = re.findall(r"(whodid_\w+?)(?:_bucket)?(?:\{(\w+)[=~!]|\b(?!\w))", rule["expr"])
    assert asked or rule["expr"].startswith("up{job=")
    for name, label in asked:
        assert name in DOCUMENTED, name
        assert not label or f"`{label}`" in DOCUMENTED[name], label


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_shows_labels_that_its_metric_has(rule: dict[str, Any]) -> None:
    shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    names = re.findall(r"whodid_\w+?(?=_bucket|\b)", rule["expr"])
    has = {"instance"} | {label for name in names for label in re.findall(r"`(\w+)`", DOCUMENTED[name])}
    assert shown <= has


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_commands_name_in_a_rule_is_a_command_of_the_reference(rule: dict[str, Any]) -> None:
    commands = (ROOT / "docs/commands.md").read_text()
    words = " ".join(rule["annotations"].values())
    for named in re.findall(r"whodid(?:-agent)? (?:[a-z]+ )?(?:setup|status|check|list|replay)", words):
        assert re.search(rf"^#+ {re.escape(named)}$", commands, re.MULTILINE), named


def test_what_the_metrics_reference_calls_an_alarm_has_a_rule() -> None:
    alarms = [name for name, line in re.findall(r"^\| `(whodid_\w+)` (.*)$", METRICS, re.MULTILINE) if "alarm" in line]
    assert alarms
    asked = " ".join(rule["expr"] for rule in RULES)
    assert [name for name in alarms if name not in asked] == []
