"""Reading a real OpenSearch with TLS and the security plugin: each role sees what is its own, a stranger nothing."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from support.indexing import index
from support.opensearch.secure import SecureNode, User
from support.records import item, records
from whodid_indexer.query.counting import Axis, Measure
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.base import Page
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_indexer.store.opensearch.setup import apply, make_plan
from whodid_schema.errors import NotAllowed
from whodid_schema.record import decode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = 1_795_000_000_000_000
ITEMS = [item(record) for record in records(6, 60, START, 1_000)]


def access(node: SecureNode, user: User | None = None) -> Access:
    folder = node.client
    if user is None:
        return Access(ca_file=folder / "ca.pem", certificate_file=folder / "admin.pem", key_file=folder / "admin.key")
    return Access(user.name, user.password, ca_file=folder / "ca.pem")


@pytest.fixture
def store(secure: SecureNode) -> SecureNode:
    """A node that is set up and has records of several workspaces."""
    client, _ = connect(secure.url, access(secure))
    with closing(client):
        apply(client, make_plan(client, NOTHING, NOW), lambda: make_plan(client, NOTHING, NOW), lambda _step: None)
    assert set(index(secure, ITEMS)) == {201}
    return secure


def test_the_reader_role_can_ask_every_question(store: SecureNode) -> None:
    user = store.add_user("reader", "whodid_reader")
    with closing(open_reader(store.url, lambda: access(store, user))) as reader:
        assert isinstance(reader, OpenSearchReader)
        found = reader.search(ALL, Page(limit=10))
        assert (len(found.records), found.total, reader.count(ALL)) == (10, 60, 60)
        assert reader.get(ITEMS[5].id) == ITEMS[5].body
        assert len(list(reader.scan(ALL))) == 60
        cursor = reader.now()
        changes = reader.changes(None)
        assert (len(changes.records), changes.cursor) == (60, cursor)
        assert reader.changes(cursor).records == []
        assert reader.meta().schema == 1
        assert reader.facets(ALL, [Axis("app")])[0].values[0].count == 60
        assert reader.stats(ALL, Measure(START)).current.total == 60


def test_who_is_bound_to_a_workspace_sees_no_other_by_any_question(store: SecureNode) -> None:
    own = {one.id for one in ITEMS if b'"workspace":{"id":"ws-1",' in one.body}
    assert 0 < len(own) < 60
    user = store.add_user("bound", "whodid_workspace_reader", workspace="ws-1")
    with closing(open_reader(store.url, lambda: access(store, user))) as reader:
        assert reader.count(ALL) == len(own)
        assert reader.count(AuditQuery(terms=(Term("workspace", ("ws-1",), negated=True),))) == 0
        foreign = next(one.id for one in ITEMS if one.id not in own)
        assert reader.get(foreign) is None
        assert {decode(body).id for body in reader.scan(ALL)} == own
        assert {decode(change.body).id for change in reader.changes(None).records} == own
        (spaces,) = reader.facets(ALL, [Axis("workspace", selected=("ws-2",))])
        assert [(one.value, one.count) for one in spaces.values] == [("ws-1", len(own)), ("ws-2", 0)]
        assert (spaces.other, spaces.values_in_all) == (0, 1)
        figures = reader.stats(ALL, Measure(START))
        assert (figures.current.total, sum(one.count for one in figures.actors)) == (len(own), len(own))


def test_a_wrong_password_is_not_allowed(store: SecureNode) -> None:
    wrong = Access("nobody", "wrong-Password-1", ca_file=store.client / "ca.pem")
    with pytest.raises(NotAllowed, match="'nobody'"):
        open_reader(store.url, lambda: wrong)


def test_who_may_only_write_reads_nothing(store: SecureNode) -> None:
    user = store.add_user("agent", "whodid_ingest")
    with closing(open_reader(store.url, lambda: access(store, user))) as reader:
        questions: list[Callable[[AuditQuery], object]] = [
            reader.count,
            lambda query: list(reader.scan(query)),
            lambda _query: reader.changes(None),
            lambda query: reader.facets(query, [Axis("app")]),
            lambda query: reader.stats(query, Measure(START)),
        ]
        for question in questions:
            with pytest.raises(NotAllowed, match="does not allow"):
                question(ALL)
