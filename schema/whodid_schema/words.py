"""The words audit logs use for what was done, as one table: canonical verb → the applications' words for it.

A word is written `base` (regular past: edit, edited) or `base/past` (send/sent); `_` stands for a space. A mark in
front says how far the word may be trusted, because `create_contact_list` creates and does not list:

    (none)   always a verb
    ?        its base form may be a noun (list, view, change): taken only where no sure verb stands
    ~        its base form is mostly a noun (access, queue, login): taken only where neither of those stands
    !        says little (run, start, denied): taken last, in every form
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "create": "create add insert register generate provision issue upload clone copy duplicate publish subscribe "
        "join instantiate mint make/made build/built ~comment ~post ?new/created ?creation/created",
        "update": "update edit modify rename alter adjust amend patch replace move transfer/transferred reorder merge "
        "unmerge upgrade downgrade promote demote untag/untagged share unshare attach detach associate disassociate "
        "unassign approve reject confirm save overwrite rewrite write/wrote renew extend expand restrict reset/reset "
        "put/put ~push ?change ?set/set ~tag/tagged ~label ~link ~pin/pinned ~mark ~sync ~correct "
        "?modification/modified",
        "delete": "delete remove destroy erase purge drop/dropped clear trash discard uninstall unregister deregister "
        "deprovision wipe terminate unlink leave/left kick ?deletion/deleted ?removal/removed",
        "schedule": "reschedule enqueue postpone ?schedule ~queue",
        "send": "send/sent resend/resent dispatch ~email ~mail",
        "pause": "pause halt stop/stopped ~hold/held",
        "resume": "unpause continue ?resume",
        "suppress": "suppress blacklist blocklist denylist",
        "unsuppress": "unsuppress unblacklist unblocklist",
        "activate": "activate enable reactivate restore unarchive undelete recover unlock unblock unban/unbanned "
        "unsuspend reinstate install !start !restart",
        "deactivate": "deactivate disable suspend archive lock block ban/banned cancel/cancelled unpublish quarantine",
        "configure": "configure reconfigure customize customise set_up/set_up ~setup/set_up",
        "assign": "assign reassign delegate grant ?assignment/assigned",
        "resolve": "resolve close",
        "reopen": "reopen",
        "snooze": "?snooze",
        "reply": "respond ?reply ~answer",
        "invite": "reinvite ?invite ?invitation/invited",
        "revoke": "revoke invalidate rescind withdraw/withdrew ?revocation/revoked",
        "rotate": "rotate regenerate reroll",
        "import": "ingest ~import",
        "export": "download ~export ~dump",
        "view": "retrieve describe fetch inspect display browse ?get/got ?read/read ?view ?list ~access ?show "
        "~watch ~preview ~visit",
        "search": "?search ~query ?find/found ~lookup/looked_up ~filter",
        "switch": "?switch",
        "test": "verify validate ?test ~ping ~check",
        "fire": "?fire ~trigger ?emit/emitted !invoke !execute !run/ran !call",
        "deliver": "deliver ~delivery/delivered",
        "bounce": "~bounce",
        "open": "?open",
        "click": "?click",
        "complain": "complain ~complaint/complained",
        "unsubscribe": "unsubscribe opt_out/opted_out ~optout/opted_out",
        "sign_in": "log_in/logged_in sign_in/signed_in log_on/logged_on sign_on/signed_on authenticate "
        "~login/signed_in ~logon/signed_in ~signin/signed_in ~authentication/signed_in",
        "sign_out": "log_out/logged_out sign_out/signed_out log_off/logged_off "
        "~logout/signed_out ~logoff/signed_out ~signout/signed_out",
        "password_change": "password_change/changed_the_password",
        "password_reset": "password_reset/reset_the_password",
        "mfa_enrol": "mfa_enrol/enrolled_in_2FA",
        "impersonate": "impersonate masquerade act_as/acted_as ?impersonation/impersonated",
        "deny": "forbid/forbade access_denied/was_denied_access permission_denied/was_denied_permission !deny/denied "
        "!refuse !forbidden/was_denied !unauthorized/was_denied !unauthorised/was_denied",
        "throttle": "throttle rate_limit/was_rate-limited rate_limited/was_rate-limited "
        "ratelimited/was_rate-limited ~ratelimit/was_rate-limited",
    }
)


LEAST_TRUST = 3
"""The trust of a word marked `!`."""


class Form(NamedTuple):
    """One form of a word: its verb, how to say it (`base`: sign in, `past`: signed in), its `trust` (0 best)."""

    verb: str
    base: str
    past: str
    trust: int


def _past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ied"
    return f"{base}ed"


def _inflections(base: str) -> tuple[str, ...]:
    """Third person and gerund: creates, creating; denies, denying; publishes."""
    if " " in base:
        return ()
    stem = base.removesuffix("e")
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ies", f"{base}ing"
    plural = "es" if base.endswith(("s", "sh", "ch", "x")) else "s"
    return f"{base}{plural}", f"{stem}ing"


def _forms() -> dict[str, Form]:
    forms: dict[str, Form] = {}
    for verb, words in WORDS.items():
        for entry in words.split():
            mark = entry[0] if entry[0] in "?~!" else ""
            base, _, past = entry.removeprefix(mark).replace("_", " ").partition("/")
            past = past or _past(base)
            noun = base if _past(base) != past and past in forms else ""
            spoken = forms[past].base if noun else base
            base_trust, past_trust = {"": (0, 0), "?": (1, 0), "~": (2, 0), "!": (LEAST_TRUST, LEAST_TRUST)}[mark]
            for form in (base, *_inflections(base)):
                forms.setdefault(form, Form(verb, spoken, past, base_trust))
            forms.setdefault(past, Form(verb, spoken, past, past_trust))
    return forms


FORMS: Mapping[str, Form] = MappingProxyType(_forms())
"""Every form of every word, lower-case, words of one phrase joined by a space."""
