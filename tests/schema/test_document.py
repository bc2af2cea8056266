"""What OpenSearch gets holds the record as it was sent, whatever the record holds."""

import json

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema.document import body_of, document, key, keys
from whodid_schema.record import Actor, Person, Record, Ref, Target, encode

HOSTILE = ['],"search":"', ',"keys":[', '\\"],\\"search\\":\\"', '","keys":["],"search":"', "\\", '"', "\ud7ff\0é"]
text = st.one_of(st.text(max_size=8), st.sampled_from(HOSTILE))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text | st.just("keys"), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["keys", "search", "a"]), json_values, max_size=3), text)
def test_the_record_comes_out_as_it_went_in(metadata: dict[str, object], said: str) -> None:
    record = Record(id="0" * 26, app=said, description=said, metadata=metadata, raw=json.dumps(metadata))
    body = encode(record)
    sent = document(record, body)
    assert json.loads(sent).keys() - json.loads(body).keys() == {"keys", "search"}
    assert body_of(sent) == body


def test_what_is_no_document_is_left_alone() -> None:
    for body in (b"", b"{}", b'{"search":"x"}', b'{"id":"1"}'):
        assert body_of(body) == body


def test_session_and_request_are_compared_as_written_all_else_folded() -> None:
    assert key("session", "Sess-1") == "session=Sess-1"
    assert key("app", "Straße") == "app=strasse"


values = st.one_of(
    st.text(max_size=12), st.sampled_from(["", "a=b", "A\nB", "É", "e\u0301", "ẞ", "x" * 1_100, "é" * 1_100])
)


@given(st.lists(values, min_size=12, max_size=12))
def test_keys_are_the_same_whichever_way_they_are_made(found: list[str]) -> None:
    """The quick ways for what is plain make what `key` makes."""
    record = Record(
        app=found[0],
        action=found[1],
        actor=Actor(found[2], found[3], found[4], token=Ref(found[5]), on_behalf_of=Person(name=found[6])),
        targets=[Target(found[7], found[8], found[9])],
        changed=[found[10]],
        session_id=found[11],
    )
    wanted = [("app", 0), ("action", 1), ("actor.type", 2), ("actor", 3), ("actor", 4), ("actor", 5), ("actor", 6)]
    wanted += [("target", 8), ("target", 9), ("changed", 10), ("session", 11)]
    expected = {key(field, found[place]) for field, place in wanted if found[place]}
    if found[7] and found[8]:
        expected.add(key("target", f"{found[7]}:{found[8]}"))
    made = keys(record)
    assert set(made) == expected
    assert len(made) == len(expected)


def test_a_type_counts_even_where_nothing_lists_it() -> None:
    assert keys(Record(target=Target("Note", "7", "Plan"))) == [
        "target=7",
        "target=note:7",
        "target=plan",
        "type=note",
    ]
    assert keys(Record(target=Target("Note"), target_types=["a", "B", ""])) == ["type=a", "type=b"]
