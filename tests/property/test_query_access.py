"""What somebody may see holds below every question: no text, term, negation, OR or group reaches past it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.questions import RECORDS, VALUES, expected, queries
from support.records import identifier
from whodid_indexer.query.access import EVERYTHING, Access, restrict
from whodid_indexer.query.axis import without_own
from whodid_indexer.query.identity import Me, parse_identities
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term
from whodid_indexer.query.normal import normal
from whodid_schema.errors import UsageError
from whodid_schema.folding import shadow
from whodid_schema.record import Actor, Person, Record, Ref

names = st.lists(st.sampled_from([value for value in VALUES if "*" not in value]), max_size=2).map(tuple)
WHO = ["s/u:1", "s/u:2", "s/u:ana@x.org", "email:ana@x.org", "email:ÁNA@x.org", "email:kim@x.org", "email:q@q"]
accesses = st.one_of(
    st.builds(Access, st.just("self"), me=st.lists(st.sampled_from(WHO), max_size=3).map(parse_identities)),
    st.builds(Access, st.just("workspace"), workspaces=names, apps=names),
    st.builds(Access, st.just("project"), projects=names),
)


def _is(ref: Ref | None, allowed: tuple[str, ...]) -> bool:
    return ref is not None and bool(ref.id) and ref.id in allowed


def may_see(record: Record, access: Access) -> bool:
    """As design and query/access.py say it, read record by record."""
    if access.reach == "self":
        actor = record.actor or Actor()
        person = actor.on_behalf_of or Person()
        known = {value.encode().lower() for value in (actor.email, actor.id, person.id, person.email) if value}
        return actor.key in access.me.keys or bool({email.encode().lower() for email in access.me.emails} & known)
    if access.reach == "project":
        return _is(record.project, access.projects)
    workspace = record.workspace or Ref()
    loose = not (workspace.id or workspace.name) and shadow(record.app or "") in map(shadow, access.apps)
    return _is(workspace, access.workspaces) or bool(loose and record.app)


BY_ID = {identifier(number): record for number, record in enumerate(RECORDS)}


@settings(max_examples=150, deadline=None)
@given(queries, accesses)
def test_a_restricted_answer_is_the_answer_without_what_may_not_be_seen(query: AuditQuery, access: Access) -> None:
    wanted = [identity for identity in expected(query) if may_see(BY_ID[identity], access)]
    assert expected(restrict(query, access)) == wanted
    assert expected(restrict(normal(query), access)) == [
        identity for identity in expected(normal(query)) if may_see(BY_ID[identity], access)
    ]


@settings(max_examples=50, deadline=None)
@given(queries, accesses)
def test_an_axis_that_counts_without_its_own_terms_counts_no_more_than_may_be_seen(
    query: AuditQuery, access: Access
) -> None:
    restricted = restrict(query, access)
    for axis in ("workspace", "project", "actor", "app"):
        assert all(may_see(BY_ID[identity], access) for identity in expected(without_own(restricted, axis)))


@pytest.mark.parametrize("access", [Access("self"), Access("workspace"), Access("project")])
def test_who_may_see_nothing_finds_nothing(access: Access) -> None:
    assert expected(restrict(ALL, access)) == []
    assert expected(restrict(AuditQuery(groups=(Group((Term("id", ("*",)),), any=True),)), access)) == []


def test_the_platform_sees_everything_as_asked() -> None:
    assert restrict(ALL, EVERYTHING) is ALL


def test_more_workspaces_than_a_term_may_have_are_several() -> None:
    many = Access("workspace", workspaces=tuple(f"w{number}" for number in range(450)))
    assert [len(member.values) for member in restrict(ALL, many).groups[0].members if isinstance(member, Term)] == [
        *(200, 200, 50)
    ]


@pytest.mark.parametrize("value", ["*", "a*", ""])
def test_a_wildcard_is_no_access(value: str) -> None:
    with pytest.raises(UsageError):
        Access("workspace", workspaces=(value,))


@pytest.mark.parametrize("typed", ["email:*", "email:", "email:ana", "ana", "shop/user:*", "shop/", "/user:7", "a/:7"])
def test_what_is_no_identity_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="shop/user:783"):
        parse_identities([typed])


def test_identities_are_keys_and_addresses() -> None:
    typed = ["shop/user:783", "email:ana@example.com", "shop/api_token:t-9", "shop/user:783"]
    assert parse_identities(typed) == Me(("shop/user:783", "shop/api_token:t-9"), ("ana@example.com",))
