"""One OpenSearch node as a process of ours: started on free loopback ports, stopped or killed by pid.

    CACHE/node-OWNER-…/     a node's run folder; OWNER is the process that made it
        config/ data/ logs/ tmp/ snapshots/ pid

Started again on the same folder it has the same data. As root it runs as `nobody`, so the run folder must be one that
`nobody` can reach. What a killed test run left behind is ended and removed when the next node is made.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from support.opensearch.obtain import STORE_VERSION, Unavailable, cache, distribution, java
from support.opensearch.server import Server
from support.running import free_port

_JVM = (
    "-Xshare:auto -Xms512m -Xmx512m -XX:+UseSerialGC -Xss1m -XX:TieredStopAtLevel=1 -Djava.awt.headless=true "
    "-Dfile.encoding=UTF-8 -Djna.nosys=true -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true "
    "-Dio.netty.recycler.maxCapacityPerThread=0 -Dio.netty.allocator.numDirectArenas=0 "
    "-Dlog4j.shutdownHookEnabled=false -Dlog4j2.disable.jmx=true -Djava.locale.providers=SPI,CLDR "
    "--add-modules=jdk.incubator.vector --add-opens=java.base/java.nio=ALL-UNNAMED --enable-native-access=ALL-UNNAMED "
    "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1 -XX:MaxDirectMemorySize=256m"
)
"""The flags of OpenSearch's own script, but for what makes it slow to start and large."""

_LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
_PATIENCE = 90.0


class Node(Server):
    """A node of `version` with `settings` beside the usual ones; `url` answers once `start` has returned."""

    def __init__(self, version: str = STORE_VERSION, settings: dict[str, str] | None = None) -> None:
        super().__init__(f"http://127.0.0.1:{free_port()}")
        self._java = java()
        self._home = self._distribution(version)
        sweep()
        self._run = Path(tempfile.mkdtemp(prefix=f"node-{os.getpid()}-", dir=cache()))
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lay_out()

    @staticmethod
    def _distribution(version: str) -> Path:
        return distribution(version)

    def _lay_out(self) -> None:
        for name in ("config", "data", "logs", "tmp", "snapshots"):
            (self._run / name).mkdir()
        lines = {
            "cluster.name": "whodid-test",
            "node.name": "whodid-test",
            "path.data": self._run / "data",
            "path.logs": self._run / "logs",
            "path.repo": self._run / "snapshots",
            "network.host": "127.0.0.1",
            "http.port": self.url.rpartition(":")[2],
            "transport.port": free_port(),
            "discovery.type": "single-node",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            # SerialGC leaves garbage until there is no room: what is counted shall be what is asked for, not that
            "indices.breaker.total.use_real_memory": "false",
            **self._settings,
        }
        text = "".join(f"{key}: {value}\n" for key, value in lines.items())
        (self._run / "config" / "opensearch.yml").write_text(text)
        (self._run / "config" / "log4j2.properties").write_text(_LOGGING)
        self._prepare()
        self._give_to_account()

    def _prepare(self) -> None:
        """More files, for those who need them."""

    def _give_to_account(self) -> None:
        if os.geteuid() == 0:
            for path in (self._run, *self._run.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")

    def start(self) -> Self:
        """Start, and return once the cluster answers green or yellow. Raises Unavailable with the log's end."""
        home, run = self._home, self._run
        command = [
            str(self._java),
            *_JVM.split(),
            f"-javaagent:{home}/agent/opensearch-agent.jar",
            f"-Djava.io.tmpdir={run}/tmp",
            f"-Dopensearch.path.home={home}",
            f"-Dopensearch.path.conf={run}/config",
            "-Dopensearch.distribution.type=zip",
            "-Dopensearch.bundled_jdk=false",
            "-cp",
            f"{home}/lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]
        account: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        )
        with (run / "logs" / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=run, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **account
            )
        (run / "pid").write_text(str(self._process.pid))
        try:
            self._wait(self._process)
        except BaseException:  # an interrupted start must not leave a process behind
            self.kill()
            raise
        return self

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.healthy():
            if time.monotonic() > deadline or process.poll() is not None:
                raise Unavailable(f"the OpenSearch node did not come up: {self.log()[-600:]}")
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What the node has written so far."""
        return (self._run / "logs" / "console.log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL; `start` brings it back on the same data."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM; `start` brings it back on the same data."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            shutil.rmtree(self._run)
            raise

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._run)


def sweep() -> None:
    """End and remove the nodes whose owner is gone; a process is only ended where its command names the folder."""
    for folder in cache().glob("node-*"):
        owner = folder.name.split("-")[1]
        if Path(f"/proc/{owner}").exists() or not Path("/proc/self").exists():
            continue
        with contextlib.suppress(OSError, ValueError):  # it ended by itself, or another run is sweeping too
            pid = int((folder / "pid").read_text())
            if str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
