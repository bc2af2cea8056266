"""On a real OpenSearch: where one index takes nothing its events wait on disk, the others' do not, and nothing is lost.

The node is the run's own; every fault is undone.
"""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.indexing import META, set_up
from support.opensearch.server import Server
from support.running import wait_until, whodid
from support.shipping import ACTIVITY, SIGN_INS, Shipping, lines_of
from whodid_indexer.store.opensearch.template import template

Act = Callable[[Server], object]


def setting(**values: Any) -> Act:
    named = {f"index.blocks.{name}": value for name, value in values.items()}
    return lambda server: server.request("PUT", f"/{SIGN_INS}/_settings", named)


def make(server: Server) -> None:
    server.request("PUT", f"/{SIGN_INS}", {"settings": {"index.number_of_replicas": 0}})


def blocked(act: Act) -> Act:
    def go(server: Server) -> None:
        make(server)
        act(server)

    return go


def made_by_an_older_version(server: Server) -> None:
    """The index has no field `kind`, which every record has."""
    older = copy.deepcopy(json.loads(json.dumps(template(META))))
    del older["template"]["mappings"]["properties"]["kind"]
    server.request("PUT", "/_index_template/whodid", older)
    make(server)
    set_up(server)


def shards(limit: int | None) -> Act:
    body = {"persistent": {"cluster.max_shards_per_node": limit}}

    def go(server: Server) -> None:
        if limit is not None:
            server.request("PUT", f"/{ACTIVITY}", {"settings": {"index.number_of_replicas": 0}})
        server.request("PUT", "/_cluster/settings", body)

    return go


FAULTS: dict[str, tuple[Act, Act, str]] = {
    "a write block": (blocked(setting(write=True)), setting(write=None), "cluster_block_exception"),
    "a full disk": (
        blocked(setting(read_only_allow_delete=True)),
        setting(read_only_allow_delete=None),
        "cluster_block_exception",
    ),
    "closed": (
        blocked(lambda server: server.request("POST", f"/{SIGN_INS}/_close")),
        lambda server: server.request("POST", f"/{SIGN_INS}/_open"),
        "index_closed_exception",
    ),
    "an old mapping": (
        made_by_an_older_version,
        lambda server: whodid("setup", "--store", server.url),
        "strict_dynamic_mapping_exception",
    ),
    "the limit of shards": (shards(1), shards(None), "validation_exception"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_events_of_an_index_that_takes_nothing_wait_and_nothing_else_does(
    tmp_path: Path, opensearch: Server, fault: str
) -> None:
    break_it, mend_it, word = FAULTS[fault]
    set_up(opensearch)
    shipping = Shipping(tmp_path, opensearch)
    shipping.write(lines_of(300))
    break_it(opensearch)
    try:
        code, said = shipping.once()
        assert (code, word in said) == (5, True), said
        if fault == "closed":  # it cannot be counted while it is
            opensearch.request("POST", f"/{ACTIVITY}/_refresh")
            assert opensearch.request("GET", f"/{ACTIVITY}/_count")["count"] == 200
        else:
            shipping.assert_balanced(in_flight=100)
    finally:
        mend_it(opensearch)
    shipping.write(lines_of(30, first=300))
    code, said = shipping.once()
    assert code == 0, said
    shipping.assert_exactly_once()


def test_a_running_agent_goes_on_by_itself_once_the_block_is_gone(tmp_path: Path, opensearch: Server) -> None:
    set_up(opensearch)
    shipping = Shipping(tmp_path, opensearch)
    shipping.write(lines_of(90))
    FAULTS["a full disk"][0](opensearch)
    with shipping.agent():
        wait_until(lambda: shipping.said.exists() and "parked" in shipping.said.read_text(), "events are parked")
        setting(read_only_allow_delete=None)(opensearch)
        wait_until(shipping.settled, "they are delivered")
    shipping.assert_exactly_once()


def test_without_the_template_nothing_is_sent_and_the_way_out_is_said(tmp_path: Path, opensearch: Server) -> None:
    shipping = Shipping(tmp_path, opensearch)
    shipping.write(lines_of(9))
    code, said = shipping.once(timeout="1s")
    assert (code, "run whodid setup" in said) == (4, True), said
    assert opensearch.request("GET", "/_cat/indices/whodid*?format=json") == []
    whodid("setup", "--store", opensearch.url)
    assert shipping.once()[0] == 0
    shipping.assert_exactly_once()


def test_an_index_is_as_old_as_its_period_whoever_makes_it_first(tmp_path: Path, opensearch: Server) -> None:
    set_up(opensearch)
    shippings = []
    for name in "ab":
        (tmp_path / name).mkdir()
        shippings.append(Shipping(tmp_path / name, opensearch))
        shippings[-1].write(lines_of(60))
    with shippings[0].agent(), shippings[1].agent():
        for shipping in shippings:
            wait_until(shipping.settled, "both have delivered")
    for index in (ACTIVITY, SIGN_INS):
        found = opensearch.request("GET", f"/{index}/_settings")[index]["settings"]["index"]
        assert int(found["creation_date"]) == datetime(2026, 5, 1, tzinfo=UTC).timestamp() * 1000
    assert len(shippings[0].stored()) == 120


def test_a_megabyte_in_any_field_is_stored(tmp_path: Path, opensearch: Server) -> None:
    set_up(opensearch)
    big = "word " * 200_000
    shipping = Shipping(tmp_path, opensearch)
    for path in ("action", "description", "actor.id", "actor.name", "actor.email", "actor.type", "actor.role",
                 "target.id", "target.name", "target.type", "user_agent", "ip", "request_id", "session_id",
                 "workspace.id", "project.name", "metadata.note", "reason", "outcome", "app"):  # fmt: skip
        event: dict[str, Any] = {"timestamp": "2026-05-01T10:00:00Z", "action": "report.update", "n": path}
        inner = event
        *above, last = path.split(".")
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = big
        shipping.write([json.dumps(event)])
    code, said = shipping.once()
    assert code == 0, said
    shipping.assert_exactly_once()
