"""Syslog messages are RFC 5424's, of bounded size, and no event can write its header, its structure or a second one."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.serving import HOSTILE, make
from whodid_indexer.forward.message import messages
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_schema.record import Actor, Change, Ingest, Record, Target, encode

SYSLOG = {"name": "s", "kind": "syslog", "address": "tcp://localhost"}
GRAMMAR = re.compile(
    rb"<(\d{1,3})>1 (-|[0-9T:.-]+Z) ([!-~]{1,255}) ([!-~]{1,48}) - ([!-~]{1,32}) "
    rb'(\[[!-~]{1,32}(?: [a-z_]+="[^"\\\]]*")*\]) (.*)',
    re.DOTALL,
)


def message(record: Record, **given: Any) -> bytes:
    settings = ConsumerSettings.model_validate(SYSLOG | given)
    return messages(settings, lambda: None)(encode(record))


def parts(data: bytes) -> tuple[bytes, ...]:
    match = GRAMMAR.fullmatch(data)
    assert match is not None, data
    return match.groups()


def test_the_header_says_when_where_and_what_and_how_it_ended() -> None:
    record = make(3, ingest=Ingest(host="web-1"), outcome="failure")
    priority, time, host, app, action, structure, text = parts(message(record))
    assert (priority, time, host, app) == (b"108", b"2025-11-24T15:59:57.000000Z", b"web-1", b"whodid")
    assert (action, structure) == (b"report.update", f'[whodid@32473 id="{record.id}"]'.encode())
    assert json.loads(text)["id"] == record.id


@pytest.mark.parametrize(
    ("outcome", "priority"), [("success", 110), ("warning", 109), ("failure", 108), ("unknown", 110)]
)
def test_severity_follows_the_outcome(outcome: str, priority: int) -> None:
    assert parts(message(make(1, outcome=outcome)))[0] == str(priority).encode()


@pytest.mark.parametrize("form", ["json", "cef", "ecs", "ocsf"])
@pytest.mark.parametrize("name", [*HOSTILE])
def test_hostile_events_stay_one_message_with_one_header(form: str, name: str) -> None:
    text = HOSTILE[name] + ' x"] <0>1 '
    record = make(1, action=text, description=text, ingest=Ingest(host=text), actor=Actor("user", text, text))
    text_sent = parts(message(record, form=form))[6]
    assert not re.search(rb"[\x00-\x1f\x7f]", text_sent)
    assert "\x9b" not in text_sent.decode()
    assert "\u202e" not in text_sent.decode()


def test_json_is_ascii_and_cef_that_is_not_begins_with_a_byte_order_mark() -> None:
    record = make(1, description="Zoë \U0001f600 did it")
    text = parts(message(record))[6]
    assert text.isascii()
    assert json.loads(text)["description"] == record.description
    assert parts(message(record, form="cef"))[6].startswith(b"\xef\xbb\xbfCEF:0|")
    assert parts(message(make(1), form="cef"))[6].startswith(b"CEF:0|")


@pytest.mark.parametrize("form", ["json", "cef", "ecs", "ocsf"])
@pytest.mark.parametrize("size", [100, 3_000, 50_000])
def test_no_message_is_longer_than_allowed_and_a_shortened_one_says_so(form: str, size: int) -> None:
    long = "é" * size
    record = make(
        1,
        raw=long,
        action=long,
        description=long,
        actor=Actor("user", long, long),
        target=Target(long, long, long),
        changes=[Change(long, long, long)],
        metadata={"long": long},
        reason=long,
    )
    counted: list[int] = []
    settings = ConsumerSettings.model_validate(SYSLOG | {"form": form, "message_bytes": 2048})
    sent = messages(settings, lambda: counted.append(1))(encode(record))
    assert len(sent) <= 2048
    structure = parts(sent)[5]
    assert (b"left_out=" in structure) == bool(counted)
    if form != "cef":
        json.loads(parts(sent)[6])
        assert counted


def test_only_the_original_goes_where_that_is_enough() -> None:
    record = make(1, raw="x" * 2_000, metadata={"kept": True})
    *_, structure, text = parts(message(record, message_bytes=2048))
    assert b'left_out="raw"' in structure
    assert json.loads(text)["metadata"] == {"kept": True}


@given(st.builds(Record, timestamp=st.text(max_size=30), action=st.text(max_size=60), id=st.text(max_size=40)))
def test_whatever_a_record_holds_the_grammar_holds(record: Record) -> None:
    parts(message(record))
