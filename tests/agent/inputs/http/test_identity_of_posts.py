"""Through the receiver and the real pipeline: which posts are one event, and which are several."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.normalise.contract import InputOptions, Shipment
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

if TYPE_CHECKING:
    from agent.inputs.http.conftest import Receiver

PROFILES = ProfileSet.load()
WEBHOOK = (
    b'{"events":[{"event":"activity_log.user.updated","description":"updated the user profile",'
    b'"actor":{"id":783,"type":"user","name":"Jane Doe"},"resource":{"id":"783","type":"user","name":"Jane Doe"},'
    b'"changes":{"name":{"to":"[FILTERED]","from":"[FILTERED]"}},"timestamp":1733739084}]}'
)
SIGN_IN = b'{"action":"sign_in","actor":{"type":"user","id":"1"}}'


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(InputOptions(), default_meta(datetime.now(UTC)), PROFILES, "a1", "h1")


def shipped(receiver: "Receiver", pipeline: Pipeline) -> list[Shipment]:
    """Everything that was posted, as the pipeline ships it; each line must be exactly one event."""
    found = []
    for line in receiver.lines():
        (event,) = pipeline.events(line.data, line.origin)
        assert isinstance(event, Shipment)
        found.append(event)
    return found


def test_equal_posts_without_a_key_are_separate_events(receiver: "Receiver", pipeline: Pipeline) -> None:
    for _ in range(20):
        receiver.post(b"[" + b",".join([SIGN_IN] * 25) + b"]")
    assert len({event.id for event in shipped(receiver, pipeline)}) == 500


def test_a_retried_post_with_a_key_gives_the_same_ids(receiver: "Receiver", pipeline: Pipeline) -> None:
    for _ in range(2):
        receiver.post(b"[" + SIGN_IN + b",3," + SIGN_IN + b"]", Idempotency_Key="k1")
    ids = [event.id for event in shipped(receiver, pipeline)]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


def test_a_retried_webhook_batch_gives_the_same_id(receiver: "Receiver", pipeline: Pipeline) -> None:
    for _ in range(2):
        receiver.post(WEBHOOK)
    first, second = shipped(receiver, pipeline)
    assert first.id == second.id
    record = msgspec.json.decode(first.body)
    assert (record["actor"]["name"], record["verb"], record["target"]["id"]) == ("Jane Doe", "update", "783")


def test_the_receiver_takes_bodies_apart_where_the_built_in_profiles_do(tmp_path: Path) -> None:
    options = HttpOptions(name="in", spool_dir=tmp_path, agent="a1", host="h1")
    assert options.envelopes == {split.path: split.beside for split in PROFILES.splits.values()}
