"""How the delivering thread waits: it says once why, can be woken to leave, and says when all is well again."""

import logging
import threading
import time
from collections.abc import Callable

from whodid_agent.metrics import WAITING
from whodid_agent.target.client import Client
from whodid_agent.target.probe import Standing, State, probe
from whodid_agent.target.retry import Backoff
from whodid_schema.errors import NotAllowed, StoreUnreachable

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The agent is leaving; what was being delivered stays in the journal."""


class Waiting:
    """Why delivery stands still, and since when; `leave` set from outside ends every wait."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self.leave = threading.Event()
        self.last_heard = clock()
        self.trouble = ""
        self.standing: Standing | None = None

    def heard(self) -> None:
        """The store took or answered something."""
        self.last_heard = self._clock()

    def pause(self, why: str, seconds: float) -> None:
        """Wait because of `why`. Raises Interrupted."""
        if not self.trouble:
            log.warning("waiting: %s", why)
        self.trouble = why
        WAITING.set(1)
        if self.leave.wait(seconds):
            raise Interrupted

    def clear(self) -> None:
        """Nothing is waited for any more."""
        if self.trouble:
            log.info("going on")
        self.trouble = ""
        WAITING.set(0)
        self.heard()

    def until_ready(self, why: str, seconds: float) -> None:
        """Wait until the target is whodid's and set up. Raises Interrupted."""
        self.pause(why, seconds)
        self.ready()

    def ready(self, *, known: bool = False, patience: float | None = None) -> Standing:
        """Ask the target until it is ready (`known`: once is enough where it merely cannot be reached).

        Raises Interrupted, and StoreUnreachable or NotAllowed after `patience` seconds.
        """
        backoff = Backoff(0.2, 10.0)
        said = ""
        start = self._clock()
        while True:
            standing = probe(self._client)
            self.standing = standing
            if standing.state is State.READY or (known and standing.state is State.UNREACHABLE):
                if said:
                    log.info("%s", standing.detail)
                return standing
            line = f"{standing.detail}: {standing.hint}" if standing.hint else standing.detail
            if line != said:
                log.warning("nothing is sent for now: %s", line)
                said = self.trouble = line
            wait = backoff.next()
            if patience is not None:
                left = start + patience - self._clock()
                if left <= 0:
                    kind = NotAllowed if standing.state is State.DENIED else StoreUnreachable
                    raise kind(standing.detail, standing.hint)
                wait = min(wait, left)
            if self.leave.wait(wait):
                raise Interrupted
