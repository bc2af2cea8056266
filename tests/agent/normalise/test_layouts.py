"""A line of a known layout gives what the way of all lines gives, byte for byte, or goes that way itself."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import (
    AT_START,
    FILE,
    HTTP,
    META,
    PROFILES,
    RECEIVED,
    mutated,
    outcomes,
    pipeline,
    profile_events,
)
from whodid_agent.normalise.contract import Discard, Origin, Sent, Shipment
from whodid_agent.normalise.fast import layouts, pairs, stencil, straight
from whodid_agent.normalise.fast.layouts import Layouts
from whodid_agent.normalise.pipeline import Pipeline
from whodid_schema.meta import Retention, default_meta

EVENT: dict[str, Any] = {
    "timestamp": "2025-05-01T12:00:00.250+02:00",
    "actor": {"id": "u1", "type": "user", "name": "Ann Jones", "email": "ann@example.com"},
    "action": "document.update",
    "target": {"type": "document", "id": "d1", "name": "Plan"},
    "changes": {"title": {"from": "a", "to": "b"}, "seats": {"from": 1, "to": None}},
    "metadata": {"request_id": "Req_1", "latency": 12, "ratio": 0.5, "on": True, "auth": {"method": "sso"}},
    "ip": "10.0.0.1",
    "user_agent": "acme-cli/3.2.1",
    "result": "success",
    "workspace": "ws_1",
    "session_id": "Sess-1",
}
EVENTS: tuple[dict[str, Any], ...] = (
    EVENT,
    {**EVENT, "changes": {}, "timestamp": 1746057600.5},
    {**EVENT, "timestamp": 1746057600, "trace": {"span": {"id": "s1"}}, "actor": {**EVENT["actor"], "seat": 4}},
    {
        "action": "user.login",
        "actor": {"id": 7, "name": "Zoë", "type": "user"},
        "timestamp": "2025-05-01T12:00:00Z",
        "level": "info",
    },
    {"metadata": {"a": {"b": {"c": "d"}, "e": ""}, "list": [1]}, **{key: EVENT[key] for key in ("action", "timestamp")}}
    | {"actor": {"name": "Ann", "extra": {"k": "v"}}, "n": None, "empty": {}, "half": 1.5, "some": [1, "a"]},
)
LINES = [
    line
    for event in EVENTS
    for line in (msgspec.json.encode(event), json.dumps(event).encode(), json.dumps(event, ensure_ascii=False).encode())
]
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"workspace_default": "acme", "keep_raw": False}, {"profile": "whodid"})
METAS = (META, default_meta(datetime(2026, 6, 1, tzinfo=UTC), "period"))
ODD = (
    '"', '""', '"-"', '"null"', '"u\\u0031"', '"a\\"b"', '"a\\\\"', '"tab\there"', '"\x7f"', '"\x00"', '"é"',
    '"\u2028"',
    '"→ \U0001f600"', '"[FILTERED]"', '"***"', '"{"', '"}"', '"},"', '"a},b:{"', '"x=y"', '"%s"',
    "null", "true", "false", "{}", "[]", "[1]",
    "-0", "00", "01", "1e5", "1.0", "1.10", "0.00001", "123456789012345678901234567890", "-5", "NaN",
    '{"reason":"no"}', '{"a":"b"},"z":{"c":"d"}', '{"k":1,"k":2}', "1,", '"a","actor":"b"', " ", "\t", "\r", ",", ":",
    '{"a":"},"target":{"id":"t9"}', '"x","session_id":"s9"', '{"from":"a","to":"a"}', '"2025-02-30T00:00:00Z"',
    '"' + "x" * 90 + '"',
    '{"changes":"c"}', '{"metadata":{"a":1}}', '"10.0.0.256"', '"::ffff:10.0.0.1"', '"reason"', '"١"', "١",
)  # fmt: skip
TOKEN = re.compile(r'"[^"]*"|[0-9.]+|[a-z]+|.', re.DOTALL)
QUICK = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds and layouts are known from the first events on."""
    monkeypatch.setattr(stencil, "_MET_OFTEN", 1)
    monkeypatch.setattr(pairs, "_TRIED_AT", frozenset(range(99)))
    monkeypatch.setattr(layouts, "_MADE_AT", frozenset(range(999)))
    monkeypatch.setattr(layouts, "_MOST_ALIKE", 12)


def warmed(*given: Any, **options: Any) -> Pipeline:
    """A pipeline that has met all lines often enough to have guesses, and with these stencils and layouts."""
    made = pipeline(*given, **options)
    for line in LINES:
        for _ in range(70):
            outcomes(line, made)
    return made


@pytest.fixture(scope="module")
def warm() -> list[Pipeline]:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(stencil, "_MET_OFTEN", 1)
        patches.setattr(layouts, "_MADE_AT", frozenset(range(999)))
        patches.setattr(layouts, "_MOST_ALIKE", 12)
        return [warmed(meta, **options) for meta in METAS for options in OPTIONS]


def the_same(line: bytes, through: Pipeline, origin: Origin = AT_START) -> int:
    """Compare both ways; how often it was a layout that made the record."""
    with patch.object(Layouts, "shipment", lambda *_: None):
        expected = outcomes(line, through, origin)
    made: list[Shipment | None] = []
    ship = Layouts.shipment

    def watched(*given: Any) -> Shipment | None:
        made.append(ship(*given))
        return made[-1]

    with patch.object(Layouts, "shipment", watched):
        for _ in range(2):
            assert outcomes(line, through, origin) == expected
    return sum(one is not None for one in made)


