"""Which protections are in force: the connection, and whether records can be overwritten.

The latter is seen from outside, because the plugin shows its settings to nobody.

To update a record that is not there changes nothing, and is answered in two ways: an immutable index says so (403),
any other that it has no such record (404). The admin certificate passes in either case and sees nothing.
"""

from collections.abc import Iterable

from whodid_indexer.retention.due import period_of
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_schema.errors import NotAllowed

_NOBODY = "no-such-record"


def describe_protection(client: Client, indices: Iterable[str], *, ism: bool = True) -> list[str]:
    """A line on the connection, then one per class of indices, the newest asked for each.

    `ism`: ISM is to delete, which it cannot do where indices are immutable.
    """
    encrypted = client.url.startswith("https:")
    return [
        "the connection is encrypted, and the cluster's certificate checked"
        if encrypted
        else "the connection is not encrypted: records and passwords can be read on the way",
        *_overwriting(client, indices, ism=ism),
    ]


def _overwriting(client: Client, indices: Iterable[str], *, ism: bool) -> list[str]:
    """Nothing where there is no security plugin: then everybody may do everything, as the notes on roles say."""
    try:
        if client.json("GET", "/_plugins/_security/whoami")["is_admin"]:
            return ["whether records can be overwritten cannot be seen with the admin certificate, which always may"]
    except (Refused, NotAllowed):
        return []
    newest = {period.class_: index for index in sorted(indices) if (period := period_of(index)) is not None}
    return [line for name, index in newest.items() if (line := _line(client, name, index, ism=ism))]


def _line(client: Client, name: str, index: str, *, ism: bool) -> str:
    immutable = _immutable(client, index)
    if immutable is None:
        return ""
    if immutable:
        line = f"whodid-{name}-*: records cannot be changed or deleted (immutable index)"
        return line + ("; ISM cannot delete it either, `lifecycle: apply` can" if ism else "")
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
