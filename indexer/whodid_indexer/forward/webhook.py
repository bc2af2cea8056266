"""A webhook: batches posted over HTTPS, signed as Standard Webhooks signs (https://www.standardwebhooks.com).

    webhook-id           names the delivery, the same in every attempt: a receiver that has it already answers 200
    webhook-timestamp    seconds since the epoch of this attempt
    webhook-signature    v1,BASE64(HMAC-SHA256(secret, "ID.TIMESTAMP.BODY")), where there is a secret

Taken is what was answered with 200 to 299. 400, 413 and 422 are about the batch itself; anything else, redirects too,
is about the receiver, and is tried again.
"""

import base64
import binascii
import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime

import httpx

from whodid_indexer.forward.forms import form_of
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, NotTaken, Refused
from whodid_schema import __version__
from whodid_schema.errors import ConfigError
from whodid_schema.visible import visible

_LONGEST_ANSWER = 64 * 1024
_LONGEST_WAIT = 3600.0
"""Seconds that a receiver can ask to be left alone."""

_REFUSALS = {400, 413, 422}


class WebhookSink:
    """A Sink. Raises ConfigError for secrets and certificates that cannot be used."""

    def __init__(self, settings: ConsumerSettings) -> None:
        access = settings.access()
        address = settings.where()
        authorization = access.authorization()
        self._shown = address.shown
        self._url = address.whole
        self._limit = settings.seconds("timeout")
        self._events = settings.form == "m"
        secret = settings.secret()
        self._key = None if secret is None else key_of(secret)
        self._headers = {
            "content-type": "application/json" if self._events else "application/x-ndjson",
            "user-agent": f"whodid/{__version__}",
        } | ({"authorization": authorization} if authorization else {})
        self._client = httpx.Client(
            timeout=self._limit,
            trust_env=False,
            follow_redirects=False,
            verify=access.trust() if address.scheme == "https" else False,
        )
        self.line = form_of(settings.form)

    def send(self, batch: Batch, delivery: str) -> int:
        """See Sink. A receiver that dribbles its answer is cut short, its status counts."""
        body = self._body(batch)
        began = time.monotonic()
        try:
            with self._client.stream("POST", self._url, content=body, headers=self._signed(body, delivery)) as response:
                status, after = response.status_code, retry_after(response.headers.get("retry-after"))
                said = self._read(response, began)
        except httpx.HTTPError as error:
            raise NotTaken(f"{self._shown}: {visible(str(error)) or type(error).__name__}") from error
        if 200 <= status < 300:
            return 1
        message = f"{self._shown} answered {status}{said}"
        if status in _REFUSALS:
            raise Refused(message, too_long=status == 413)
        if 300 <= status < 400:
            raise NotTaken(f"{message}: redirects are not followed")
        raise NotTaken(message, after)

    def rest(self) -> int:
        """See Sink."""
        return 0

    def finish(self) -> int:
        """See Sink."""
        return 0

    def close(self) -> None:
        """See Sink."""
        self._client.close()

    def _body(self, batch: Batch) -> bytes:
        if self._events:
            return b'{"events":[' + b",".join(batch.lines) + b"]}"
        return b"\n".join(batch.lines) + b"\n"

    def _signed(self, body: bytes, delivery: str) -> dict[str, str]:
        moment = str(int(time.time()))
        headers = self._headers | {"webhook-id": delivery, "webhook-timestamp": moment}
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, delivery, moment, body)
        return headers

    def _read(self, response: httpx.Response, began: float) -> str:
        """The beginning of the answer, for messages; read to its end, so that the connection can be used again."""
        said, size = b"", 0
        try:
            for piece in response.iter_raw(4096):
                said = (said + piece)[:200]
                size += len(piece)
                if size > _LONGEST_ANSWER or time.monotonic() - began > self._limit:
                    break
        except httpx.HTTPError:
            return ""  # the status is known, and counts
        text = " ".join(said.decode(errors="replace").split())
        return f" ({visible(text)})" if text else ""


def key_of(secret: str) -> bytes:
    """The key: of `whsec_…` what it encodes, else the text itself. Raises ConfigError, without the secret."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ConfigError("a secret that begins with whsec_ is base64 behind that, and this is not") from error


def signature(key: bytes, delivery: str, moment: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    digest = hmac.new(key, b"%s.%s." % (delivery.encode(), moment.encode()) + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for, at most an hour; 0 where it is none."""
    if not value:
        return 0.0
    try:
        seconds = float(value) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)
