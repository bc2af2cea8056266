"""`whodid token create|list|revoke`: who may ask a server over this store, and for what."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click
import msgspec

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli.audited import administer
from whodid_indexer.cli.options import Source, bundle, place_options
from whodid_indexer.cli.output import say
from whodid_indexer.cli.source import opened
from whodid_schema.errors import UsageError
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.access.roles import Grant, Role
    from whodid_indexer.access.token import Token
    from whodid_indexer.access.tokens import Register
    from whodid_indexer.audit.recorder import Recorder
    from whodid_indexer.store.base import Reader

_ROLES = ("ingest", "self", "admin", "owner", "auditor", "platform")

format_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


class _Place(NamedTuple):
    """The tokens of a store, and where what is done to them is recorded."""

    register: "Register"
    recorder: "Recorder"


@click.group("token", cls=LazyGroup)
def group() -> None:
    """Say who may ask a server over this store, and for what.

    A token works, and stops working, at once (over OpenSearch within a second), also in a server that is running. With
    the first one the server asks everybody for one.
    """


def _grant(
    role: str,
    workspaces: tuple[str, ...],
    projects: tuple[str, ...],
    apps: tuple[str, ...],
    identities: tuple[str, ...],
) -> "Grant":
    from whodid_indexer.access.roles import Grant  # noqa: PLC0415  only where a token is made

    return Grant(cast("Role", role), workspaces, projects, apps, identities)


grant_options = bundle(
    "grant",
    [
        click.option("--role", type=click.Choice(_ROLES), required=True, help="What it is good for."),
        click.option("--workspace", "workspaces", multiple=True, metavar="ID", help="Only this workspace; repeatable."),
        click.option("--project", "projects", multiple=True, metavar="ID", help="Only this project; repeatable."),
        click.option(
            "--app",
            "apps",
            multiple=True,
            metavar="APP",
            help="For admin: this application's records without a workspace too. For ingest: only this application; "
            "repeatable.",
        ),
        click.option(
            "--identity",
            "identities",
            multiple=True,
            metavar="ID",
            help="Who `me` is: shop/user:783, or email:ana@example.com; repeatable.",
        ),
    ],
    _grant,
    ["role", "workspaces", "projects", "apps", "identities"],
)


@group.command("create")
@place_options
@grant_options
@click.option("--name", default="", metavar="NAME", help="Whose it is, or what for: shown in lists and records.")
@click.option("--expires", default="never", show_default=True, metavar="SPAN", help="After which it ends: 90d, 12h.")
@format_option
def create(source: Source, grant: "Grant", name: str, expires: str, form: str) -> None:
    """Make a token and print it. It is shown this once; the store keeps a hash of it.

    ingest stores records and reads nothing; self sees what the person did; admin and owner see their workspaces or
    projects; auditor reads and exports; platform sees and administers everything.
    """
    from whodid_indexer.access import token as tokens  # noqa: PLC0415  not needed to print help

    made, secret = tokens.new(grant, name, datetime.now(UTC), tokens.parse_life(expires))
    with _opened(source) as place:
        administer(place.recorder, "token_create", subject=made.id, **_about(made))
        place.register.add(made, tokens.digest(secret))
    if form == "json":
        click.echo(msgspec.json.encode({**_told(made), "token": secret}).decode())
        return
    click.echo(secret)
    say(f"{made.id}: {visible(_summary(made))}; it is not shown again")


@group.command("list")
@place_options
@format_option
def list_tokens(source: Source, form: str) -> None:
    """List the tokens there are and were, with what they are good for; never the tokens themselves."""
    with _opened(source) as place:
        found = place.register.all()
    if form == "json":
        click.echo(msgspec.json.encode([_told(token) for token in found]).decode())
        return
    for line in _columns(found):
        click.echo(line)
    if not found:
        say("there are no tokens: everybody on this machine may ask; whodid token create makes one")


@group.command("revoke")
@place_options
@click.argument("identifier", metavar="ID")
@format_option
def revoke(source: Source, identifier: str, form: str) -> None:
    """End a token at once, with whatever a browser was signed in to by it. ID is what `list` shows first."""
    with _opened(source) as place:
        administer(place.recorder, "token_revoke", subject=identifier, **_about(place.register.known(identifier)))
        ended, now = place.register.revoke(identifier, datetime.now(UTC))
    if form == "json":
        click.echo(msgspec.json.encode(_told(ended)).decode())
        return
    say(f"{'revoked' if now else 'was revoked already'}: {ended.id} {visible(_summary(ended))}")


def _about(token: "Token") -> dict[str, object]:
    """What is recorded of a token."""
    told = {"token_name": token.name, **msgspec.structs.asdict(token.grant)}
    return {name: value for name, value in told.items() if value}


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[_Place]:
    """Where the tokens of the store are. Raises UsageError for a server, which is asked by them."""
    from whodid_indexer.audit.recorder import recorder_of  # noqa: PLC0415  as above

    with opened(source, "count") as reader:
        register, recorder = _register(reader), recorder_of(reader)
        if register is None or recorder is None:
            raise UsageError(
                "tokens are kept in the store, and this is a server over one",
                "name its store with --store: sqlite:///path/audit.db, where the server runs, or OpenSearch's URL",
            )
        reader.meta()
        yield _Place(register, recorder)


def _register(reader: "Reader") -> "Register | None":
    from whodid_indexer.store.sqlite.read import SqliteReader  # noqa: PLC0415  apsw only where it is used

    if isinstance(reader, SqliteReader):
        from whodid_indexer.access.tokens import SqliteRegister  # noqa: PLC0415  as above

        return SqliteRegister(reader.path)
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  httpx only where it is used

    if isinstance(reader, OpenSearchReader):
        from whodid_indexer.store.opensearch.state_tokens import ClusterRegister  # noqa: PLC0415  as above

        return ClusterRegister(reader.client)
    return None


def _told(token: "Token") -> dict[str, Any]:
    """A token for programs."""
    told: dict[str, Any] = {"id": token.id, "name": token.name, "state": token.state(datetime.now(UTC))}
    grant = msgspec.structs.asdict(token.grant)
    return {**told, **grant, "created": token.created, "expires": token.expires, "revoked": token.revoked}


def _summary(token: "Token") -> str:
    grant = token.grant
    limits = (("workspace", grant.workspaces), ("project", grant.projects), ("app", grant.apps), ("", grant.identities))
    said = " ".join(f"{name} {','.join(values)}".strip() for name, values in limits if values)
    ends = f"until {token.expires:%Y-%m-%d %H:%M}Z" if token.expires else "does not expire"
    return ", ".join(part for part in (token.name, token.grant.role, said, ends) if part)


def _columns(found: Iterable["Token"]) -> Iterator[str]:
    now = datetime.now(UTC)
    rows = [
        (token.id, token.state(now), token.grant.role, f"{token.created:%Y-%m-%d}", _summary(token)) for token in found
    ]
    for row in rows:
        *front, last = (visible(cell) for cell in row)
        yield f"{front[0]}  {front[1]:<7}  {front[2]:<8}  {front[3]}  {last}"
