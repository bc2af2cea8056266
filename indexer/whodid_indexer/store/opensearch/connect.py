"""The way to a cluster: TLS, credentials, and every failure as one line that says what, where and how to mend it.

    connect(url, access)      asks who is there; a Client only where OpenSearch of a supported version answers
    Client.json / find / ask  one request each; what the cluster refuses is raised as

        401, 403 of the security plugin   NotAllowed          exit 3
        no answer, TLS, 503               StoreUnreachable    exit 4
        anything else not 2xx             Refused             exit 4, with status, type and reason

Plain httpx: each question is one JSON request, and stored records pass through as bytes. Credentials never stand in a
URL: URLs are printed.
"""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from whodid_config.access import Access, checked_url
from whodid_config.cluster import Info, not_let_in, read_root, unreachable, words
from whodid_schema.errors import NotAllowed, StoreUnreachable

__all__ = ["Client", "Info", "Refused", "connect", "read_root"]

_TIMEOUT = httpx.Timeout(10.0, read=120.0)
"""Seconds; a question over all of a large store may take its time, a connection not."""

_JSON = {"content-type": "application/json"}

MOMENTS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries of a search that meets an index whose shards are not there yet, as each new period's is."""

TOKEN = "--token-file FILE, WHODID_TOKEN, or store_token_file: in the configuration"  # noqa: S105  words about one
"""How a token is shown."""


class Refused(StoreUnreachable):
    """The cluster refused a request; `status`, `kind` (`index_not_found_exception` …) and `reason` are its words."""

    def __init__(self, where: str, status: int, kind: str, reason: str) -> None:
        super().__init__(f"{where}: {status} {kind}: {reason}".rstrip(": "))
        self.status = status
        self.kind = kind
        self.reason = reason


class Client:
    """Requests to one cluster. Safe to use from several threads; `close` gives its connections back."""

    def __init__(
        self, url: str, access: Access, transport: httpx.BaseTransport | None = None, *, patience: float | None = None
    ) -> None:
        """`patience`: seconds that an answer may take; None: as long as a question over all of a large store may.

        Raises ConfigError for a URL that is none, and for credentials or certificates that cannot be used.
        """
        self.url = checked_url(url, access.prefix, "a cluster", "https://host:9200")
        self.access = access
        authorization = access.authorization()
        self._http = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT if patience is None else httpx.Timeout(patience),
            trust_env=False,
            transport=transport,
            headers={"authorization": authorization} if authorization else {},
            verify=access.trust() if self.url.startswith("https:") else False,
        )

    def ask(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str | int | bool] | None = None
    ) -> bytes:
        """The answer's bytes. `body` is anything msgspec encodes, or bytes that are sent as they are."""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        for pause in (*MOMENTS, None):
            try:
                response = self._http.request(method, path, content=content, params=params, headers=_JSON)
            except httpx.HTTPError as error:
                raise unreachable(self.url, error, self.access.prefix) from error
            if pause is None or not in_the_making(response.status_code, response.content):
                break
            time.sleep(pause)
        if not response.is_success:
            raise self._refusal(method, path, response)
        return response.content

    def json(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str | int | bool] | None = None
    ) -> Any:
        """The answer, decoded."""
        answer = self.ask(method, path, body, params)
        try:
            return msgspec.json.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreUnreachable(
                f"{self.url} answers, but not in JSON: a web page?", "name the address of OpenSearch itself"
            ) from error

    def find(self, path: str, params: Mapping[str, str | int | bool] | None = None) -> Any | None:
        """What stands at the path; None where nothing does."""
        try:
            return self.json("GET", path, params=params)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def root(self) -> Any:
        """What whoever answers says of itself. Raises StoreUnreachable where that is nothing we know."""
        try:
            return self.json("GET", "/")
        except Refused as error:
            raise StoreUnreachable(
                f"{self.url} answers {error.status}, and is not OpenSearch", "name the address of OpenSearch itself"
            ) from error

    def info(self) -> Info:
        """Who answers. Raises StoreUnreachable where it is not OpenSearch, or one that is too old."""
        return read_root(self.url, self.root())

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _refusal(self, method: str, path: str, response: httpx.Response) -> Exception:
        kind, reason = words(response.content)
        if response.status_code == 401 and 'realm="whodid"' in response.headers.get("www-authenticate", ""):
            return NotAllowed(
                f"{self.url}: this whodid server asks for a token, and none that is valid was shown", TOKEN
            )
        if response.status_code == 401:
            return not_let_in(self.url, self.access)
        if response.status_code == 403 and (kind in ("security_exception", "") or reason.startswith("no permissions")):
            return NotAllowed(f"{self.url} does not allow {method} {path.partition('?')[0]}: {reason or 'no right'}")
        if response.status_code == 503:
            return StoreUnreachable(f"{self.url} is not ready: {reason or kind or '503'}", "wait, or look at its log")
        return Refused(f"{self.url}{path.partition('?')[0]}", response.status_code, kind, reason)


def in_the_making(status: int, content: bytes) -> bool:
    """Whether a search was refused because an index that it asks is being made: a moment later it is there."""
    return status == 503 and words(content)[0] == "search_phase_execution_exception"


def connect(url: str, access: Access, transport: httpx.BaseTransport | None = None) -> tuple[Client, Info]:
    """A client of the cluster at `url`, and who it is. `transport` takes the network's place in tests.

    Raises ConfigError, NotAllowed or StoreUnreachable, see the module.
    """
    client = Client(url, access, transport)
    try:
        return client, client.info()
    except BaseException:
        client.close()
        raise
