"""The agent's loop inside a test: real files, real sockets, and a normaliser small enough to foresee everything it does.

A line `{"n": 1}` is an event; `{"items": [{…}, …]}` several; `"drop": true` and `"expire": true` are left out by
rule; `"index"` names where an event goes; what is no JSON object is refused.
"""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whodid_agent import reconciliation
from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import Discard, Event, Origin, Refusal, Sent, Shipment
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client

from whodid_schema.identity import file_id
from whodid_schema.meta import Meta


class PlainNormaliser:
    """As described above; `salt` changes every id it would compute anew, as an upgrade might."""

    def __init__(self, salt: str = "") -> None:
        self.salt = salt

    def redact(self, chunk: bytes) -> bytes:
        return chunk

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            return [Refusal(0, "not_json", "this is no JSON object")]
        return [self._event(number, one, origin, sent or {}) for number, one in enumerate(value.get("items", [value]))]

    def _event(self, number: int, value: Any, origin: Origin, sent: Mapping[int, Sent]) -> Event:
        known = sent.get(number)
        if known is None and not isinstance(value, dict):
            return Refusal(number, "not_an_object", "an event is an object")
        if known is None and value.get("drop"):
            return Discard(number, "dropped", "test")
        if known is None and value.get("expire"):
            return Discard(number, "expired", "test")
        stream = origin.stream
        body = json.dumps(value).encode()
        identifier = file_id(stream.source, stream.generation, origin.offset, number, body + self.salt.encode())
        name, index = known or (identifier, value.get("index", "whodid-activity"))
        return Shipment(number, name, index, body, mapped=True)


class Agent:
    """One state directory and the files it reads; every `run` is a start of its own."""

    def __init__(self, folder: Path, url: str, *names: str, normaliser: PlainNormaliser | None = None) -> None:
        self.state_dir = folder / "state"
        self.url = url
        self.files = [folder / name for name in names or ("app.jsonl",)]
        self.normaliser = normaliser or PlainNormaliser()
        self.runner: Runner | None = None

    def write(self, *values: Any, file: int = 0) -> None:
        """Append a line for each value; bytes go as they are."""
        with self.files[file].open("ab") as out:
            for value in values:
                out.write(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n")

    def run(self, **options: Any) -> bool:
        """A whole run with --once; whether nothing lies aside."""
        options = {"once": True, "timeout": 5.0, "linger": 0.02, **options}
        with StateDirectory(self.state_dir) as state, Client(self.url) as client:
            woken = threading.Event()
            sources = [
                FileSource(f"file:{path}", [path], self.normaliser, host="host", agent="agent", wake=woken.set)
                for path in self.files
            ]
            self.runner = Runner(sources, state, client, self._follow, woken, Options(**options))
            return self.runner.run()

    def start(self, **options: Any) -> threading.Thread:
        """A run without end in a thread; end it with `stop`."""
        thread = threading.Thread(target=self.run, kwargs={"once": False, **options}, daemon=True)
        thread.start()
        return thread

    def stop(self, thread: threading.Thread) -> None:
        """End a run as SIGTERM does."""
        assert self.runner is not None
        self.runner.stop()
        thread.join(15)
        assert not thread.is_alive()

    def _follow(self, meta: Meta) -> None:
        self.meta = meta

    def totals(self) -> dict[str, int]:
        """The totals of `status`; every stream's own balance is asserted on the way."""
        for stream in reconciliation.streams(self.state_dir):
            assert stream.balances(), stream
        totals: dict[str, int] = reconciliation.report(self.state_dir)["totals"]
        return totals
