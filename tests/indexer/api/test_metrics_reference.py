"""Every metric of the server and of forwarding is documented, and every documented metric exists."""

import re
from pathlib import Path

from whodid_indexer.api.metrics import Metrics
from whodid_indexer.forward.metrics import _Collector

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_servers_metrics_and_the_document_name_the_same() -> None:
    metrics = Metrics()
    metrics.watch(held=lambda: 0, groups=lambda: 0)
    exposed = set(re.findall(r"^# HELP (whodid_server_\w+)", metrics.text().decode(), re.MULTILINE))
    documented = set(re.findall(r"^\| `(whodid_server_\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert documented == {name for name in exposed if not name.endswith("_created")}


def test_the_metrics_of_forwarding_and_the_document_name_the_same() -> None:
    families = list(_Collector([], list).collect())
    exposed = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    rows = dict(re.findall(r"^\| `(whodid_forward_\w+)` \| ([^|]*)\|", DOCUMENT.read_text(), re.MULTILINE))
    assert rows.keys() == exposed
    assert all("`consumer`" in labels for labels in rows.values())
