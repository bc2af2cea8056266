"""On a real node with little room: requests refused whole, refused in part, too large; then killed and started again.

The node takes bulk requests of 300 KB together (429), bodies of 600 KB (413), and one write at a time for each of
two places in its queue, so that of a request to an index of many shards some items are refused (429) and some not.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from support.indexing import set_up
from support.opensearch.node import Node
from support.opensearch.server import Server
from support.running import wait_until
from support.shipping import ACTIVITY, SIGN_INS, Shipping, lines_of

pytestmark = pytest.mark.slow  # a node of its own

TIGHT = {
    "indexing_pressure.memory.limit": "300kb",
    "http.max_content_length": "600kb",
    "thread_pool.write.size": "1",
    "thread_pool.write.queue_size": "1",
}


@pytest.fixture(scope="module")
def tight_node(opensearch_node: Server) -> Iterator[Node]:
    """One node for the module; `opensearch_node` says aloud where none can be had."""
    if not isinstance(opensearch_node, Node):
        pytest.skip("these faults need a node of our own")
    with Node(settings=TIGHT) as node:
        yield node


@pytest.fixture
def node(tight_node: Node) -> Node:
    """That, empty."""
    tight_node.clean()
    set_up(tight_node)
    return tight_node


def test_requests_that_are_too_much_at_once_get_through_in_parts(tmp_path: Path, node: Node) -> None:
    """A batch of 3,000 is several times what the node takes: 413 first, then 429, until the parts fit, at once."""
    before = _rejections(node)
    shipping = Shipping(tmp_path, node)
    shipping.write(lines_of(3_000))
    code, said = shipping.once()
    assert code == 0, said
    assert "coordinating operation" not in said, "what never fits is not waited with"
    assert _rejections(node) > before
    shipping.assert_exactly_once()


def test_items_refused_for_now_go_again_and_the_others_do_not(tmp_path: Path, node: Node) -> None:
    for index in (ACTIVITY, SIGN_INS):
        node.request("PUT", f"/{index}", {"settings": {"number_of_shards": 6, "number_of_replicas": 0}})
    shipping = Shipping(tmp_path, node)
    shipping.write(lines_of(150))
    code, said = shipping.once()
    assert code == 0, said
    assert "the store asks to wait with" in said
    shipping.assert_exactly_once()
    assert shipping.totals()["duplicate"] == 0


@pytest.mark.timeout(500)
def test_a_node_killed_while_it_writes_loses_and_doubles_nothing(tmp_path: Path, node: Node) -> None:
    count, kills = 20_000, 4
    rng = random.Random(count)
    shipping = Shipping(tmp_path, node)
    share = count // (kills + 1)
    with shipping.agent():
        for kill in range(kills):
            before = _count(node)
            shipping.write(lines_of(share, kill * share))
            wait_until(lambda: _count(node) > before, "writing goes on")  # noqa: B023  it is called at once
            time.sleep(rng.uniform(0.0, 0.2))
            node.kill()
            shipping.write(lines_of(10, count + 10 * kill))
            node.start()
        shipping.write(lines_of(share, kills * share))
        wait_until(shipping.settled, "everything is stored", 240)
    shipping.assert_exactly_once()


def test_a_node_that_is_restarted_is_waited_for(tmp_path: Path, node: Node) -> None:
    shipping = Shipping(tmp_path, node)
    shipping.write(lines_of(30))
    with shipping.agent():
        wait_until(shipping.settled, "the first are stored")
        node.stop()
        shipping.write(lines_of(30, 30))
        wait_until(lambda: "waiting" in shipping.said.read_text(), "the agent has noticed")
        node.start()
        wait_until(shipping.settled, "the others are stored")
    shipping.assert_exactly_once()
    assert "going on" in shipping.said.read_text()


def _rejections(node: Node) -> int:
    (found,) = node.request("GET", "/_nodes/stats/indexing_pressure")["nodes"].values()
    return int(found["indexing_pressure"]["memory"]["total"]["coordinating_rejections"])


def _count(node: Node) -> int:
    """How many there are; 0 while an index is in the making and nothing can be counted."""
    try:
        return _counted(node)
    except HTTPError as error:
        if error.code != 503:
            raise
        return 0


def _counted(node: Node) -> int:
    node.request("POST", "/whodid*/_refresh")
    return int(node.request("GET", "/whodid*/_count")["count"])
