"""A request's parameters as a query: what an access allows holds below every way of asking."""

import msgspec
import pytest

from whodid_indexer.api.parameters import FILTERS, Parameters
from whodid_indexer.query.access import Access, restrict
from whodid_indexer.query.identity import Me
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term
from whodid_schema.errors import BadQuery

ACME = Access("workspace", workspaces=("acme",))
ALLOWED = restrict(ALL, ACME).groups


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("workspace", "other")],
        [("not-workspace", "acme")],
        [("q", "workspace:other OR id:*")],
        [("q", "-(workspace:acme)"), ("q", "NOT (NOT workspace:*)")],
        [("query", msgspec.json.encode(AuditQuery(groups=(Group((Term("id", ("*",)),), any=True),))).decode())],
    ],
)
def test_what_an_access_allows_is_asked_beside_whatever_else_is(given: list[tuple[str, str]]) -> None:
    free, held = Parameters(given, FILTERS).query(), Parameters(given, FILTERS).query(ACME)
    assert held == msgspec.structs.replace(free, groups=(*free.groups, *ALLOWED))


def test_me_is_whom_the_access_names() -> None:
    access = Access("platform", Me(("shop/user:7",)))
    first, *_ = Parameters([("q", "actor:me")], FILTERS).query(access).terms
    assert first == Term("actor", ("=shop/user:7",))
    with pytest.raises(BadQuery, match="who you are"):
        Parameters([("actor", "me")], FILTERS).query()


def test_a_text_of_a_later_q_is_the_one_that_is_marked() -> None:
    with pytest.raises(BadQuery) as refused:
        Parameters([("q", "ana"), ("q", "verb:view actr:bob")], FILTERS).query()
    assert (refused.value.position, refused.value.length, refused.value.text) == (10, 4, "verb:view actr:bob")
