"""OpenSearch as a container, for machines with a Docker daemon: pulled once by Docker, removed when the tests end."""

import subprocess
import time
from typing import Self

from support.opensearch.obtain import STORE_VERSION, Unavailable
from support.opensearch.server import Server
from support.running import free_port

_PATIENCE = 120.0


def docker_answers() -> bool:
    """Whether there is a Docker daemon that does what we say."""
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Container(Server):
    """A single node without security, reachable from this machine alone."""

    def __init__(self, version: str = STORE_VERSION) -> None:
        self._port = free_port()
        super().__init__(f"http://127.0.0.1:{self._port}")
        self._image = f"opensearchproject/opensearch:{version}"
        self._id = ""

    def __enter__(self) -> Self:
        settings = [
            "discovery.type=single-node",
            "DISABLE_SECURITY_PLUGIN=true",
            "DISABLE_INSTALL_DEMO_CONFIG=true",
            "OPENSEARCH_JAVA_OPTS=-Xms512m -Xmx512m",
            "cluster.routing.allocation.disk.threshold_enabled=false",
        ]
        flags = [part for setting in settings for part in ("--env", setting)]
        done = subprocess.run(
            ["docker", "run", "--detach", "--rm", "--publish", f"127.0.0.1:{self._port}:9200", *flags, self._image],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode != 0:
            raise Unavailable(f"Docker could not start {self._image}: {done.stderr.strip()[-300:]}")
        self._id = done.stdout.strip()
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self.healthy():
                return self
            time.sleep(0.2)
        self.__exit__()
        raise Unavailable(f"{self._image} did not come up within {_PATIENCE:.0f} s")

    def __exit__(self, *_: object) -> None:
        subprocess.run(["docker", "rm", "--force", self._id], capture_output=True, check=False, timeout=60)
