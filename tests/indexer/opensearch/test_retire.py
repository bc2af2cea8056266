"""Retention on a real node: what is deleted by index name, what never is, and what refuses to begin."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from support.indexing import META
from support.opensearch.server import Server
from support.records import identifier
from support.running import wait_until, whodid
from whodid_indexer.retention.document import NOTHING, Wanted, renewed
from whodid_indexer.retention.plan import Done
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle
from whodid_indexer.store.opensearch.template import template
from whodid_schema.document import document
from whodid_schema.errors import StateError, StoreUnreachable
from whodid_schema.meta import Meta, Router
from whodid_schema.record import Record, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def keep(server: Server, days: dict[str, int | None]) -> Meta:
    """A cluster whose document says so; `delivery` has an index a day, the others one a month."""
    meta = renewed(META, Wanted({"delivery": 7}, (), {}), NOW, fresh=True)
    meta = renewed(meta, NOTHING._replace(days=days), NOW)
    server.request("PUT", "/_index_template/whodid", template(meta))
    return meta


def store(server: Server, meta: Meta, records: list[Record], index: str | None = None) -> None:
    router = Router(meta)
    lines = []
    for one in records:
        action = {"create": {"_index": index or router.index_of(one), "_id": one.id}}
        lines += [msgspec.json.encode(action), document(one, encode(one))]
    answer = server.request("POST", "/_bulk?refresh=true", b"\n".join(lines) + b"\n")
    assert not answer["errors"], answer


def made(number: int, moment: datetime, surface: str = "activity") -> Record:
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Record(timestamp=stamp, received_at=stamp, id=identifier(number), app="shop", surface=surface)


def indices(server: Server) -> set[str]:
    found = server.request("GET", "/_cat/indices/*?format=json&h=index&expand_wildcards=open,closed")
    return {row["index"] for row in found if not row["index"].startswith(".")}


@pytest.fixture
def lifecycle(opensearch: Server) -> Iterator[OpenSearchLifecycle]:
    with closing(OpenSearchLifecycle(Client(opensearch.url, Access()))) as opened:
        yield opened


def apply(lifecycle: OpenSearchLifecycle, now: datetime) -> list[str]:
    done: list[Done] = []
    lifecycle.apply(now, done.append)
    return [one.what for one in done]


def test_an_index_goes_when_its_last_microsecond_is_old_enough(
    opensearch: Server, lifecycle: OpenSearchLifecycle
) -> None:
    meta = keep(opensearch, {"activity": 90, "delivery": 7})
    last = datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    store(opensearch, meta, [made(1, last), made(2, last, "delivery"), made(3, last, "audit")])
    assert indices(opensearch) == {"whodid-activity-2026-10", "whodid-delivery-2026-10-31", "whodid-audit-2026-10"}

    day_goes = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=7)
    assert apply(lifecycle, day_goes - timedelta(microseconds=1)) == []
    assert apply(lifecycle, day_goes) == ["whodid-delivery-2026-10-31"]
    month_goes = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=90)
    assert apply(lifecycle, month_goes - timedelta(microseconds=1)) == []
    assert apply(lifecycle, month_goes) == ["whodid-activity-2026-10"]
    assert apply(lifecycle, NOW + timedelta(days=100_000)) == []
    assert indices(opensearch) == {"whodid-audit-2026-10"}


def test_a_changed_retention_holds_for_the_indices_there_are(
    opensearch: Server, lifecycle: OpenSearchLifecycle
) -> None:
    meta = keep(opensearch, {"activity": 365})
    store(opensearch, meta, [made(month, datetime(2026, month, 3, tzinfo=UTC)) for month in range(1, 12)])
    keep(opensearch, {"activity": 200})
    assert apply(lifecycle, NOW) == [f"whodid-activity-2026-0{month}" for month in range(1, 5)]
    keep(opensearch, {"activity": 1_000})
    assert apply(lifecycle, NOW) == []
    keep(opensearch, {"activity": 30})
    assert apply(lifecycle, NOW) == [f"whodid-activity-2026-0{month}" for month in range(5, 10)]


def test_records_before_the_epoch_go_by_the_year(opensearch: Server, lifecycle: OpenSearchLifecycle) -> None:
    meta = keep(opensearch, {"activity": 3_650})
    store(opensearch, meta, [made(1, datetime(2017, 12, 31, 23, tzinfo=UTC))])
    goes = datetime(2017, 1, 1, tzinfo=UTC) + timedelta(days=366 + 3_650)
    assert apply(lifecycle, goes - timedelta(microseconds=1)) == []
    assert apply(lifecycle, goes) == ["whodid-activity-2017"]


def test_what_is_not_whodids_is_never_touched(opensearch: Server, lifecycle: OpenSearchLifecycle) -> None:
    """An index with a name like ours but without the mark, other people's, and one of no class of ours."""
    opensearch.request("PUT", "/whodid-activity-2001-01", {})
    meta = keep(opensearch, {"activity": 1})
    opensearch.request("PUT", "/other-2001-01", {})
    opensearch.request("PUT", "/whodid-nobody-2001-01", {})
    store(opensearch, meta, [made(1, datetime(2026, 1, 1, tzinfo=UTC))])
    try:
        assert apply(lifecycle, NOW) == ["whodid-activity-2026-01"]
        assert indices(opensearch) == {"other-2001-01", "whodid-activity-2001-01", "whodid-nobody-2001-01"}
        assert "index whodid-nobody-2001-01 is of no class of this store: kept" in lifecycle.plan(NOW).notes
    finally:
        opensearch.request("DELETE", "/other-2001-01")


