"""Records of which most people may see a part, and who sees which: in what is outside every text has a mark."""

from typing import Any

import msgspec

from support.serving import make
from whodid_indexer.access.roles import Grant
from whodid_schema import identity
from whodid_schema.record import Actor, Change, Client, Person, Record, Ref, Target

MARK = "zqsecret"
"""Stands in everything that is told only of records that most may not see."""

GRANTS: dict[str, Grant] = {
    "ingest": Grant("ingest", workspaces=("acme",)),
    "self": Grant("self", identities=("shop/user:1", "email:ana@example.com")),
    "admin": Grant("admin", workspaces=("acme",)),
    "owner": Grant("owner", workspaces=("acme",), apps=("shop",)),
    "project": Grant("admin", projects=("apollo",)),
    "auditor": Grant("auditor"),
    "limited": Grant("auditor", workspaces=("acme",)),
    "platform": Grant("platform"),
}


def event(number: int, *, mine: bool, **changed: Any) -> Record:
    """A record of acme's project apollo by Ana, or another's, in which every text has the mark."""
    mark = "" if mine else f"{MARK} "
    target = Target(type="report" if mine else MARK, id=f"{mark}r{number}", name=f"{mark}Report {number}")
    given = {
        "id": identity.file_id("matrix", "1", number, 0, b""),
        "app": "shop",
        "category": "reports" if mine else MARK,
        "action": "report.update" if mine else f"{MARK}.update",
        "reason": f"{mark}because",
        "description": f"{mark}updated",
        # the same key in both, newer and called otherwise elsewhere: what it is called there must not be told
        "actor": Actor(
            type="user", id="1", name=f"{mark}Ana", email=f"{mark.strip()}ana@example.com", key="shop/user:1"
        ),
        "workspace": Ref("acme", "Acme") if mine else Ref("other", "acme"),
        "project": Ref("apollo", "Apollo") if mine else Ref("artemis", f"{MARK} apollo"),
        "target": target,
        "targets": [target],
        "target_refs": [f"{target.type}:{target.id}"],
        "target_types": [target.type or ""],
        "client": Client(ip="203.0.113.1" if mine else "198.51.100.66", device=f"{mark}Firefox"),
        "session_id": "s-1",
        "request_id": "r-1",
        "changed": ["role" if mine else f"{MARK}.role"],
        "changes": [Change("role" if mine else f"{MARK}.role", "viewer", "admin")],
        "meta": ["plan=pro" if mine else f"{MARK}=1"],
        "metadata": {"plan": "pro"} if mine else {MARK: "1"},
        "raw": None if mine else f'{{"{MARK}":1}}',
    }
    return make(number, **(given | changed))


MALLORY = Actor(type=MARK, id="66", name=f"{MARK} Mal", email=f"{MARK}@example.com", key="shop/user:66", role=MARK)
_MOLLY = msgspec.structs.replace(MALLORY, id="67", key="shop/user:67")
LIKE_ANA = (
    msgspec.structs.replace(_MOLLY, name="ana@example.com"),
    msgspec.structs.replace(
        _MOLLY,
        name="shop/user:1",
        on_behalf_of=Person("66", "ana@example.com"),
        token=Ref("shop/user:1", "ana@example.com"),
    ),
)
"""Who calls herself what Ana is known by; she is not Ana for that."""
BO = Actor(type="user", id="2", name="Bo", email="bo@example.com", key="shop/user:2")
BO_ELSEWHERE = Actor(type="user", id="2", name=f"{MARK} Bo", email=f"{MARK}@bo.example.com", key="shop/user:2")
"""The same key, newer, and called otherwise: what somebody is called elsewhere is not told."""
HOME, NOWHERE = {"workspace": Ref("home", "Home"), "project": Ref("h", "H")}, {"workspace": None, "project": None}

RECORDS = [
    *(event(number, mine=True) for number in range(20, 25)),
    event(25, mine=True, actor=BO),
    event(30, mine=True, **HOME),
    event(31, mine=True, **HOME, actor=Actor(key="shop/admin:9", on_behalf_of=Person("1", "Ana", "ana@example.com"))),
    event(32, mine=True, **NOWHERE, actor=Actor(type="system", id="cron", key="shop/system:cron")),
    *(event(number, mine=False, actor=actor) for number, actor in enumerate((MALLORY, MALLORY, *LIKE_ANA))),
    event(4, mine=False, actor=BO_ELSEWHERE),
    event(5, mine=False, actor=MALLORY, workspace=Ref("ACME", MARK), project=Ref("APOLLO", MARK)),
    event(6, mine=False, actor=MALLORY, workspace=Ref(None, "acme"), project=Ref(None, "apollo")),
    event(7, mine=False, actor=MALLORY, workspace=Ref("other", "acme"), project=Ref("other", "apollo")),
    event(8, mine=False, actor=MALLORY, **NOWHERE, app="SHOP 2"),
]
ALL_NUMBERS = [*range(9), *range(20, 26), 30, 31, 32]
SEEN = {
    "self": [*range(20, 25), 30, 31],
    "admin": [*range(20, 26)],
    "limited": [*range(20, 26)],
    "owner": [*range(20, 26), 32],
    "project": [*range(20, 26)],
    "auditor": ALL_NUMBERS,
    "platform": ALL_NUMBERS,
}
IDS = [str(record.id) for record in RECORDS]
NUMBERS = [*range(20, 26), 30, 31, 32, *range(9)]
"""Of the records, in their order."""

HELD = ("self", "admin", "limited", "owner", "project")
"""Those who do not see everything."""

HIDDEN = str(RECORDS[9].id)
"""The id of a record that none of them sees."""
