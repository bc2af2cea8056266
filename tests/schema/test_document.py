"""What OpenSearch gets holds the record as it was sent, whatever the record holds."""

import json

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema.document import body_of, document, key
from whodid_schema.record import Record, encode

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
