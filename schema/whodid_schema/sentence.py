"""The plain-English description that every record has: who did what to what, and nothing the record does not say.

    {who} {did} {what} [from/to/in {where}] [using {provider}] [: {what changed}] [({reason})]

A failed event reads "attempted to …"; an actor nobody knows is Someone; a token is named as a token. Names are taken
as they are (and cut when endless): what is printed goes through `visible`.
"""

import re
from functools import lru_cache

from whodid_schema import diff, taxonomy
from whodid_schema.nouns import LONGEST_NAME, cut, kind_words, label, noun_of
from whodid_schema.record import Actor, Change, Record, Target
from whodid_schema.words import FORMS

_LONGEST_TEXT = 4_000
_OTHERS_NAMED = 3

_PERSONAL = frozenset({"user", "session", "account", "login", "password", "admin", "administrator"})
_CONTAINERS = frozenset({"account", "conversation", "organisation", "organization", "project", "tenant", "workspace"})
_PREPOSITIONS = frozenset({"from", "to", "in", "into", "on", "of", "for", "with", "at", "under", "via", "using", "as"})
_BEFORE_TARGET = {
    "sign_in": "to ",
    "sign_out": "of ",
    "password_change": "of ",
    "password_reset": "of ",
    "mfa_enrol": "for ",
    "reply": "to ",
    "switch": "to ",
    "complain": "about ",
    "unsubscribe": "from ",
    "throttle": "on ",
}
_NAMES_THE_FAILURE = frozenset({"throttle", "bounce"})
"""Verbs that happened where their record says failure: a message that bounced was no attempt to bounce."""
_PROPERTY_VERBS = frozenset({"update", "configure", "rotate"})
_SHOWS_CHANGES = frozenset({"update", "configure", "assign", "activate", "deactivate", "schedule", "rotate", "switch"})


def compose(record: Record) -> str:
    """The sentence of a record whose other fields are filled; its own `description`, if any, completed."""
    if record.description:
        return complete(record, record.description)
    who = actor_name(record)
    verb = record.verb
    text = f"{who} {_deed(record)}" if verb and verb != "other" else _unnamed(who, record)
    actor = record.actor
    if actor is not None and actor.provider and record.kind == "auth":
        text = f"{text} using {cut(actor.provider)}"
    if record.changes and verb in _SHOWS_CHANGES:
        text = f"{text}: {changes(record)}"
    if record.reason:
        text = f"{text} ({cut(record.reason)})"
    return text[:_LONGEST_TEXT]


def with_additions(record: Record, text: str, has_reason: bool) -> str:
    """A sentence in other words, with the provider of a sign-in and the reason behind it unless it has that."""
    actor = record.actor
    if actor is not None and actor.provider and record.kind == "auth":
        text = f"{text} using {cut(actor.provider)}"
    if record.reason and not has_reason:
        text = f"{text} ({cut(record.reason)})"
    return text[:_LONGEST_TEXT]


def targets(record: Record) -> str:
    """The targets in words: "domain yahoo.com", "19 contacts from Newsletter"."""
    if record.target is None:
        return ""
    what = label(record.target)
    return what if record.targets is None or len(record.targets) < 2 else what + _others(record, record.target)


def deed(record: Record) -> str | None:
    """What was done to what the action itself names, and for which target: "created access key for user bob".

    "deleted bucket b" where it names the target's type. None for what has words of its own: signing in, being denied.
    """
    verb = record.verb
    if verb in (None, "other", "deny") or record.kind == "auth":
        return None
    target, action = record.target, record.action or ""
    kind = None if target is None else target.type or ""
    short = len(action) <= LONGEST_NAME and len(kind or "") <= LONGEST_NAME
    words = (_short_doing if short else _doing)(action, verb, kind)
    return words if target is None else f"{words}{targets(record)}"


