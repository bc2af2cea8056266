"""Identities: what they are written like, and that what somebody is called never is one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whodid_indexer.export.match import matcher
from whodid_indexer.query.access import Access, restrict
from whodid_indexer.query.identity import Me, parse_identities, same_case, split
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.query.normal import normal
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.query.parser import read_text
from whodid_indexer.query.printer import to_text
from whodid_schema.errors import UsageError
from whodid_schema.record import Actor, Person, Record, Ref

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ME = parse_identities(["shop/user:1", "email:Ana@example.com"])

MINE = [
    Actor(id="1", key="shop/user:1"),
    Actor(email="ana@example.com"),
    Actor(id="ANA@EXAMPLE.COM"),
    Actor(id="9", key="shop/admin:9", on_behalf_of=Person("1", "Ana", "ana@example.com")),
    Actor(id="9", on_behalf_of=Person("ana@example.com")),
]
NOT_MINE = [
    Actor(id="66", key="shop/user:66", name="ana@example.com", email="mal@example.com"),
    Actor(id="66", name="shop/user:1"),
    Actor(id="shop/user:1", email="shop/user:1", key="shop/user:66"),
    Actor(id="1", key="mail/user:1"),
    Actor(id="1", key="SHOP/user:1"),
    Actor(id="66", on_behalf_of=Person("2", "ana@example.com", "bo@example.com")),
    Actor(id="66", token=Ref("ana@example.com", "shop/user:1"), owner="ana@example.com", role="ana@example.com"),
    Actor(email="ána@example.com"),
    Actor(email="ana@example.com.evil.example"),
    Actor(name="=shop/user:1"),
    Actor(name="=email:ana@example.com", id="=email:ana@example.com"),
]


@pytest.mark.parametrize("who", [*MINE, *NOT_MINE])
def test_who_did_it_is_told_by_what_says_so_and_never_by_a_name(who: Actor) -> None:
    for query in (restrict(ALL, Access("self", ME)), AuditQuery(terms=(Term("actor", ME.values),))):
        assert matcher(query)(Record(actor=who, id="x")) == (who in MINE)


emails = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.lists(emails.map(lambda text: f"email:{text}@x") | emails.map(lambda text: f"shop/user:{text}x"), max_size=4))
def test_an_identity_that_was_read_stays_one_as_a_value_and_in_the_query_language(typed: list[str]) -> None:
    me = parse_identities(typed)
    assert split(me.values) == (me, ())
    if me.values:
        query = normal(AuditQuery(terms=(Term("actor", me.values),)))
        assert normal(AuditQuery(terms=read_query((), [to_text(query)], context=Context(NOW)).query.terms)) == query


@pytest.mark.parametrize("value", ["=", "=1+1", "=ana", "=@", "=email:", "=email:ana", "=a/b", "=/x:1", "shop/user:1"])
def test_a_value_that_is_no_identity_is_what_somebody_is_called(value: str) -> None:
    assert split([value]) == (Me(), (value,))


@pytest.mark.parametrize("typed", ["email:*@example.com", "shop/user:*", "*/user:1", "ana", "", "email:", "shop/user:"])
def test_what_could_be_several_people_is_no_identity(typed: str) -> None:
    with pytest.raises(UsageError):
        parse_identities([typed])


def test_the_language_says_one_person_exactly() -> None:
    (member,) = read_text("actor:=email:ana@example.com,bo", Context(NOW)).members
    assert member == Term("actor", ("=email:ana@example.com", "bo"))


def test_addresses_are_compared_without_the_case_of_ascii_letters_and_no_further() -> None:
    assert same_case("ANA@Example.COM") == "ana@example.com"
    assert same_case("Á\u212a") == "Á\u212a"
