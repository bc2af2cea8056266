"""The record as OpenSearch gets it: its JSON, and behind it three fields to find and count it by.

    {…the record…,"keys":["app=shop","actor=ada@example.org",…],"target_values":["note:1"],"search":"ada deleted …"}

    keys      what `field:value` looks for, as `field=value`; the values are compared by their shadow (folding.shadow),
              so that equality is decided here, for every store and every program, and not by an engine's own folding
    target_values    of each target what it is counted by, as written: `type:id`, else the id, else the name; left out
              where there is none
    search    folding.search_text of the record; the words of it are folding.tokens

`body_of` cuts them off again. SQLite makes the same of a record when it takes it in. (To leave them out of `_source` by
the mapping was tried: then OpenSearch writes each record anew, in another order of keys, and keeps the original beside
it until segments merge. It took 30 % more of the node's CPU and 15 % more room, and records did not come back as they
were sent.)
"""

from collections.abc import Sequence

import msgspec

from whodid_schema.fields import FIELDS
from whodid_schema.folding import SEARCH_TEXT_LIMIT, fold, search_lines, shadow
from whodid_schema.record import Actor, Record, Ref, Target

KEYS = "keys"
TARGETS = "target_values"
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
    return b"%b%b" % (body[:-1], found_by(keys(record), target_values(record), search_lines(record)))


def found_by(keys: Sequence[str], targets: Sequence[str], lines: str) -> bytes:
    """What stands behind the record, its closing brace included; `lines` are folding.search_lines."""
    search = fold(lines[:SEARCH_TEXT_LIMIT])
    found = {KEYS: keys, TARGETS: targets, SEARCH: search} if targets else {KEYS: keys, SEARCH: search}
    return b",%b" % _encode(found)[1:]


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
    return [*dict.fromkeys(folded(key_lines(record))), *exact_keys(record)]


def exact_keys(record: Record) -> list[str]:
    """The keys whose values are not folded."""
    return [
        key(field, value) for field, value in (("session", record.session_id), ("request", record.request_id)) if value
    ]


def key_lines(record: Record) -> list[str]:
    """The other keys, before they are folded; some may stand there twice."""
    lines = [
        f"{field}={value}"
        for field, value in (
            ("app", record.app),
            ("surface", record.surface),
            ("kind", record.kind),
            ("category", record.category),
            ("action", record.action),
            ("verb", record.verb),
            ("outcome", record.outcome),
            ("reason", record.reason),
            ("layer", record.layer),
        )
        if value
    ]
    if record.actor is not None:
        _add_actor(lines, record.actor)
    _add_targets(lines, record)
    _add_ref(lines, "workspace", record.workspace)
    _add_ref(lines, "project", record.project)
    if record.client is not None and record.client.device:
        lines.append(f"device={record.client.device}")
    lines += [f"changed={path}" for path in record.changed or () if path]
    return lines


def target_values(record: Record) -> list[str]:
    """What each of the record's targets is counted by, each once, as written, at most LONGEST_VALUE characters."""
    targets = record.targets or ((record.target,) if record.target is not None else ())
    found = [_target_value(target)[:LONGEST_VALUE] for target in targets]
    return list(dict.fromkeys(filter(None, found))) if found else found


def _target_value(target: Target) -> str:
    if target.id:
        return f"{target.type}:{target.id}" if target.type else target.id
    return target.name or ""


def folded(lines: list[str]) -> list[str]:
    """The keys of lines; all at once where every value is short, ASCII and one line."""
    text = "\n".join(lines)
    if text.isascii() and len(text) <= LONGEST_VALUE and text.count("\n") < max(len(lines), 1):
        return text.lower().split("\n") if lines else []
    return [
        line.lower() if line.isascii() and len(line) <= LONGEST_VALUE else key(*line.split("=", 1)) for line in lines
    ]


def _add_actor(lines: list[str], actor: Actor) -> None:
    lines += [f"actor={value}" for value in (actor.name, actor.email, actor.id, actor.key) if value]
    if actor.token is not None:
        _add_ref(lines, "actor", actor.token)
    if actor.on_behalf_of is not None:
        person = actor.on_behalf_of
        lines += [f"actor={value}" for value in (person.id, person.name, person.email) if value]
    if actor.type:
        lines.append(f"actor.type={actor.type}")
    if actor.email:
        lines.append(f"email={actor.email}")
    if actor.role:
        lines.append(f"role={actor.role}")
    if actor.provider:
        lines.append(f"provider={actor.provider}")


def _add_targets(lines: list[str], record: Record) -> None:
    for target in record.targets or (record.target,):
        if target is not None:
            if target.id:
                lines.append(f"target={target.id}")
                if target.type:
                    lines.append(f"target={target.type}:{target.id}")
            if target.name:
                lines.append(f"target={target.name}")
    types = record.target_types or ((record.target.type,) if record.target is not None else ())
    lines += [f"type={name}" for name in types if name]


def _add_ref(lines: list[str], field: str, ref: Ref | None) -> None:
    if ref is not None:
        if ref.id:
            lines.append(f"{field}={ref.id}")
        if ref.name:
            lines.append(f"{field}={ref.name}")
