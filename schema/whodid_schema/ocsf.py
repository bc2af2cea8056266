"""A record as an event of the Open Cybersecurity Schema Framework, version 1.5.0 (https://schema.ocsf.io/1.5.0).

    what the record is                                    class
    sign-in, sign-out, impersonation                      Authentication            3002
    password changed or reset, second factor enrolled,    Account Change            3001
    a user made, deleted, activated or deactivated
    a refused or throttled request with an address        API Activity              6003
    viewed, searched, exported, imported with a target    Web Resources Activity    6001
    anything else with a target                           Entity Management         3004
    what is left: delivery, and all that names no target  Base Event                0

A class is taken only where the record has what the class requires; nothing is invented to fill it. An activity that the
class has no number for is 99 with its name. What OCSF has no place for stands in `unmapped`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from whodid_schema import __version__
from whodid_schema.record import Actor, Person, Record, Target
from whodid_schema.timestamp import to_micros

VERSION = "1.5.0"
"""Of the schema; stands in `metadata.version`."""

OTHER = 99


class Class(NamedTuple):
    """A class of the schema: its number, its category's, its name, and the activities by verb: number and name."""

    uid: int
    category: int
    name: str
    category_name: str
    activities: Mapping[str, tuple[int, str]]


_CREATE, _READ, _UPDATE, _DELETE = (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")
_IAM, _APPLICATION = (3, "Identity & Access Management"), (6, "Application Activity")

BASE = Class(0, 0, "Base Event", "Uncategorized", {})
AUTHENTICATION = Class(3002, _IAM[0], "Authentication", _IAM[1], {"sign_in": (1, "Logon"), "sign_out": (2, "Logoff")})
ACCOUNT_CHANGE = Class(
    3001,
    _IAM[0],
    "Account Change",
    _IAM[1],
    {
        "create": _CREATE,
        "activate": (2, "Enable"),
        "password_change": (3, "Password Change"),
        "password_reset": (4, "Password Reset"),
        "deactivate": (5, "Disable"),
        "delete": (6, "Delete"),
        "mfa_enrol": (10, "MFA Factor Enable"),
    },
)
ENTITY_MANAGEMENT = Class(
    3004,
    _IAM[0],
    "Entity Management",
    _IAM[1],
    {
        "create": _CREATE,
        "view": _READ,
        "update": _UPDATE,
        "configure": _UPDATE,
        "delete": _DELETE,
        "activate": (10, "Activate"),
        "deactivate": (11, "Deactivate"),
        "pause": (12, "Suspend"),
        "resume": (13, "Resume"),
    },
)
WEB_RESOURCES = Class(
    6001,
    _APPLICATION[0],
    "Web Resources Activity",
    _APPLICATION[1],
    {"view": _READ, "search": (5, "Search"), "import": (6, "Import"), "export": (7, "Export")},
)
API_ACTIVITY = Class(
    6003,
    _APPLICATION[0],
    "API Activity",
    _APPLICATION[1],
    {"create": _CREATE, "view": _READ, "update": _UPDATE, "delete": _DELETE},
)

_LOGONS = frozenset({"sign_in", "sign_out", "impersonate"})
_CREDENTIALS = frozenset({"password_change", "password_reset", "mfa_enrol"})
_ACCOUNTS = frozenset({"user", "member", "account", "admin", "teammate", "person"})
"""Types of targets that are somebody's account."""

_USER_TYPES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {"user": (1, "User"), "member": (1, "User"), "admin": (2, "Admin"), "system": (3, "System")}
)
_STATUS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {"success": (1, "Success"), "failure": (2, "Failure"), "warning": (OTHER, "warning")}
)
_SEVERITY: Mapping[str, tuple[int, str]] = MappingProxyType({"failure": (2, "Low"), "warning": (2, "Low")})
_INFORMATIONAL = (1, "Informational")


def to_ocsf(record: Record) -> dict[str, Any]:
    """The event, to be encoded by msgspec: in `unmapped` stand parts of the record as they are.

    Times in milliseconds; `metadata.original_time` has the record's, `metadata.uid` its id.
    """
    chosen = class_of(record)
    verb = record.verb or "other"
    number, name = chosen.activities.get(verb) or (OTHER, record.action or verb)
    status = _STATUS.get(record.outcome or "", (0, "Unknown"))
    severity = _SEVERITY.get(record.outcome or "", _INFORMATIONAL)
    event: dict[str, Any] = {
        "time": _milliseconds(record.timestamp),
        "category_uid": chosen.category,
        "category_name": chosen.category_name,
        "class_uid": chosen.uid,
        "class_name": chosen.name,
        "activity_id": number,
        "activity_name": name,
        "type_uid": chosen.uid * 100 + number,
        "type_name": f"{chosen.name}: {name if number != OTHER else 'Other'}",
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "metadata": _metadata(record, hosted=chosen in (BASE, WEB_RESOURCES)),
    }
    _put(event, message=record.description, status_detail=record.reason, raw_data=record.raw)
    event.update(_required(chosen, record))
    _put(event, actor=_actor(record))
    if chosen is not BASE:
        _put(event, src_endpoint=_endpoint(record), http_request=_request(record))
    _put(event, unmapped=_unmapped(record, whole=chosen is BASE))
    return event


def class_of(record: Record) -> Class:
    """The class that the record has everything for."""
    verb, target = record.verb or "other", record.target
    named = target is not None and bool(target.id or target.name)
    account = named and target is not None and (target.type or "").lower() in _ACCOUNTS
    if verb in _LOGONS and record.app and _user(record):
        return AUTHENTICATION
    if (verb in _CREDENTIALS and (account or _user(record))) or (account and verb in ACCOUNT_CHANGE.activities):
        return ACCOUNT_CHANGE
    if record.surface == "api_request" and record.action and _actor(record) and _endpoint(record):
        return API_ACTIVITY
    if not named or record.surface == "delivery":
        return BASE
    return WEB_RESOURCES if verb in WEB_RESOURCES.activities else ENTITY_MANAGEMENT


