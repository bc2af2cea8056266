"""Whether records can be overwritten: seen from outside, because the plugin shows its settings to nobody.

To update a record that is not there changes nothing, and is answered in two ways: an immutable index says so (403),
any other that it has no such record (404). The admin certificate passes in either case and sees nothing.
"""

from collections.abc import Iterable

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_schema.errors import NotAllowed

_NOBODY = "no-such-record"


def describe_protection(client: Client, indices: Iterable[str]) -> list[str]:
    """One line per class of indices, the newest asked for each; nothing where there is no security plugin."""
    try:
        if client.json("GET", "/_plugins/_security/whoami")["is_admin"]:
            return ["whether records can be overwritten cannot be seen with the admin certificate, which always may"]
    except (Refused, NotAllowed):
        return []
    newest = {index.split("-")[1]: index for index in sorted(indices)}
    return [line for name, index in newest.items() if (line := _line(client, name, index))]


def _line(client: Client, name: str, index: str) -> str:
    immutable = _immutable(client, index)
    if immutable is None:
        return ""
    if immutable:
        return f"whodid-{name}-*: records cannot be changed or deleted (immutable index)"
    return (
        f"whodid-{name}-*: whoever may write may overwrite; "
        "plugins.security.compliance.immutable_indices in opensearch.yml closes it"
    )


def _immutable(client: Client, index: str) -> bool | None:
    """None where it cannot be told: the index is closed, say."""
    try:
        client.json("POST", f"/{index}/_update/{_NOBODY}", {"doc": {}})
    except NotAllowed as error:
        return "Index is immutable" in error.message
    except Refused as error:
        return False if error.kind == "document_missing_exception" else None
    return None
