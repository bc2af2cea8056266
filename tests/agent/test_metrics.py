"""Every metric is documented, and every documented metric exists."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.metrics import REGISTRY

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
