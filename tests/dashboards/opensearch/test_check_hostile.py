"""The panels' requests on a cluster that holds nothing, and on one whose records want to do harm."""

from datetime import UTC, datetime, timedelta

from support.asking import ask
from support.hostile import hostile_records
from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import item
from whodid_config.access import Access
from whodid_dashboards.opensearch.check import Answered, check
from whodid_dashboards.opensearch.requests import Range
from whodid_dashboards.opensearch.saved import packaged
from whodid_indexer.store.opensearch.connect import Client

OURS = list(packaged())
NOW = datetime.now(UTC)


def test_an_empty_cluster_gives_empty_panels_and_no_error(opensearch: Server) -> None:
    said = ask("setup", "--dashboards-check", "--store", opensearch.url)
    assert said.code == 0, said.err
    assert "no values: Actor" in said.text


def test_panels_answer_where_every_value_wants_to_do_harm(opensearch: Server) -> None:
    set_up(opensearch)
    statuses = index(opensearch, [item(record) for record in hostile_records(NOW)])
    assert set(statuses) == {201}
    client = Client(opensearch.url, Access())
    try:
        found: list[Answered] = list(check(client, OURS, Range(NOW - timedelta(days=7), NOW + timedelta(days=1))))
    finally:
        client.close()
    assert [one for one in found if one.error] == []
    assert next(one for one in found if one.panel == "All events").rows == len(statuses)
