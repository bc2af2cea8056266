"""`whodid setup` on OpenSearch: look at everything, say what would change, then change it.

    check    healthy? nothing in the way? not set up by a newer version?
    plan     existing indices (their mappings grow) → template → the state's index → ISM policies and the indices they
             hold → roles
    apply    the same, one request each; then the plan is made once more, for indices that were created meanwhile

The template is put after the indices: agents go by its `_meta`, and may send new fields as soon as they see it.
What is not whodid's is never touched: an index is whodid's where its mapping says so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from whodid_indexer.retention.document import NOTHING, Wanted, longer, renewed
from whodid_indexer.retention.due import MONTH, period_of
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.mapping import mapping
from whodid_indexer.store.opensearch.policies import check_handed, plan_policies
from whodid_indexer.store.opensearch.roles import plan_roles
from whodid_indexer.store.opensearch.state import STATE, has_state, state_index
from whodid_indexer.store.opensearch.template import ALIAS, NAME, PATTERN, template
from whodid_indexer.store.plan import Plan, Step, holds
from whodid_schema import SCHEMA_VERSION
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import ConfigError, StateError, StoreUnreachable
from whodid_schema.meta import Meta, Retention, default_meta, read_meta, sealed

_ROUNDS = 3
"""Indices created while an upgrade runs are found by the next round; what differs after three does not take."""

_PATIENCE = "3s"
"""A cluster is red for a moment whenever an index is made or closed."""


def make_plan(
    client: Client, wanted: Wanted | None, now: datetime, *, ism: bool = True, repository: str | None = None
) -> Plan:
    """All that differs from a cluster set up by this version, whose document says what is `wanted`.

    `wanted` None: nobody has said anything, and classes stay as they are. Without `ism` policies do not delete;
    `repository` is where they put an index first.
    Raises StoreUnreachable where the cluster is not fit, StateError where something is in the way.
    """
    require_health(client)
    there = stored_template(client)
    own = own_indices(client)
    meta = _wanted_meta(there, own, wanted, now)
    indices = _plan_indices(client)
    steps = list(indices.steps)
    body = template(meta)
    if not _holds(there, body):
        steps.append(Step(f"index template {NAME}", TEMPLATE_PATH, there, body))
    state = _plan_state(client, meta)
    policies, roles = plan_policies(client, meta, own, deletes=ism, repository=repository), plan_roles(client)
    parts = (state, policies, roles)
    return Plan(
        [*steps, *(step for part in parts for step in part.steps)],
        [*indices.notes, *longer(meta), *(note for part in parts for note in part.notes)],
    )


def _plan_state(client: Client, meta: Meta) -> Plan:
    """The index of whodid's own state; made anew in the place of a lost one it would hide that a hold was lost."""
    if has_state(client):
        return Plan([])
    if meta.hold:
        return Plan([], [f"a hold is active, and the index {STATE} that has it is gone: restore it from a snapshot"])
    return Plan([Step(f"index {STATE}", f"/{STATE}", None, state_index())])


def _holds(there: dict[str, Any] | None, body: dict[str, Any]) -> bool:
    """Whether the template is as wanted; its `_meta` to the letter, because what is left out of it has a meaning."""
    return there is not None and holds(there, body) and there["_meta"] == body["_meta"]


def apply(client: Client, plan: Plan, again: Callable[[], Plan], done: Callable[[Step], None]) -> None:
    """Do the plan's steps and those of the plans that `again` makes, until none is left; `done` hears of each.

    Raises what the cluster answers: NotAllowed where a right is missing, Refused where it will not.
    """
    handed: set[str] = set()  # ISM takes an index over within minutes, and until then says what it said before
    for _ in range(_ROUNDS):
        for step in plan.steps:
            check_handed(step, client.json(step.method, step.path, step.after))
            done(step)
            if step.method == "POST":
                handed.add(step.name)
        if not plan.steps:
            return
        plan = again()
        plan = Plan([step for step in plan.steps if step.name not in handed], plan.notes)
    if plan.steps:
        raise StateError(f"{plan.steps[0].name} is different again after it was put there", "who else changes it?")


def require_health(client: Client) -> None:
    """Raises StoreUnreachable where the cluster is red, StateError where an index has the alias's name."""
    try:
        client.json("GET", "/_cluster/health", params={"wait_for_status": "yellow", "timeout": _PATIENCE})
    except Refused as error:
        if error.status != 408:
            raise
        raise StoreUnreachable(f"{client.url}: the cluster is red: shards are missing", "mend it first") from error
    index = client.find(f"/{ALIAS}")
    if index is not None and ALIAS in index:
        raise StateError(
            f"{client.url} has an index named {ALIAS}, which is whodid's alias", "rename it (reindex) or remove it"
        )


