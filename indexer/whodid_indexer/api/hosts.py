"""The check of the Host header: a web page whose name an attacker points at this address must not reach the server."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from whodid_indexer.api.problem import problem

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def host_name(header: str) -> str:
    """The name in a Host header, lower-case, without its port; brackets of an IPv6 address stay."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0]


class HostCheck:
    """Answers 421 unless Host names one of `allowed`. Pure ASGI: it stands before every request."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or refuse it."""
        if scope["type"] == "http":
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or host_name(given[0]) not in self._allowed:
                refusal = problem(
                    421,
                    "wrong_host",
                    f"this server does not answer to Host {', '.join(given) or '(none)'}",
                    hint=f"ask for {', '.join(sorted(self._allowed))}",
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
