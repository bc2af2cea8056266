"""What every store must do with tokens and shared views: kept, found, ended, and never taken for none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from whodid_indexer.access import token as tokens
from whodid_indexer.access.roles import Grant
from whodid_indexer.access.tokens import Register, Tokens
from whodid_indexer.store.views import View, Views
from whodid_schema.errors import StoreUnreachable, UsageError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GRANT = Grant("admin", workspaces=("acme",), identities=("shop/user:783",))


class TokenPlace(Protocol):
    """A store that is set up."""

    def register(self) -> Register:
        """For who administers."""

    def served(self) -> Tokens:
        """For a server; whoever asks closes it."""

    def later(self) -> None:
        """So much time goes by as a server may need to hear of what was done."""


class TokenContract:
    def test_a_token_works_and_ends_in_a_server_that_runs_already(self, place: TokenPlace) -> None:
        register, opened = place.register(), place.served()
        assert not opened.any()
        token, secret = tokens.new(GRANT, "Ana", NOW, timedelta(days=90))
        register.add(token, tokens.digest(secret))
        place.later()
        assert opened.any()
        assert opened.find(tokens.digest(secret)) == opened.get(token.id) == register.known(token.id) == token
        assert register.revoke(token.id, NOW) == (register.known(token.id), True)
        place.later()
        found = opened.find(tokens.digest(secret))
        assert found is not None
        assert (found.state(NOW), found.revoked) == ("revoked", NOW)
        assert register.revoke(token.id, NOW + timedelta(days=1)) == (found, False)
        assert opened.any(), "a server that had a token never opens again"
        opened.close()

    def test_all_there_ever_were_are_listed_the_oldest_first(self, place: TokenPlace) -> None:
        register = place.register()
        made = [tokens.new(GRANT, f"n{age}", NOW - timedelta(days=age), None) for age in (3, 1, 2)]
        for token, secret in made:
            register.add(token, tokens.digest(secret))
        register.revoke(made[1][0].id, NOW)
        assert [(one.name, one.revoked) for one in register.all()] == [("n3", None), ("n2", None), ("n1", NOW)]
        opened = place.served()
        assert {one.id for one, secret in made if opened.find(tokens.digest(secret)) == register.known(one.id)} == {
            one.id for one, _ in made
        }
        opened.close()

    def test_what_there_is_not_is_said(self, place: TokenPlace) -> None:
        register, opened = place.register(), place.served()
        acts: list[Callable[[], object]] = [lambda: register.known("t0"), lambda: register.revoke("t0", NOW)]
        for act in acts:
            with pytest.raises(UsageError, match="no token 't0'"):
                act()
        assert (opened.find(b""), opened.get(""), opened.find(tokens.digest("whodid_x"))) == (None, None, None)
        assert register.all() == []
        opened.close()

    def test_a_store_that_is_not_there_has_no_tokens_to_tell_of(self, nowhere: Callable[[], Tokens]) -> None:
        with pytest.raises(StoreUnreachable):
            nowhere()


class ViewContract:
    def test_a_view_is_kept_in_its_space_replaced_and_deleted(self, views: Views) -> None:
        assert views.all("platform") == []
        first, second = View("b", ("verb:delete",), "Ana", "t"), View("a", ("x", "since:7d"), "Bo", "t")
        assert views.save("platform", first)
        assert views.save("platform", second)
        assert views.save('["workspace",["acme"]]', first)
        assert views.all("platform") == [second, first]
        replaced = View("b", ("verb:create",), "Cy", "u")
        assert not views.save("platform", replaced)
        assert views.all("platform") == [second, replaced]
        assert views.all('["workspace",["acme"]]') == [first]
        assert views.delete("platform", "b")
        assert not views.delete("platform", "b")
        assert (views.all("platform"), views.all('["workspace",["acme"]]')) == ([second], [first])
        assert views.all("platfor*") == []

    def test_a_space_is_full_at_some_time_and_others_are_not(
        self, views: Views, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("whodid_indexer.store.views.MOST", 2)
        for name in ("a", "b"):
            views.save("full", View(name, ("x",), "", ""))
        with pytest.raises(UsageError, match="2 views already"):
            views.save("full", View("c", ("x",), "", ""))
        assert not views.save("full", View("a", ("y",), "", ""))
        assert views.save("other", View("c", ("x",), "", ""))
