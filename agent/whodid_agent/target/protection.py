"""Which protections are in force at the target, as far as whoever asks can see; nothing is changed by asking.

Whether records can be overwritten the security plugin tells nobody. But an update of a record that is not there is
answered by an immutable index with these words, before any right is looked at; `require_alias` keeps a cluster that
lacks the index from making it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from whodid_agent.target.client import Client
from whodid_schema.meta import Meta, Router
from whodid_schema.record import Record
from whodid_schema.timestamp import from_micros


def protections(client: Client, meta: Meta, now: datetime) -> Iterator[str]:
    """One line each. Raises Unanswered, Refused."""
    yield from _ways(client)
    if not client.partitioned:
        yield "a whodid server only adds records; it overwrites none"
        return
    status, found = client.ask("GET", "/_plugins/_security/authinfo")
    if status != 200 or not isinstance(found, dict):
        yield "no security plugin answers: whoever reaches the store may read, change and delete records"
        return
    yield f"the store knows us as {found.get('user_name')}, with the roles {_list(found.get('roles'))}"
    for name, index in _current(meta, now):
        yield _overwriting(client, name, index)


def _ways(client: Client) -> Iterator[str]:
    for node in client.nodes:
        if node.url.startswith("https:"):
            authority = f"of {client.access.ca_file}" if client.access.ca_file else "that this system trusts"
            yield f"{node.url}: TLS, its certificate from a CA {authority}"
        else:
            yield f"{node.url}: no TLS; what is sent can be read and changed on the way"


def _current(meta: Meta, now: datetime) -> Iterator[tuple[str, str]]:
    """Each class with the index that records of this moment go to."""
    router = Router(meta)
    stamp = from_micros(int(now.timestamp() * 1_000_000))
    for name in meta.classes:
        yield name, router.index_of(Record(timestamp=stamp, surface=name))


def _overwriting(client: Client, name: str, index: str) -> str:
    path = f"/{index}/_update/no-such-record?require_alias=true"
    status, answer = client.ask("POST", path, {"doc": {}})
    reason = str(answer.get("error", {}).get("reason", "")) if isinstance(answer, dict) else ""
    if status == 403 and "immutable" in reason.lower():
        return f"whodid-{name}-*: records cannot be overwritten (immutable index)"
    return (
        f"whodid-{name}-*: nothing shows that records cannot be overwritten; plugins.security.compliance."
        "immutable_indices in opensearch.yml closes it, from an index's first record on"
    )


def _list(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list) and values else "none"