def _required(chosen: Class, record: Record) -> dict[str, Any]:
    """What this class asks for beside what all have."""
    target = record.target or Target()
    if chosen is AUTHENTICATION:
        found: dict[str, Any] = {"user": _impersonated(record) or _user(record), "service": {"name": record.app}}
        _put(found, session={"uid": record.session_id} if record.session_id else None)
        return found
    if chosen is ACCOUNT_CHANGE:
        account = (target.type or "").lower() in _ACCOUNTS and (target.id or target.name)
        return {"user": _pair(target.id, target.name) if account else _user(record)}
    if chosen is ENTITY_MANAGEMENT:
        return {"entity": _typed(target)}
    if chosen is WEB_RESOURCES:
        return {"web_resources": [_typed(target)]}
    if chosen is API_ACTIVITY:
        asked: dict[str, Any] = {"operation": record.action}
        _put(asked, request={"uid": record.request_id} if record.request_id else None)
        _put(asked, service={"name": record.app} if record.app else None)
        resources = [_typed(target)] if target.id or target.name else None
        return {"api": asked, "resources": resources} if resources else {"api": asked}
    return {}


def _metadata(record: Record, *, hosted: bool) -> dict[str, Any]:
    """`hosted`: the class knows an actor only by the profile `host`."""
    product: dict[str, Any] = {"name": "whodid", "vendor_name": "whodid", "version": __version__}
    _put(product, feature={"name": record.app} if record.app else None)
    workspace = record.workspace.id or record.workspace.name if record.workspace else None
    metadata: dict[str, Any] = {"version": VERSION, "product": product}
    _put(
        metadata,
        profiles=["host"] if hosted else None,
        uid=record.id,
        original_time=record.reported_time or record.timestamp,
        logged_time=_milliseconds(record.received_at) if record.received_at else None,
        event_code=record.action,
        log_name=record.surface,
        log_provider=record.app,
        tenant_uid=workspace,
        correlation_uid=record.request_id,
    )
    return metadata


def _actor(record: Record) -> dict[str, Any] | None:
    user = _user(record)
    if user is None:
        return None
    actor: dict[str, Any] = {"user": user}
    _put(actor, session={"uid": record.session_id} if record.session_id else None, app_name=record.app)
    provider = record.actor.provider if record.actor else None
    _put(actor, idp={"name": provider} if provider else None)
    return actor


def _user(record: Record) -> dict[str, Any] | None:
    """Who acted, where an id, a name or an address says who; OCSF's user needs a name or a uid."""
    actor = record.actor
    if actor is None:
        return None
    user = _pair(actor.id, actor.name or actor.email)
    if not user:
        return None
    number, word = _USER_TYPES.get((actor.type or "").lower(), (OTHER if actor.type else 0, actor.type or "Unknown"))
    user.update(type_id=number, type=word)
    _put(user, email_addr=actor.email, credential_uid=actor.token.id if actor.token else None)
    return user


def _impersonated(record: Record) -> dict[str, Any] | None:
    """Of an impersonation the user is the person whom the actor became."""
    person = record.actor.on_behalf_of if record.actor and record.verb == "impersonate" else None
    if person is None:
        return None
    user = _pair(person.id, person.name or person.email)
    _put(user, email_addr=person.email if user else None)
    return user or None


def _endpoint(record: Record) -> dict[str, Any] | None:
    client = record.client
    if client is None or not client.ip:
        return None
    endpoint: dict[str, Any] = {"ip": client.ip}
    _put(endpoint, location={"country": client.country} if _country(client.country) else None)
    return endpoint


def _country(text: str | None) -> bool:
    """OCSF takes the two letters of ISO 3166 alone."""
    return text is not None and len(text) == 2 and text.isascii() and text.isalpha()


def _request(record: Record) -> dict[str, Any] | None:
    request: dict[str, Any] = {}
    _put(request, uid=record.request_id, user_agent=record.client.user_agent if record.client else None)
    return request or None


def _unmapped(record: Record, *, whole: bool) -> dict[str, Any] | None:
    """What has no place: of the base event also from where, and to what."""
    actor = record.actor or Actor()
    left: dict[str, Any] = {}
    _put(left, verb=record.verb, kind=record.kind, category=record.category, layer=record.layer)
    _put(left, native_id=record.native_id, time_precision=record.time_precision, project=record.project)
    _put(left, device=record.client.device if record.client else None, on_behalf_of=_person(actor.on_behalf_of))
    _put(left, role=actor.role, owner=actor.owner)
    _put(left, changes=record.changes, snapshot=record.snapshot, metadata=record.metadata)
    _put(left, targets=record.targets if whole or len(record.targets or ()) > 1 else None)
    if whole:
        _put(left, target=record.target, client=record.client, session_id=record.session_id, app=record.app)
        _put(left, actor=record.actor if _user(record) is None else None)
    return left or None


def _person(person: Person | None) -> Person | None:
    return person if person is not None and (person.id or person.name or person.email) else None


def _typed(target: Target) -> dict[str, Any]:
    found = _pair(target.id, target.name)
    _put(found, type=target.type)
    return found


def _pair(uid: str | None, name: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    _put(found, uid=uid or None, name=name or None)
    return found


def _put(into: dict[str, Any], **values: Any) -> None:
    into.update({name: value for name, value in values.items() if value is not None})


def _milliseconds(time: str | None) -> int:
    return to_micros(time) // 1000 if time else 0
