"""How often somebody may ask: so many requests a second for each token, or each address where no token is shown.

As many as in `BURST` seconds may come at once; what is beyond is answered 429 with the seconds to wait. What agents and
monitors ask is not counted here: `_bulk` has a bound of its own.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from whodid_indexer.access.caller import current
from whodid_indexer.api.problem import problem

BURST = 10
"""Seconds of the rate that may come at once."""

_FREE = frozenset({"/_bulk", "/_index_template/whodid", "/healthz", "/readyz", "/metrics"})

_MOST = 10_000
"""Askers that are remembered; whoever has not asked for longest is forgotten first."""


class Meter:
    """Counts requests of each asker. `rate` is in requests a second; `clock` in seconds.

    Of each only the moment is kept at which all that was asked would be paid for at the rate.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = 1 / rate
        self._ahead = BURST - self._step
        self._clock = clock
        self._paid: OrderedDict[str, float] = OrderedDict()

    def wait(self, asker: str) -> float:
        """Seconds until this request may be made; 0 when it may be, and then it is counted."""
        now = self._clock()
        paid = max(self._paid.pop(asker, now), now)
        beyond = round(paid - now - self._ahead, 6)  # what is less is no time but the sums' own error
        self._paid[asker] = paid if beyond > 0 else paid + self._step
        if len(self._paid) > _MOST:
            self._paid.popitem(last=False)
        return max(beyond, 0.0)


class RateLimit:
    """Refuses what is too much. It stands behind the sign-in: a token nobody gave out is no asker of its own."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or say when to come again."""
        if scope["type"] == "http" and scope["path"] not in _FREE and (seconds := self._meter.wait(asker_of(scope))):
            scope["app"].state.metrics.refused(429)
            again = max(math.ceil(seconds), 1)
            refusal = problem(
                429,
                "too_many_requests",
                "these are more requests than one token or address may make",
                {"Retry-After": str(again)},
                hint=f"come again in {again} s; the limit is serve_rate of the server's configuration",
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def asker_of(scope: Scope) -> str:
    """Whose request it is: the token's or the person's, else the address's."""
    caller = current()
    if caller.id:
        return f"{caller.way} {caller.id}"
    client = scope.get("client")
    return "" if client is None else f"address {client[0]}"
