"""What every product's events are sorted by: verbs, kinds, surfaces, categories, and how an action string names them.

`classify` finds the verb in whatever an application calls its action (`smtp.update`, `ConsoleLogin`, "Signed in").
The applications' words themselves are the table in `words`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from whodid_schema.words import FORMS, LEAST_TRUST, WORDS, Form

OWN_SURFACE = "audit"
"""whodid's own events; never taken from a sender."""

SURFACES = ("activity", "authentication", "delivery", "api_request", OWN_SURFACE)
"""Where an event belongs."""

KINDS = ("auth", "write", "read")
"""The chart's three series; `read` is all that is neither of the others."""

VERBS = (*WORDS, "other")
"""The canonical verbs."""

OUTCOMES = ("success", "warning", "failure", "unknown")
LAYERS = ("workspace", "platform")

CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "auth": "Auth",
        "inbox": "Inbox",
        "notes": "Notes",
        "teams": "Teams",
        "broadcasts": "Broadcasts",
        "webhooks": "Webhooks",
        "workspace": "Workspace",
        "impersonation": "Impersonation",
        "other": "Other",
    }
)
"""Slug → label of the categories a store starts with."""

SYNONYMS: Mapping[str, str] = MappingProxyType({word: form.verb for word, form in FORMS.items()})
"""An application's word (lower-case, any form) → canonical verb."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_AUTH = _set("sign_in sign_out password_change password_reset mfa_enrol impersonate")
_DELIVERY = _set("deliver bounce open click complain unsubscribe")
_REFUSED = _set("deny throttle")
_READ = _set("export view search switch test fire other") | _DELIVERY | _REFUSED

_KIND = {verb: "auth" if verb in _AUTH else "read" if verb in _READ else "write" for verb in VERBS}
_SURFACE = {
    **dict.fromkeys(VERBS, "activity"),
    **dict.fromkeys(_AUTH, "authentication"),
    **dict.fromkeys(_DELIVERY, "delivery"),
    **dict.fromkeys(_REFUSED, "api_request"),
}

_SAID: Mapping[str, tuple[str, str]] = {
    "sign_in": ("log in", "signed in"),
    "sign_out": ("log out", "signed out"),
    "password_change": ("change the password", "changed the password"),
    "password_reset": ("reset the password", "reset the password"),
    "mfa_enrol": ("enrol in 2FA", "enrolled in 2FA"),
    "deny": ("access", "was denied"),
    "throttle": ("access", "was rate-limited"),
}
"""How to say (infinitive, past) the verbs whose name is no English verb; the words are those of the four products."""


def _canonical(verb: str) -> Form:
    base, past = _SAID.get(verb) or (verb, FORMS[verb].past if verb in FORMS else "")
    return Form(verb, base, past, 0)


_CANONICAL: Mapping[str, Form] = {verb: _canonical(verb) for verb in VERBS}

PAST: Mapping[str, str] = MappingProxyType({verb: form.past for verb, form in _CANONICAL.items() if verb != "other"})
"""Canonical verb → how a sentence says it happened: "signed in", "deleted"."""


_PASSWORD = _set("password passwords passphrase")
_FACTOR = _set("mfa 2fa totp factor factors webauthn passkey authenticator")
_ENROL = _set(
    "enrol enrolled enroll enrollment enrolment enable enabled activate activated add added setup register "
    "registered create created configured"
)

_CONTEXTS: Sequence[tuple[frozenset[str], frozenset[str], str]] = (
    (_PASSWORD, _set("reset resets forgot forgotten recovery recover"), "password_reset"),
    (_PASSWORD, _set("change changed changes update updated set edited"), "password_change"),
    (_FACTOR, _ENROL, "mfa_enrol"),
    (_FACTOR, _set("challenge challenged verify verified verification"), "sign_in"),
    (_set("impersonation"), _set("start started stop stopped end ended"), "impersonate"),
    (_set("request requests"), _set("blocked rejected refused revoked"), "deny"),
    (_set("session"), _set("start started"), "sign_in"),
    (_set("session"), _set("end ended"), "sign_out"),
)
"""Where a noun decides what a word means: `password.reset` resets no object, `mfa.enabled` enables none."""

_CONTEXT_NOUNS = frozenset().union(*(nouns for nouns, _, _ in _CONTEXTS))

_IMPLIED = {
    **dict.fromkeys(_set("failed failure fail fails failing error errored unsuccessful invalid"), "failure"),
    **dict.fromkeys(_set("denied refused forbidden unauthorized unauthorised throttled limited"), "failure"),
    **dict.fromkeys(_set("succeeded success successful successfully"), "success"),
    **dict.fromkeys(_set("warning suspicious"), "warning"),
}

_WORD = re.compile(r"\d*[A-Z]+(?![a-z])|\d*[^\W\d_A-Z]+|\d*[A-Z][^\W\d_A-Z]*|\d+")
_METHOD = re.compile(r"(?:(?<=[.:/])|^)[A-Za-z][a-z]+(?:[A-Z]+[a-z]*)+\d*$")
"""The name of a method at an action's end: CreateUser, setIamPolicy."""
_CLASSIFIED_CHARACTERS = 256
"""A longer action is a text; only its beginning is searched for a verb."""


