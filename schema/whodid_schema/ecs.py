"""A record as a document of the Elastic Common Schema, version 8.17.0 (https://www.elastic.co/guide/en/ecs/8.17).

Names of ECS where ECS has one; `event.category` and `event.type` only in the pairs that ECS allows together. What it
has no name for stands under `whodid`, which is the namespace of our own that ECS asks custom fields to have.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from whodid_schema.record import Actor, Client, Record, Target

VERSION = "8.17.0"
"""Stands in `ecs.version`."""

_ACCOUNTS = frozenset({"user", "member", "account", "admin", "teammate", "person"})
_GROUPS = frozenset({"team", "group", "role"})

_CHANGES: Mapping[str, str] = MappingProxyType(
    {"create": "creation", "invite": "creation", "import": "creation", "delete": "deletion", "revoke": "deletion"}
)
_BY_VERB: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sign_in": ("authentication", ("start",)),
        "sign_out": ("authentication", ("end",)),
        "impersonate": ("authentication", ("info",)),
        **dict.fromkeys(("password_change", "password_reset", "mfa_enrol"), ("iam", ("user", "change"))),
    }
)
_OUTCOMES = frozenset({"success", "failure"})


def to_ecs(record: Record) -> dict[str, Any]:
    """The document, to be encoded by msgspec: under `whodid` stand parts of the record as they are.

    Empty parts are absent. `event.id` is the record's id, `event.original` the original.
    """
    actor, client = record.actor or Actor(), record.client or Client()
    category, types = categories(record)
    ingest = record.ingest
    document: dict[str, Any] = {"@timestamp": record.timestamp}
    _put(
        document,
        message=record.description,
        ecs={"version": VERSION},
        event=_some(
            kind="event",
            category=[category],
            type=types,
            action=record.action,
            outcome=record.outcome if record.outcome in _OUTCOMES else "unknown",
            reason=record.reason,
            id=record.id,
            code=record.native_id,
            module="whodid",
            dataset=f"whodid.{record.surface}" if record.surface else None,
            provider=record.app,
            ingested=record.received_at,
            original=record.raw,
        ),
        user=_user(record, actor),
        client=_some(ip=client.ip, geo=_some(country_name=client.country)),
        source=_some(ip=client.ip),
        user_agent=_some(original=client.user_agent, name=client.device),
        service=_some(name=record.app),
        organization=_ref(record.workspace),
        http=_some(request=_some(id=record.request_id)),
        host=_some(name=ingest.host if ingest else None),
        related=_related(record, actor, client),
        whodid=_own(record),
    )
    return document


def categories(record: Record) -> tuple[str, list[str]]:
    """ECS's category and types: what happened, in words that ECS allows together."""
    verb, kind = record.verb or "other", ((record.target or Target()).type or "").lower()
    if verb in _BY_VERB:
        category, types = _BY_VERB[verb]
        return category, list(types)
    if record.surface == "delivery":
        return "email", ["info"]
    if record.surface == "api_request":
        return "api", ["denied" if record.outcome == "failure" else "access"]
    written = record.kind == "write"
    if kind in _ACCOUNTS or kind in _GROUPS:
        return "iam", ["user" if kind in _ACCOUNTS else "group", _CHANGES.get(verb, "change") if written else "info"]
    return "configuration", [_CHANGES.get(verb, "change") if written else "access"]


def _user(record: Record, actor: Actor) -> dict[str, Any] | None:
    """Who acted; `effective` is whom they acted for, `target` the user it was done to."""
    person, target = actor.on_behalf_of, record.target or Target()
    acted_on = target if (target.type or "").lower() in _ACCOUNTS else Target()
    return _some(
        id=actor.id,
        name=actor.name,
        full_name=actor.name,
        email=actor.email,
        roles=[actor.role] if actor.role else None,
        effective=_some(id=person.id, name=person.name, email=person.email) if person else None,
        target=_some(id=acted_on.id, name=acted_on.name),
    )


def _related(record: Record, actor: Actor, client: Client) -> dict[str, Any] | None:
    person, target = actor.on_behalf_of, record.target or Target()
    users = [actor.id, actor.name, actor.email]
    users += [person.id, person.name, person.email] if person else []
    users += [target.id, target.name] if (target.type or "").lower() in _ACCOUNTS else []
    named = list(dict.fromkeys(one for one in users if one))
    return _some(user=named or None, ip=[client.ip] if client.ip else None)


def _own(record: Record) -> dict[str, Any] | None:
    """What ECS has no name for, under the record's own names."""
    actor = record.actor or Actor()
    return _some(
        surface=record.surface,
        kind=record.kind,
        category=record.category,
        verb=record.verb,
        outcome=record.outcome,
        layer=record.layer,
        time_precision=record.time_precision,
        reported_time=record.reported_time,
        actor=_some(type=actor.type, key=actor.key, provider=actor.provider, token=_ref(actor.token)),
        target=record.target,
        targets=record.targets if len(record.targets or ()) > 1 else None,
        project=_ref(record.project),
        session_id=record.session_id,
        changed=record.changed,
        changes=record.changes,
        snapshot=record.snapshot,
        metadata=record.metadata,
        ingest=record.ingest,
    )


def _ref(reference: Any) -> dict[str, Any] | None:
    return None if reference is None else _some(id=reference.id, name=reference.name)


def _some(**values: Any) -> dict[str, Any] | None:
    """What is there of it; None where nothing is."""
    found = {name: value for name, value in values.items() if value is not None}
    return found or None


def _put(into: dict[str, Any], **values: Any) -> None:
    into.update({name: value for name, value in values.items() if value is not None})
