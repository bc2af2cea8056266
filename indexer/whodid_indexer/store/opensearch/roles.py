"""The security plugin's roles: ingest, reader, a reader of one workspace, admin; and what protects the records.

The roles are data, `whodid_config/opensearch/roles.yaml`. A role that somebody changed is put back: another name is
the way to a role of one's own.
"""

from importlib.resources import files
from typing import Any

import yaml

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.plan import Plan, Step, holds
from whodid_schema.errors import NotAllowed

_API = "/_plugins/_security/api/roles"
_NO_RIGHT = (
    "roles not looked at: that takes the security plugin's admin certificate (store_certificate_file), "
    "or a role among plugins.security.restapi.roles_enabled"
)


def wanted_roles() -> dict[str, Any]:
    """Role's name → its definition."""
    text = (files("whodid_config") / "opensearch" / "roles.yaml").read_text(encoding="utf-8")
    roles: dict[str, Any] = yaml.safe_load(text)
    return roles


def plan_roles(client: Client) -> Plan:
    """The roles to be made or mended; notes where there is no plugin, or no right to use it."""
    try:
        have = client.json("GET", _API)
    except NotAllowed:
        return Plan([], [_NO_RIGHT])
    except Refused as error:
        if error.status == 400 and "no handler found" in error.reason:
            return Plan([], ["no security plugin: everybody who reaches this cluster may read, change and delete"])
        raise
    steps = [
        Step(f"role {name}", f"{_API}/{name}", have.get(name), role)
        for name, role in wanted_roles().items()
        if not holds(have.get(name), role)
    ]
    return Plan(
        steps, [f"roles {', '.join(wanted_roles())} are whodid's and kept as they are to be: map users to them"]
    )
