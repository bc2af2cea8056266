"""The server's life: bind, set up, announce, serve, finish what is queued, leave."""

import gc
import ipaddress
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from whodid_indexer.api.hosts import LOOPBACK
from whodid_schema.errors import ConfigError, UsageError, WhodidError

GRACE = 20
"""Seconds that running requests have at the end; a request under way is stored and answered well within it."""

_YOUNG = 50_000
"""New objects until Python looks for cycles among them: records make none, and at 700 it would look all the time."""


def parse_address(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPv6]:PORT`. Raises UsageError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: not an address", "write HOST:PORT, for example 127.0.0.1:8642")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises WhodidError where another process has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms for a delayed ACK
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise WhodidError(
            f"cannot listen on {host}:{port}: {error.strerror}", "choose another with --listen"
        ) from error
    return bound


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """The URL that the socket answers at."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def allowed_hosts(host: str, names: Iterable[str] = ()) -> frozenset[str]:
    """The Host names that requests may carry for a server that listens on `host` and is known by `names`."""
    return LOOPBACK | {f"[{host}]" if ":" in host else host, *(name.lower() for name in names)}


class Tls(NamedTuple):
    """PEM files of a certificate and its key, the key without a passphrase."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raises ConfigError where they cannot be used."""
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"--tls-certificate {self.certificate} with --tls-key {self.key} cannot be used: {error}",
                "PEM files of the certificate and its key, the key without a passphrase",
            ) from error


class _Announcing(uvicorn.Server):
    """A uvicorn server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then the announcement."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def serve(app: Starlette, bound: socket.socket, ready_file: Path | None, tls: Tls | None = None) -> None:
    """Serve until SIGTERM (then it returns) or SIGINT (KeyboardInterrupt), after finishing what is under way.

    Once requests are taken, `listening on URL` is printed to stdout and the URL written to `ready_file`.
    """
    url = url_of(bound, "http" if tls is None else "https")

    def announce() -> None:
        if ready_file is not None:
            ready_file.write_text(url + "\n", encoding="utf-8")
        print(f"listening on {url}", flush=True)  # noqa: T201  what started the server reads this line
        page = url.replace("//0.0.0.0:", f"//{socket.gethostname()}:").replace("//[::]:", f"//{socket.gethostname()}:")
        print(f"whodid: the page for people: {page}/", file=sys.stderr, flush=True)  # noqa: T201  as above

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, http="h11", ws="none", lifespan="on",
        timeout_graceful_shutdown=GRACE, proxy_headers=False,
        ssl_certfile=None if tls is None else tls.certificate, ssl_keyfile=None if tls is None else tls.key,
    )  # fmt: skip
    # uvicorn raises the signal anew once it has shut down; for us SIGTERM is the way a server ends well.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    gc.collect()
    gc.freeze()  # what is there now stays to the end and need not be looked at again
    gc.set_threshold(_YOUNG)
    server = _Announcing(config, announce)
    server.run(sockets=[bound])
    if not server.started:
        sys.exit(1)
