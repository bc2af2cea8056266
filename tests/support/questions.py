"""Generated records, generated queries, and the oracle: what a query finds, by reading every record.

It follows query/model.py alone and shares nothing with the stores but the foldings.
"""

import random
import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from support.records import identifier, stamp
from whodid_indexer.query.model import AuditQuery, Group, Member, Term, Text
from whodid_schema.folding import search_text, shadow, tokens
from whodid_schema.record import Actor, Client, Person, Record, Ref, Target

START = 1_795_000_000_000_000
VALUES = [
    "q",
    "qq",
    "Q2d",
    "a",
    "ab",
    "a-b",
    "a b",
    "AB",
    "é",
    "Straße",
    "x*y",
    "[a]",
    "a?",
    '"',
    "a\0b",
    "note:1",
    "1",
    "ﬁ",
]
WORDS = ["ab", "a-b", "abc", "Straße", "strasse", "é1", "note", "zz top", "top", "x_y", "１２", "don't", "ábc"]
ADDRESSES = ["10.0.0.1", "10.0.1.1", "10.1.0.1", "2001:db8::1", "::ffff:10.0.0.1", "::1"]
PEOPLE = ["ana@x.org", "Ana@X.org", "ána@x.org", "\u212aim@x.org", "kim@x.org", "s/u:1", "s/u:2", "S/u:1"]
"""What people are called: by their key or address, and by another's. The Kelvin sign folds to a k."""

IDENTITIES = ["=s/u:1", "=s/u:2", "=email:ANA@x.org", "=email:ána@x.org", "=email:kim@x.org", "=ana@x.org", "=q"]
NETWORKS = [*ADDRESSES, "10.0.0.0/24", "10.0.0.0/15", "0.0.0.0/0", "2001:db8::/32", "::/0", "fe80::/10"]
VERBS = ["create", "update", "delete"]
FIELDS = ["app", "action", "category", "reason", "actor", "actor.type", "email", "role", "provider", "target", "type"]
FIELDS += ["workspace", "project", "device", "changed", "meta.a", "meta.a.b"]
EXACT = ["session", "request", "actor.key", "id", "workspace.id", "project.id"]
SURFACES = ["activity", "authentication", "api_request"]


def made(rng: random.Random, number: int) -> Record:
    def some(*values: str) -> str | None:
        return rng.choice(values or VALUES) if rng.random() < 0.5 else None

    time = stamp(START + rng.randrange(400))
    targets = [Target(some(), some(), some()) for _ in range(rng.randrange(3))]

    person = Person(some(), some()) if rng.random() < 0.3 else None
    return Record(
        timestamp=time,
        received_at=time,
        id=identifier(number),
        app=some(),
        surface=SURFACES[number % len(SURFACES)],
        category=some(),
        action=some(),
        verb=some(*VERBS),
        reason=some(),
        description=" ".join(rng.choices(WORDS, k=rng.randrange(4))),
        actor=Actor(some(), some(), some(), some(), some(), some(), on_behalf_of=person)
        if rng.random() < 0.8
        else None,
        targets=targets or None,
        target_types=[target.type for target in targets if target.type] or None,
        workspace=Ref(some(), some()),
        project=Ref(some(), some()),
        client=Client(some(*ADDRESSES), None, some()),
        session_id=some(),
        request_id=some(),
        changed=[rng.choice(VALUES)] if rng.random() < 0.4 else None,
        meta=[shadow(f"{rng.choice(['a', 'a.b', 'b'])}={rng.choice(VALUES)}")] if rng.random() < 0.4 else None,
    )


def known(rng: random.Random, record: Record) -> Record:
    """The record, by chance by somebody who has a key, and is called as keys and addresses are."""

    def some(*values: str) -> str | None:
        return rng.choice(values) if rng.random() < 0.5 else None

    if record.actor is not None and rng.random() < 0.5:
        actor = record.actor
        actor.id, actor.name, actor.email = some(*PEOPLE), some(*PEOPLE), some(*PEOPLE)
        actor.key = some("s/u:1", "s/u:2", "s/u:ana@x.org")
        if actor.on_behalf_of is not None:
            actor.on_behalf_of = Person(some(*PEOPLE), some(*PEOPLE), some(*PEOPLE))
    return record


RECORDS = [known(random.Random(-1 - number), made(random.Random(number), number)) for number in range(400)]


def values_of(record: Record, field: str) -> list[str | None]:
    """Every value that the table of fields says a field has in a record."""
    actor, client = record.actor or Actor(), record.client or Client()
    person = actor.on_behalf_of or Person()
    simple = {
        "id": record.id,
        "surface": record.surface,
        "kind": record.kind,
        "outcome": record.outcome,
        "layer": record.layer,
        "app": record.app,
        "action": record.action,
        "category": record.category,
        "verb": record.verb,
        "reason": record.reason,
        "actor.key": actor.key,
        "actor.type": actor.type,
        "email": actor.email,
        "role": actor.role,
        "provider": actor.provider,
        "device": client.device,
        "session": record.session_id,
        "request": record.request_id,
        "workspace.id": record.workspace.id if record.workspace else None,
        "project.id": record.project.id if record.project else None,
    }
    if field in simple:
        return [simple[field]]
    if field.startswith("meta."):
        before = field.removeprefix("meta.") + "="
        return [pair.removeprefix(before) for pair in record.meta or () if pair.startswith(before)]
    several: dict[str, Callable[[], list[str | None]]] = {
        "actor": lambda: [actor.name, actor.email, actor.id, actor.key, person.id, person.name, person.email],
        "type": lambda: list(record.target_types or ()),
        "changed": lambda: list(record.changed or ()),
        "workspace": lambda: [record.workspace.id, record.workspace.name] if record.workspace else [],
        "project": lambda: [record.project.id, record.project.name] if record.project else [],
        "target": lambda: [
            value
            for target in record.targets or ()
            for value in (target.id, target.name, f"{target.type}:{target.id}" if target.type and target.id else None)
        ],
    }
    return several[field]()


