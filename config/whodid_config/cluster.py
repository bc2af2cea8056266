"""What comes back from an address that should be a cluster's, in words: who answers, what it refuses, what broke."""

from typing import Any, NamedTuple

import httpx
import msgspec

from whodid_config.access import Access
from whodid_schema.errors import NotAllowed, StoreUnreachable

OLDEST = (2, 19)
"""What the template and the queries need."""


class Info(NamedTuple):
    """Who answers: `version` to compare, `number` as it says it, the cluster's name and its identity."""

    version: tuple[int, ...]
    number: str
    cluster: str
    uuid: str


def read_root(url: str, root: Any) -> Info:
    """Who says this of itself at `GET /`. Raises StoreUnreachable where it is not OpenSearch, or too old."""
    version = root.get("version") if isinstance(root, dict) else None
    number = str(version.get("number", "")) if isinstance(version, dict) else ""
    if not isinstance(version, dict) or not number:
        product = root.get("product") if isinstance(root, dict) else None
        what = "is a whodid server, not OpenSearch" if product == "whodid" else "answers, but is not OpenSearch"
        raise StoreUnreachable(f"{url} {what}", "name the address of OpenSearch itself")
    names = str(root.get("cluster_name", "")), str(root.get("cluster_uuid", ""))
    if version.get("distribution") != "opensearch":
        # With compatibility.override_main_response_version it calls itself 7.10.2, without a distribution.
        if "OpenSearch" not in str(root.get("tagline")):
            raise StoreUnreachable(
                f"{url} is Elasticsearch {number}, or something like it", "whodid needs OpenSearch 2.19 or later"
            )
        return Info((), number, *names)
    numbers = tuple(int(part) for part in number.partition("-")[0].split(".") if part.isdecimal())
    if numbers < OLDEST:
        raise StoreUnreachable(f"{url} is OpenSearch {number}", "whodid needs 2.19 or later")
    return Info(numbers, number, *names)


def unreachable(url: str, error: httpx.HTTPError, prefix: str) -> StoreUnreachable:
    """Why nothing came back; `prefix` is what the settings begin with."""
    text = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.rpartition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return StoreUnreachable(
            f"{url}: its certificate is not trusted: {reason}",
            f"{prefix}_ca_file names the CA that signed it; the host's name must be the certificate's",
        )
    if "SSL" in text and ("WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text):
        return StoreUnreachable(f"{url} does not speak TLS", "write http:// if it shall not")
    if isinstance(error, httpx.TimeoutException):
        return StoreUnreachable(f"{url} does not answer in time")
    hint = "is it started, and is the address right?"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError) and url.startswith("http:"):
        hint = "does it speak TLS only? Then write https://"
    return StoreUnreachable(f"{url} cannot be reached: {text}", hint)


def not_let_in(url: str, access: Access) -> NotAllowed:
    """What a 401 means."""
    who = f"does not accept the password of {access.user!r}" if access.user else "asks who we are"
    if access.token:
        who = "does not accept the token"
    prefix = access.prefix
    return NotAllowed(
        f"{url} {who}",
        f"{prefix}_user with {prefix}_password_file, {access.token_key}, "
        f"or {prefix}_certificate_file with {prefix}_key_file",
    )


def words(content: bytes) -> tuple[str, str]:
    """The type and the reason that a refusal names; the start of its text where it is no JSON error."""
    try:
        error = msgspec.json.decode(content)["error"]
        causes = error.get("root_cause") or [error.get("caused_by") or error]
        if error.get("type") == "search_phase_execution_exception":  # "all shards failed": the cause says why
            error = causes[0]
        return str(error.get("type", "")), str(error.get("reason") or causes[0].get("reason", ""))
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return "", " ".join(content[:200].decode(errors="replace").split())
