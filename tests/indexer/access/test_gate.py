"""From headers to who asks: what is let in, and that everything else is refused alike."""

from collections.abc import Callable
from contextlib import closing
from contextvars import Context
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from support.tokens import NOW, end_token, make_named
from whodid_indexer.access import token as tokens
from whodid_indexer.access.caller import OPEN, Caller, access_of, current
from whodid_indexer.access.gate import Gate, NotSignedIn
from whodid_indexer.access.proxy import Proxy, SignOn, parse_networks
from whodid_indexer.access.roles import Grant
from whodid_indexer.access.sessions import IDLE
from whodid_indexer.access.tokens import SqliteRegister, SqliteTokens
from whodid_indexer.query.access import Access
from whodid_indexer.query.identity import Me
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.errors import ConfigError, NotAllowed
from whodid_schema.meta import default_meta

ADMIN = Grant("admin", workspaces=("acme",))
ACME = Access("workspace", workspaces=("acme",))


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return file


def ask(gate: Gate, *headers: tuple[str, str], peer: str = "203.0.113.9") -> Caller:
    """Who sends these headers."""
    return gate.caller(Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in headers]), peer)


def test_without_tokens_everybody_is_let_in_and_with_the_first_one_nobody_without(path: Path) -> None:
    with closing(SqliteTokens(path)) as kept:
        gate = Gate(kept, clock=Clock())
        assert ask(gate) is OPEN
        assert ask(gate, ("Authorization", "Bearer anything")) is OPEN
        identifier, secret = make_named(path, ADMIN, "Ana")
        assert ask(gate, ("Authorization", f"Bearer {secret}")) == Caller("token", ACME, ADMIN, identifier, "Ana")
        with pytest.raises(NotSignedIn):
            ask(gate)
        end_token(path, identifier)
        for headers in ([], [("Authorization", f"Bearer {secret}")]):
            with pytest.raises(NotSignedIn):
                ask(gate, *headers)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer x")],
        [("Authorization", "Basic {secret}")],
        [("Authorization", "{secret}")],
        [("Authorization", "Bearer {secret}x")],
        [("Authorization", "Bearer x{secret}")],
        [("Authorization", "Bearer {upper}")],
        [("Authorization", "Bearer {hash}")],
        [("Authorization", "Bearer {id}")],
        [("Authorization", "Bearer {secret} {secret}")],
        [("Authorization", "Bearer {secret},")],
        [("Authorization", "Bearer {secret}"), ("Authorization", "Bearer {secret}")],
        [("Authorization", "Bearer {secret}"), ("Authorization", "Bearer x")],
        [("Authorization", "Bearer " + "x" * 100_000)],
        [("Authorization", "Bearer \xff\xfe\x00")],
        [("Authorization", "Bearer ' OR 1=1 --")],
        [("Authorization", "Bearer x"), ("Cookie", "whodid={session}")],
        [("Cookie", "whodid={secret}")],
        [("Cookie", "whodid={id}")],
        [("Cookie", "__Host-whodid={session}")],
        [("Cookie", "whodid=")],
        [("Cookie", "whodid")],
        [("Cookie", "x" * 50_000)],
        [("X-Forwarded-User", "root")],
        [("X-Api-Key", "{secret}")],
    ],
)
def test_nothing_but_the_token_itself_is_let_in(path: Path, headers: list[tuple[str, str]]) -> None:
    identifier, secret = make_named(path, ADMIN)
    with closing(SqliteTokens(path)) as kept:
        gate = Gate(kept, clock=Clock())
        _, session = gate.sign_in(secret)
        known = {
            "{secret}": secret,
            "{id}": identifier,
            "{session}": session,
            "{upper}": secret.upper(),
            "{hash}": tokens.digest(secret).hex(),
        }

        def filled(text: str) -> str:
            for name, value in known.items():
                text = text.replace(name, value)
            return text

        with pytest.raises(NotSignedIn) as refused:
            ask(gate, *[(name, filled(value)) for name, value in headers])
        assert str(refused.value) == str(_refused(gate))
        assert ask(gate, ("Cookie", f"a=b; whodid={session}; c=d")).id == identifier
        assert ask(gate, ("authorization", f"BEARER  {secret} ")).id == identifier


def _refused(gate: Gate) -> NotSignedIn:
    with pytest.raises(NotSignedIn) as refused:
        ask(gate)
    return refused.value


def test_a_token_and_its_sessions_end_when_it_expires(path: Path) -> None:
    made, secret = tokens.new(ADMIN, "", NOW, timedelta(minutes=30))
    SqliteRegister(path).add(made, tokens.digest(secret))
    clock = Clock()
    with closing(SqliteTokens(path)) as kept:
        gate = Gate(kept, clock=clock)
        _, session = gate.sign_in(secret)
        clock.now = NOW + timedelta(minutes=29)
        for header in (("Authorization", f"Bearer {secret}"), ("Cookie", f"whodid={session}")):
            assert ask(gate, header).id == made.id
        clock.now = NOW + timedelta(minutes=30)
        for header in (("Authorization", f"Bearer {secret}"), ("Cookie", f"whodid={session}")):
            with pytest.raises(NotSignedIn):
                ask(gate, header)
        with pytest.raises(NotSignedIn):
            gate.sign_in(secret)