def _doing(action: str, verb: str, kind: str | None) -> str:
    """The words before a target of this type; all words where there is no target (None)."""
    past, noun = taxonomy.said(action, verb).past, noun_of(action)
    if kind is None:
        return f"{past} {kind_words(noun)}" if noun else past
    kind = kind.lower()
    if not noun or _same(noun, kind) or kind.endswith("_" + noun.rstrip("s")):
        return f"{past} "
    named, _, whom = noun.rpartition("_for_")  # `ListGroupsForUser` names whose they are itself
    if named and (_same(whom, kind) or kind.endswith("_" + whom)):
        noun = named
    return f"{past} {kind_words(noun)} for "


_short_doing = lru_cache(maxsize=8192)(_doing)


def complete(record: Record, text: str, *, phrase: bool = False) -> str:
    """The application's own words as a sentence: with the actor before them where they lack it, no full stop behind.

    "updated the user profile" and "Signed in" lack it; what begins with anything but a verb's past is left alone,
    unless it is a `phrase`: one that is known to lack its subject.
    """
    text = text.strip()[:_LONGEST_TEXT]
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1]
    who = actor_name(record)
    if text and (_names_actor(record, text, who) or not (phrase or _lacks_subject(text))):
        return text
    return f"{who} {text[:1].lower()}{text[1:]}".rstrip()


def _names_actor(record: Record, text: str, who: str) -> bool:
    """Whether a text begins with its actor: "fred deleted a note" has its subject, though fred looks like a past."""
    actor = record.actor
    if actor is not None and actor.on_behalf_of is not None and _begins(text, actor.on_behalf_of.name):
        return True
    return _begins(text, who) or (actor is not None and (_begins(text, actor.name) or _begins(text, actor.email)))


def _begins(text: str, name: str | None) -> bool:
    return bool(name) and text.startswith(name or "")


_OPENINGS = frozenset({"attempted", "tried", "failed", "was", "has", "did", "requested", "accepted", "declined"})


def _lacks_subject(text: str) -> bool:
    first, _, rest = text.partition(" ")
    word = first.lower()
    if word in _OPENINGS:
        return True
    pair = FORMS.get(f"{word} {rest.partition(' ')[0].lower()}")
    if pair is not None and text.lower().startswith(pair.past):
        return True
    form = FORMS.get(word)
    return (form is not None and form.past == word) or (first.islower() and word.endswith("ed"))


def actor_name(record: Record) -> str:
    """How a sentence names the actor: name, e-mail or "user 783"; System, Someone; "Ann (as Bob)"."""
    actor = record.actor
    if actor is None:
        return "Someone"
    name = actor.name or actor.email
    if actor.token is not None or actor.type == "api_token":
        name = _token_name(actor, name)
    elif name is None:
        name = f"{kind_words(actor.type or 'user')} {actor.id}" if actor.id else _nameless(actor.type)
    other = actor.on_behalf_of
    if other is not None:
        for_whom = other.name or other.email or other.id
        if for_whom:
            return f"{cut(name)} (as {cut(for_whom)})"
    return cut(name)


def _nameless(kind: str | None) -> str:
    if kind in (None, "anonymous", "user", "unknown"):
        return "Someone"
    words = kind_words(kind or "")
    return words[:1].upper() + words[1:]


def _token_name(actor: Actor, name: str | None) -> str:
    token = actor.token
    token_name = (token and (token.name or token.id)) or name or actor.id
    shown = f"API token {token_name}" if token_name else "API token"
    if name is not None and name != token_name and actor.type != "api_token":
        return f"{name} ({shown})"
    return f"{shown} (role {actor.role})" if actor.role else shown


def _deed(record: Record) -> str:
    """Everything behind the actor's name but the additions: verb and targets."""
    verb = record.verb or "other"
    target, action = record.target, record.action or ""
    if target is not None and target.name and target.count is None and _is_common(record, target, action):
        kind, changed = target.type, bool(record.changes)
        return _before_name(action, verb, record.kind, record.outcome, kind, changed) + cut(target.name)
    return _deed_of(record, verb)


def _is_common(record: Record, target: Target, action: str) -> bool:
    """Whether nothing but its one target's name tells this deed from others of its action."""
    return (
        record.kind != "auth"
        and (record.targets is None or len(record.targets) < 2)
        and len(action) <= LONGEST_NAME
        and (target.type is None or len(target.type) <= LONGEST_NAME)
    )


