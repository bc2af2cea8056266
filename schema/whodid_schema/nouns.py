"""Types, targets and actions in words: "sending node", "user #42", "19 contacts"; what an action string is about."""

import re
from functools import lru_cache

from whodid_schema import taxonomy
from whodid_schema.record import Target

LONGEST_NAME = 200
"""Characters of a name that a sentence takes."""

_ACRONYMS = frozenset(
    {
        *(
            "2fa",
            "acl",
            "api",
            "aws",
            "db",
            "dns",
            "iam",
            "id",
            "imap",
            "ip",
            "kms",
            "mfa",
            "saml",
            "smtp",
            "sms",
            "ssh",
        ),
        *("sso", "ssl", "tls", "url", "vpc"),
    }
)


def label(target: Target) -> str:
    """A target in words: "domain yahoo.com", "user #42", "19 imported rows", "19 contacts"."""
    kind = kind_words(target.type or "")
    name = target.name
    if target.count is not None and (target.count > 1 or (name or "").startswith(f"{target.count} ")):
        if name:
            return cut(name if name.startswith(f"{target.count} ") else f"{target.count} {name}")
        return f"{target.count} {_plural(kind)}" if kind else f"{target.count} objects"
    if name:
        return f"{kind} {cut(name)}" if kind else cut(name)
    if target.id:
        number = f"#{target.id}" if target.id.isdecimal() else cut(target.id)
        return f"{kind} {number}" if kind else number
    return kind


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    if noun.endswith(("ch", "sh", "x", "ss")):
        return f"{noun}es"
    return noun if noun.endswith("s") else f"{noun}s"


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where the words of `StopInstances` and `CreateDBInstance` are divided."""


def kind_words(kind: str) -> str:
    """A type for people: `sending_node` is "sending node", `ApiRole` "API role"."""
    return _spelt(kind[:LONGEST_NAME])


@lru_cache(maxsize=2048)
def _spelt(kind: str) -> str:
    words = _HUMP.sub(" ", kind).replace("_", " ").replace("-", " ").split()
    return " ".join(word.upper() if word.lower() in _ACRONYMS else word.lower() for word in words)


def noun_of(action: str) -> str:
    """What an action string is about: `smtp.update` smtp, `workspace.member_added` member; empty where it says not."""
    return _noun_in(action) if len(action) <= LONGEST_NAME else ""


@lru_cache(maxsize=8192)
def _noun_in(action: str) -> str:
    word = taxonomy.read_action(action).word
    if not word:
        return ""
    word = _HUMP.sub(" ", word)
    parts = [part for part in re.split(r"[.:/]", _HUMP.sub(" ", action)) if part.strip()]
    for part in reversed(parts):
        left = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", " ", part, count=1)
        words = [piece for piece in re.split(r"[\s_-]+", left) if piece and piece.lower() not in _NOT_NOUNS]
        if words:
            return "_".join(words).lower()
    return ""


_NOT_NOUNS = frozenset(
    {"failed", "failure", "denied", "error", "success", "succeeded", "to", "the", "a", "an", "attempt"}
)


def words_of(action: str) -> str:
    """An action's own words: "create user" of `CreateUser`, "user session start" of `user.session.start`."""
    return kind_words(re.sub(r"[.:/]+", " ", cut(action)))


def cut(text: str) -> str:
    """The text, cut where it is endless."""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"
