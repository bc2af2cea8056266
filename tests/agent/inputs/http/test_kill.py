"""Promise 2 at the receiver: what was acknowledged is there exactly once, whenever the process was killed."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx

from agent.inputs.http.test_access import source as make_source

TESTS = Path(__file__).parents[3]


class Senders:
    """Four threads that post numbered batches until the receiver is gone."""

    def __init__(self, address: str, life: int) -> None:
        self.acknowledged: list[str] = []
        self._address = address
        self._threads = [threading.Thread(target=self._send, args=(f"{life}-{number}",)) for number in range(4)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self, name: str) -> None:
        with httpx.Client(base_url=f"http://{self._address}", timeout=10) as client:
            for number in range(100_000):
                names = [f"{name}-{number}-{item}" for item in range(3)]
                try:
                    answer = client.post("/v1/events", json=[{"n": each} for each in names])
                except httpx.TransportError:
                    return
                if answer.status_code == 202:
                    self.acknowledged += names


def test_every_acknowledged_event_is_there_once_after_kill_minus_nine(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for life in range(4):
        command = [sys.executable, str(Path(__file__).with_name("serve_receiver.py")), str(tmp_path / "spool"), "20000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(TESTS)}) as process:
            assert process.stdout is not None
            senders = Senders(process.stdout.readline().strip(), life)
            threading.Event().wait(0.4 + 0.13 * life)
            process.send_signal(signal.SIGKILL)
            senders.join()
        acknowledged += senders.acknowledged
    assert len(acknowledged) > 100
    reopened = make_source(tmp_path, listen=False)
    reopened.open({})
    found: Counter[str] = Counter()
    frames: list[int] = []
    while block := reopened.read(100_000):
        found.update(json.loads(line.data)["n"] for line in block.lines)
        frames += [line.origin.offset for line in block.lines]
    reopened.close()
    assert [name for name in acknowledged if found[name] != 1] == []
    assert set(found.values()) == {1}
    assert frames == sorted(frames)
    assert set(Counter(frames).values()) == {3}
