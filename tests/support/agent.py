"""The agent's loop inside a test: real files and sockets, and a normaliser small enough to foresee all it does.

A line `{"n": 1}` is an event; `{"items": [{…}, …]}` several; `"drop": true` and `"expire": true` are left out by
rule; `"index"` names where an event goes; what is no JSON object is refused.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from whodid_agent import reconciliation
from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import Discard, Event, Origin, Refusal, Sent, Shipment
from whodid_agent.replay import Answer
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_schema.identity import file_id
from whodid_schema.meta import Meta

Outcome = TypeVar("Outcome")


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
        self.urls = [url]
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
        return self._with_runner(options, lambda runner: runner.run())

    def replay(self, *names: str) -> Answer:
        """What `quarantine replay` does where no agent runs."""

        def first(runner: Runner) -> Answer:
            runner.replay_first(list(names))
            runner.run()
            return runner.replayed

        return self._with_runner({"read": False}, first)

    def _with_runner(self, given: dict[str, Any], use: Callable[[Runner], Outcome]) -> Outcome:
        options = {"once": True, "timeout": 5.0, "linger": 0.02, **given}
        with StateDirectory(self.state_dir) as state, Client(self.urls) as client:
            woken = threading.Event()
            sources = [
                FileSource(f"file:{path}", [path], self.normaliser, host="host", agent="agent", wake=woken.set)
                for path in self.files
            ]
            self.runner = Runner(sources, state, client, self._follow, woken, Options(**options))
            return use(self.runner)

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

    def wait(self, reached: Callable[[dict[str, int]], bool]) -> None:
        """Until the totals are so."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if (self.state_dir / "checkpoint.json").exists() and reached(self.totals()):
                return
            time.sleep(0.02)
        raise AssertionError(self.totals())

    def _follow(self, meta: Meta) -> None:
        self.meta = meta

    def totals(self) -> dict[str, int]:
        """The totals of `status`; every stream's own balance is asserted on the way."""
        for stream in reconciliation.streams(self.state_dir):
            assert stream.balances(), stream
        totals: dict[str, int] = reconciliation.report(self.state_dir)["totals"]
        return totals
