"""The record as OpenSearch gets it: its JSON, and behind it two fields to find it by, which `body_of` cuts off again.

    {…the record…,"keys":["app=shop","actor=ada@example.org",…],"search":"ada deleted …"}

    keys      what `field:value` looks for, as `field=value`; the values are compared by their shadow (folding.shadow),
              so that equality is decided here, for every store and every program, and not by an engine's own folding
    search    folding.search_text of the record; the words of it are folding.tokens

SQLite makes the same of a record when it takes it in. (To leave both out of `_source` by the mapping was tried: then
OpenSearch writes each record anew, in another order of keys, and keeps the original beside it until segments merge. It
took 30 % more of the node's CPU and 15 % more room, and records did not come back as they were sent.)
"""

import msgspec

from whodid_schema.fields import FIELDS
from whodid_schema.folding import search_text, shadow
from whodid_schema.record import Actor, Record, Ref

KEYS = "keys"
SEARCH = "search"

LONGEST_VALUE = 1_024
"""Characters of a value that are compared; the record itself keeps all of it."""

EXACT = frozenset(name for name, field in FIELDS.items() if field.match == "exact") - {"id"}
"""Fields whose values are compared as they are written."""

_encode = msgspec.json.Encoder().encode

_KEYS_BEGIN = f',"{KEYS}":['.encode()
_SEARCH_BEGINS = f'],"{SEARCH}":"'.encode()


def document(record: Record, body: bytes) -> bytes:
    """What is sent to OpenSearch for the record whose JSON is `body`."""
    found = _encode({KEYS: keys(record), SEARCH: search_text(record)})
    return b"%b,%b" % (body[:-1], found[1:])


def body_of(sent: bytes) -> bytes:
    """The record's JSON in what `document` made, byte for byte; anything else is given back as it is.

    No value can hide what is looked for: inside a JSON string a quotation mark has a backslash in front of it.
    """
    end = sent.rfind(_SEARCH_BEGINS)
    start = sent.rfind(_KEYS_BEGIN, 0, end) if end > 0 else -1
    return sent[:start] + b"}" if start > 0 else sent


def key(field: str, value: str) -> str:
    """The key that a record with this value of the field has."""
    cut = value[:LONGEST_VALUE]
    return f"{field}={cut if field in EXACT else shadow(cut)}"


def keys(record: Record) -> list[str]:
    """Every key of the record, each once. An empty value gives none; `meta` and the address have their own fields."""
    folded = [
        ("app", record.app),
        ("surface", record.surface),
        ("kind", record.kind),
        ("category", record.category),
        ("action", record.action),
        ("verb", record.verb),
        ("outcome", record.outcome),
        ("reason", record.reason),
        ("layer", record.layer),
    ]
    if record.actor is not None:
        folded += _of_actor(record.actor)
    folded += _of_targets(record)
    folded += _of_ref("workspace", record.workspace) + _of_ref("project", record.project)
    if record.client is not None:
        folded.append(("device", record.client.device))
    folded += [("changed", path) for path in record.changed or ()]
    lines = [f"{field}={value}" for field, value in folded if value]
    text = "\n".join(lines)
    if text.isascii() and len(text) < LONGEST_VALUE + len(lines):  # the usual case, all at once
        found = dict.fromkeys(text.lower().split("\n") if text.count("\n") < len(lines) else map(str.lower, lines))
    else:
        found = dict.fromkeys([key(field, value) for field, value in folded if value])
    for field, value in (("session", record.session_id), ("request", record.request_id)):
        if value:
            found[key(field, value)] = None
    return list(found)


def _of_actor(actor: Actor) -> list[tuple[str, str | None]]:
    found = [("actor", value) for value in (actor.name, actor.email, actor.id, actor.key)]
    if actor.token is not None:
        found += _of_ref("actor", actor.token)
    if actor.on_behalf_of is not None:
        person = actor.on_behalf_of
        found += [("actor", value) for value in (person.id, person.name, person.email)]
    found += [("actor.type", actor.type), ("email", actor.email), ("role", actor.role), ("provider", actor.provider)]
    return found


def _of_targets(record: Record) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for target in record.targets or (record.target,):
        if target is not None:
            found += (("target", target.id), ("target", target.name))
            if target.type and target.id:
                found.append(("target", f"{target.type}:{target.id}"))
    types = record.target_types or ((record.target.type,) if record.target is not None else ())
    found += [("type", name) for name in types]
    return found


def _of_ref(field: str, ref: Ref | None) -> list[tuple[str, str | None]]:
    return [] if ref is None else [(field, ref.id), (field, ref.name)]
