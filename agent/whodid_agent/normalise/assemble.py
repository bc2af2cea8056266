"""From a draft to the whole record: everything that is the same for every format.

The parts run in the order of `finish`: what was done (verb, outcome, kind, surface, category), who, to what, what
changed, from where, when, and last the sentence and the search terms that are made of all of these.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from whodid_agent.normalise import values
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.draft import Draft, keep
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.what import read_changes, read_targets
from whodid_schema import folding, sentence, taxonomy, telling, timestamp
from whodid_schema.canonical import slug
from whodid_schema.record import Actor, Record, Ref

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
    read_targets(record, draft)
    _deed(record, draft, profile, filing.categories)
    _actor(record, profile)
    read_changes(record, draft)
    client = record.client
    if client is not None and client.user_agent and not client.device:
        client.device = device_of(client.user_agent)
    _time(record, draft, received_at)
    _words(record, draft)
    return record


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
        len(action) < SHORT
        and (target_type is None or len(target_type) < SHORT)
        and (stated is None or len(stated) < SHORT)
    )
    record.action = action
    record.verb, record.outcome, kind, surface, category = (short_deed if short else _read_deed)(
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
    if stated in taxonomy.VERBS:  # `other` too: a profile may know that the action's words mislead
        verb = stated
    elif stated is not None:
        other = taxonomy.read_action(stated).verb
        verb = other if other != "other" else verb
    outcome = outcome or reading.outcome or attempted or assumed or "unknown"
    return (
        verb,
        outcome,
        taxonomy.kind_of(verb),
        taxonomy.surface_of(verb, outcome, target_type),
        taxonomy.category_of(verb, target_type, action),
    )


SHORT = 128
"""Longer texts are no names of actions or types: they are read anew each time, so that they cannot fill the cache."""

short_deed = lru_cache(maxsize=8192)(_read_deed)


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
    return type_by_name(actor.name or "") if actor.id is None and actor.email is None else "user"


def type_by_name(name: str) -> str:
    """The type of an actor of whom nothing but a name is known."""
    name = name.casefold()
    if name in _SYSTEM:
        return "system"
    return "anonymous" if name in _ANONYMOUS else "user"


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
    """The sentence: the profile's words, the application's, its phrase completed, else composed; then search terms."""
    told = telling.tell(record, draft.did, draft.tried) if draft.did is not None or draft.tried is not None else None
    if told is not None:
        if record.description is not None:
            keep(record, "description", record.description)
        record.description = told
    elif record.description is None and draft.phrase is not None:
        record.description = sentence.complete(record, draft.phrase, phrase=True)
    else:
        if record.description is None and record.verb == "other":
            record.description = free_text(record)
        record.description = sentence.compose(record)
    if record.metadata is not None:
        record.meta = folding.meta_pairs(record.metadata) or None
    record.related = folding.related(record) or None


_FREE_TEXT = ("message", "msg", "log", "text")


def free_text(record: Record) -> str | None:
    """What the application wrote for people, where no verb is known to make a sentence of; it stays in the metadata."""
    metadata = record.metadata or {}
    return next((text for key in _FREE_TEXT if type(text := metadata.get(key)) is str and text.strip()), None)
