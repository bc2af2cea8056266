"""Who posts: bearer tokens, signatures over the body, and which host names a loopback receiver answers to.

    bearer     Authorization: Bearer TOKEN; only the token's SHA-256 is kept and compared
    standard   webhook-id, webhook-timestamp, webhook-signature: "v1,<base64 HMAC-SHA-256 of id.timestamp.body> …"
    body       a header of its own: "<hex HMAC-SHA-256 of the body>", also behind "sha256="

The body is the one on the wire, before it is decompressed. Every comparison takes the same time wherever it fails.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from starlette.datastructures import Headers

from whodid_agent.address import is_loopback, name_in
from whodid_agent.inputs.http.problem import Problem
from whodid_schema.errors import ConfigError

TOLERANCE = 300.0
ANONYMOUS = "anonymous"


class Credential(Struct, frozen=True):
    """One sender: `name` makes its source `http/<name>`.

    `secret`: the token (or "sha256:" and its SHA-256 in hex), or the key of the signatures; "whsec_" and base64 for
    `standard` as its senders show it. `header` carries a `body` signature.
    """

    name: str
    secret: str
    kind: Literal["bearer", "standard", "body"] = "bearer"
    header: str = "X-Hub-Signature-256"


class Gate:
    """Finds the sender's name for a request. Raises ConfigError for a credential that cannot work."""

    def __init__(self, credentials: Sequence[Credential]) -> None:
        names = [credential.name for credential in credentials]
        for credential in credentials:
            if not credential.name or not credential.secret or names.count(credential.name) > 1:
                raise ConfigError(f"HTTP token {credential.name!r}: every token needs a name of its own and a secret")
        self.is_open = not credentials
        self._tokens = [(entry.name, _token_hash(entry)) for entry in credentials if entry.kind == "bearer"]
        self._signers = [(entry, _key(entry)) for entry in credentials if entry.kind != "bearer"]

    def by_token(self, headers: Headers) -> str | None:
        """The name behind the request's token; None: it must be signed. Raises Problem 401 where neither is there."""
        if self.is_open:
            return ANONYMOUS
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            presented = hashlib.sha256(token.strip().encode()).digest()
            found = [name for name, known in self._tokens if hmac.compare_digest(presented, known)]
            if found:
                return found[0]
        if any(_signed(entry, headers) for entry, _ in self._signers):
            return None
        raise _unknown("the request carries no token or signature that is known here")

    def by_signature(self, headers: Headers, body: bytes, now: float) -> str:
        """The name whose key signed this body; `now` in epoch seconds. Raises Problem 401."""
        for entry, key in self._signers:
            if not _signed(entry, headers):
                continue
            if entry.kind == "body":
                presented = headers[entry.header].strip().removeprefix("sha256=").lower()
                if _same(hmac.new(key, body, hashlib.sha256).hexdigest(), presented):
                    return entry.name
            elif _standard(key, headers, body, now):
                return entry.name
        raise _unknown("the signature is not of this body, or not by a key that is known here")


def check_host(headers: Headers, allowed: Sequence[str]) -> None:
    """Refuse (Problem 403) a name that is not loopback's: a web page may have pointed its own name here."""
    name = name_in(headers.get("host", ""))
    if not is_loopback(name) and name.lower() not in {known.lower() for known in allowed}:
        raise Problem(
            403,
            "foreign_host",
            "without tokens this receiver answers only to localhost and loopback addresses",
            "call it by 127.0.0.1 or localhost, or configure tokens",
        )


def _unknown(detail: str) -> Problem:
    hint = "send `Authorization: Bearer TOKEN` with a token of this input's configuration"
    return Problem(401, "unauthorised", detail, hint, headers={"WWW-Authenticate": 'Bearer realm="whodid"'})


def _signed(entry: Credential, headers: Headers) -> bool:
    return ("webhook-signature" if entry.kind == "standard" else entry.header) in headers


def _standard(key: bytes, headers: Headers, body: bytes, now: float) -> bool:
    identifier, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdecimal() or len(sent) > 12:
        return False
    if abs(now - int(sent)) > TOLERANCE:
        raise _unknown(f"the signature's time is more than {TOLERANCE:.0f} s from this machine's clock")
    mac = hmac.new(key, f"{identifier}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mac).decode()
    return any(_same(expected, presented) for presented in headers["webhook-signature"].split())


def _same(expected: str, presented: str) -> bool:
    return hmac.compare_digest(expected.encode(), presented.encode())


def _token_hash(entry: Credential) -> bytes:
    if not entry.secret.startswith("sha256:"):
        return hashlib.sha256(entry.secret.encode()).digest()
    try:
        digest = bytes.fromhex(entry.secret.removeprefix("sha256:"))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise ConfigError(f"HTTP token {entry.name!r}: `sha256:` must be followed by 64 hexadecimal digits")
    return digest


def _key(entry: Credential) -> bytes:
    if entry.kind == "body" or not entry.secret.startswith("whsec_"):
        return entry.secret.encode()
    try:
        return base64.b64decode(entry.secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ConfigError(f"HTTP token {entry.name!r}: what follows `whsec_` must be base64") from error
