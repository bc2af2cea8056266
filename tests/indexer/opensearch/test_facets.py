"""Facets of a real OpenSearch over many shards, where a plain terms aggregation counts wrongly."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from support.indexing import index, set_up
from support.opensearch.server import Server
from support.records import identifier, item, stamp
from whodid_indexer.query.axis import AXES
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_indexer.store.opensearch import facets, stats, tally, together
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client as Connection
from whodid_indexer.store.opensearch.connect import Info, Refused, connect
from whodid_indexer.store.opensearch.hits import TooMuch
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.opensearch.together import UNREAD
from whodid_schema.document import body_of, document, target_values
from whodid_schema.errors import BadQuery, NotAllowed, StoreUnreachable
from whodid_schema.record import Actor, Client, Record, Ref, Target, encode

START = 1_795_000_000_000_000
MONTH = 30 * 86_400_000_000
INDICES = 6
ACTORS = 5_000


@pytest.fixture
def reader(opensearch: Server) -> Iterator[OpenSearchReader]:
    set_up(opensearch)
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as opened:
        yield opened


def made(number: int, micros: int = START, **fields: object) -> Record:
    time = stamp(micros)
    return Record(timestamp=time, received_at=time, id=identifier(number), surface="activity", **fields)  # type: ignore[arg-type]  # given by name


def crowd(number: int) -> list[Record]:
    """Records of 5,000 actors over six months; no actor stands out, so that every shard knows others."""
    rng = random.Random(5)
    found = []
    for serial in range(number):
        who = min(rng.randrange(ACTORS), rng.randrange(ACTORS))
        actor = Actor("user", str(who), f"Person {who}", f"P{who}@example.com", key=f"shop/user:{who}")
        found.append(
            made(
                serial,
                START - serial % INDICES * MONTH,
                actor=actor,
                verb=rng.choice(["create", "update"]),
                client=Client(f"10.0.{who // 250}.{who % 250}"),
                targets=[Target("note", str(rng.randrange(ACTORS))) for _ in range(rng.randrange(3))],
            )
        )
    return found


def test_counts_are_right_where_a_plain_terms_aggregation_is_wrong(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    opensearch.request("PUT", "/_component_template/whodid-two", {"template": {"settings": {"number_of_shards": 2}}})
    template = opensearch.request("GET", "/_index_template/whodid")["index_templates"][0]["index_template"]
    opensearch.request("PUT", "/_index_template/whodid", template | {"composed_of": ["whodid-two"]})
    records = crowd(6_000)
    assert set(index(opensearch, [item(record) for record in records])) == {201}
    shards = opensearch.request("GET", "/_cat/shards/whodid-*?format=json")
    assert len({(shard["index"], shard["shard"]) for shard in shards}) == 2 * INDICES
    truth = Counter(record.actor.key for record in records if record.actor)
    assert _wrong_in_a_plain_one(opensearch, truth) >= 8
    best = sorted(truth, key=lambda key: (-truth[key], str(key)))
    axes = [Axis("actor", selected=(str(best[-1]),)), Axis("ip"), Axis("target"), Axis("email"), Axis("verb")]

    for named in (2_000, 150, 20):
        with monkeypatch.context() as patch:
            patch.setattr(tally, "SHARDS_NAME", named)
            found = {one.axis: one for one in reader.facets(ALL, axes)}
            figures = reader.stats(ALL, Measure(START + 1, actors=4))
        actors = found["actor"]
        assert actors.approximate == (named < 2_000)
        assert {one.value: one.count for one in actors.values} == {one.value: truth[one.value] for one in actors.values}
        assert actors.other == len(records) - sum(one.count for one in actors.values)
        assert [one.label for one in actors.values] == [f"Person {one.value[10:]}" for one in actors.values]
        if named == 2_000:
            assert [one.value for one in actors.values] == best[:10] + best[-1:]
        assert actors.values_in_all == pytest.approx(len(truth), rel=0.05)
        for axis in ("ip", "target", "email"):
            for one in found[axis].values:
                assert one.count == reader.count(AuditQuery(terms=(Term(axis, (one.value,)),))), (axis, one)
        assert found["target"].other == _outside(records, {one.value for one in found["target"].values})
        assert not found["verb"].approximate
        assert {one.key: one.count for one in figures.actors} == {one.key: truth[one.key] for one in figures.actors}
        assert (figures.current.unique_ips, figures.approximate_ips) == (len(truth), False)


def _wrong_in_a_plain_one(opensearch: Server, truth: Counter[Any]) -> int:
    plain = {"size": 0, "aggs": {"actors": {"terms": {"field": "actor.key", "size": 10}}}}
    answer = opensearch.request("POST", "/whodid/_search", plain)
    return sum(bucket["doc_count"] != truth[bucket["key"]] for bucket in answer["aggregations"]["actors"]["buckets"])


def _outside(records: list[Record], shown: set[str]) -> int:
    return sum(any(f"note:{target.id}" not in shown for target in record.targets or ()) for record in records)


def test_what_is_out_of_time_has_no_values_and_says_so(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [item(made(number, verb="create", app="shop")) for number in range(50)])
    axes = [Axis("verb"), Axis("app")]
    late = reader.facets(ALL, axes, budget=0.0)
    assert [(one.axis, one.values, one.complete) for one in late] == [("verb", (), False), ("app", (), False)]
    assert all(one.complete and one.values[0].count == 50 for one in reader.facets(ALL, axes, budget=30.0))


def test_the_cluster_itself_ends_what_is_out_of_time(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(opensearch, [item(made(number, verb="create", reason=f"reason {number}")) for number in range(1_000)])
    slow = AuditQuery(groups=(Group(tuple(Text(f"a{number}*") for number in range(10, 40)), any=True, negated=True),))
    with monkeypatch.context() as patch:
        patch.setattr(together, "time", SimpleNamespace(monotonic=lambda: 0.0))  # here no time goes by
        ended = [reader.facets(slow, [Axis(name) for name in AXES], budget=0.001)[0] for _ in range(5)]
    assert any(not one.complete for one in ended)
    assert reader.facets(slow, [Axis("verb")])[0].values[0].count == 1_000


def test_more_addresses_than_are_listed_are_an_estimate_that_says_so(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(
        opensearch, [item(made(number, client=Client(f"10.0.{number // 250}.{number % 250}"))) for number in range(900)]
    )
    monkeypatch.setitem(stats._ADDRESSES, UNREAD, {"terms": {"field": "client.ip", "size": 100}})
    found = reader.stats(ALL, Measure(START + 1))
    assert found.approximate_ips
    assert found.current.unique_ips == pytest.approx(900, rel=0.01)


def test_spellings_of_a_value_are_counted_as_one(opensearch: Server, reader: OpenSearchReader) -> None:
    texts = ["Straße", "STRASSE", "strasse", "Stra\u00dfe"]
    index(
        opensearch, [item(made(number, category=text, target_types=[text, "x"])) for number, text in enumerate(texts)]
    )
    for axis in ("category", "type"):
        (found,) = reader.facets(ALL, [Axis(axis, limit=1)])
        assert [(one.value, one.count) for one in found.values] == [("strasse", 4)]
        assert found.values[0].label in texts
        assert found.other == (0 if axis == "category" else 4)


def test_many_candidates_are_counted_only_as_far_as_that_is_cheap(
    opensearch: Server, reader: OpenSearchReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(opensearch, [item(made(number, target=Target("note", str(number % 60)))) for number in range(200)])
    (all_counted,) = reader.facets(ALL, [Axis("target", limit=3)])
    assert (all_counted.approximate, [one.count for one in all_counted.values]) == (False, [4, 4, 4])
    monkeypatch.setattr(facets, "_AFFORDABLE", 0)
    (few_counted,) = reader.facets(ALL, [Axis("target", limit=3)])
    assert (few_counted.approximate, few_counted.values) == (True, all_counted.values)


def test_a_path_that_no_pattern_can_hold_is_refused(reader: OpenSearchReader) -> None:
    with pytest.raises(BadQuery, match="400 characters"):
        reader.facets(ALL, [Axis("meta." + "a" * 500)])
    assert reader.facets(ALL, [Axis("meta." + "a.[" * 130)])[0].values == ()


def test_an_index_without_its_shards_is_an_error(opensearch: Server, reader: OpenSearchReader) -> None:
    index(opensearch, [item(made(1, verb="create"))])
    nowhere = {"settings": {"index.routing.allocation.require.name": "nobody"}}
    opensearch.request("PUT", "/whodid-activity-2020-01?wait_for_active_shards=0&timeout=1s", nowhere)
    for question in (lambda: reader.facets(ALL, [Axis("verb")]), lambda: reader.stats(ALL, Measure(START))):
        with pytest.raises(StoreUnreachable):
            question()


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (Record(id="x"), []),
        (Record(target=Target("note", "1", "One")), ["note:1"]),
        (Record(target=Target(None, "1", "One"), targets=[]), ["1"]),
        (Record(targets=[Target("note", None, "One"), Target("x", "2"), Target("x", "2")]), ["One", "x:2"]),
        (Record(targets=[Target(None, None, "n" * 5_000)]), ["n" * 1_024]),
    ],
)
def test_a_target_is_counted_by_type_and_id_else_id_else_name(record: Record, values: list[str]) -> None:
    assert target_values(record) == values
    sent = document(record, encode(record))
    assert msgspec.json.decode(sent).get("target_values", []) == values
    assert body_of(sent) == encode(record)


def test_workspaces_are_counted_by_id_and_called_by_name(opensearch: Server, reader: OpenSearchReader) -> None:
    refs = [Ref("w-1", "First"), Ref("w-1", "First"), Ref("w-2"), Ref(None, "Third"), Ref("w-3", "w-2"), Ref()]
    index(opensearch, [item(made(number, workspace=ref)) for number, ref in enumerate(refs)])
    (found,) = reader.facets(ALL, [Axis("workspace")])
    assert [(one.value, one.label, one.count) for one in found.values] == [
        ("w-1", "First", 2),
        ("w-2", "w-2", 2),  # one of them is called so: `workspace:w-2` finds both
        ("third", "Third", 1),
        ("w-3", "w-2", 1),
    ]
    assert (found.other, found.values_in_all) == (0, 4)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ({}, StoreUnreachable, "no OpenSearch does"),
        ({"responses": []}, StoreUnreachable, "0 of 1"),
        ({"responses": [{"hits": {"total": {"value": 3}, "hits": []}}]}, StoreUnreachable, "left out"),
        ({"responses": [{"error": {"type": "circuit_breaking_exception"}, "status": 429}]}, TooMuch, "circuit"),
        ({"responses": [{"error": {"type": "security_exception", "reason": "no"}, "status": 403}]}, NotAllowed, "no"),
        ({"responses": [{"error": {"type": "task_cancelled_exception"}, "status": 500}]}, Refused, "cancelled"),
    ],
)
def test_what_is_no_whole_answer_is_an_error(answer: object, error: type[Exception], said: str) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=answer))
    client = Connection("http://127.0.0.1:1", Access(), transport)
    with closing(OpenSearchReader(client, Info((3,), "3", "c", "u"))) as reader, pytest.raises(error, match=said):
        reader.facets(ALL, [Axis("verb")])