def stored_template(client: Client) -> dict[str, Any] | None:
    """The template as it is; None where there is none. Raises StateError where it is not ours, or newer than this."""
    found = client.find(TEMPLATE_PATH)
    if found is None:
        return None
    body: dict[str, Any] = found["index_templates"][0]["index_template"]
    try:
        meta = read_meta(body.get("_meta"))
    except ConfigError as error:
        raise StateError(
            f"{client.url} has an index template {NAME} that is not whodid's", "rename or remove it"
        ) from error
    if meta.schema > SCHEMA_VERSION:
        raise StateError(
            f"{client.url} was set up for records of form {meta.schema}, this whodid knows {SCHEMA_VERSION}",
            "run the newer whodid",
        )
    return body


def stored_meta(client: Client) -> Meta | None:
    """The document of a cluster; None where it is not set up. Raises StateError for one of a newer version."""
    body = stored_template(client)
    return None if body is None else read_meta(body["_meta"])


def _wanted_meta(there: dict[str, Any] | None, indices: Sequence[str], wanted: Wanted | None, now: datetime) -> Meta:
    """The document of a new store, or the one there is, with this version's form and what is wanted."""
    if there is None:
        meta = _meta_of_indices(indices, now)
        fresh = not indices
        return renewed(meta, wanted or NOTHING, now, fresh=fresh)
    meta = msgspec.structs.replace(read_meta(there["_meta"]), schema=SCHEMA_VERSION)
    return sealed(meta) if wanted is None else renewed(meta, wanted, now)


def _meta_of_indices(indices: Sequence[str], now: datetime) -> Meta:
    """The document of a new store; where only the template was lost, one that files every record where it is already.

    The names say it: an index of a month or a day is not before the epoch, and has its class's period.
    """
    meta = default_meta(now, "period")
    found = [period for period in map(period_of, indices) if period is not None and period.days <= MONTH]
    epoch = min([meta.epoch, *(period.start.date().replace(day=1).isoformat() for period in found)])
    periods = {period.class_: Retention(period="month" if period.days == MONTH else "day") for period in found}
    return msgspec.structs.replace(meta, epoch=epoch, classes=meta.classes | periods)


def own_indices(client: Client) -> list[str]:
    """The indices that are whodid's, by name."""
    return [index for index, have in _mappings(client).items() if _mark(have) is not None]


def _mappings(client: Client) -> dict[str, Any]:
    found = client.json("GET", f"/{PATTERN}/_mapping", params={"expand_wildcards": "open,closed,hidden"})
    return {index: found[index]["mappings"] for index in sorted(found)}


def _mark(mappings: Mapping[str, Any]) -> int | None:
    """The version of records that an index of whodid's was last made ready for; None for any other index."""
    mark = mappings.get("_meta", {}).get("whodid")
    return mark if isinstance(mark, int) else None


def _plan_indices(client: Client) -> Plan:
    wanted = mapping()
    steps: list[Step] = []
    notes: list[str] = []
    for index, have in _mappings(client).items():
        mark = _mark(have)
        if mark is None:
            notes.append(f"index {index} is not whodid's: left alone")
            continue
        clashes = list(_clashes(have["properties"], wanted["properties"], ""))
        if clashes:
            raise StateError(
                f"index {index} has {', '.join(clashes)} in another form than this version needs",
                "reindex it into a new one of another name, then remove it",
            )
        if mark < SCHEMA_VERSION or not holds(have["properties"], wanted["properties"]):
            steps.append(Step(f"index {index}", f"/{index}/_mapping", have, _additions(wanted)))
    return Plan(steps, notes)


def _additions(wanted: dict[str, Any]) -> dict[str, Any]:
    """What may be put to a mapping that exists: its `_source` is settled for ever."""
    return {name: value for name, value in wanted.items() if name != "_source"}


def _clashes(have: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The fields that are of one kind there and of another here."""
    for name, form in wanted.items():
        there = have.get(name)
        if there is None:
            continue
        if there.get("type", "object") != form.get("type", "object"):
            yield f"{prefix}{name}"
        else:
            yield from _clashes(there.get("properties", {}), form.get("properties", {}), f"{prefix}{name}.")
