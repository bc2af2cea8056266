"""uvicorn in a thread of its own: bound before it starts, stopped gracefully."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from whodid_agent.address import parse_address, spelt
from whodid_schema.errors import ConfigError

_GRACE_SECONDS = 5


def bind(address: str) -> socket.socket:
    """A listening socket. Raises ConfigError where the address cannot be had."""
    host, port = parse_address(address, "http")
    try:
        family = socket.AF_INET6 if ":" in host or not host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=512, dualstack_ipv6=not host)
        # asyncio does this only for sockets that name their protocol; without it every answer takes 40 ms (accepted
        # sockets inherit it).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ConfigError(f"http: cannot listen on {address}: {error.strerror}", "choose another address") from error
    return listener


class _Server(uvicorn.Server):
    """Tells when it serves, and on which loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()


class Server:
    """Serves an ASGI application on `listener` until `stop`."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="whodid-http", daemon=True)

    @property
    def address(self) -> str:
        """host:port as it is bound."""
        return spelt(*self._listener.getsockname()[:2])

    def start(self) -> None:
        """Returns when requests are taken. Raises ConfigError where the server does not come up."""
        self._thread.start()
        while not self._server.ready.wait(0.05):
            if not self._thread.is_alive():
                raise ConfigError(f"http: the server on {self.address} did not start", "the log says why")

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call the function on the server's loop, soon."""
        loop = self._server.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(function, *arguments)

    def stop(self) -> None:
        """Take no more requests, let the running ones end, give the port back."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