def test_a_closed_index_goes_by_its_name(opensearch: Server, lifecycle: OpenSearchLifecycle) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(month, datetime(2026, month, 3, tzinfo=UTC)) for month in (1, 10)])
    for month in ("01", "10"):
        opensearch.request("POST", f"/whodid-activity-2026-{month}/_close")
    january, october = lifecycle.plan(NOW).parts
    assert (january.due, january.records, january.why.endswith("it is closed")) == (True, None, True)
    assert (october.due, october.records) == (False, None)
    assert apply(lifecycle, NOW) == ["whodid-activity-2026-01"]


def test_an_index_that_holds_younger_records_than_its_name_says_is_kept(
    opensearch: Server, lifecycle: OpenSearchLifecycle
) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(1, datetime(2026, 11, 20, tzinfo=UTC))], "whodid-activity-2026-01")
    assert apply(lifecycle, NOW) == []
    (part,) = lifecycle.plan(NOW).parts
    assert (part.due, part.goes, part.why) == (
        False,
        None,
        "holds records younger than 30 days, whatever its name says",
    )


def test_without_a_document_nothing_is_begun(opensearch: Server, lifecycle: OpenSearchLifecycle) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(1, datetime(2026, 1, 1, tzinfo=UTC))])
    opensearch.request("DELETE", "/_index_template/whodid")
    with pytest.raises(StoreUnreachable, match="is not set up"):
        lifecycle.apply(NOW, lambda _: None)
    assert indices(opensearch) == {"whodid-activity-2026-01"}


def test_a_red_cluster_is_left_alone(opensearch: Server, lifecycle: OpenSearchLifecycle) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(1, datetime(2026, 1, 1, tzinfo=UTC))])
    opensearch.request(
        "PUT",
        "/red?wait_for_active_shards=0",
        {"settings": {"number_of_replicas": 0, "index.routing.allocation.require._name": "nobody"}},
    )
    try:
        with pytest.raises(StoreUnreachable, match="red"):
            lifecycle.apply(NOW, lambda _: None)
        assert "whodid-activity-2026-01" in indices(opensearch)
    finally:
        opensearch.request("DELETE", "/red")


def test_the_commands_show_the_plan_and_do_it(opensearch: Server, tmp_path: Path) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(month, datetime(2026, month, 3, tzinfo=UTC)) for month in (1, 10)])
    config = tmp_path / "whodid.yaml"
    config.write_text(f"store: {opensearch.url}\nretention: {{activity: 40d}}\n")
    at = ["--config", str(config), "--at", NOW.isoformat()]

    plan = whodid("retention", "plan", *at)
    assert [line.split()[:5] for line in plan.stdout.splitlines()] == [
        ["Class", "Kept", "for", "What", "Records"],
        ["activity", "30d", "whodid-activity-2026-01", "1", "now"],
        ["activity", "30d", "whodid-activity-2026-10", "1", "2026-12-01T00:00:00Z"],
    ]
    assert "difference: activity: the configuration says 40d, the store 30d" in plan.stderr
    assert "note: no ISM plugin here" in plan.stderr
    assert indices(opensearch) == {"whodid-activity-2026-01", "whodid-activity-2026-10"}

    done = whodid("retention", "apply", *at, "--format", "json")
    assert msgspec.json.decode(done.stdout)["deleted"] == [
        {"class": "activity", "what": "whodid-activity-2026-01", "records": 1}
    ]
    assert whodid("retention", "apply", *at).stdout == "nothing was due\n"
    assert msgspec.json.decode(whodid("retention", "plan", *at, "--format", "json").stdout)["parts"][0]["due"] is False


