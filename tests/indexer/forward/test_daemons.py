"""Real syslog-ng and rsyslog, killed and started again under a running `whodid forward`: no record is missing."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from support.forwarding import add, configured, forward, ids_of, made, store_in
from support.running import Daemon, wait_until
from support.syslogs import Certificates, Receiver


def ids_in(lines: list[str]) -> list[str]:
    """Of the structured data, where a receiver looks to tell doubles."""
    return [found[1] for line in lines if (found := re.match(r'\[whodid@32473 id="(\w+)"', line))]


@pytest.mark.parametrize("form", ["json", "cef", "ocsf"])
def test_every_record_arrives_once_as_it_was_sent(tmp_path: Path, daemon: str, form: str) -> None:
    records = made(0, 300, description="Zoë\ndid it \U0001f600")
    with Receiver(daemon, tmp_path / "daemon") as receiver:
        consumer = {"name": "siem", "kind": "syslog", "address": receiver.address, "form": form}
        forward("--once", *configured(tmp_path, store_in(tmp_path, records), consumer))
        wait_until(lambda: len(receiver.lines) == 300, "everything is written")
    assert ids_in(receiver.lines) == ids_of(records)
    text = receiver.lines[0].partition("] ")[2]
    if form == "cef":
        assert "CEF:0|whodid|shop|" in text
    else:
        said = json.loads(text)
        assert said.get("description", said.get("message")) == "Zoë\ndid it \U0001f600"


def test_tls_to_a_real_receiver(tmp_path: Path, daemon: str, certificates: Certificates) -> None:
    records = made(0, 100)
    with Receiver(daemon, tmp_path / "daemon", (certificates.certificate, certificates.key)) as receiver:
        consumer = {"name": "siem", "kind": "syslog", "address": receiver.address, "ca_file": str(certificates.ca)}
        forward("--once", *configured(tmp_path, store_in(tmp_path, records), consumer))
        wait_until(lambda: len(receiver.lines) == 100, "everything is written")
    assert ids_in(receiver.lines) == ids_of(records)


def test_a_receiver_killed_and_started_again_misses_nothing_and_can_tell_doubles(tmp_path: Path, daemon: str) -> None:
    store = store_in(tmp_path, made(0, 500))
    with Receiver(daemon, tmp_path / "daemon") as receiver:
        consumer = {"name": "siem", "kind": "syslog", "address": receiver.address, "settle": "2s"}
        arguments = configured(tmp_path, store, consumer)
        with Daemon("whodid", ["forward", *arguments], tmp_path / "forward.log") as running:
            for start in (500, 1000, 1500):
                wait_until(lambda more=start - 500: len(receiver.lines) > more, "more is written")  # type: ignore[misc]
                receiver.kill()
                add(store, made(start, start + 250))
                receiver.start()
                add(store, made(start + 250, start + 500))
            running.kill()
            add(store, made(2000, 2100))
        forward("--once", *arguments)
        wanted = set(ids_of(made(0, 2100)))
        wait_until(lambda: set(ids_in(receiver.lines)) == wanted, "nothing is missing", 20)
        status = json.loads(forward("status", *arguments, "--format", "json").text)["consumers"][0]
    assert set(Counter(ids_in(receiver.lines))) == wanted  # doubles have the same id; there is no other
    assert (status["sent"], status["in_flight"], status["lag_records"], status["balanced"]) == (2100, 0, 0, True)
