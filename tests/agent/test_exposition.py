"""Agents that only read files show their metrics at an address of their own, to this machine alone."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.bulk_target import Target
from support.running import Daemon, free_port, wait_until, whodid_agent
from whodid_agent.exposition import Exposition
from whodid_schema.errors import ConfigError

LINE = '{"action": "user.update", "actor": {"type": "user", "id": "7"}, "timestamp": "2026-05-01T10:00:00Z"}\n'


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as client:
        yield client


def configured(tmp_path: Path, target: str, metrics: str) -> Path:
    config = tmp_path / "agent.yaml"
    config.write_text(
        f"target: {target}\nstate_dir: {tmp_path}/state\nmetrics: '{metrics}'\ninputs:\n  - file: {tmp_path}/a.jsonl\n"
    )
    return config


def test_a_running_agent_that_reads_files_alone_is_scraped_until_it_ends(tmp_path: Path, client: httpx.Client) -> None:
    (tmp_path / "a.jsonl").write_text(LINE * 3)
    url = f"http://127.0.0.1:{free_port()}"

    def settled() -> bool:
        try:
            text = client.get(f"{url}/metrics").text
        except httpx.ConnectError:
            return False
        found = re.search(r'^whodid_agent_events_settled_total\{.*outcome="indexed"\} (\S+)', text, re.MULTILINE)
        return found is not None and float(found[1]) == 3

    with Target() as target:
        arguments = ["run", "--config", str(configured(tmp_path, target.url, url.removeprefix("http://")))]
        with Daemon("whodid-agent", arguments, tmp_path / "log") as agent:
            wait_until(settled, "three events in the metrics")
            assert client.get(f"{url}/healthz").text == "ok\n"
            assert agent.stop() == 0
    assert f"metrics at {url}/metrics" in (tmp_path / "log").read_text()
    with pytest.raises(httpx.ConnectError):
        client.get(f"{url}/metrics")


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "[::1]"), ("localhost:0", "127.0.0.1")]
)
def test_it_answers_to_the_names_of_this_machine_alone(address: str, host: str, client: httpx.Client) -> None:
    with Exposition(address) as shown:
        url = f"http://{shown.address}"
        assert shown.address.startswith(f"{host}:")
        assert client.get(f"{url}/metrics").headers["content-type"].startswith("text/plain; version=")
        assert client.get(f"{url}/metrics?x=1", headers={"Host": "localhost"}).status_code == 200
        assert client.get(f"{url}/metrics", headers={"Host": "attacker.example"}).status_code == 403
        assert client.get(f"{url}/").status_code == 404
        assert client.post(f"{url}/metrics").status_code == 501


def test_whoever_asks_and_goes_away_or_says_nothing_keeps_nobody_waiting(client: httpx.Client) -> None:
    with Exposition("127.0.0.1:0") as shown:
        host, _, port = shown.address.rpartition(":")
        with socket.create_connection((host, int(port))), socket.create_connection((host, int(port))) as gone:
            gone.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            gone.close()
            assert client.get(f"http://{shown.address}/metrics").status_code == 200


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9465", "192.0.2.1:9465", ":9465", "audit.example.com:9465", "9465", "[::]:1"]
)
def test_an_address_that_others_reach_is_refused_by_run_and_check(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="metrics: "):
        Exposition(address)
    with Target() as target:
        done = whodid_agent("check", "--config", str(configured(tmp_path, target.url, address)), check=False)
    assert (done.returncode, "FAIL metrics: " in done.stdout) == (1, True)


def test_an_address_that_is_taken_ends_the_run_with_a_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Target() as target:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = whodid_agent("run", "--config", str(configured(tmp_path, target.url, address)), check=False)
    assert (done.returncode, f"metrics: cannot listen on {address}: " in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
