"""The demonstration's processes: the real commands, started as a user would, ended by pid."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from whodid_schema.errors import StoreUnreachable

PATIENCE = 30.0
"""Seconds that a process may take to come up on a slow machine."""


def command(name: str) -> str:
    """The path of one of the two commands: beside this interpreter, where the package was installed."""
    return str(Path(sys.executable).parent / name)


def free_address() -> str:
    """A loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Process:
    """One command running in the background, its output in a log file; leaving the context ends it."""

    def __init__(self, name: str, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        self._name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [command(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,  # Ctrl-C is for the demonstration; it ends its processes in order
            )

    def wait_for(self, address: str) -> None:
        """Wait until something listens at `address`. Raises StoreUnreachable with the log's end where nothing does."""
        host, _, port = address.rpartition(":")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                return
            time.sleep(0.05)
        raise StoreUnreachable(f"{self._name} did not come up: {self.log_end()}")

    def log_end(self) -> str:
        """The last lines that the process wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