def test_the_lines_of_known_layouts_are_shipped_by_them(warm: list[Pipeline]) -> None:
    """But for arrays beside what is looked at, and for escapes."""
    expected = [b'"some"' not in line and b"\\" not in line for line in LINES]
    for through in warm:
        assert [the_same(line, through) > 0 for line in LINES] == expected


@QUICK
@given(st.data())
def test_whatever_is_written_into_a_line_it_gives_the_same(warm: list[Pipeline], data: st.DataObject) -> None:
    parts = TOKEN.findall(data.draw(st.sampled_from(LINES)).decode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(parts) - 1))
        parts[place] = data.draw(st.one_of(st.sampled_from(ODD), st.sampled_from(parts), st.text(max_size=5)))
    line = "".join(parts).replace("\n", "").encode("utf-8", "surrogatepass")
    for through in warm:
        the_same(line, through)


@QUICK
@given(st.data())
def test_bytes_that_are_changed_give_the_same(warm: list[Pipeline], data: st.DataObject) -> None:
    line = bytearray(data.draw(st.sampled_from(LINES)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(line) - 1))
        line[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2)).replace(b"\n", b"")
    for through in warm[:4]:
        the_same(bytes(line), through)


def test_events_of_every_profile_give_the_same_in_every_order_of_layouts() -> None:
    through = pipeline()
    lines = [msgspec.json.encode(event) for mapper in PROFILES for event in profile_events(mapper.head.name)]
    for line in lines:
        for _ in range(20):
            outcomes(line, through)
    for line in lines:
        the_same(line, through)
        the_same(line.replace(b'"user"', b'"-"').replace(b"1", b"7"), through)


def test_mutated_events_give_the_same_by_a_layout_and_some_have_one(warm: list[Pipeline]) -> None:
    used = 0
    for event in mutated([*EVENTS], seed=3, number=1_000):
        used += sum(the_same(msgspec.json.encode(event), through) > 0 for through in warm[:2])
    assert used > 50


def test_a_line_of_a_known_layout_says_where_it_came_from(warm: list[Pipeline]) -> None:
    for origin in (Origin(HTTP, 7, RECEIVED, "key", 3), Origin(HTTP, 7, RECEIVED), Origin(FILE, 1 << 40, RECEIVED)):
        assert the_same(LINES[0], warm[0], origin) > 0


def test_events_of_an_array_are_shipped_by_their_layouts_too(warm: list[Pipeline]) -> None:
    assert the_same(b"[%b,%b]" % (LINES[0], LINES[3]), warm[0]) >= 4


def test_actions_without_a_stencil_are_known_at_once_and_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straight, "_MOST_KINDS", 8)
    through = warmed()
    for number in range(30):
        line = LINES[0].replace(b"document.update", b"zap%d" % number)
        assert the_same(line, through) == the_same(line, through) == 0
    (stencils,) = through._stencils.values()
    assert 0 < len(stencils._without) <= 8


def test_what_the_journal_remembers_is_shipped_under_that(warm: list[Pipeline]) -> None:
    (sent,) = outcomes(LINES[0], warm[0], AT_START, {0: Sent("0" * 26, "elsewhere")})
    assert isinstance(sent, Shipment)
    assert (sent.id, sent.index) == ("0" * 26, "elsewhere")


def test_new_rules_of_the_store_hold_from_the_next_line_on() -> None:
    through = warmed()
    assert the_same(LINES[0], through) > 0
    kept = {name: Retention(days=30) for name in META.classes}
    through.file_by(msgspec.structs.replace(META, classes=kept))
    (expired,) = outcomes(LINES[0], through)
    assert isinstance(expired, Discard)


@pytest.mark.parametrize(
    "options", [{"drop": ("reads",)}, {"drop": ({"name": "n", "when": {"action": "user.login"}},)}]
)
def test_an_input_that_leaves_events_out_has_no_layouts(options: dict[str, Any]) -> None:
    through = warmed(**options)
    assert not any(the_same(line, through) for line in LINES)


def test_layouts_that_senders_make_up_do_not_grow_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_MOST_ALIKE", 3)
    monkeypatch.setattr(layouts, "_MOST_BEGINNINGS", 4)
    through = warmed()
    for number in range(60):
        first, extra = f"k{number % 20}", f"x{number}"
        for _ in range(20):
            outcomes({first: 1, **EVENT, extra: 2, "metadata": {f"m{number}": "x"}}, through)
    known = through._layouts._known  # what is kept is its own
    assert len(known) <= 4
    assert max(map(len, known.values())) <= 3
    assert len(through._layouts._met) <= 4


@pytest.mark.parametrize(
    "line",
    [
        LINES[0].replace(b'"ip":', b'"pi":'),
        LINES[0].replace(b"}}", b"}}}" + b"}" * 20_000, 1),
        LINES[0].replace(b'"Plan"', b'"' + b"{}" * 20_000 + b'"'),
        LINES[0].replace(b'"a"', b'"' + b'},"metadata":{' * 4_000 + b'"'),
        LINES[0][:-1] + b" " * 40_000 + b"}",
    ],
    ids=["near", "braces", "texts", "ends", "spaces"],
)
def test_a_line_that_nearly_has_a_layout_costs_no_more_than_reading_it(warm: list[Pipeline], line: bytes) -> None:
    the_same(line, warm[0])
    started = time.process_time()
    for _ in range(20):
        warm[0]._layouts.shipment(0, line, AT_START)
    assert time.process_time() - started < 20 * (0.002 + len(line) * 1e-7)
