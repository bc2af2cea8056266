"""An HTTP input as the runner sees it: a receiver that writes the spool, and the spool as a source of blocks.

    sender ─► App (server's thread) ─► Spool (committing thread) ─► HttpSource.read (runner's thread) ─► Block

    HttpSource(options, normaliser, metrics, *, clock=…, arrived=…, listen=True)

The receiver serves from `open` to `close`; `address` then says where. There is one stream, `spool:<input name>`;
positions are bytes of the spool, a line's `Origin.offset` is its frame's number. `arrived` is called from another
thread whenever something new can be read. `listen=False` only drains what lies in the spool (for `--once`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from whodid_agent.address import is_loopback, parse_address
from whodid_agent.inputs.contract import Block, Gone, StreamRow
from whodid_agent.inputs.http.app import App
from whodid_agent.inputs.http.auth import Gate
from whodid_agent.inputs.http.lines import LineReader
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.server import Server, bind
from whodid_agent.normalise.contract import Normaliser
from whodid_agent.spool.commit import GroupCommit
from whodid_agent.spool.spool import Spool
from whodid_schema.errors import ConfigError, StateError

_REPLAY_BYTES = 1 << 20


def now() -> datetime:
    """The time of receipt."""
    return datetime.now(UTC)


def nothing() -> None:
    """Nobody wants to know that something arrived."""


class HttpSource:
    """One HTTP input; implements `inputs.contract.Source`. Raises ConfigError for options that cannot work.

    `normaliser.redact` is called from the receiver's thread, `normaliser.events` is not called here.
    """

    def __init__(
        self,
        options: HttpOptions,
        normaliser: Normaliser,
        metrics: ReceiverMetrics,
        *,
        clock: Callable[[], datetime] = now,
        arrived: Callable[[], None] = nothing,
        listen: bool = True,
    ) -> None:
        require_usable(options, listen=listen)
        self.name = options.name
        self.normaliser = normaliser
        self.key = f"spool:{options.name}"
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._arrived = arrived
        self._listen = listen
        self._missed = 0
        self._damaged_before = 0
        self._server: Server | None = None
        self._spool: Spool | None = None

    # -- life, in order -----------------------------------------------------------------------------------------

    def open(self, rows: Mapping[str, StreamRow]) -> None:
        """Recover the spool, go on where the checkpoint stands, then serve.

        Raises StateError for a spool that cannot be used, ConfigError for an address that cannot be had.
        """
        options = self._options
        self._spool = spool = Spool(options.spool_dir, quota=options.quota, segment_bytes=options.segment_bytes)
        row = rows.get(self.key)
        position = row.position if row else 0
        if row is not None:
            self._missed = max(0, spool.start - position)
            spool.advance(position, int(row.detail.get("next_number", 0)))
            spool.delivered(position)
        self._reader = LineReader(self.key, spool, options.agent, options.host, position)
        self._metrics.watch(self.name, spool)
        if self._listen:
            self._serve(spool)

    def _serve(self, spool: Spool) -> None:
        listener = bind(self._options.address)
        self._executor = ThreadPoolExecutor(1, "whodid-spool")
        commit = GroupCommit(spool, self._executor)
        self._app = App(self._options, spool, commit, self.normaliser, self._metrics, self._clock, self._arrived)
        self._server = Server(self._app, listener)
        self._server.start()

    @property
    def address(self) -> str:
        """host:port where the receiver listens, empty where it does not."""
        return self._server.address if self._server else ""

    def close(self) -> None:
        """Answer what is being posted, then give back port, threads and files."""
        if self._server is not None:
            self._server.call(self._app.waiters.give_up)
            self._server.stop()
            self._executor.shutdown()
            self._server = None
        if self._spool is not None:
            self._reader.close()
            self._spool.close()
            self._spool = None

    # -- reading ------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Nothing to look for: the receiver itself writes the spool."""

    def read(self, limit: int) -> Block | None:
        """The next lines that are durable, about `limit` bytes of them."""
        return self._reader.block(limit)

    def replay(self, key: str, start: int, end: int, received_at: str) -> Iterator[Block]:  # noqa: ARG002  frames know it
        """The lines from `start` to `end` again; `read` goes on behind `end`."""
        spool = self._opened()
        self._reader.seek(end)
        if spool.start >= end or start >= spool.end:
            raise Gone(end - start)
        again = LineReader(key, spool, self._options.agent, self._options.host, start)
        try:
            while block := again.block(_REPLAY_BYTES, end):
                yield block
        finally:
            again.close()

    def rewind(self, key: str, position: int) -> None:  # noqa: ARG002  there is one stream
        """Read from `position` once more."""
        self._reader.seek(position)

    def finish(self) -> None:
        """Nothing changes: what is in the spool is whole."""

    # -- positions ----------------------------------------------------------------------------------------------

    def detail(self, key: str, position: int) -> dict[str, Any]:  # noqa: ARG002  as above
        """The frame number that comes next, so that none is used twice even after the spool was deleted."""
        return {"next_number": self._opened().next_number}

    def delivered(self, key: str, position: int) -> None:  # noqa: ARG002  as above
        """Delete what lies before `position`, and answer those who wait for it."""
        self._opened().delivered(position)
        if self._server is not None:
            self._server.call(self._app.waiters.settled, position)

    def missed(self) -> Mapping[str, int]:
        """Bytes that were damaged, or deleted by others before they were read, since the last call."""
        damaged = self._opened().damaged_bytes
        missed = self._missed + damaged - self._damaged_before
        self._missed, self._damaged_before = 0, damaged
        return {self.key: missed} if missed else {}

    def at_risk(self) -> Mapping[str, int]:
        """None: what was accepted is on disk."""
        return {}

    def spent(self) -> Collection[str]:
        """None: the one stream has no end."""
        return ()

    def forget(self, keys: Collection[str]) -> None:
        """There is nothing to forget."""

    def pending(self) -> int:
        """Durable bytes behind the last line that was read."""
        return max(0, self._opened().end - self._reader.position)

    def _opened(self) -> Spool:
        if self._spool is None:
            raise StateError(f"input {self.name}: it is not open")
        return self._spool


def require_usable(options: HttpOptions, *, listen: bool = True) -> None:
    """Raise ConfigError where a receiver with these options would not be safe, or could never take a post."""
    Gate(options.credentials)
    host, _ = parse_address(options.address, "http")
    if listen and not options.credentials and not is_loopback(host):
        raise ConfigError(
            f"http: without tokens {options.address} is not allowed, only loopback addresses are",
            "configure tokens for this input, or listen on 127.0.0.1",
        )
    if options.body_limit > options.quota // 2:
        raise ConfigError(
            f"http: the body limit of {options.body_limit} bytes needs a spool quota of at least twice as many",
            "raise the quota, or lower the body limit",
        )
