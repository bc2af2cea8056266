"""The record of what somebody did with whodid itself: surface `audit`, which no application can write.

Its id is made of who, by which way, what and about what, and of the five minutes it happened in: the same action again
within them meets the first one in the store and is one event, whatever process or server asks, also after a crash.
"""

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.printer import to_text
from whodid_schema import __version__
from whodid_schema.identity import native_id
from whodid_schema.record import Actor, Client, Ingest, Record, Target
from whodid_schema.taxonomy import OWN_SURFACE
from whodid_schema.timestamp import from_micros

APP = "whodid"

MERGED = 300
"""Seconds within which the same action is one event."""

_LONGEST = 2_000
"""Characters of a question that are kept."""

_VERBS = {
    "search": ("search", "searched the audit log"),
    "count": ("search", "counted in the audit log"),
    "facets": ("search", "counted values in the audit log"),
    "stats": ("search", "looked at the audit log's figures"),
    "tail": ("view", "followed the audit log"),
    "show": ("view", "looked at a record of the audit log"),
    "report": ("export", "made a report from the audit log"),
    "export": ("export", "exported from the audit log"),
    "forward": ("export", "forwarded from the audit log"),
    "setup": ("configure", "set the store up"),
    "retention": ("delete", "applied retention"),
    "restore": ("create", "put archived records back into the audit log"),
    "backup": ("export", "backed the audit log up"),
    "hold_add": ("create", "put a legal hold on the audit log"),
    "hold_release": ("revoke", "released a legal hold on the audit log"),
    "token_create": ("create", "made a token of the audit log"),
    "token_revoke": ("revoke", "revoked a token of the audit log"),
    "view_save": ("create", "saved a view of the audit log"),
    "view_delete": ("delete", "deleted a view of the audit log"),
    "sign_in": ("sign_in", "signed in to the audit log"),
    "sign_out": ("sign_out", "signed out of the audit log"),
    "deny": ("deny", "was refused by the audit log"),
}
"""Action → canonical verb, and how a sentence says it."""

_KINDS = {
    **dict.fromkeys(("configure", "delete", "create", "revoke"), "write"),
    **dict.fromkeys(("sign_in", "sign_out"), "auth"),
}

ACTIONS = frozenset(_VERBS)

LEAVING = frozenset({"export", "forward", "report"})
"""Actions by which records leave the store."""

ASKING = frozenset({"search", "count", "facets", "stats", "tail", "show"}) | LEAVING
"""Actions that questions are; what else there is nobody can say of themselves."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Who(Struct, frozen=True):
    """Who acts, as far as it is known: `kind` is user, service, anonymous …; `id` and `name` as the system has them.

    `channel` is the way: `cli`, or `api`. Over HTTP `ip` and `user_agent` are the peer's.
    """

    kind: str
    channel: str
    id: str | None = None
    name: str | None = None
    host: str | None = None
    ip: str | None = None
    user_agent: str | None = None

    @property
    def key(self) -> str:
        """The actor's key in the record."""
        return f"{APP}/{self.kind}:{self.id or self.name or ''}@{self.host or self.ip or ''}"


class Deed(Struct, frozen=True):
    """What is done: an action, the question in the query language, records it is about, and what else is known.

    `found` and `details` do not tell two deeds apart: a second search that finds one record more is the same search.
    Nor does `range`, the time asked for ("the last hour" is another one every time), but where records leave the
    store. `subject` is the record looked at, or what is administered.
    """

    action: str
    question: str = ""
    range: str = ""
    subject: str = ""
    found: int | None = None
    details: dict[str, Any] = {}
    outcome: str = "success"
    reason: str | None = None


def deed_of(action: str, query: AuditQuery | None, known: dict[str, Any]) -> Deed:
    """The deed of asking `query`. Of what is known, `found` and `subject` have places of their own."""
    question, range_ = "", ""
    if query is not None:
        question = to_text(replace(query, since=None, until=None))
        range_ = to_text(AuditQuery(since=query.since, until=query.until))
    details = {name: value for name, value in known.items() if name not in ("found", "subject")}
    return Deed(action, question, range_, known.get("subject", ""), known.get("found"), details)


def event_of(deed: Deed, who: Who, now: datetime) -> Record:
    """The finished record. `now` is aware; the time of the record is its own, the id that of its five minutes."""
    micros = int((now - _EPOCH).total_seconds() * 1_000_000)
    window = micros // 1_000_000 // MERGED
    question = deed.question[:_LONGEST]
    told = [str(window), who.key, who.channel, deed.action, question, deed.subject, deed.outcome]
    told += [deed.range] if deed.action in LEAVING else []
    verb, phrase = _VERBS[deed.action]
    time = from_micros(micros)
    metadata = {
        "channel": who.channel,
        "version": __version__,
        "question": question or None,
        "range": deed.range or None,
        "found": deed.found,
    }
    return Record(
        timestamp=time,
        time_precision="us",
        received_at=time,
        id=native_id(APP, told, b""),
        app=APP,
        surface=OWN_SURFACE,
        kind=_KINDS.get(verb, "read"),
        category="other",
        category_label="Other",
        action=f"{APP}.{deed.action}",
        verb=verb,
        description=_sentence(who, phrase, question, deed),
        outcome=deed.outcome,
        reason=deed.reason,
        actor=Actor(type=who.kind, id=who.id, name=who.name, key=who.key),
        target=_target(deed),
        targets=[_target(deed)],
        target_refs=_references(deed),
        target_types=[_target(deed).type or ""],
        layer="platform",
        client=Client(ip=who.ip, user_agent=who.user_agent) if who.ip or who.user_agent else None,
        metadata={name: value for name, value in {**metadata, **deed.details}.items() if value is not None},
        ingest=Ingest(host=who.host, source=f"{APP}/{who.channel}"),
    )


def _target(deed: Deed) -> Target:
    if deed.action == "show":
        return Target(type="record", id=deed.subject)
    if deed.action.startswith("token_"):
        return Target(type="token", id=deed.subject)
    if deed.action.startswith("hold_"):
        return Target(type="hold", id=deed.subject)
    return Target(type="audit_log", id=deed.subject or None)


def _references(deed: Deed) -> list[str] | None:
    target = _target(deed)
    return [f"{target.type}:{target.id}"] if target.id else None


def _sentence(who: Who, phrase: str, question: str, deed: Deed) -> str:
    name = who.name or who.id or ("Someone" if who.kind == "anonymous" else who.kind)
    about = f": {question}" if question else ""
    found = f" ({deed.found:,} records)" if deed.found is not None else ""
    return f"{name} {phrase}{about}{found}"
