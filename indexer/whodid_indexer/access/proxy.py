"""A proxy in front of the server: whose word counts, whose address a request came from, and who is signed on by it.

Only from the addresses in `trusted` is any of it believed; from anywhere else the same headers are what a stranger
wrote, and mean nothing. The person's address is the last one in X-Forwarded-For that is no trusted proxy's: what
stands before it anybody may have put there.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.datastructures import Headers

from whodid_indexer.access.caller import Caller
from whodid_indexer.access.roles import Grant, checked
from whodid_indexer.query.identity import EMAIL
from whodid_schema.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from whodid_indexer.config import IndexerSettings

Network = IPv4Network | IPv6Network

_LONGEST = 200
_LONGEST_GROUPS = 8_000


class SignOn(Struct, frozen=True):
    """The headers in which a proxy names the person, their e-mail address and groups, and what groups are good for.

    Groups stand in the header separated by commas; of several that are known the first in `groups` counts. Who is in
    none of them sees what they did themselves.
    """

    user: str
    email: str = ""
    groups_header: str = ""
    groups: Mapping[str, Grant] = {}


class Proxy(Struct, frozen=True):
    """The proxies that are believed, and who they sign on."""

    trusted: tuple[Network, ...] = ()
    sign_on: SignOn | None = None

    @property
    def signs_on(self) -> bool:
        """Whether people come in by a proxy's word."""
        return self.sign_on is not None and bool(self.trusted)

    def trusts(self, address: str) -> bool:
        """Whether a proxy sits at this address."""
        if not _is_address(address):
            return False
        found = ip_address(address)
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self.trusted if network.version == mapped.version)

    def address(self, headers: Headers, peer: str) -> str:
        """The address a request came from."""
        if not self.trusts(peer):
            return peer
        said = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
        found = next((part for part in reversed(said) if not self.trusts(part)), peer)
        return found if _is_address(found) else peer

    def person(self, headers: Headers, peer: str) -> Caller | None:
        """Who the proxy says it is; None where it is no trusted proxy, or it names nobody."""
        sign_on = self.sign_on
        if sign_on is None or not self.trusts(peer):
            return None
        user = _one(headers, sign_on.user)
        if not user:
            return None
        email = _one(headers, sign_on.email)
        try:
            grant = checked(_grant(sign_on, headers, email))
        except UsageError:
            return None
        return Caller("proxy", grant.access, grant, user, email or user)


NO_PROXY = Proxy()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def parse_networks(texts: Sequence[str], key: str) -> tuple[Network, ...]:
    """Addresses and networks as they are configured. Raises ConfigError that names the key."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}", "an address, or a network: 10.0.0.5, 10.0.0.0/8, ::1") from error


def _grant(sign_on: SignOn, headers: Headers, email: str) -> Grant:
    identities = (f"{EMAIL}{email}",) if "@" in email else ()
    member = {part.strip() for part in _one(headers, sign_on.groups_header, _LONGEST_GROUPS).split(",")}
    for name, grant in sign_on.groups.items():
        if name in member:
            return Grant(grant.role, grant.workspaces, grant.projects, grant.apps, (*grant.identities, *identities))
    return Grant("self", identities=identities)


def _one(headers: Headers, name: str, longest: int = _LONGEST) -> str:
    """The header's value; empty where it is not there, stands twice, or cannot be a name."""
    values = headers.getlist(name) if name else []
    value = values[0].strip() if len(values) == 1 else ""
    return value if value.isprintable() and len(value) <= longest else ""


def proxy_of(settings: "IndexerSettings") -> Proxy:
    """What the settings say. Raises ConfigError."""
    trusted = parse_networks(settings.trusted_proxies, "trusted_proxies")
    said = settings.sign_on
    if said is None:
        return Proxy(trusted)
    if not trusted:
        raise ConfigError(
            "sign_on without trusted_proxies: anybody could say who they are", "name the proxies' addresses"
        )
    groups = {}
    for name, given in said.groups.items():
        grant = Grant(given.role, tuple(given.workspaces), tuple(given.projects), tuple(given.apps))
        try:
            groups[name] = checked(grant) if given.role != "self" else grant
        except UsageError as error:
            raise ConfigError(f"sign_on: groups: {name}: {error.message}", error.hint) from error
    return Proxy(trusted, SignOn(said.user_header, said.email_header, said.groups_header, groups))
