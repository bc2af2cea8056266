"""Whoever calls themselves another's address does not become them: what is called the e-mail address is that."""

from typing import Any

import pytest

from support.events import record


@pytest.mark.parametrize(
    "said",
    [
        {"actor": {"id": 66, "name": "ana@example.com", "email": "mallory@example.org"}},
        {"actor": {"name": "ana@example.com", "id": 66, "email": "mallory@example.org"}},
        {"user": {"id": 66, "display_name": "ana@example.com", "email": "mallory@example.org"}},
        {"user_id": 66, "user_name": "ana@example.com", "user_email": "mallory@example.org"},
    ],
)
def test_a_name_that_looks_like_an_address_is_a_name_beside_one(said: dict[str, Any]) -> None:
    actor = record({"time": "2026-11-20T10:00:00Z", "action": "user.login", **said}).actor
    assert actor is not None
    assert (actor.id, actor.name, actor.email) == ("66", "ana@example.com", "mallory@example.org")
