"""Every metric is documented, and every documented metric exists."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.metrics import OUTCOMES, REGISTRY, begin

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def names(registry: CollectorRegistry) -> set[str]:
    found = set()
    for metric in registry.collect():
        found.add(f"{metric.name}_total" if metric.type == "counter" else metric.name)
    return found


def test_every_metric_is_in_the_document_and_the_document_names_no_other() -> None:
    receivers = CollectorRegistry()
    ReceiverMetrics(receivers)
    documented = set(re.findall(r"^\| `(whodid_agent_\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert documented == {name for name in names(REGISTRY) | names(receivers) if name.startswith("whodid_agent_")}


def test_an_input_shows_its_outcomes_at_nought_before_anything_happened() -> None:
    begin("file:/var/log/quiet.jsonl")
    labels = {"input": "file:/var/log/quiet.jsonl"}
    for outcome in OUTCOMES:
        assert REGISTRY.get_sample_value("whodid_agent_events_settled_total", {**labels, "outcome": outcome}) == 0
    assert REGISTRY.get_sample_value("whodid_agent_missed_bytes_total", labels) == 0