class Classified(NamedTuple):
    """The canonical verb of an action and the application's own word for it (what the badge shows)."""

    verb: str
    word: str


class Reading(NamedTuple):
    """All that an action string says: verb, own word, how to say it, and the outcome it implies (None: nothing)."""

    verb: str
    word: str
    base: str
    past: str
    outcome: str | None


def read_action(action: str) -> Reading:
    """What an action string says. A verb that cannot be found is `other`, its word the last part of the action.

    Only the beginning of a long action is read, so that what attackers invent neither costs nor fills the cache.
    """
    return _read(action[:_CLASSIFIED_CHARACTERS])


@lru_cache(maxsize=8192)
def _read(action: str) -> Reading:
    found = [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(action)]
    words = [word for word, _, _ in found]
    outcome = next((_IMPLIED[word] for word in reversed(words) if word in _IMPLIED), None)
    hit = (
        _by_context(words)
        or _by_phrase(words)
        or _by_last_segment(action, found)
        or _by_method(action, found)
        or _by_word(words)
    )
    if hit is None:
        return Reading("other", _last_part(action), "", "", outcome)
    first, last, form = hit
    return Reading(form.verb, action[found[first][1] : found[last][2]], form.base, form.past, outcome)


def _by_context(words: Sequence[str]) -> tuple[int, int, Form] | None:
    if _CONTEXT_NOUNS.isdisjoint(words):
        return None
    for nouns, verbs, verb in _CONTEXTS:
        if not nouns.isdisjoint(words):
            for place in reversed(range(len(words))):
                if words[place] in verbs:
                    return place, place, _CANONICAL[verb]
    return None


def _by_phrase(words: Sequence[str]) -> tuple[int, int, Form] | None:
    for place in reversed(range(len(words) - 1)):
        form = FORMS.get(f"{words[place]} {words[place + 1]}")
        if form is not None:
            return place, place + 1, form
    return None


def _by_last_segment(action: str, found: Sequence[tuple[str, int, int]]) -> tuple[int, int, Form] | None:
    """A single word behind the last dot is the verb, noun or not: `email_list.import`, `webhook:test`."""
    if len(found) < 2 or action[found[-1][1] - 1] not in ".:/":
        return None
    form = FORMS.get(found[-1][0])
    return None if form is None or form.trust == LEAST_TRUST else (len(found) - 1, len(found) - 1, form)


def _by_method(action: str, found: Sequence[tuple[str, int, int]]) -> tuple[int, int, Form] | None:
    """A method's name begins with its verb: `GetPublicAccessBlock` blocks nothing; `ListUpdated` is no method."""
    method = _METHOD.search(action)
    if method is None:
        return None
    place = next(place for place, (_, start, _) in enumerate(found) if start >= method.start())
    first, last = FORMS.get(found[place][0]), FORMS.get(found[-1][0])
    if first is None or first.trust > 1 or first.base != found[place][0] or place == len(found) - 1:
        return None
    return None if last is not None and last.past == found[-1][0] != last.base else (place, place, first)


