"""The way to a cluster: TLS, credentials, and every failure as one line that says what, where and how to mend it.

    connect(url, access)      asks who is there; a Client only where OpenSearch of a supported version answers
    Client.json / find / ask  one request each; what the cluster refuses is raised as

        401, 403 of the security plugin   NotAllowed          exit 3
        no answer, TLS, 503               StoreUnreachable    exit 4
        anything else not 2xx             Refused             exit 4, with status, type and reason

Plain httpx: each question is one JSON request, and stored records pass through as bytes. Credentials never stand in a
URL: URLs are printed.
"""

import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from whodid_indexer.store.opensearch.access import Access
from whodid_schema.errors import ConfigError, NotAllowed, StoreUnreachable, UsageError

OLDEST = (2, 19)
"""What the template and the queries need."""

_TIMEOUT = httpx.Timeout(10.0, read=120.0)
"""Seconds; a question over all of a large store may take its time, a connection not."""

_JSON = {"content-type": "application/json"}


class Info(NamedTuple):
    """Who answers: `version` to compare, `number` as it says it, the cluster's name and its identity."""

    version: tuple[int, ...]
    number: str
    cluster: str
    uuid: str


class Refused(StoreUnreachable):
    """The cluster refused a request; `status`, `kind` (`index_not_found_exception` …) and `reason` are its words."""

    def __init__(self, where: str, status: int, kind: str, reason: str) -> None:
        super().__init__(f"{where}: {status} {kind}: {reason}".rstrip(": "))
        self.status = status
        self.kind = kind
        self.reason = reason


class Client:
    """Requests to one cluster. Safe to use from several threads; `close` gives its connections back."""

    def __init__(self, url: str, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        """Raises UsageError for a URL that is none, ConfigError for credentials or certificates that cannot be used."""
        self.url = _plain_url(url)
        self.access = access
        headers = {"authorization": f"Bearer {access.token}"} if access.token else {}
        self._http = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT,
            trust_env=False,
            transport=transport,
            auth=(access.user, access.password or "") if access.user else None,
            headers=headers,
            verify=_trust(access) if self.url.startswith("https:") else False,
        )

    def ask(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str | int | bool] | None = None
    ) -> bytes:
        """The answer's bytes. `body` is anything msgspec encodes, or bytes that are sent as they are."""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        try:
            response = self._http.request(method, path, content=content, params=params, headers=_JSON)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
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

    def _unreachable(self, error: httpx.HTTPError) -> StoreUnreachable:
        text = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in text:
            reason = text.rpartition("certificate verify failed: ")[2].partition(" (_ssl")[0]
            return StoreUnreachable(
                f"{self.url}: its certificate is not trusted: {reason}",
                "store_ca_file names the CA that signed it; the host's name must be the certificate's",
            )
        if "SSL" in text and "WRONG_VERSION_NUMBER" in text:
            return StoreUnreachable(f"{self.url} does not speak TLS", "write http:// if it shall not")
        if isinstance(error, httpx.TimeoutException):
            return StoreUnreachable(f"{self.url} does not answer in time")
        hint = "is it started, and is the address right?"
        if isinstance(error, httpx.RemoteProtocolError) and self.url.startswith("http:"):
            hint = "does it speak TLS only? Then write https://"
        return StoreUnreachable(f"{self.url} cannot be reached: {text}", hint)

    def _refusal(self, method: str, path: str, response: httpx.Response) -> Exception:
        kind, reason = _words(response)
        if response.status_code == 401:
            who = f"does not accept the password of {self.access.user!r}" if self.access.user else "asks who we are"
            if self.access.token:
                who = "does not accept the token"
            return NotAllowed(
                f"{self.url} {who}",
                "store_user with store_password_file, store_token_file, or store_certificate_file with store_key_file",
            )
        if response.status_code == 403 and (kind in ("security_exception", "") or reason.startswith("no permissions")):
            return NotAllowed(f"{self.url} does not allow {method} {path.partition('?')[0]}: {reason or 'no right'}")
        if response.status_code == 503:
            return StoreUnreachable(f"{self.url} is not ready: {reason or kind or '503'}", "wait, or look at its log")
        return Refused(f"{self.url}{path.partition('?')[0]}", response.status_code, kind, reason)


def connect(url: str, access: Access, transport: httpx.BaseTransport | None = None) -> tuple[Client, Info]:
    """A client of the cluster at `url`, and who it is. `transport` takes the network's place in tests.

    Raises UsageError, ConfigError, NotAllowed or StoreUnreachable, see the module.
    """
    client = Client(url, access, transport)
    try:
        return client, client.info()
    except BaseException:
        client.close()
        raise


def read_root(url: str, root: Any) -> Info:
    """Who says this of itself. Raises StoreUnreachable where it is not OpenSearch, or one that is too old."""
    version = root.get("version") if isinstance(root, dict) else None
    number = str(version.get("number", "")) if isinstance(version, dict) else ""
    if not isinstance(version, dict) or not number:
        product = root.get("product") if isinstance(root, dict) else None
        what = "is a whodid server, not OpenSearch" if product == "whodid" else "answers, but is not OpenSearch"
        raise StoreUnreachable(f"{url} {what}", "name the address of OpenSearch itself")
    if version.get("distribution") != "opensearch":
        # With compatibility.override_main_response_version it calls itself 7.10.2, without a distribution.
        if "OpenSearch" not in str(root.get("tagline")):
            raise StoreUnreachable(
                f"{url} is Elasticsearch {number}, or something like it", "whodid needs OpenSearch 2.19 or later"
            )
        return Info((), number, *_names(root))
    numbers = tuple(int(part) for part in number.partition("-")[0].split(".") if part.isdecimal())
    if numbers < OLDEST:
        raise StoreUnreachable(f"{url} is OpenSearch {number}", "whodid needs 2.19 or later")
    return Info(numbers, number, *_names(root))


def _names(root: dict[str, Any]) -> tuple[str, str]:
    return str(root.get("cluster_name", "")), str(root.get("cluster_uuid", ""))


def _words(response: httpx.Response) -> tuple[str, str]:
    """The type and the reason that a refusal names; the start of its text where it is no JSON error."""
    try:
        error = msgspec.json.decode(response.content)["error"]
        causes = error.get("root_cause") or [error.get("caused_by") or error]
        if error.get("type") == "search_phase_execution_exception":  # "all shards failed": the cause says why
            error = causes[0]
        return str(error.get("type", "")), str(error.get("reason") or causes[0].get("reason", ""))
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return "", " ".join(response.text[:200].split())


def _plain_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}", "write it like https://host:9200") from error
    if parts.username or parts.password:
        host = f"{parts.hostname}:{port}" if port else f"{parts.hostname}"
        raise UsageError(
            f"the URL of {host} holds credentials, and URLs are printed",
            "give them with store_user and store_password_file, or WHODID_STORE_USER and WHODID_STORE_PASSWORD",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not the URL of a cluster", "write it like https://host:9200")
    return url.rstrip("/")


def _trust(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"store_ca_file: {access.ca_file} cannot be used: {error}", "a PEM file with the CA"
        ) from error
    if access.certificate_file is not None:
        try:
            context.load_cert_chain(access.certificate_file, access.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"store_certificate_file: {access.certificate_file} with {access.key_file} cannot be used: {error}",
                "PEM files of the certificate and its key, the key without a passphrase",
            ) from error
    return context
