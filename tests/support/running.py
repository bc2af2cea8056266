"""The product's real commands as processes of a test: started on free loopback ports, killed by pid."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

BIN = Path(sys.executable).parent


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without anything of whodid's, with `more`."""
    return {key: value for key, value in os.environ.items() if not key.startswith("WHODID_")} | more


def whodid(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `whodid` to its end."""
    return _run("whodid", arguments, check)


def whodid_agent(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `whodid-agent` to its end."""
    return _run("whodid-agent", arguments, check)


def _run(name: str, arguments: tuple[str, ...], check: bool) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(BIN / name), *arguments], capture_output=True, text=True, check=False, env=clean_environment(), timeout=300
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{name} {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


class Daemon:
    """A command that runs until it is ended; started anew it takes the same arguments and appends to the same log."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self._command = [str(BIN / name), *arguments]
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        assert self._process is None
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=clean_environment()
            )
        return self

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        code = self._process.wait(timeout=60)
        self._process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._end(signal.SIGTERM)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for a condition; an AssertionError names what never came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def listening(port: int) -> Callable[[], bool]:
    """Whether something listens on the loopback port."""

    def answer() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return answer


def totals(config: Path) -> dict[str, int]:
    """The agent's own reconciliation, running or stopped."""
    answer: dict[str, Any] = json.loads(whodid_agent("status", "--config", str(config), "--format", "json").stdout)
    return dict(answer["totals"])
