"""The audit record: one `msgspec.Struct` tree is the schema of everything whodid stores and shows.

Wire form: one JSON object, keys as named here (`timestamp` is written `@timestamp`, `Change.from_` is
written `from`); a field that is None is absent. Ids are always strings (783 and "783" are one).
Times are RFC 3339 in UTC with six decimals and a `Z`.

The structs are gc-free and take their fields positionally: normalising makes one tree per event and never a
cycle. Defaults are None only: msgspec compares other defaults by identity (`../docs/decisions`).
"""

from typing import Any

import msgspec
from msgspec import Struct


class Ref(Struct, gc=False, omit_defaults=True):
    """Something named from outside the event: a workspace, a project, an API token."""

    id: str | None = None
    name: str | None = None


class Person(Struct, gc=False, omit_defaults=True):
    """Whom somebody acted for: id, name and e-mail as the application wrote them."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class Actor(Struct, gc=False, omit_defaults=True):
    """Who did it.

    `type` is open (user, admin, api_token, system, anonymous, service …); `key` is `app/type:id`, else the
    e-mail or the name in the id's place, and tells actors of equal names apart. `token` is the API token that was
    used, `owner` the person it belongs to, `on_behalf_of` the person impersonated.
    """

    type: str | None = None
    id: str | None = None
    name: str | None = None
    email: str | None = None
    role: str | None = None
    provider: str | None = None
    token: Ref | None = None
    owner: str | None = None
    on_behalf_of: Person | None = None
    key: str | None = None


class Target(Struct, gc=False, omit_defaults=True):
    """What it was done to. `count` > 1 marks a bulk target; `relation` (from, to, in …) a secondary one."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    count: int | None = None
    relation: str | None = None


class Client(Struct, gc=False, omit_defaults=True):
    """From where: a validated IPv4/IPv6 address, the User-Agent, a readable device, a country if the event says it."""

    ip: str | None = None
    user_agent: str | None = None
    device: str | None = None
    country: str | None = None


class Change(Struct, gc=False, omit_defaults=True, rename={"from_": "from"}):
    """One changed field. `field` is a dotted path; `redacted` says that a value was hidden, never that it is equal."""

    field: str
    from_: Any = None
    to: Any = None
    redacted: bool | None = None


class Snapshot(Struct, gc=False, omit_defaults=True):
    """A payload that came with the event, at most 256 KB."""

    before: Any = None
    after: Any = None


class Ingest(Struct, gc=False, omit_defaults=True):
    """How the event came in: enough to find its line again and to explain its id.

    `rules` is the version of the store's rules that routed it, `origin` the SHA-256 (hex, first 32 characters)
    of the redacted original.
    """

    agent: str | None = None
    host: str | None = None
    source: str | None = None
    generation: str | None = None
    offset: int | None = None
    item: int | None = None
    profile: str | None = None
    rules: str | None = None
    origin: str | None = None


class Record(Struct, gc=False, omit_defaults=True, rename={"timestamp": "@timestamp"}):
    """One audit record. Meanings: `fields.FIELDS` for what can be asked, docs/fields.md for all of it.

    `raw_redacted` is true where the original holds the mask, whoever put it there: whodid before anything was stored,
    or the application itself. `zone_assumed` is true where the event's time names no zone and was read as UTC.
    """

    timestamp: str | None = None
    time_precision: str | None = None
    reported_time: str | None = None
    received_at: str | None = None
    id: str | None = None
    native_id: str | None = None
    app: str | None = None
    surface: str | None = None
    kind: str | None = None
    category: str | None = None
    category_label: str | None = None
    action: str | None = None
    verb: str | None = None
    description: str | None = None
    outcome: str | None = None
    reason: str | None = None
    actor: Actor | None = None
    target: Target | None = None
    targets: list[Target] | None = None
    target_refs: list[str] | None = None
    target_types: list[str] | None = None
    workspace: Ref | None = None
    project: Ref | None = None
    layer: str | None = None
    client: Client | None = None
    session_id: str | None = None
    request_id: str | None = None
    changes: list[Change] | None = None
    changed: list[str] | None = None
    snapshot: Snapshot | None = None
    metadata: dict[str, Any] | None = None
    meta: list[str] | None = None
    related: list[str] | None = None
    ingest: Ingest | None = None
    raw: str | None = None
    raw_redacted: bool | None = None
    zone_assumed: bool | None = None


MASK = "[FILTERED]"
"""What stands where a secret stood; understood on the way in, written on the way out."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """The record as one line of JSON, without a newline."""
    return _encoder.encode(record)


def decode(data: bytes | str) -> Record:
    """The record from its JSON; unknown keys are ignored. Raises msgspec.DecodeError or ValidationError."""
    return _decoder.decode(data)
