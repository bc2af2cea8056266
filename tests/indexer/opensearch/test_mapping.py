"""What the template makes of records on a real node: the words of FTS5, every field, any size, no unknown field."""

import json
import random
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from support.opensearch.server import Server
from whodid_indexer.store.opensearch.compile import AS_WRITTEN
from whodid_indexer.store.opensearch.mapping import ECS, mapping
from whodid_indexer.store.opensearch.template import template
from whodid_schema import _fold_table, folding
from whodid_schema.document import KEYS, SEARCH, TARGETS, document, keys
from whodid_schema.fields import FIELDS
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Change, Client, Ingest, Person, Record, Ref, Snapshot, Target, encode

INDEX = "whodid-activity-2026-11"
TIME = "2026-11-21T12:00:00.123456Z"


@pytest.fixture
def index(opensearch: Server) -> Server:
    """The node with the template and one index."""
    opensearch.request("PUT", "/_index_template/whodid", template(default_meta(datetime.now(UTC), "period")))
    opensearch.request("PUT", f"/{INDEX}", {})
    return opensearch


def full(value: str = "v") -> Record:
    """A record with a value in every field."""
    ref = Ref(value, value)
    return Record(
        timestamp=TIME,
        time_precision=value,
        reported_time=value,
        received_at=TIME,
        id=value,
        native_id=value,
        app=value,
        surface=value,
        kind=value,
        category=value,
        category_label=value,
        action=value,
        verb=value,
        description=value,
        outcome=value,
        reason=value,
        actor=Actor(value, value, value, value, value, value, ref, value, Person(value, value, value), value),
        target=Target(value, value, value, 3, value),
        targets=[Target(value, value, value, 3, value)],
        target_refs=[value],
        target_types=[value],
        workspace=ref,
        project=ref,
        layer=value,
        client=Client("2001:db8::1", value, value, value),
        session_id=value,
        request_id=value,
        changes=[Change(value, value, {"a": [value]}, True)],
        changed=[value],
        snapshot=Snapshot(value, [value]),
        metadata={"a": {"b": [1, value]}},
        meta=[f"a={value}"[:1024]],
        related=[value],
        ingest=Ingest(value, value, value, value, 1, 2, value, value, value),
        raw=value,
        raw_redacted=True,
        zone_assumed=True,
    )


def put(server: Server, record: Record) -> Any:
    return server.request(
        "PUT", f"/{INDEX}/_create/{quote((record.id or '')[:20])}?refresh=true", document(record, encode(record))
    )


def words(server: Server, text: str) -> list[str]:
    """What the node makes of a text."""
    answer = server.request("POST", f"/{INDEX}/_analyze", {"analyzer": "whodid_words", "text": text})
    return [token["token"] for token in answer["tokens"]]


def unlike(server: Server, codes: list[int]) -> Iterator[str]:
    """The blocks of characters that the node cuts otherwise than FTS5."""
    for start in range(0, len(codes), 2_000):
        text = "\n".join(f"x{chr(code)}y{chr(code)}" for code in codes[start : start + 2_000])
        if words(server, folding.fold(text)) != folding.tokens(text):
            yield f"{codes[start]:x} …"


