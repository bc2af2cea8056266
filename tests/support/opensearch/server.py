"""Whatever OpenSearch the tests have been given, and how they talk to it themselves.

With the standard library alone: what counts records in a test must share nothing with the product.
"""

import io
import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any, Self


class Server:
    """An OpenSearch at `url`; used as a context manager it is there inside and gone afterwards, if it was ours."""

    ready_path = "/_cluster/health"

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON request and its decoded answer; `body` is JSON, or NDJSON as bytes. Raises HTTPError."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        asked = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path, data, {"content-type": "application/json"}, method=method
        )
        if credentials := self._credentials():
            asked.add_header("authorization", f"Basic {b64encode(':'.join(credentials).encode()).decode()}")
        try:
            with urllib.request.urlopen(asked, timeout=60, context=self._tls()) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:  # it holds a socket
                body = error.read()
            reason = f"{error.reason}: {body[:500].decode(errors='replace')}"
            raise urllib.error.HTTPError(error.url, error.code, reason, error.headers, io.BytesIO(body)) from None

    def _credentials(self) -> tuple[str, str] | None:
        return None

    def _tls(self) -> ssl.SSLContext | None:
        return None

    def healthy(self) -> bool:
        """Whether it answers and has its shards."""
        try:
            answer = self.request("GET", self.ready_path)
        except OSError:  # URLError and HTTPError are OSErrors
            return False
        return answer.get("status") in ("green", "yellow", "UP")

    def version(self) -> str:
        """`3.8.0`, as it says itself."""
        return str(self.request("GET", "/")["version"]["number"])

    def clean(self) -> None:
        """Remove everything that is or may be called whodid's: indices, templates."""
        found = self.request("GET", "/_cat/indices/whodid*,.whodid*?format=json&h=index&expand_wildcards=all")
        for row in found:
            self.request("DELETE", f"/{row['index']}")
        for path in ("/_index_template/", "/_component_template/"):
            try:
                self.request("DELETE", f"{path}whodid*")
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
