"""The agent's metrics at an address of their own, for agents without an `http:` input.

    GET /metrics    Prometheus text
    GET /healthz    200 while the process answers

It listens on this machine alone, and answers to its names alone: a web page may have pointed its own name here.
"""

import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from whodid_agent.address import is_loopback, name_in, parse_address, spelt
from whodid_agent.metrics import REGISTRY
from whodid_schema.errors import ConfigError

log = logging.getLogger(__name__)


def checked(address: str) -> tuple[str, int]:
    """Host and port. Raises ConfigError for what is no address of this machine alone."""
    host, port = parse_address(address, "metrics")
    if not is_loopback(host):
        raise ConfigError(
            f"metrics: {address} is not allowed, only loopback addresses are",
            "listen on 127.0.0.1; an http: input with tokens shows the metrics to other machines",
        )
    return host, port


class Exposition:
    """Serves from `__enter__` to `__exit__`; `address` is host:port as it is bound."""

    def __init__(self, address: str) -> None:
        """Raises ConfigError where the address is not this machine's, or cannot be had."""
        host, port = checked(address)
        try:
            self._server = _server_class(host)((host, port), _Handler)
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"metrics: cannot listen on {address}: {reason}", "choose another address") from error
        self.address = spelt(*self._server.server_address[:2])  # type: ignore[arg-type]  # of both families: str, int
        self._thread = threading.Thread(target=self._server.serve_forever, name="whodid-metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        log.info("metrics at http://%s/metrics", self.address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As the library's, which also asks the resolver for a name that nobody needs."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the library's signature
        """Whoever asked has gone: nobody's trouble."""
        log.debug("metrics: an answer was not taken")


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[_Server]:
    return _Server6 if ":" in host else _Server


class _Handler(BaseHTTPRequestHandler):
    server_version = "whodid-agent"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if not is_loopback(name_in(self.headers.get("host", ""))):
            self._answer(403, b"call it by 127.0.0.1 or localhost\n")
        elif path == "/metrics":
            self._answer(200, generate_latest(REGISTRY), CONTENT_TYPE_LATEST)
        elif path == "/healthz":
            self._answer(200, b"ok\n")
        else:
            self._answer(404, b"there are /metrics and /healthz\n")

    def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's signature
        """Nothing: a scrape every few seconds would be most of the log."""