def many_segments(server: Server, index: str) -> None:
    """Six segments in each shard, which nothing merges by itself."""
    server.request("PUT", f"/{index}/_settings", {"index.merge.policy.segments_per_tier": 50})
    for number in range(6):
        one = made(900 + number, datetime(2026, 9, 3, tzinfo=UTC))
        server.request("PUT", f"/{index}/_create/{one.id}?refresh=true", document(one, encode(one)))


def segments(server: Server, index: str) -> int:
    rows = server.request("GET", f"/_cat/shards/{index}?format=json&h=prirep,segments.count")
    return max(int(row["segments.count"]) for row in rows if row["prirep"] == "p")


def test_a_complete_index_is_merged_and_takes_late_records_as_before(
    opensearch: Server, lifecycle: OpenSearchLifecycle
) -> None:
    """September is complete a week after its end; what is young is left as it is, and neither is locked."""
    meta = keep(opensearch, {"activity": 365})
    old, young = "whodid-activity-2026-09", "whodid-activity-2026-11"
    store(opensearch, meta, [made(1, datetime(2026, 9, 3, tzinfo=UTC)), made(2, datetime(2026, 11, 3, tzinfo=UTC))])
    for index in (old, young):
        many_segments(opensearch, index)
    assert lifecycle.plan(NOW).steps == [f"merge index {old}, in the cluster's own time"]
    assert apply(lifecycle, datetime(2026, 10, 7, tzinfo=UTC)) == []
    assert segments(opensearch, old) > 4
    assert apply(lifecycle, NOW) == []
    wait_until(lambda: segments(opensearch, old) == 1, "the merge")
    assert segments(opensearch, young) > 4
    late = made(3, datetime(2026, 9, 9, tzinfo=UTC))
    opensearch.request("PUT", f"/{old}/_create/{late.id}?refresh=true", document(late, encode(late)))
    assert "blocks" not in opensearch.request("GET", f"/{old}/_settings")[old]["settings"]["index"]
    assert lifecycle.plan(NOW).steps == [], "one late record is not worth another merge"


@pytest.fixture
def vault(opensearch: Server) -> Iterator[OpenSearchLifecycle]:
    """A lifecycle that puts indices into a snapshot repository first."""
    with closing(OpenSearchLifecycle(Client(opensearch.url, Access()), repository="vault")) as opened:
        yield opened


def test_what_is_due_goes_into_the_repository_before_it_is_deleted(
    opensearch: Server, vault: OpenSearchLifecycle
) -> None:
    meta = keep(opensearch, {"activity": 30})
    store(opensearch, meta, [made(1, datetime(2026, 1, 3, tzinfo=UTC))])
    index = "whodid-activity-2026-01"
    assert "there is no snapshot repository vault: nothing that is due is deleted" in " ".join(vault.plan(NOW).notes)
    with pytest.raises(StateError, match=f"index {index} is due and was not deleted"):
        apply(vault, NOW)
    assert indices(opensearch) == {index}

    opensearch.request("PUT", "/_snapshot/vault", {"type": "fs", "settings": {"location": "vault"}})
    try:
        assert apply(vault, NOW) == [index]
        assert indices(opensearch) == set()
        (saved,) = opensearch.request("GET", "/_snapshot/vault/_all")["snapshots"]
        assert (saved["snapshot"], saved["state"], saved["indices"]) == (f"{index}-20261121120000", "SUCCESS", [index])
        opensearch.request("POST", f"/_snapshot/vault/{saved['snapshot']}/_restore?wait_for_completion=true", {})
        assert opensearch.request("GET", f"/{index}/_count")["count"] == 1
    finally:
        for saved in opensearch.request("GET", "/_snapshot/vault/_all")["snapshots"]:
            opensearch.request("DELETE", f"/_snapshot/vault/{saved['snapshot']}")
        opensearch.request("DELETE", "/_snapshot/vault")


def test_a_class_kept_for_less_than_its_indices_run_is_warned_of(
    opensearch: Server, lifecycle: OpenSearchLifecycle
) -> None:
    keep(opensearch, {"activity": 7, "delivery": 7})
    notes = [note for note in lifecycle.plan(NOW).notes if "indices of a month" in note]
    assert [note.split(" is kept")[0] for note in notes] == ["activity"]
