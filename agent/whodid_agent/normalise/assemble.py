"""From a draft to the whole record: everything that is the same for every format.

The parts run in the order of `finish`: what was done (verb, outcome, kind, surface, category), who, to what, what
changed, from where, when, and last the sentence and the search terms that are made of all of these.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise import values
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.label import read_label, slug, target_type
from whodid_agent.normalise.profile import Profile
from whodid_schema import diff, folding, sentence, taxonomy, timestamp
from whodid_schema.record import Actor, Change, Record, Ref, Snapshot, Target

SNAPSHOT_BYTES = 256 * 1024
"""A payload larger than this stays in the metadata."""

NO_ACTION = "event"
"""The action of an event that names none."""

_SYSTEM = frozenset({"system"})
_ANONYMOUS = frozenset({"anonymous", "someone", "unknown", "guest"})


class Filing(NamedTuple):
    """What the input and the store say about every event: fixed for a pipeline."""

    options: InputOptions
    categories: Mapping[str, str]
    epoch: str


def finish(draft: Draft, profile: Profile, filing: Filing, received_at: str) -> Record:
    """The record of this draft, complete but for `id`, `native_id`, `ingest` and `raw`."""
    record = draft.record
    _place(record, profile, filing.options)
    _target(record, draft)
    _deed(record, draft, profile, filing.categories)
    _actor(record, profile)
    _changes(record, draft)
    client = record.client
    if client is not None and client.user_agent and not client.device:
        client.device = device_of(client.user_agent)
    _time(record, draft, received_at)
    _words(record, draft)
    return record


def keep(record: Record, key: str, value: Any) -> None:
    """Put what the record has no place for into its metadata; what stands there already is not overwritten."""
    metadata = record.metadata
    if metadata is None:
        record.metadata = {key: value}
    elif key not in metadata:
        metadata[key] = value
    else:
        keep(record, f"{key}_", value)


def _place(record: Record, profile: Profile, options: InputOptions) -> None:
    """Application, workspace and project: what the input says stands above what the event says."""
    if options.app is None:
        record.app = record.app or profile.app
    else:
        if record.app not in (None, options.app):
            keep(record, "app", record.app)
        record.app = options.app
    if options.workspace is not None:
        said = record.workspace
        if said is None or said.id != options.workspace:
            if said is not None:
                keep(record, "workspace", msgspec.to_builtins(said))
            record.workspace = Ref(id=options.workspace)
    elif record.workspace is None and options.workspace_default is not None:
        record.workspace = Ref(id=options.workspace_default)
    if record.project is None and options.project is not None:
        record.project = Ref(id=options.project)


def _deed(record: Record, draft: Draft, profile: Profile, categories: Mapping[str, str]) -> None:
    action = record.action or draft.verb or NO_ACTION
    target_type = record.target.type if record.target is not None else None
    stated = draft.verb
    short = (
        len(action) < _SHORT
        and (target_type is None or len(target_type) < _SHORT)
        and (stated is None or len(stated) < _SHORT)
    )
    record.action = action
    record.verb, record.outcome, kind, surface, category = (_short_deed if short else _read_deed)(
        action, stated, target_type, record.outcome, profile.assume, draft.phrase and _attempted(draft.phrase)
    )
    if record.kind is None:
        record.kind = kind
    if record.surface is None:
        record.surface = surface
    named = record.category
    if named is None:
        record.category = (profile.categories.get(action.casefold()) if profile.categories else None) or category
    else:
        record.category = _slug(named)
    record.category_label = categories.get(record.category) or named or record.category


_Deed = tuple[str, str, str, str, str]
"""What an action, with what the event says beside it, amounts to: verb, outcome, kind, surface, category."""


def _read_deed(
    action: str,
    stated: str | None,
    target_type: str | None,
    outcome: str | None,
    assumed: str | None,
    attempted: str | None,
) -> _Deed:
    reading = taxonomy.read_action(action)
    verb = reading.verb
    if stated is not None:
        other = stated if stated in taxonomy.VERBS else taxonomy.read_action(stated).verb
        verb = other if other != "other" else verb
    outcome = outcome or reading.outcome or attempted or assumed or "unknown"
    return (
        verb,
        outcome,
        taxonomy.kind_of(verb),
        taxonomy.surface_of(verb, outcome, target_type),
        taxonomy.category_of(verb, target_type, action),
    )


_SHORT = 128
"""Longer texts are no names of actions or types: they are read anew each time, so that they cannot fill the cache."""

_short_deed = lru_cache(maxsize=8192)(_read_deed)


def _attempted(phrase: str) -> str | None:
    """An attempt that is told as one did not succeed: "attempted to log in"."""
    return "failure" if phrase.startswith("attempted ") else None


@lru_cache(maxsize=4096)
def _slug(words: str) -> str:
    return slug(words)


def _actor(record: Record, profile: Profile) -> None:
    actor = record.actor
    if actor is None or not (actor.id or actor.name or actor.email):
        record.actor = actor = _nobody(record, actor, profile)
        if actor is None:
            return
    elif actor.type is None:
        actor.type = _type_of(actor)
    who = actor.id or actor.email or actor.name
    if actor.type is not None:
        app = record.app or "unknown"
        actor.key = f"{app}/{actor.type}:{who}" if who else f"{app}/{actor.type}"


def _type_of(actor: Actor) -> str:
    """The type of an actor whose event does not say one."""
    token = actor.token
    if token is not None and actor.email is None and actor.id in (None, token.id) and actor.name in (None, token.name):
        return "api_token"
    name = (actor.name or "").casefold()
    if actor.id is None and actor.email is None:
        if name in _SYSTEM:
            return "system"
        if name in _ANONYMOUS:
            return "anonymous"
    return "user"


def _nobody(record: Record, actor: Actor | None, profile: Profile) -> Actor | None:
    """Who it was where nobody is named: a token on its own, a failed sign-in's Someone, the profile's System."""
    if actor is not None and actor.token is not None:
        actor.type, actor.id, actor.name = actor.type or "api_token", actor.token.id, actor.token.name
        return actor
    if actor is not None and actor.type is not None:
        return actor
    nobody = "anonymous" if record.verb == "sign_in" and record.outcome == "failure" else profile.nobody
    if nobody is None:
        return actor
    actor = actor or Actor()
    actor.type = nobody
    return actor


def _target(record: Record, draft: Draft) -> None:
    main = record.target
    if draft.label is None and draft.targets is None:
        if main is not None:
            _only(record, main)
        return
    if draft.label is not None:
        label = read_label(draft.label, main.type if main is not None else None)
        main = _merged(label.target, main)
        if label.change is not None:
            record.changes = [label.change]
    listed = _listed(record, draft)
    if main is None and not listed:
        return
    if main is None:
        main = listed.pop(0)
    elif main in listed:
        listed.remove(main)
    record.target = main
    if not listed:
        _only(record, main)
        return
    record.targets = [main, *listed]
    _refer(record, record.targets)


def _only(record: Record, main: Target) -> None:
    """As `_refer`, of one target."""
    record.targets = [main]
    kind = main.type
    if kind is not None:
        main.type = kind = target_type(kind)
        record.target_types = [kind]
    if main.id is not None:
        record.target_refs = [f"{kind or ''}:{main.id}"]


def _refer(record: Record, targets: list[Target]) -> None:
    """The types in their one form, and what the targets are found by."""
    for one in targets:
        if one.type is not None:
            one.type = target_type(one.type)
    record.target_refs = list(dict.fromkeys(f"{one.type or ''}:{one.id}" for one in targets if one.id)) or None
    record.target_types = list(dict.fromkeys(one.type for one in targets if one.type)) or None


def _merged(read: Target, given: Target | None) -> Target:
    """What a label says, under what the event says in fields of their own."""
    if given is None:
        return read
    return Target(given.type or read.type, given.id or read.id, given.name or read.name, given.count or read.count)


def _listed(record: Record, draft: Draft) -> list[Target]:
    """The targets of an array of objects; what is no target of the array stays in the metadata."""
    if draft.targets is None:
        return []
    entries = draft.targets if type(draft.targets) is list else [draft.targets]
    known = [entry for entry in entries if type(entry) is dict]
    if len(known) < len(entries):
        keep(record, "targets", draft.targets)
    return [target for target in map(_one_target, known) if target != Target()]


def _one_target(entry: dict[str, Any]) -> Target:
    text = values.text
    return Target(
        text(entry.get("type")),
        text(entry.get("id")),
        text(entry.get("name")),
        values.count(entry.get("count")),
        text(entry.get("relation")),
    )


def _changes(record: Record, draft: Draft) -> None:
    if draft.changes is None and record.changes is None and draft.before is None and draft.after is None:
        return
    found: list[Change] = record.changes or []
    if draft.before is None and type(draft.after) is dict:
        _unfold(draft, draft.after)
    if draft.changes is not None:
        read = _read_changes(draft.changes)
        found = [*found, *read] if found else read
        if not found:
            keep(record, "changes", draft.changes)
    if draft.before is not None or draft.after is not None:
        found = [*found, *_snapshot(record, draft, bool(found))]
    if found:
        record.changes = found
        record.changed = [change.field for change in found]


_SIDES = (("before", "after"), ("old", "new"), ("from", "to"))
_PAIRS = tuple(frozenset(pair) for pair in _SIDES)


def _unfold(draft: Draft, payload: dict[str, Any]) -> None:
    """A payload that holds both sides, or for each field its two sides, is what it holds and no snapshot."""
    for one, other in _SIDES:
        if payload.keys() == {one, other}:
            draft.before, draft.after = payload[one], payload[other]
            return
    if (
        draft.changes is None
        and payload
        and all(type(entry) is dict and entry.keys() in _PAIRS for entry in payload.values())
    ):
        draft.changes, draft.after = payload, None


def _read_changes(changes: Any) -> list[Change]:
    """The changes of a map field → from/to, or of a list of objects that each name their field."""
    if type(changes) is dict:
        return diff.changes_from_map(changes)
    found: list[Change] = []
    for entry in changes:
        field = values.text(entry.get("field") or entry.get("name")) if type(entry) is dict else None
        if field is None:
            return []
        sides = {key: value for key, value in entry.items() if key not in ("field", "name", "redacted")}
        read = diff.changes_from_map({field: sides}) if sides else []
        found += read or ([Change(field, redacted=True)] if entry.get("redacted") is True else [])
    return found


def _snapshot(record: Record, draft: Draft, has_changes: bool) -> list[Change]:
    """Keep the payload that came, and compare its two sides where the event does not say what changed."""
    before, after = draft.before, draft.after
    if len(msgspec.json.encode([before, after])) > SNAPSHOT_BYTES:
        for key, side in (("before", before), ("after", after)):
            if side is not None:
                keep(record, key, side)
    else:
        record.snapshot = Snapshot(before, after)
    if has_changes or not (isinstance(before, dict) and isinstance(after, dict)):
        return []
    return diff.changes_between(before, after)


def _time(record: Record, draft: Draft, received_at: str) -> None:
    record.received_at = received_at
    instant = draft.time
    if instant is not None and timestamp.FIRST_PLAUSIBLE <= instant.text <= received_at:
        record.timestamp, record.time_precision, assumed = instant.text, instant.precision, instant.zone_assumed
        believed = True
    else:
        settled = timestamp.settle(instant, received_at)
        record.timestamp, record.time_precision, record.reported_time, assumed = settled
        believed = settled.precision in values.PRECISIONS
    if assumed:
        record.zone_assumed = True
    if draft.time_precision is not None and believed:
        record.time_precision = draft.time_precision


def _words(record: Record, draft: Draft) -> None:
    """The sentence: the application's own, its phrase completed, else composed; then what search goes by."""
    if record.description is None and draft.phrase is not None:
        record.description = sentence.complete(record, draft.phrase, phrase=True)
    else:
        if record.description is None and record.verb == "other":
            record.description = _free_text(record)
        record.description = sentence.compose(record)
    if record.metadata is not None:
        record.meta = folding.meta_pairs(record.metadata) or None
    record.related = folding.related(record) or None


_FREE_TEXT = ("message", "msg", "log", "text")


def _free_text(record: Record) -> str | None:
    """What the application wrote for people, where no verb is known to make a sentence of; it stays in the metadata."""
    metadata = record.metadata or {}
    return next((text for key in _FREE_TEXT if type(text := metadata.get(key)) is str and text.strip()), None)
