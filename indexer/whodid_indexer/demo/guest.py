"""The demonstration as a guest on an OpenSearch: it comes only where nothing of whodid's is, and takes all of it away.

Indices, alias and template have the names that whodid always gives them, because that is what is to be shown. So a
cluster that holds anything so named is refused, and at the end nothing is removed where more records are found than
the demonstration sent: then somebody else has begun to use it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from whodid_indexer.config import IndexerSettings
from whodid_indexer.store.opensearch.access import access_of
from whodid_indexer.store.opensearch.connect import Client, connect
from whodid_indexer.store.opensearch.setup import make_plan
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import UsageError
from whodid_schema.taxonomy import OWN_SURFACE
from whodid_schema.visible import visible

_OWN = "whodid-*"
_MINE_OR_NOT = "/_cat/indices/whodid*,.whodid*?format=json&h=index&expand_wildcards=all"
_NOT_OWN = {"query": {"bool": {"must_not": {"term": {"surface": OWN_SURFACE}}}}}
"""What was asked during the demonstration is recorded there too, and is nobody's."""

_COPIED = ("user", "password_file", "ca_file", "certificate_file", "key_file")


@contextmanager
def guest(url: str, settings: IndexerSettings, sent: Callable[[], int]) -> Iterator[Client]:
    """The cluster, empty of whodid; what `whodid setup` creates inside and what is stored is removed afterwards.

    `sent` says how many records the demonstration may have stored. Raises UsageError where the cluster is in use.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"{url!r} is not the URL of an OpenSearch", "the demonstration makes its own file where no --store is given"
        )
    client, _ = connect(url, access_of(settings))
    try:
        _require_empty(client)
        created = [step.path for step in make_plan(client, None, datetime.now(UTC)).steps if step.before is None]
        try:
            yield client
        finally:
            _leave(client, created, sent())
    finally:
        client.close()


def _require_empty(client: Client) -> None:
    there = [row["index"] for row in client.json("GET", _MINE_OR_NOT)]
    if not there and client.find(TEMPLATE_PATH) is not None:
        there = ["the index template whodid"]
    if there:
        raise UsageError(
            f"{client.url} is in use: it has {visible(there[0])}",
            "the demonstration removes what it made, and so wants an OpenSearch without anything of whodid's",
        )


def _leave(client: Client, created: list[str], sent: int) -> None:
    """Remove the indices and what setup created, or say why not."""
    client.json("POST", f"/{_OWN}/_refresh")
    stored = client.json("POST", f"/{_OWN}/_count", _NOT_OWN)["count"]
    if stored > sent:
        click.echo(
            f"{client.url} holds {stored} records, {sent} of them at most the demonstration's: nothing is removed"
        )
        return
    for row in client.json("GET", f"/_cat/indices/{_OWN}?format=json&h=index"):
        client.json("DELETE", f"/{row['index']}")
    for path in created:
        if client.find(path) is not None:
            client.json("DELETE", path)


def agent_lines(settings: IndexerSettings) -> str:
    """The lines of agent.yaml that let the agent in as these settings let us in."""
    given = {f"target_{name}": getattr(settings, f"store_{name}") for name in _COPIED}
    given["token_file"] = settings.store_token_file
    return "".join(f"{key}: {json.dumps(str(value))}\n" for key, value in given.items() if value is not None)


def agent_environment(settings: IndexerSettings) -> dict[str, str]:
    """What is given to the agent that way because it stands in no file."""
    password = settings.store_password
    return {} if password is None else {"WHODID_TARGET_PASSWORD": password.get_secret_value()}
