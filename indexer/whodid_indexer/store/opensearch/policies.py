"""Index State Management: a policy per class that has a retention, which deletes an index when all of it is too old.

    min_index_age = retention + period     an index begins with its period and holds records until the period's end;
                                           a month counts as 31 days: nothing younger than its retention is deleted

No policy merges or locks an index: either leaves a write block, and late records would be refused.
"""

from typing import Any

from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.plan import Plan, Step, holds
from whodid_schema.errors import NotAllowed
from whodid_schema.meta import Meta, Retention

_API = "/_plugins/_ism/policies"
_PERIOD_DAYS = {"day": 1, "month": 31}
_PREFIX = "whodid-"


def policy(name: str, kept: Retention) -> dict[str, Any]:
    """The policy of a class that is kept for `kept.days`; a longer class name wins where two patterns match."""
    if kept.days is None:
        raise ValueError(f"class {name} is kept for ever and has no policy")
    age = kept.days + _PERIOD_DAYS[kept.period]
    return {
        "policy": {
            "description": f"whodid: {name} is kept for {kept.days} days",
            "default_state": "kept",
            "states": [
                {
                    "name": "kept",
                    "actions": [],
                    "transitions": [{"state_name": "expired", "conditions": {"min_index_age": f"{age}d"}}],
                },
                {"name": "expired", "actions": [{"delete": {}}], "transitions": []},
            ],
            "ism_template": [{"index_patterns": [f"{_PREFIX}{name}-*"], "priority": 100 + len(name)}],
        }
    }


def plan_policies(client: Client, meta: Meta) -> Plan:
    """The policies to be made or changed, and notes; without any retention there is nothing to be said."""
    wanted = {f"{_PREFIX}{name}": policy(name, kept) for name, kept in meta.classes.items() if kept.days is not None}
    if not wanted:
        return Plan([])
    try:
        have = {entry["_id"]: entry for entry in client.json("GET", _API, params={"size": 1_000})["policies"]}
    except NotAllowed as error:
        return Plan([], [f"retention is not enforced by ISM: {error.message}"])
    except Refused as error:
        if error.status == 400 and "no handler found" in error.reason:
            return Plan([], ["no ISM plugin here: nothing deletes what is older than its retention"])
        raise
    steps = []
    for identifier, document in wanted.items():
        there = have.get(identifier)
        if not holds(there, document):
            steps.append(Step(f"ISM policy {identifier}", _path(identifier, there), there, document))
    return Plan(steps)


def _path(identifier: str, there: dict[str, Any] | None) -> str:
    """Without its numbers a PUT only creates; with them it replaces what was looked at and nothing newer."""
    if there is None:
        return f"{_API}/{identifier}"
    return f"{_API}/{identifier}?if_seq_no={there['_seq_no']}&if_primary_term={there['_primary_term']}"