@pytest.mark.parametrize("end", ["revoked", "idle", "signed out"])
def test_a_session_ends(path: Path, end: str) -> None:
    identifier, secret = make_named(path, ADMIN)
    clock = Clock()
    with closing(SqliteTokens(path)) as kept:
        gate = Gate(kept, secure=True, clock=clock)
        _, session = gate.sign_in(secret)
        cookie = ("Cookie", f"__Host-whodid={session}")
        assert ask(gate, cookie) == Caller("session", ACME, ADMIN, identifier)
        ends: dict[str, Callable[[], None]] = {
            "revoked": lambda: end_token(path, identifier),
            "idle": lambda: setattr(clock, "now", NOW + IDLE),
            "signed out": lambda: gate.sessions.end(session),
        }
        ends[end]()
        with pytest.raises(NotSignedIn):
            ask(gate, cookie)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_a_proxy_in_front_of_a_server_without_tokens_lets_nobody_in(header: str) -> None:
    with pytest.raises(NotAllowed, match="a proxy lets others in"):
        ask(Gate(), (header, "203.0.113.7"), peer="127.0.0.1")


PROXY = Proxy(
    parse_networks(["10.0.0.0/8", "::1"], "trusted_proxies"),
    SignOn("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", {"audit": ADMIN, "all": Grant("auditor")}),
)
EMAIL = Me((), ("ana@example.com",))
ANA = (("X-Forwarded-User", "ana"), ("X-Forwarded-Email", "ana@example.com"))


@pytest.mark.parametrize(
    ("groups", "access", "role"),
    [
        ([], Access("self", EMAIL), "self"),
        ([("X-Forwarded-Groups", "staff, else")], Access("self", EMAIL), "self"),
        ([("X-Forwarded-Groups", "all,audit")], Access("workspace", EMAIL, ("acme",)), "admin"),
        ([("X-Forwarded-Groups", "all")], Access("platform", EMAIL), "auditor"),
        ([("X-Forwarded-Groups", "all"), ("X-Forwarded-Groups", "staff")], Access("self", EMAIL), "self"),
        ([("X-Forwarded-Groups", "ALL")], Access("self", EMAIL), "self"),
    ],
)
def test_a_trusted_proxy_signs_people_on(groups: list[tuple[str, str]], access: Access, role: str) -> None:
    for peer in ("10.1.2.3", "::1", "::ffff:10.1.2.3"):
        caller = ask(Gate(proxy=PROXY), *ANA, *groups, peer=peer)
        assert (caller.way, caller.access, caller.role, caller.name) == ("proxy", access, role, "ana@example.com")


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "127.0.0.1", "", "unix:", "10.0.0.1.evil", "fe80::1%eth0"])
def test_the_same_headers_from_elsewhere_are_a_strangers_words(peer: str) -> None:
    with pytest.raises(NotSignedIn):
        ask(Gate(proxy=PROXY), *ANA, ("X-Forwarded-For", "10.0.0.1"), peer=peer)


@pytest.mark.parametrize(
    "headers",
    [
        (("X-Forwarded-Email", "ana@example.com"),),
        (("X-Forwarded-User", ""), ANA[1]),
        (("X-Forwarded-User", "ana"), ("X-Forwarded-User", "root"), ANA[1]),
        (("X-Forwarded-User", "ana"),),
        (("X-Forwarded-User", "ana"), ("X-Forwarded-Email", "*@example.com")),
        (("X-Forwarded-User", "a\x1bna"), ANA[1]),
        (("X-Forwarded-User", "a" * 201), ANA[1]),
    ],
)
def test_who_a_proxy_does_not_name_clearly_is_nobody(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(NotSignedIn):
        ask(Gate(proxy=PROXY), *headers, peer="10.1.2.3")


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1,10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", ["x" * 5_000], "10.0.0.1"),
    ],
)
def test_an_address_is_believed_as_far_as_a_trusted_proxy_wrote_it(peer: str, said: list[str], address: str) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", value.encode()) for value in said])
    assert PROXY.address(headers, peer) == address


def test_a_network_that_is_none_is_named_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"trusted_proxies: 'proxy\.example\.com'"):
        parse_networks(["proxy.example.com"], "trusted_proxies")


def test_outside_of_a_request_nothing_is_asked_on_nobodys_behalf() -> None:
    nothing_set = Context()  # whatever tests before this one have left behind
    with pytest.raises(LookupError):
        nothing_set.run(current)
    with pytest.raises(LookupError):
        nothing_set.run(access_of, None)  # type: ignore[arg-type]
