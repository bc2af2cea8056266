"""Records for tests of stores: made from a seed, skewed as real ones are; the same seed gives the same records."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from whodid_indexer.store.base import Item
from whodid_schema.identity import native_id
from whodid_schema.record import Actor, Change, Client, Ingest, Record, Ref, Target, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ACTIONS = [
    ("activity", "write", "notes", "note.create", "create", "note"),
    ("activity", "write", "notes", "note.update", "update", "note"),
    ("activity", "write", "broadcasts", "broadcast.send", "send", "broadcast"),
    ("activity", "write", "teams", "member.assign", "assign", "member"),
    ("activity", "write", "webhooks", "webhook.delete", "delete", "webhook"),
    ("activity", "read", "other", "export.run", "export", "report"),
    ("authentication", "auth", "auth", "session.sign_in", "sign_in", None),
    ("authentication", "auth", "auth", "session.sign_out", "sign_out", None),
    ("api_request", "read", "other", "request.denied", "deny", None),
]
_WEIGHTS = [12, 20, 3, 4, 1, 3, 30, 20, 2]
_WORDS = [
    "amber",
    "brook",
    "cedar",
    "delta",
    "ember",
    "fable",
    "grove",
    "haven",
    "inlet",
    "jade",
    "kelp",
    "larch",
    "maple",
    "night",
    "ocean",
    "pearl",
    "quill",
    "ridge",
    "stone",
    "thorn",
    "umber",
    "vale",
    "willow",
    "xenon",
    "yarrow",
    "zephyr",
    "migration",
    "invoice",
    "newsletter",
    "onboarding",
    "quota",
    "limit",
    "region",
    "backup",
]
_NAMES = ["Ana Ruiz", "Bob Stone", "Chloé Martin", "Dmitri Orlov", "Eva Weiß", "Farid Haddad", "Grace Kim", "Hugo Łem"]


def stamp(micros: int) -> str:
    """The record form of a time."""
    return (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def item(record: Record, index: str = "whodid-activity") -> Item:
    """The item that creates a record."""
    return Item(index, record.id or "", encode(record))


def identifier(number: int) -> str:
    """The id of the record with this number."""
    return native_id("shop", [str(number)], b"")


def records(seed: int, number: int, start: int, step: int, actors: int = 5_000) -> Iterator[Record]:
    """`number` records, about `step` microseconds apart from `start` on; one in a hundred is late."""
    rng = random.Random(seed)
    for serial in range(number):
        late = rng.randrange(86_400_000_000) if rng.random() < 0.01 else 0
        yield _record(rng, serial, start + serial * step + rng.randrange(step) - late, actors)


def _record(rng: random.Random, serial: int, micros: int, actors: int) -> Record:
    surface, kind, category, action, verb, kind_of_target = rng.choices(_ACTIONS, _WEIGHTS)[0]
    number = min(int(rng.paretovariate(0.6)), actors)
    name = f"{_NAMES[number % len(_NAMES)]} {number}"
    outcome = "failure" if verb == "deny" or rng.random() < 0.05 else "success"
    words = rng.choices(_WORDS, k=4)
    time = stamp(micros)
    target = None
    if kind_of_target is not None:
        target = Target(kind_of_target, str(rng.randrange(20_000)), f"{words[0]} {words[1]} {rng.randrange(500)}")
    workspace = f"ws-{number % 40}"
    request = f"req-{rng.getrandbits(64):016x}"
    identity = identifier(serial)
    return Record(
        timestamp=time,
        time_precision="us",
        received_at=time,
        id=identity,
        app="shop",
        surface=surface,
        kind=kind,
        category=category,
        category_label=category.title(),
        action=action,
        verb=verb,
        description=f"{name} did {verb} on {' '.join(words)}",
        outcome=outcome,
        reason="invalid password" if outcome == "failure" else None,
        actor=Actor(
            "user",
            str(number),
            name,
            f"user{number}@example.com",
            "admin" if number % 9 == 0 else "member",
            key=f"shop/user:{number}",
        ),
        target=target,
        targets=[target] if target else None,
        target_refs=[f"{target.type}:{target.id}"] if target else None,
        target_types=[target.type] if target and target.type else None,
        workspace=Ref(workspace, f"Workspace {number % 40}"),
        layer="workspace",
        client=Client(
            f"10.{number % 7}.{number // 250 % 250 + rng.randrange(3)}.{number % 250}",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
            "Chrome 126 on macOS",
        ),
        session_id=f"s-{number}-{micros // 3_600_000_000}",
        request_id=request,
        changes=[Change("quota.hourly", rng.randrange(99), rng.randrange(99))] if verb == "update" else None,
        changed=["quota.hourly"] if verb == "update" else None,
        metadata={"plan": {"name": rng.choice(words)}, "count": rng.randrange(100)},
        meta=[f"plan.name={words[2]}", f"count={rng.randrange(100)}"],
        related=[name.lower(), str(number), request],
        ingest=Ingest(
            "agent-1", "host-1", "host-1:/var/log/shop/audit.jsonl", "3f2a" * 8, serial * 543, 0, "shop", "3f2a"
        ),
        raw=json.dumps({"time": time, "who": name, "what": action, "request": request, "note": words, "n": serial}),
    )