def matches(record: Record, term: Term) -> bool:
    if term.field == "ip":
        text = (record.client or Client()).ip
        return text is not None and any(value == "*" or _inside(text, value) for value in term.values)
    if term.field == "actor" and any(is_person(record, wanted) for wanted in term.values):
        return True
    exact = term.field in EXACT
    present = [value if exact else shadow(value) for value in values_of(record, term.field) if value]
    for wanted in term.values:
        if term.field == "actor" and wanted.startswith(("=s/u:", "=email:")):
            continue
        pattern = ".*".join(re.escape(part) for part in (wanted if exact else shadow(wanted)).split("*"))
        if any(re.fullmatch(pattern, value, re.DOTALL) for value in present):
            return True
    return False


def is_person(record: Record, value: str) -> bool:
    """Whether `=shop/user:783` or `=email:…` is who did it, or for whom; names count for nothing."""
    actor = record.actor or Actor()
    person = actor.on_behalf_of or Person()
    if value.startswith("=email:"):
        wanted = value.removeprefix("=email:").encode().lower()  # of bytes, lower() knows A to Z alone
        known = (actor.email, actor.id, person.email, person.id)
        return any(one and one.encode().lower() == wanted for one in known)
    return value.startswith("=s/u:") and actor.key == value.removeprefix("=")


def _inside(text: str, network: str) -> bool:
    """IPv4 is its mapped form in IPv6."""

    def mapped(address: str) -> int:
        parsed = ip_address(address)
        return int(parsed) + (0xFFFF << 32 if parsed.version == 4 else 0)

    wanted = ip_network(network, strict=False)
    return mapped(str(wanted[0])) <= mapped(text) <= mapped(str(wanted[-1]))


_words: dict[int, tuple[Record, list[str]]] = {}
"""The words of records that were asked about; each is kept, so that its number stays its own."""


def words_of(record: Record) -> list[str]:
    if id(record) not in _words:
        _words[id(record)] = record, tokens(search_text(record))
    return _words[id(record)][1]


def holds(record: Record, text: Text) -> bool:
    words = words_of(record)
    phrases = [text.words] if text.phrase else text.words.split()
    return all(_stands(words, tokens(phrase), phrase.endswith("*")) for phrase in phrases if tokens(phrase))


def _stands(words: list[str], phrase: list[str], prefix: bool) -> bool:
    for start in range(len(words) - len(phrase) + 1):
        here = words[start : start + len(phrase)]
        if here[:-1] == phrase[:-1] and (here[-1].startswith(phrase[-1]) if prefix else here[-1] == phrase[-1]):
            return True
    return False


def satisfies(record: Record, member: Member) -> bool:
    """Whether a term, a text or a group holds for the record."""
    if isinstance(member, Group):
        inner = [satisfies(record, part) for part in member.members]
        return (any(inner) if member.any else all(inner)) != member.negated
    return (matches(record, member) if isinstance(member, Term) else holds(record, member)) != member.negated


def expected(query: AuditQuery) -> list[str]:
    found = []
    for record in RECORDS:
        micros = START + int((record.timestamp or "")[20:26]) - int(stamp(START)[20:26])
        inside = (query.since is None or micros >= query.since) and (query.until is None or micros < query.until)
        parts: list[Member] = [*query.terms, *query.texts, *query.groups]
        if inside and all(satisfies(record, part) for part in parts):
            found.append((record.timestamp or "", record.id or ""))
    return [identity for _, identity in sorted(found, reverse=True)]


wild = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(VALUES).map(lambda value: value + "*"),
    st.sampled_from(VALUES).map(lambda value: "*" + value),
    st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)).map("*".join),
    st.just("*"),
)


def _terms(fields: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[Term]:
    several = st.lists(values, min_size=1, max_size=3).map(tuple)
    return st.builds(Term, st.sampled_from(fields), several, st.booleans())


terms = st.one_of(
    _terms(FIELDS, wild),
    _terms(["actor"], st.sampled_from([*IDENTITIES, *PEOPLE, "q", "ana*"])),
    _terms(EXACT, st.sampled_from([*(value for value in VALUES if "*" not in value), "*"])),
    _terms(["verb"], st.sampled_from([*VERBS, "*", "export"])),
    _terms(["ip"], st.sampled_from([*NETWORKS, "*"])),
)
words = st.sampled_from([*WORDS, "ab*", "stra*", "no*", "zz to*", "ab abc", "top ab", "1", "don t"])
texts = st.builds(Text, words, st.booleans(), st.booleans())
leaves = terms | texts
groups = st.recursive(
    st.builds(Group, st.lists(leaves, min_size=1, max_size=3).map(tuple), st.booleans(), st.booleans()),
    lambda inner: st.builds(
        Group, st.lists(leaves | inner, min_size=1, max_size=3).map(tuple), st.booleans(), st.booleans()
    ),
    max_leaves=4,
)
"""Groups within groups, of terms and texts, some of them negated."""

edges = st.none() | st.integers(START - 10, START + 190)
queries = st.builds(
    AuditQuery,
    edges,
    st.none() | st.integers(START + 200, START + 410),
    st.lists(terms, max_size=3).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.lists(groups, max_size=2).map(tuple),
)
