"""What the configuration says about one HTTP input, as one frozen value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from whodid_agent.inputs.http.auth import Credential
from whodid_agent.spool.spool import QUOTA, SEGMENT_BYTES


class HttpOptions(Struct, frozen=True, kw_only=True):
    """One receiver. Sizes are bytes, times seconds.

    `name`: the input's name; its stream in the checkpoint is `spool:<name>`. `address`: host:port, [v6]:port, or :port
    for every address; port 0 takes a free one. `spool_dir` belongs to this input alone. `agent`, `host`: this agent's
    fixed id and host name. `credentials`: none allows loopback addresses only. `body_limit` holds for the body as sent
    and decompressed. `held_limit` bounds the bodies in memory at one time; about five times as much is used.
    `retry`: `body` gives keyless posts the hash of their redacted events as key, `none` never does, None does so
    for webhook batches whose events carry their own name and time. `key_headers` are asked after `Idempotency-Key` and
    before the built-in ones. `hosts`: names by which a loopback receiver may be called beside localhost.
    `envelopes`: keys of objects that only wrap an array of events, and the keys that may stand beside: those that the
    profiles split by (a test compares the default with the built-in ones).
    """

    name: str
    address: str = "127.0.0.1:8686"
    spool_dir: Path
    agent: str
    host: str
    credentials: tuple[Credential, ...] = ()
    body_limit: int = 16 << 20
    event_limit: int = 100_000
    held_limit: int = 64 << 20
    body_seconds: float = 60.0
    wait_seconds: float = 30.0
    quota: int = QUOTA
    segment_bytes: int = SEGMENT_BYTES
    retry: Literal["body", "none"] | None = None
    key_headers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    envelopes: Mapping[str, frozenset[str]] = msgspec.field(
        default_factory=lambda: {
            "Records": frozenset(),
            "audit_logs": frozenset({"count", "links", "meta", "next_page", "previous_page"}),
            "data": frozenset({"next_page"}),
            "entries": frozenset(
                {"next_cursor", "prev_cursor", "total", "limit"}
                | {"ok", "error", "warning", "needed", "provided", "response_metadata"}
            ),
            "events": frozenset(),
            "items": frozenset({"apiVersion", "etag", "kind", "metadata", "nextPageToken"}),
        }
    )