def _by_word(words: Sequence[str]) -> tuple[int, int, Form] | None:
    """The most trusted word, of equals the last: `user_created`, `activity_log.user.updated` end in theirs."""
    best: tuple[int, int, Form] | None = None
    for place in reversed(range(len(words))):
        form = FORMS.get(words[place])
        if form is not None and (best is None or form.trust < best[2].trust):
            best = place, place, form
    return best


def _last_part(action: str) -> str:
    return re.split(r"[.:/]", action.strip().rstrip(".:/"))[-1].strip() or action


def classify(action: str) -> Classified:
    """The canonical verb of an application's action, and the word that says it, as the application wrote it."""
    reading = read_action(action)
    return Classified(reading.verb, reading.word)


def implied_outcome(action: str) -> str | None:
    """The outcome that the action string itself states (`user.login_failed` → failure); None where it says nothing."""
    return read_action(action).outcome


def said(action: str | None, verb: str | None) -> Form:
    """How to say what was done: in the application's own word where it means `verb`, else in the canonical one."""
    return _said((action or "")[:_CLASSIFIED_CHARACTERS], verb)


@lru_cache(maxsize=8192)
def _said(action: str, verb: str | None) -> Form:
    if action and verb not in _SAID:
        reading = _read(action)
        if reading.verb == verb or verb is None:
            return Form(reading.verb, reading.base, reading.past, 0)
    return _CANONICAL.get(verb or "other", _CANONICAL["other"])


def badge(action: str | None, verb: str | None) -> str:
    """What the badge shows: the application's own word in capitals where it means `verb`, else the verb's name."""
    reading = read_action(action or "")
    word = reading.word if reading.word and reading.verb == (verb or reading.verb) else (verb or "other")
    return word.replace("_", " ").upper()


def kind_of(verb: str | None) -> str:
    """`auth`, `write` or `read`; a verb that is not canonical is `read` (the rest)."""
    return _KIND.get(verb or "other", "read")


def surface_of(verb: str | None, outcome: str | None = None, target_type: str | None = None) -> str:
    """The surface an event has by default.

    A message `send` to one recipient is delivery, the sending of a broadcast is activity; a token whose revocation
    made a request fail is an API request, its revoking is activity.
    """
    if verb == "send" and (target_type or "").lower() in _RECIPIENTS:
        return "delivery"
    if verb == "revoke" and outcome == "failure":
        return "api_request"
    return _SURFACE.get(verb or "other", "activity")


_RECIPIENTS = _set("recipient email message mail sms")

_CATEGORY_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("session", "password", "mfa", "login", "sso", "auth"), "auth"),
    **dict.fromkeys(("conversation", "inbox", "ticket", "thread", "message"), "inbox"),
    **dict.fromkeys(("note", "notes"), "notes"),
    **dict.fromkeys(("team", "teams", "member", "members", "invitation"), "teams"),
    **dict.fromkeys(("broadcast", "broadcasts", "campaign", "drip", "newsletter"), "broadcasts"),
    **dict.fromkeys(("webhook", "webhooks"), "webhooks"),
    **dict.fromkeys(("workspace", "workspaces"), "workspace"),
    **dict.fromkeys(("impersonation",), "impersonation"),
}


def category_of(verb: str | None, target_type: str | None = None, action: str | None = None) -> str:
    """The category's slug by what was done, then by the target's type, then by the action's words; else `other`."""
    if verb == "impersonate":
        return "impersonation"
    if verb in _AUTH:
        return "auth"
    return _category_named(f"{(target_type or '')[:_CLASSIFIED_CHARACTERS]} {(action or '')[:_CLASSIFIED_CHARACTERS]}")


@lru_cache(maxsize=8192)
def _category_named(text: str) -> str:
    named = [_CATEGORY_WORDS[word] for word in map(str.lower, _WORD.findall(text)) if word in _CATEGORY_WORDS]
    if "teams" in named and named[0] == "workspace":
        return "teams"
    return named[0] if named else "other"
