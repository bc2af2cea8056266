"""The record of a plain event in one go: what `assemble.finish` does part by part, for what most logs are full of.

A plain event fills no other slots than those of `PLAIN`. A guess gives their values as a tuple in that order, then
which of them are filled (see `filled`), then the metadata. Where one of them is out of the ordinary (no action, a time
that is not believed, nobody who acted, a workspace that is not the input's, changes in another form than from and to),
a draft is made of the tuple, and the complete way is gone. Both ways make the same record.
"""

from collections.abc import Mapping
from typing import Any

from whodid_agent.normalise.assemble import SHORT, Filing, finish, free_text, short_deed
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.draft import Draft, build
from whodid_agent.normalise.language.profile import Profile
from whodid_schema import diff, folding, sentence, timestamp
from whodid_schema.canonical import target_type
from whodid_schema.record import Actor, Client, Record, Ref, Target

PLAIN = (
    "time",
    "action",
    "outcome",
    "actor.type",
    "actor.id",
    "actor.name",
    "actor.email",
    "target.type",
    "target.id",
    "target.name",
    "workspace.id",
    "client.ip",
    "client.user_agent",
    "session_id",
    "request_id",
    "changes",
)

Plain = tuple[Any, ...]
"""The values of `PLAIN`, each None where there is none, which of them are filled, and the metadata."""


def filled(locals_: Mapping[str, str]) -> str | None:
    """Which slots a guess fills with what stands in the event itself (locals `v…`); None where a stencil cannot tell.

    What a stencil has gaps for must be of the event: the constants and tables of a profile may need escapes.
    """
    there = [slot for slot in PLAIN if locals_.get(slot, "None") != "None"]
    if not {"time", "action", "actor.type"}.issubset(there) or not _NAMES.intersection(there):
        return None
    if any(not locals_[slot].startswith("v") for slot in there if slot not in _DECIDING):
        return None
    return " ".join(there)


_NAMES = frozenset({"actor.id", "actor.name", "actor.email"})
_DECIDING = frozenset({"action", "outcome", "actor.type", "target.type"})


def draft_of(plain: Plain) -> Draft:
    """The same as a draft."""
    return build(dict(zip(PLAIN, plain, strict=False)), plain[-1], None)


def finish_plain(plain: Plain, profile: Profile, filing: Filing, received_at: str) -> Record:
    """See `assemble.finish`; one function, since calls and detours are what that one's time goes into."""
    instant, action, outcome, kind, number, name, email, *more = plain
    of, of_id, of_name, place, ip, agent, session, request, diffs, _, metadata = more
    options = filing.options
    changes = None
    if (
        instant is None
        or not timestamp.FIRST_PLAUSIBLE <= instant.text <= received_at
        or action is None
        or kind is None
        or not (number or email or name)
        or len(action) >= SHORT
        or (of is not None and len(of) >= SHORT)
        or (options.workspace is not None and place not in (None, options.workspace))
        or (diffs is not None and (type(diffs) is not dict or not (changes := diff.changes_from_map(diffs))))
    ):
        return finish(draft_of(plain), profile, filing, received_at)
    app = profile.app if options.app is None else options.app
    place = place or options.workspace or options.workspace_default
    target = targets = refs = types = None
    if of is not None:
        of = target_type(of)
        types = [of]
    if of_id is not None:
        refs = [f"{of or ''}:{of_id}"]
    if types or refs or of_name is not None:
        target = Target(of, of_id, of_name)
        targets = [target]
    verb, outcome, deed, surface, category = short_deed(action, None, of, outcome, profile.assume, None)
    if profile.categories:
        category = profile.categories.get(action.casefold()) or category
    record = Record(
        instant.text,
        instant.precision,
        None,  # reported_time
        received_at,
        None,  # id
        None,  # native_id
        app,
        surface,
        deed,
        category,
        filing.categories.get(category) or category,
        action,
        verb,
        None,  # description
        outcome,
        None,  # reason
        Actor(
            kind,
            number,
            name,
            email,
            None,
            None,
            None,
            None,
            None,
            f"{app or 'unknown'}/{kind}:{number or email or name}",
        ),
        target,
        targets,
        refs,
        types,
        None if place is None else Ref(place),
        None if options.project is None else Ref(options.project),
        None,  # layer
        None if ip is None and agent is None else Client(ip, agent, device_of(agent) if agent else None),
        session,
        request,
        changes,
        [change.field for change in changes] if changes else None,
        None,  # snapshot
        metadata,
        folding.meta_pairs(metadata) or None,
    )
    if instant.zone_assumed:
        record.zone_assumed = True
    said = {
        name: None,
        number: None,
        email: None,
        of_name: None,
        of_id: None,
        place: None,
        options.project: None,
        ip: None,
    }
    record.related = list(filter(None, said)) or None  # as folding.related
    if verb == "other":
        record.description = free_text(record)
    record.description = sentence.compose(record)
    return record