@lru_cache(maxsize=8192)
def _before_name(  # what the words depend on
    action: str, verb: str, kind: str | None, outcome: str | None, target_type: str | None, changed: bool
) -> str:
    """The words of a deed that stand before its target's name."""
    target = Target(type=target_type, name="?")
    changes = [Change("?")] if changed else None
    record = Record(action=action, verb=verb, kind=kind, outcome=outcome, target=target, changes=changes)
    return _deed_of(record, verb).removesuffix("?")


def _deed_of(record: Record, verb: str) -> str:
    form = taxonomy.said(record.action, verb)
    what = _what(record, verb)
    if verb == "deny":
        return f"was denied access to {what}" if what else "was denied access"
    attempted = record.outcome == "failure" and verb not in _NAMES_THE_FAILURE
    said = f"attempted to {form.base}" if attempted else form.past
    return f"{said} {_BEFORE_TARGET.get(verb, '')}{what}" if what else said


def _what(record: Record, verb: str) -> str:
    """The targets in words; empty where naming them would only repeat who acted."""
    target = record.target
    action = record.action or ""
    if target is None:
        return "" if record.kind == "auth" else kind_words(noun_of(action))
    if record.kind == "auth" and (target.type or "user").lower() in _PERSONAL:
        if _is_actor(record, target):
            return ""
        what = f"the {label(target)}" if verb == "sign_in" else label(target)
    else:
        what = label(target)
        kind = (target.type or "").lower()
        noun = noun_of(action)
        if kind not in _CONTAINERS and verb not in _PROPERTY_VERBS and not noun.startswith(f"{kind}_"):
            noun = ""  # `member_added` on a user adds the user, `user_profile_deleted` deletes no user
        if noun and kind and not _same(noun, kind) and not record.changes:
            what = f"{kind_words(noun)} {'in' if kind in _CONTAINERS else 'of'} {what}"
    return what if record.targets is None or len(record.targets) < 2 else what + _others(record, target)


def _is_actor(record: Record, target: Target) -> bool:
    """Whether a sign-in's user is the one who acted: signing in, everybody names only himself."""
    actor = record.actor
    if actor is None or actor.type in ("anonymous", "system") or not (actor.id or actor.name or actor.email):
        return False
    if record.verb in ("sign_in", "sign_out") or target.type == "session":
        return True
    return (target.id or target.name) in (actor.id, actor.name, actor.email)


def _same(noun: str, kind: str) -> bool:
    return noun.replace("_", " ").rstrip("s") == kind.replace("_", " ").rstrip("s")


def _others(record: Record, main: Target) -> str:
    """The secondary targets: those with a relation by it ("from Transactional"), the others counted."""
    said, rest = "", 0
    for target in record.targets or ():
        if target is main or target == main:
            continue
        if target.relation in _PREPOSITIONS and len(said) < LONGEST_NAME:
            said += f" {target.relation} {cut(target.name) if target.name else label(target)}"
        else:
            rest += 1
    return f" and {rest} more{said}" if rest else said


def _unnamed(who: str, record: Record) -> str:
    """The sentence where no verb is known: the action's own words behind a colon."""
    words = re.sub(r"[._:/-]+", " ", cut(record.action or "")).strip() or "event"
    text = f"{who}: {words}"
    if record.target is not None:
        what = label(record.target)
        text = f"{text} on {what}" if what else text
    return f"{text}, failed" if record.outcome == "failure" else text


def changes(record: Record) -> str:
    """What changed: one change with its values, several by their names."""
    found = record.changes or []
    if len(found) == 1:
        return diff.inline(found[0])
    names = tuple([change.field for change in found[:_OTHERS_NAMED]])
    rest = len(found) - len(names)
    short = sum(map(len, names)) <= LONGEST_NAME
    return _listed(names, rest) if short else _list(names, rest)


def _list(fields: tuple[str, ...], rest: int) -> str:
    names = [cut(field.replace("_", " ")) for field in fields]
    return f"{', '.join(names)} and {rest} more" if rest else f"{', '.join(names[:-1])} and {names[-1]}"


_listed = lru_cache(maxsize=4096)(_list)