def everywhere() -> list[int]:
    return [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_words_are_cut_where_fts5_cuts_them(index: Server) -> None:
    """Both sides of the borders of every range of letters, and characters of anywhere."""
    borders: set[int] = set()
    for entry in _fold_table.WORD_RANGES.split():
        first, _, last = entry.partition("-")
        borders |= {int(first, 16) - 1, int(first, 16), int(last or first, 16), int(last or first, 16) + 1}
    codes = random.Random(4).sample(everywhere(), 6_000) + list(range(0x2000)) + sorted(borders)
    assert list(unlike(index, [code for code in codes if code < 0x110000 and not 0xD800 <= code <= 0xDFFF])) == []


@pytest.mark.slow
def test_words_are_cut_where_fts5_cuts_them_for_every_character(index: Server) -> None:
    assert list(unlike(index, everywhere())) == []


@pytest.mark.parametrize(
    "text",
    [
        "Łódź – Straße 5, Ærøskøbing; naïve ﬁle O’Neil <b>50%</b> ÇA",
        "alice@acme.com smtp.update user:783 2001:db8::1 /srv/app/audit.jsonl",
        "がっこう 한국어 عربى עברית ไทย 汉字",
        "ΟΔΟΣ οδος İstanbul ısı cafe\u0301 ｆｕｌｌ",
        "\u0000\u0007\u202ea\u200bb\u00adc\ufffd👩‍👩‍👧 x₂ ½",
        "",
    ],
)
def test_samples_give_the_same_words(index: Server, text: str) -> None:
    assert words(index, folding.fold(text)) == folding.tokens(text)


def test_a_word_without_end_is_cut_and_no_poison(index: Server) -> None:
    assert words(index, "a" * 100_000) == ["a" * 255]


def test_what_people_type_into_dashboards_is_folded_there(index: Server) -> None:
    put(index, Record(timestamp=TIME, id="a", description="Łódź Straße"))
    for typed in ("Łódź", "lodz", "STRASSE"):
        assert index.request("GET", f"/whodid/_count?q={quote(typed)}")["count"] == 1


def test_a_record_with_every_field_goes_in_and_comes_back(index: Server) -> None:
    record = full()
    put(index, record)
    source = index.request("GET", f"/{INDEX}/_doc/v")["_source"]
    ours = {KEYS, TARGETS, SEARCH}
    assert {name: value for name, value in source.items() if name not in ours} == json.loads(encode(record))


def test_full_fills_every_field_of_the_record() -> None:
    """Else the tests with it would not notice a new field."""

    def bare(value: Any, path: str) -> Iterator[str]:
        if value is None:
            yield path
        elif isinstance(value, msgspec.Struct):
            for field in value.__struct_fields__:
                yield from bare(getattr(value, field), f"{path}.{field}")

    assert list(bare(full(), "record")) == []


def test_an_unknown_field_is_refused(index: Server) -> None:
    for body in ({"@timestamp": TIME, "new": 1}, {"@timestamp": TIME, "actor": {"new": 1}}):
        with pytest.raises(urllib.error.HTTPError, match="strict_dynamic_mapping_exception"):
            index.request("PUT", f"/{INDEX}/_create/1", body)


@pytest.mark.parametrize("char", ["a", "é", "👩"])
def test_no_value_is_too_long(index: Server, char: str) -> None:
    """More than Lucene takes as one word, in every field; Dashboards do not find it, everything else is whole."""
    put(index, full(char * 40_000))
    put(index, Record(timestamp=TIME, id="b", raw=char * 1_000_000, metadata={"a": char * 1_000_000}))
    hits = index.request("POST", "/whodid/_search", {"query": {"exists": {"field": "keys"}}, "_source": ["app"]})[
        "hits"
    ]
    assert [hit["_source"]["app"] for hit in hits["hits"]] == [char * 40_000]
    assert index.request("GET", "/whodid/_count")["count"] == 2


def test_no_address_is_no_poison(index: Server) -> None:
    put(index, Record(timestamp=TIME, id="a", client=Client(ip="not an address")))
    assert index.request("GET", "/whodid/_count")["count"] == 1


def test_ecs_names_find_and_count_what_the_record_has(index: Server) -> None:
    put(index, full())
    for name in ECS:
        value = {"source.ip": '"2001:db8::1"', "event.created": f'"{TIME}"'}.get(name, "v")
        assert index.request("GET", f"/whodid/_count?q={quote(f'{name}:{value}')}")["count"] == 1, name


def test_every_keyword_has_a_limit_and_every_query_field_a_place() -> None:
    def leaves(properties: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        for name, form in properties.items():
            if "properties" in form:
                yield from leaves(form["properties"], f"{path}{name}.")
            else:
                yield path + name, form

    found = dict(leaves(mapping()["properties"]))
    for name, form in found.items():
        if form["type"] == "keyword" and form.get("index", True):
            assert form["ignore_above"] <= 8_191, name
    held = {key.partition("=")[0] for key in keys(full())}
    assert held == set(FIELDS) - {"id", "ip", *AS_WRITTEN}
    assert found["client.ip"]["type"] == "ip"
    assert {found[name]["type"] for name in ("id", *AS_WRITTEN)} == {"keyword"}
