"""What a post says about itself: its form, its key, what it waits for."""

import hashlib
import re
from collections.abc import Sequence

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request

from whodid_agent.inputs.http.problem import Problem

_LINES = frozenset({"ndjson", "x-ndjson", "jsonl", "x-jsonl", "jsonlines", "json-lines", "x-jsonlines"})
_KEY_HEADERS = ("Idempotency-Key", "webhook-id", "X-GitHub-Delivery")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def is_lines(headers: Headers) -> bool:
    """Whether the body is NDJSON. Raises Problem 415 for anything that is not JSON."""
    kind, _, subtype = headers.get("content-type", "").partition(";")[0].strip().lower().partition("/")
    if kind in {"application", "text"} and subtype in _LINES:
        return True
    if kind == "application" and (subtype == "json" or subtype.endswith("+json")):
        return False
    raise Problem(
        415, "not_json_type", "only JSON is taken here", "send Content-Type application/json or application/x-ndjson"
    )


def wants_stored(request: Request) -> bool:
    """Whether the answer may only come when the store has the events. Raises Problem 400 for other wishes."""
    wait = request.query_params.get("wait")
    if wait not in {None, "stored"}:
        raise Problem(400, "bad_wait", "`wait` can only be `stored`")
    return wait == "stored"


def key_of(headers: Headers, configured: Sequence[str]) -> str:
    """What the sender's name for this delivery is known by here, empty where it has none.

    Only a hash of the name: some senders use a token as one. Raises Problem 400 for a name that is unusable.
    """
    for name in (_KEY_HEADERS[0], *configured, *_KEY_HEADERS[1:]):
        key = headers.get(name)
        if key is not None:
            if not _KEY.fullmatch(key):
                raise Problem(400, "bad_key", f"{name} must be 1 to 255 visible ASCII characters")
            return hashed(key)
    return ""


def hashed(key: str) -> str:
    """The name that a sender's key is known by, the same on every host."""
    return "key:" + hashlib.sha256(b"whodid delivery key\n" + key.encode()).hexdigest()[:32]


class _Timed(msgspec.Struct):
    event: str
    timestamp: str | int | float


_timed = msgspec.json.Decoder(_Timed)


def all_timed(events: Sequence[bytes]) -> bool:
    """Whether every event is of the webhook's kind: it names itself (`event`) and its time (`timestamp`)."""
    try:
        for event in events:
            _timed.decode(event)
    except msgspec.MsgspecError:
        return False
    return True
