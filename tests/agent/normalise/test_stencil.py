"""A stencil filled in is what the complete way sends, byte for byte, to either kind of store, or it is not used."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import AT_START, FILE, HTTP, META, RECEIVED, mutated, outcomes, pipeline, shipped
from whodid_agent.normalise.contract import Origin, Shipment
from whodid_agent.normalise.fast import pairs, stencil
from whodid_agent.normalise.fast.stencil import Stencils
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.signing import Signer
from whodid_schema.meta import Meta, Retention, default_meta

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"app": "shop", "workspace": "acme", "project": "p1"},
    {"workspace_default": "acme", "keep_raw": False},
)
METAS = (META, default_meta(datetime(2026, 6, 1, tzinfo=UTC), "period"))
PLAIN_EVENT: dict[str, Any] = {
    "timestamp": 1746057600.5,
    "actor": {"id": "u1", "type": "user", "name": "Ann Jones", "email": "ann@example.com"},
    "action": "document.update",
    "target": {"type": "document", "id": "d1", "name": "Plan"},
    "changes": {"title": {"from": "a", "to": "b"}, "seats": {"from": 1, "to": None}},
    "metadata": {"request_id": "Req_1", "latency": 12, "deep": {"k": [1, "x"]}},
    "ip": "10.0.0.1",
    "user_agent": "acme-cli/3.2.1",
    "result": "success",
    "workspace": "ws_1",
    "session_id": "Sess-1",
    "request_id": "Req-1",
}
TEXTS = st.one_of(
    st.sampled_from(
        (
            "u1",
            "d1",
            "Ann Jones",
            "42",
            "[FILTERED]",
            "***",
            "",
            "-",
            'say "hi"',
            "a\\b",
            "\x015\x01",
            "\\u00015\\u0001",
        )
    ),
    st.sampled_from(
        ("U1", "ANN@example.com", "shop/user:u1", "unknown/user:u1", "document:d1", "\u0338x", "\uff02", "Ünü")
    ),
    st.sampled_from(("acme", "ws_1", "p1", "Zoë", "x" * 79, "x" * 81, "x" * 1_100, "a.", "tab\there", "{0}%s", "none")),
    st.text(max_size=12),
)
SIDES = st.one_of(TEXTS, st.none(), st.integers(-(2**70), 2**70), st.booleans(), st.floats(allow_nan=False))
CHANGES = st.dictionaries(
    st.sampled_from(("title", "seats", "api_key", "…", "a b")),
    st.one_of(st.fixed_dictionaries({}, optional={"from": SIDES, "to": SIDES}), SIDES),
    max_size=3,
)
KEYS = st.one_of(st.sampled_from(("request_id", "A", "a", "a.a", "a=b", "%s")), TEXTS)
METADATA = st.dictionaries(KEYS, st.one_of(SIDES, st.dictionaries(KEYS, SIDES, max_size=2)), max_size=4)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind has its stencil from the first event on."""
    monkeypatch.setattr(stencil, "_MET_OFTEN", 1)


@pytest.fixture(scope="module")
def warm() -> list[Pipeline]:
    """Pipelines to both kinds of store that have met the plain event often enough to have a guess for it."""
    made = [pipeline(meta, **options) for meta in METAS for options in OPTIONS]
    for one in made:
        for _ in range(40):
            outcomes(PLAIN_EVENT, one)
            outcomes({**PLAIN_EVENT, "changes": {}}, one)
    return made


def the_same(event: Any, through: Pipeline, origin: Origin = AT_START) -> int:
    """Compare both ways; how many records came from a stencil. The first of a kind only makes it."""
    with patch.object(Stencils, "shipment", lambda *_: None):
        expected = outcomes(event, through, origin)
    filled: list[Shipment | None] = []
    ship = Pipeline._filled  # whether it was the stencil that made the record

    def watched(*given: Any) -> Shipment | None:
        filled.append(ship(*given))
        return filled[-1]

    with patch.object(Pipeline, "_filled", watched):
        for _ in range(2):
            assert outcomes(event, through, origin) == expected
    return sum(one is not None for one in filled)


@QUICK
@given(st.data())
def test_whatever_its_values_say_an_event_gives_the_same_record_by_a_stencil(
    warm: list[Pipeline], data: st.DataObject
) -> None:
    event = msgspec.json.decode(msgspec.json.encode(PLAIN_EVENT))
    for _ in range(data.draw(st.integers(1, 3))):
        where, key = data.draw(
            st.sampled_from(
                [("actor", key) for key in ("id", "name", "email", "type")]
                + [("target", key) for key in ("id", "name", "type")]
                + [("", key) for key in ("action", "ip", "user_agent", "workspace", "result", "session_id")]
            )
        )
        (event[where] if where else event)[key] = data.draw(TEXTS)
    event["changes"] = data.draw(st.one_of(st.just(event["changes"]), CHANGES))
    event["metadata"] = data.draw(st.one_of(st.just(event["metadata"]), METADATA))
    for through in warm:
        the_same(event, through)


