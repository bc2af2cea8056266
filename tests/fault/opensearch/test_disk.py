"""On a real node whose disk is over the flood stage: the node blocks its indices itself, and lifts that later."""

from pathlib import Path

import pytest

from support.indexing import set_up
from support.opensearch.node import Node
from support.opensearch.server import Server
from support.running import wait_until
from support.shipping import SIGN_INS, Shipping, lines_of

WATERMARKS = "cluster.routing.allocation.disk"


def watermarks(node: Node, free: str | None) -> None:
    """So much must be free, by the node's own word; None: whatever it was."""
    marks = {f"{WATERMARKS}.watermark.{name}": free for name in ("low", "high", "flood_stage")}
    node.request("PUT", "/_cluster/settings", {"persistent": marks})


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_full_disk_stops_what_it_must_and_afterwards_all_is_delivered(
    tmp_path: Path, opensearch_node: Server
) -> None:
    if not isinstance(opensearch_node, Node):
        pytest.skip("this fault needs a node of our own")
    settings = {f"{WATERMARKS}.threshold_enabled": "true", "cluster.info.update.interval": "10s"}
    with Node(settings=settings) as node:
        watermarks(node, "1mb")
        set_up(node)
        shipping = Shipping(tmp_path, node)
        shipping.write(lines_of(30))
        with shipping.agent():
            wait_until(shipping.settled, "the first are stored")
            watermarks(node, "900tb")
            wait_until(lambda: _is_blocked(node), "the node has blocked its indices", 90)
            shipping.write(lines_of(60, 30))
            wait_until(lambda: shipping.totals()["in_flight"] == 60, "they are parked")
            watermarks(node, "1mb")
            wait_until(shipping.settled, "they are delivered", 120)
        shipping.assert_exactly_once()


def _is_blocked(node: Node) -> bool:
    found = node.request("GET", f"/{SIGN_INS}/_settings?flat_settings=true")[SIGN_INS]["settings"]
    return bool(found.get("index.blocks.read_only_allow_delete") == "true")
