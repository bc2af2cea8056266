"""`whodid setup` on OpenSearch: look at everything, say what would change, then change it.

    check    healthy? nothing in the way? not set up by a newer version?
    plan     existing indices (their mappings grow) → template → ISM policies → roles
    apply    the same, one PUT each; then the plan is made once more, for indices that were created meanwhile

The template is put after the indices: agents go by its `_meta`, and may send new fields as soon as they see it.
What is not whodid's is never touched: an index is whodid's where its mapping says so.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.mapping import mapping
from whodid_indexer.store.opensearch.plan import Plan, Step, holds
from whodid_indexer.store.opensearch.policies import plan_policies
from whodid_indexer.store.opensearch.roles import plan_roles
from whodid_indexer.store.opensearch.template import ALIAS, NAME, PATTERN, template
from whodid_schema import SCHEMA_VERSION
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import ConfigError, StateError, StoreUnreachable
from whodid_schema.meta import Meta, Retention, default_meta, read_meta, sealed

_ROUNDS = 3
"""Indices created while an upgrade runs are found by the next round; what differs after three does not take."""

_dated = re.compile(r"whodid-(?P<class>.+)-(?P<date>\d{4}-\d{2}(?P<day>-\d{2})?)").fullmatch

_PATIENCE = "3s"
"""A cluster is red for a moment whenever an index is made or closed."""


def make_plan(client: Client, classes: Mapping[str, Retention], now: datetime) -> Plan:
    """All that differs from a cluster set up by this version. `classes` are the configured retentions.

    Raises StoreUnreachable where the cluster is not fit, StateError where something is in the way.
    """
    _require_health(client)
    there = _template_there(client)
    meta = _wanted_meta(there, own_indices(client), classes, now)
    indices = _plan_indices(client)
    steps = list(indices.steps)
    wanted = template(meta)
    if not holds(there, wanted):
        steps.append(Step(f"index template {NAME}", TEMPLATE_PATH, there, wanted))
    policies, roles = plan_policies(client, meta), plan_roles(client)
    return Plan([*steps, *policies.steps, *roles.steps], [*indices.notes, *policies.notes, *roles.notes])


def apply(client: Client, plan: Plan, again: Callable[[], Plan], done: Callable[[Step], None]) -> None:
    """Do the plan's steps and those of the plans that `again` makes, until none is left; `done` hears of each.

    Raises what the cluster answers: NotAllowed where a right is missing, Refused where it will not.
    """
    for _ in range(_ROUNDS):
        for step in plan.steps:
            client.json("PUT", step.path, step.after)
            done(step)
        if not plan.steps:
            return
        plan = again()
    if plan.steps:
        raise StateError(f"{plan.steps[0].name} is different again after it was put there", "who else changes it?")


def _require_health(client: Client) -> None:
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


def _template_there(client: Client) -> dict[str, Any] | None:
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


def _wanted_meta(
    there: dict[str, Any] | None, indices: Sequence[str], configured: Mapping[str, Retention], now: datetime
) -> Meta:
    """The document of a new store, or the one there is, with this version's form and the configured retentions.

    A class keeps the period it has: with another, a record's second delivery would go into another index.
    """
    if there is None:
        meta, settled = _meta_of_indices(indices, now)
    else:
        meta = read_meta(there["_meta"])
        settled = meta.classes
    classes = {name: Retention(period=kept.period) for name, kept in (default_meta(now).classes | settled).items()}
    for name, kept in configured.items():
        period = settled[name].period if name in settled else kept.period
        classes[name] = Retention(kept.days, period)
    return sealed(msgspec.structs.replace(meta, schema=SCHEMA_VERSION, classes=classes))


def _meta_of_indices(indices: Sequence[str], now: datetime) -> tuple[Meta, dict[str, Retention]]:
    """The document of a new store; where only the template was lost, one that files every record where it is already.

    The names say it: an index of a month or a day is not before the epoch, and has its class's period.
    """
    meta = default_meta(now, "period")
    found = [match for match in map(_dated, indices) if match]
    epoch = min([meta.epoch, *(f"{match['date'][:7]}-01" for match in found)])
    periods = {match["class"]: Retention(period="day" if match["day"] else "month") for match in found}
    return msgspec.structs.replace(meta, epoch=epoch), periods


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
