"""From settings to parts: what one part is told by another, and what is given back where one cannot open."""

import socket
import threading
from pathlib import Path

import httpx
import pytest

from support.running import free_port, wait_until
from whodid_agent.assemble import Inputs
from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.inputs.http.source import HttpSource
from whodid_agent.process import run
from whodid_agent.runner import Options
from whodid_agent.state import Identity
from whodid_schema.errors import ConfigError

OWN_BODY = """\
profile: till
title: bodies of our own till
app: till
split: {path: receipts, beside: [shift]}
recognise:
  - has: [receipt, at]
time: at
action: receipt
"""


def test_the_receiver_cuts_bodies_as_profiles_of_ones_own_say(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/till.yaml").write_text(OWN_BODY)
    settings = AgentSettings(
        state_dir=tmp_path, profiles=tmp_path / "profiles", inputs=[InputSettings(http="127.0.0.1:0")]
    )
    inputs = Inputs(settings, Identity("agent", "host"), threading.Event().set)
    (source,) = inputs.sources
    assert isinstance(source, HttpSource)
    source.open({})
    try:
        receipts = [{"receipt": "sale.add", "at": "2026-05-01T08:00:00Z"}] * 3
        answer = httpx.post(f"http://{source.address}/v1/events", json={"receipts": receipts, "shift": 7})
        assert (answer.status_code, answer.json()) == (202, {"accepted": 3})
        block = source.read(1 << 20)
        assert block is not None
        assert len(block.lines) == 3
    finally:
        source.close()


def test_an_input_that_cannot_open_leaves_none_of_the_others_open(tmp_path: Path) -> None:
    free = f"127.0.0.1:{free_port()}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = AgentSettings(state_dir=tmp_path, inputs=[InputSettings(http=free), InputSettings(http=busy)])
        before = threading.active_count()
        with pytest.raises(ConfigError, match=busy):
            run(settings, Options())
    wait_until(lambda: threading.active_count() <= before, "every thread ends", 5)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{free}/healthz")
