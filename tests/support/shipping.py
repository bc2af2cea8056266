"""A file on its way through the real agent's process into a real OpenSearch, and the recount there.

The recount asks the cluster itself and shares nothing with the product: which lines are stored, how often, under
which ids, over all indices.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path

from support.opensearch.server import Server
from support.running import BIN, Daemon, clean_environment
from whodid_agent import reconciliation

ACTIVITY = "whodid-activity-2026-05"
SIGN_INS = "whodid-authentication-2026-05"
_PAGE = 2_000


def lines_of(count: int, first: int = 0) -> list[str]:
    """Distinct events of May 2026: every third a sign-in, which is filed in an index of its own."""
    return [_line(number) for number in range(first, first + count)]


def _line(number: int) -> str:
    action = "user.login" if number % 3 == 0 else "report.update"
    event = {
        "action": action,
        "actor": {"type": "user", "id": f"u{number % 50}"},
        "target": {"type": "report", "id": str(number)},
        "timestamp": f"2026-05-{number % 28 + 1:02d}T10:{number // 60 % 60:02d}:{number % 60:02d}Z",
    }
    return json.dumps(event)


class Shipping:
    """One file, one agent's state, one store. `environment` is what the agent is told beside its configuration."""

    def __init__(self, folder: Path, server: Server, *urls: str, settings: str = "", **environment: str) -> None:
        self.log = folder / "audit.jsonl"
        self.config = folder / "agent.yaml"
        self.said = folder / "agent.log"
        self._state = folder / "state"
        self._server = server
        self._environment = environment
        self._lines: list[str] = []
        self.config.write_text(
            f"target: {json.dumps(list(urls) or [server.url])}\nstate_dir: {self._state}\n"
            f"inputs: [{{file: {self.log}}}]\n{settings}"
        )

    def write(self, lines: list[str]) -> None:
        """Append them to the file."""
        self._lines += lines
        with self.log.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def once(self, *, timeout: str = "60s") -> tuple[int, str]:
        """A run to the end of the file: exit code and what it said."""
        done = subprocess.run(
            [str(BIN / "whodid-agent"), "run", "--once", "--timeout", timeout, "--config", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(**self._environment),
            timeout=110,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    def agent(self) -> Daemon:
        """A run without end."""
        return Daemon("whodid-agent", ["run", "--config", str(self.config)], self.said)

    def settled(self) -> bool:
        """Whether all that was written is stored, by the agent's own reconciliation."""
        if not (self._state / "checkpoint.json").exists():
            return False
        found = self.totals()
        return found["indexed"] + found["duplicate"] == len(self._lines)

    def totals(self) -> dict[str, int]:
        """What `whodid-agent status` says, running or stopped."""
        totals: dict[str, int] = reconciliation.report(self._state)["totals"]
        return totals

    def stored(self) -> list[tuple[str, str]]:
        """Id and original line of every record in any index of whodid's."""
        self._server.request("POST", "/whodid*/_refresh")
        found: list[tuple[str, str]] = []
        after: list[object] | None = None
        while True:
            query = {"size": _PAGE, "_source": ["id", "raw"], "sort": [{"id": "asc"}]}
            answer = self._server.request(
                "POST", "/whodid*/_search", query | ({"search_after": after} if after else {})
            )
            assert answer["_shards"]["failed"] == 0
            hits = answer["hits"]["hits"]
            found += [(hit["_source"]["id"], hit["_source"]["raw"]) for hit in hits]
            if len(hits) < _PAGE:
                break
            after = hits[-1]["sort"]
        # Equal ids across a page's end would be skipped by search_after: the count knows of them.
        assert self._server.request("GET", "/whodid*/_count")["count"] == len(found)
        return found

    def assert_exactly_once(self) -> None:
        """Nothing lost, nothing doubled, and the agent's books agree."""
        found = self.stored()
        assert Counter(raw for _, raw in found) == Counter(self._lines)
        assert len({identifier for identifier, _ in found}) == len(self._lines)
        self.assert_balanced(in_flight=0)

    def assert_balanced(self, *, in_flight: int, quarantined: int = 0) -> None:
        """The reconciliation says what is so."""
        found = self.totals()
        here = len(self.stored())
        assert found["decoded"] == len(self._lines)
        assert found["indexed"] + found["duplicate"] == here == len(self._lines) - in_flight - quarantined
        assert (found["in_flight"], found["quarantined"], found["missed_bytes"]) == (in_flight, quarantined, 0)
