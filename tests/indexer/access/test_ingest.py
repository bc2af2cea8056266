"""What a token lets an agent store: its own workspaces, filled in where none is named."""

import json
from typing import Any

import pytest

from whodid_indexer.access.ingest import held
from whodid_indexer.access.roles import Grant
from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result

ACME = Grant("ingest", workspaces=("acme",))
TWO = Grant("ingest", workspaces=("acme", "beta"))


def stored(grant: Grant, **record: Any) -> dict[str, Any] | str:
    """The record as it is stored, or why it is not."""
    found = held(Item("whodid-activity", "id", json.dumps(record).encode()), grant)
    if isinstance(found, Result):
        assert found.outcome is Outcome.REJECTED
        return found.reason
    return dict(json.loads(found.body))


def test_what_is_of_the_tokens_workspace_is_handed_on_byte_for_byte() -> None:
    body = b'{ "workspace":{"id":"acme","name":"\\u0041"}, "x":1.50 }'
    for grant in (ACME, TWO, Grant("ingest")):
        assert held(Item("i", "id", body), grant) == Item("i", "id", body)
    other = b'{"workspace":{"id":"other"}}'
    assert held(Item("i", "id", other), Grant("ingest")) == Item("i", "id", other)


@pytest.mark.parametrize("given", ["other", "ACME", "acme ", "Acme", "acme\x00", "\u0430cme"])
def test_another_workspace_is_refused_and_ids_are_compared_as_written(given: str) -> None:
    for grant in (ACME, TWO):
        assert "stores records of workspace 'acme'" in stored(grant, workspace={"id": given})


@pytest.mark.parametrize(
    "given", [{}, {"workspace": None}, {"workspace": {}}, {"workspace": {"id": None}}, {"workspace": {"id": ""}}]
)
def test_a_record_of_no_workspace_becomes_the_tokens_where_that_is_one(given: dict[str, Any]) -> None:
    assert stored(ACME, **given, x=[1, {"y": None}]) == {"workspace": {"id": "acme"}, "x": [1, {"y": None}]}
    assert "names none" in stored(TWO, **given)


def test_a_name_stays_beside_the_id_that_is_filled_in() -> None:
    assert stored(ACME, workspace={"name": "other"}) == {"workspace": {"id": "acme", "name": "other"}}


def test_of_a_key_that_stands_twice_the_last_counts_as_it_does_in_the_store() -> None:
    twice = b'{"workspace":{"id":"acme"},"workspace":{"id":"other"}}'
    assert isinstance(held(Item("i", "id", twice), ACME), Result)


def test_projects_and_apps_are_held_likewise() -> None:
    grant = Grant("ingest", projects=("p",), apps=("shop",))
    assert stored(grant, app="shop") == {"app": "shop", "project": {"id": "p"}}
    assert "records of app 'shop'; this one is of none" in stored(grant, project={"id": "p"})
    assert "records of app 'shop'; this one is of 'SHOP'" in stored(grant, app="SHOP")
    assert "records of project 'p'; this one is of 'q'" in stored(grant, app="shop", project={"id": "q"})


@pytest.mark.parametrize("grant", [Grant("ingest"), ACME])
def test_no_sender_writes_whodids_own_events(grant: Grant) -> None:
    assert "whodid's own" in stored(grant, surface="audit", workspace={"id": "acme"})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"workspace":3}', b'{"workspace":{"id":3}}', b"null"])
def test_what_is_no_record_is_refused_alone(body: bytes) -> None:
    found = held(Item("i", "id", body), ACME)
    assert isinstance(found, Result)
    assert found.outcome is Outcome.REJECTED


def test_a_hostile_id_is_inert_in_the_reason() -> None:
    reason = stored(ACME, workspace={"id": "\x1b]0;owned\x07" + "x" * 5_000})
    assert isinstance(reason, str)
    assert reason.isascii()
    assert len(reason) < 300
    assert "\x1b" not in reason
