"""Grants: how far each role reaches, and which limits make no sense."""

import pytest

from whodid_indexer.access.roles import NOTHING, READERS, Grant, checked, named
from whodid_indexer.query.access import EVERYTHING, Access
from whodid_indexer.query.identity import Me
from whodid_schema.errors import UsageError

ME = ("shop/user:7", "email:ana@example.com")
KNOWN = Me(("shop/user:7",), ("ana@example.com",))


@pytest.mark.parametrize(
    ("grant", "access"),
    [
        (Grant("ingest"), NOTHING),
        (Grant("ingest", workspaces=("acme",), projects=("p",), apps=("shop",)), NOTHING),
        (Grant("self", identities=ME), Access("self", KNOWN)),
        (Grant("admin", workspaces=("acme", "b")), Access("workspace", workspaces=("acme", "b"))),
        (
            Grant("owner", workspaces=("acme",), apps=("shop",)),
            Access("workspace", workspaces=("acme",), apps=("shop",)),
        ),
        (Grant("admin", projects=("p",), identities=ME), Access("project", KNOWN, projects=("p",))),
        (Grant("auditor"), EVERYTHING),
        (Grant("auditor", workspaces=("acme",)), Access("workspace", workspaces=("acme",))),
        (Grant("auditor", projects=("p",)), Access("project", projects=("p",))),
        (Grant("platform"), EVERYTHING),
        (Grant("platform", identities=ME), Access("platform", KNOWN)),
    ],
)
def test_a_role_reaches_as_far_as_it_says(grant: Grant, access: Access) -> None:
    assert checked(grant).access == access


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        (Grant("self"), "who that is"),
        (Grant("admin"), "named workspaces or projects"),
        (Grant("owner", apps=("shop",)), "named workspaces or projects"),
        (Grant("auditor", apps=("shop",)), "--workspace ID"),
        (Grant("platform", workspaces=("acme",)), "not limited"),
        (Grant("self", identities=ME, projects=("p",)), "not limited"),
        (Grant("admin", workspaces=("acme",), projects=("p",)), "another for the projects"),
        (Grant("ingest", identities=ME), "no person"),
        (Grant("admin", workspaces=("*",)), "not the id"),
        (Grant("admin", workspaces=("a*",)), "not the id"),
        (Grant("admin", workspaces=("",)), "not the id"),
        (Grant("admin", workspaces=("a\x1b[0m",)), "not the id"),
        (Grant("admin", workspaces=("x" * 1_001,)), "not the id"),
        (Grant("admin", workspaces=tuple(map(str, range(1_001)))), "the most are 1000"),
        (Grant("self", identities=("ana",)), "no identity"),
        (Grant("root"), "no role"),  # type: ignore[arg-type]
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(grant: Grant, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked(grant)


def test_roles_are_named_as_people_read_them() -> None:
    assert named(READERS) == "self, admin, owner, auditor or platform"
    assert named(frozenset({"ingest"})) == "ingest"