def described(number: int) -> Iterator[dict[str, Any]]:
    """Plain events of many kinds."""
    for action in ("document.update", "user.login", "user.login_failed", "user.password_change", "member.add", "zap"):
        for of in ("user", "session", "API role"):
            for result in ("success", "failure"):
                for kind in ("user", "system", "api_token", "anonymous"):
                    target = {"type": of, "id": f"t{number}", "name": f"Name {number}"}
                    actor = {**PLAIN_EVENT["actor"], "type": kind}
                    yield {**PLAIN_EVENT, "action": action, "target": target, "actor": actor, "result": result}


def test_every_kind_of_plain_event_gives_the_same_record_and_most_have_a_stencil(warm: list[Pipeline]) -> None:
    used = [sum(the_same(event, through) > 0 for event in described(7)) for through in warm]
    assert min(used[0], used[2], used[3], used[5]) > 100
    assert used[1] == used[4] == 0  # their workspace is another than the input's


def test_mutated_plain_events_give_the_same_record_by_a_stencil(warm: list[Pipeline]) -> None:
    used = 0
    for event in mutated([PLAIN_EVENT, *described(3)], seed=9, number=1_000):
        used += sum(the_same(event, through) for through in warm)
    assert used > 50


def test_a_posted_event_and_one_of_a_file_say_by_a_stencil_where_they_came_from(warm: list[Pipeline]) -> None:
    for origin in (Origin(HTTP, 7, RECEIVED, "key", 3), Origin(HTTP, 7, RECEIVED), Origin(FILE, 1 << 40, RECEIVED)):
        assert the_same(PLAIN_EVENT, warm[0], origin) > 0


def test_where_an_event_goes_its_time_says_by_a_stencil_too() -> None:
    classes = {**META.classes, "activity": Retention(period="day")}
    through = pipeline(msgspec.structs.replace(METAS[1], classes=classes))
    for _ in range(40):
        outcomes(PLAIN_EVENT, through)
    for time, index in (("2026-05-31T12:00:00Z", "2026-05-31"), ("2026-06-01", "2026-06-01"), ("2004-01-01", "2004")):
        event = {**PLAIN_EVENT, "timestamp": time}
        assert the_same(event, through) > 0
        assert shipped(event, through).index == f"whodid-activity-{index}"


@pytest.mark.parametrize("meta", METAS, ids=lambda meta: meta.partitions)
def test_what_is_expired_is_so_by_a_stencil_too(meta: Meta) -> None:
    kept = {name: Retention(days=30) for name in META.classes}
    through = pipeline(msgspec.structs.replace(meta, classes=kept))
    for _ in range(40):
        assert the_same(PLAIN_EVENT, through) == 0
        the_same({**PLAIN_EVENT, "timestamp": "2026-05-31T12:00:00Z"}, through)
    assert the_same({**PLAIN_EVENT, "timestamp": "2026-05-31T12:00:00Z"}, through) > 0


def test_kinds_that_senders_make_up_do_not_grow_what_is_kept(
    warm: list[Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stencil, "_MOST_KINDS", 50)
    monkeypatch.setattr(pairs, "_MOST_KNOWN", 50)
    through = warm[0]
    for number in range(200):
        outcomes({**PLAIN_EVENT, "action": f"thing.update{number}", "metadata": {f"k{number}": 1}}, through)
    (stencils,) = through._stencils.values()  # what is kept is its own
    assert max(len(stencils._known), len(stencils._met), len(stencils._pairs._known)) <= 50


def test_an_event_is_signed_the_same_as_fields_and_as_json() -> None:
    for stream in (FILE, HTTP, msgspec.structs.replace(FILE, source='C:\\log "1"\x00\x01.jsonl', generation="")):
        signer = Signer(stream, "agent", "", "whodid", "")
        for item in (0, 12):
            origin = Origin(stream, 99, RECEIVED, first_item=2)
            identifier, came = signer.sign(origin, item, b"{}")
            assert identifier == signer.identifier(origin, item, b"{}", timeless=False)
            assert came.encode() == msgspec.json.encode(signer.ingest(origin, item, b"{}"))
