"""What every field of the record means, in one line: the field reference and the JSON Schema are written from it.

Keys are places in the JSON Schema's definitions: `name` for a field of the record, `Struct.name` for one of its parts.
"""

from collections.abc import Mapping
from types import MappingProxyType

from whodid_schema import taxonomy

PRECISIONS = ("us", "ms", "s", "minute", "day", "received", "implausible")
"""How exactly the time is known; `received` and `implausible` say that it is the time of receipt."""

CLOSED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "time_precision": PRECISIONS,
        "surface": taxonomy.SURFACES,
        "kind": taxonomy.KINDS,
        "verb": taxonomy.VERBS,
        "outcome": taxonomy.OUTCOMES,
        "layer": taxonomy.LAYERS,
    }
)
"""The record's fields that take one of a fixed set of values."""

_RECORD = {
    "@timestamp": "when it happened: RFC 3339 in UTC with six decimals",
    "time_precision": "how exactly that is known; received, implausible: the time of receipt stands in its place",
    "reported_time": "the event's own time where it was not believed (before 2000, or a day and more after receipt)",
    "received_at": "when an agent first received the event",
    "id": "the record's own id: 26 characters, the same however often and by whatever way the event arrives",
    "native_id": "the application's own id of the event",
    "app": "the application that wrote the event",
    "surface": "where the event belongs; audit is whodid's own",
    "kind": "auth, write, or read (all the rest)",
    "category": "the product area, as a slug",
    "category_label": "the product area, for people",
    "action": "the action as the application wrote it",
    "verb": "the canonical verb of the action",
    "description": "what happened, in plain English; always there",
    "outcome": "how it ended",
    "reason": "why it ended so",
    "actor": "who did it",
    "target": "the main thing it was done to",
    "targets": "everything it was done to, the main one first",
    "target_refs": "type:id of every target that has an id",
    "target_types": "the types of all targets",
    "workspace": "the workspace it happened in",
    "project": "the project it happened in",
    "layer": "whether a workspace or the platform itself was acted on",
    "client": "from where",
    "session_id": "the session's id",
    "request_id": "the request's id",
    "changes": "which fields changed, from what to what",
    "changed": "the dotted paths of the changed fields",
    "snapshot": "the payload that came with the event, at most 256 KB",
    "metadata": "whatever else the event said, kept whole",
    "meta": "folded path=value of the metadata, at most 512 of at most 1,024 characters",
    "related": "every name, id, e-mail and address of the event",
    "ingest": "how the event came in",
    "raw": "the original, with nothing altered but what was masked",
    "raw_redacted": "true where the original holds the mask [FILTERED], set by whodid or by the application itself",
    "zone_assumed": "true where the event's time names no zone and was read as UTC",
}

_PARTS = {
    "Actor.type": "user, admin, api_token, system, anonymous, service …",
    "Actor.id": "the application's id of the actor, always text",
    "Actor.name": "the actor's name",
    "Actor.email": "the actor's e-mail address",
    "Actor.role": "the role the actor acted under",
    "Actor.provider": "the login provider (GitHub …)",
    "Actor.token": "the API token that was used",
    "Actor.owner": "whom the API token belongs to",
    "Actor.on_behalf_of": "the person impersonated",
    "Actor.key": "app/type:id, else the e-mail or the name in the id's place: tells actors of equal names apart",
    "Ref.id": "the id",
    "Ref.name": "the name",
    "Person.id": "the id",
    "Person.name": "the name",
    "Person.email": "the e-mail address",
    "Target.type": "what kind of thing",
    "Target.id": "its id, always text",
    "Target.name": "its name",
    "Target.count": "how many, for a bulk target",
    "Target.relation": "how a secondary target takes part: from, to, in …",
    "Client.ip": "the address, IPv4 or IPv6, validated",
    "Client.user_agent": "the User-Agent",
    "Client.device": "the User-Agent, readable: Chrome 126 on macOS",
    "Client.country": "the country, if the event says it",
    "Change.field": "the field's dotted path",
    "Change.from": "the value before",
    "Change.to": "the value after",
    "Change.redacted": "true where a value was masked; says nothing of whether it changed",
    "Snapshot.before": "the payload before",
    "Snapshot.after": "the payload after",
    "Ingest.agent": "the agent's id",
    "Ingest.host": "the host's name",
    "Ingest.source": "the file or the HTTP source",
    "Ingest.generation": "the hash of the file's first line",
    "Ingest.offset": "the byte in the decompressed file, or the number of the spool's frame",
    "Ingest.item": "the event's number in its line or body",
    "Ingest.profile": "the profile that read it",
    "Ingest.rules": "the version of the store's rules that filed it",
    "Ingest.origin": "the hash of the redacted original",
}

MEANINGS: Mapping[str, str] = MappingProxyType({**_RECORD, **_PARTS})
