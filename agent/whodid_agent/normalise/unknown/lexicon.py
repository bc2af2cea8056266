"""The names that audit logs usually give things, ready to be looked up: made once of `names:` in profiles/generic.yaml.

Keys are compared without letter case and punctuation: `sourceIPAddress`, `source_ip_address`, `source-ip-address` are
one, and so are `actor_id`, `actorId`, `actor.id` and `{"actor": {"id": …}}`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

STRONG, PERHAPS = 0, 1
"""How surely a word names its group: `within` and `perhaps` of the lists."""

OTHER = "other"
"""The group of what is neither actor nor target: servers, devices, settings, payloads."""

_LONGEST_KEY = 128
_MOST_KEYS = 8192
_DROPPED = str.maketrans("", "", "_-. $@:/#[]()*?!&+='\"\\,;<>|~^%{}`\t\n\r")
_DROPPED_BUT_NEWLINE = {code: gone for code, gone in _DROPPED.items() if code != ord("\n")}
_BY = "by"
_NO_DOERS = frozenset({"by", "orderby", "groupby", "sortby", "standby", "filterby", "nearby", "ruby", "hobby", "lobby"})
_DOERS = ("username", "useremail", "userid", "userlogin", "userprincipalname", "actorid", "actorname", "actoremail")
_SPEAKING = (_BY, *_DOERS)
_NO_DOER_BEGINS = (
    "target", "affected", "service", "new", "old", "assigned", "invited", "added", "removed", "deleted", "member",
    "subject", "recipient", "dest", "object", "resource", "original", "previous", "receiver", "other", "related",
    "host", "smtp", "db", "run",
)  # fmt: skip


class Word(NamedTuple):
    """A key that names a group; `rank` is its place in the list."""

    group: str
    strength: int
    rank: int


class Single(NamedTuple):
    """A key that names a slot of its own."""

    slot: str
    rank: int


class Member(NamedTuple):
    """A key of a group's object, or joined to a group's word (`actor_id`)."""

    word: str
    group: str
    member: str
    strength: int
    rank: int


class _Plain(dict[str, str]):
    """Key → key without case and punctuation; bounded, since keys are the sender's."""

    def __missing__(self, key: str) -> str:
        if len(key) > _LONGEST_KEY:
            return ""
        if "://" in key:
            key = key.rpartition("/")[2]
        plain = key.lower().translate(_DROPPED)
        if len(self) < _MOST_KEYS:
            self[key] = plain
        return plain


_plain = _Plain()


def plain(key: str) -> str:
    """The key without letter case and punctuation; of an address its last part; nothing of one that is too long."""
    return _plain[key]


def all_plain(keys: Sequence[str]) -> list[str] | None:
    """`plain` of many keys at once; None: each must be looked at, since some have several parts, or are too long."""
    joined = "\n".join(keys)
    if joined.count("\n") >= len(keys) or not joined.isascii() or any(mark in joined for mark in ("/", ".", "$")):
        return None
    if max(map(len, keys)) > _LONGEST_KEY:
        return None
    return joined.lower().translate(_DROPPED_BUT_NEWLINE).split("\n")


class Lexicon:
    """The tables: `words` key → group, `singles` key → slots, `members` group → key → member, `flat` joined keys."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.words: dict[str, Word] = {}
        self.singles: dict[str, list[Single]] = {}
        self.members: dict[str, dict[str, Member]] = {}
        self.flat: dict[str, Member] = {}
        self.through = frozenset(names.get("actor.through", ()))
        for slot, listed in names.items():
            group, _, last = slot.rpartition(".")
            if last in ("within", "perhaps"):
                for rank, name in enumerate(listed):
                    self.words.setdefault(name, Word(group, STRONG if last == "within" else PERHAPS, rank))
            elif last == "through":
                continue
            elif group and group != "outcome":
                members = self.members.setdefault(group, {})
                for rank, name in enumerate(listed):
                    members.setdefault(name, Member("", group, last, STRONG, rank))
            else:
                for rank, name in enumerate(listed):
                    self.singles.setdefault(name, []).append(Single(slot, rank))
        for word, found in self.words.items():
            for name, member in self.members.get(found.group, {}).items():
                self.flat.setdefault(word + name, Member(word, found.group, member.member, found.strength, member.rank))

        inner = (name for group in self.members.values() for name in group)
        self._known = frozenset((*self.words, *self.singles, *self.flat, *inner))

    def is_silent(self, name: str, last: str) -> bool:
        """Whether a plain key says nothing, wherever it stands; `last` is the one above it."""
        return name not in self._known and not name.endswith(_SPEAKING) and last + name not in self.singles

    def word(self, key: str) -> Word | None:
        """The group that this plain key names."""
        found = self.words.get(key)
        if found is None and key.endswith(_BY) and key not in _NO_DOERS and len(key) < 32:
            return Word("actor", PERHAPS, 0)
        return found

    def doer(self, key: str) -> bool:
        """Whether a plain key that is in no list ends like one that names a user, and does not begin like another."""
        return key.endswith(_DOERS) and not key.startswith(_NO_DOER_BEGINS)
