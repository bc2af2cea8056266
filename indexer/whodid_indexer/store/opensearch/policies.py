"""Index State Management: a policy per class that has a retention, which deletes an index when all of it is too old.

    min_index_age = retention + period + 1 day     an index begins with its period and holds records until the
                                                   period's end; a month counts as 31 days. The day more is for
                                                   clusters before 3.4, where an index is as old as it is: a sender
                                                   whose clock is ahead has its index made up to a day too early

    kept ─► merged (force merge, then `read_write`) ─► expired (snapshot, where a repository is named; delete)

ISM's force merge locks the index and leaves it locked, so the lock is taken off in the same state, and records that
come meanwhile wait at their agent; it comes a week after the period's end. A policy that is not to delete any more (a
class kept for ever again, `lifecycle: apply`) has one state and no way out of it.

While a legal hold is active no policy deletes, because ISM asks nobody: the indices that would go by an older state of
theirs are taken from ISM, at once, and given back when the hold has ended.

A changed policy does not reach the indices that it holds: each is handed to it anew. An index that somebody gave to a
policy of their own is left alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from whodid_indexer.retention.due import MONTH, period_of
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.tending import LATE_DAYS
from whodid_indexer.store.plan import Plan, Step, holds
from whodid_schema.errors import NotAllowed, StateError
from whodid_schema.meta import Meta, Retention

_ISM = "/_plugins/_ism"
_API = f"{_ISM}/policies"
_PERIOD_DAYS = {"day": 1, "month": MONTH}
_AHEAD = 1
_PREFIX = "whodid-"
_SETTING = "index.plugins.index_state_management.policy_id"
_WHO = {
    True: "ISM deletes what is older than its retention",
    False: "`whodid retention apply`, run once a day with the admin certificate, deletes what is too old; ISM does not",
}
_HELD = (
    "while a legal hold is active ISM deletes nothing: `whodid retention apply`, once a day, deletes what is not held"
)
_AT_ONCE = 50
"""Indices asked about in one request: their names must fit into a URL."""


def policy(
    name: str, kept: Retention, *, deletes: bool = True, held: bool = False, repository: str | None = None
) -> dict[str, Any]:
    """The policy of a class; one that is kept for ever, or that ISM is not to delete, stays in its first state."""
    states: list[dict[str, Any]] = [{"name": "kept", "actions": [], "transitions": []}]
    said = "kept for ever" if kept.days is None else f"kept for {kept.days} days"
    if kept.days is not None and deletes and not held:
        states = _states(name, _PERIOD_DAYS[kept.period] + _AHEAD, kept.days, repository)
    elif kept.days is not None:
        said += f", deleted by whodid retention apply{' while a legal hold is active' if held and deletes else ''}"
    return {
        "policy": {
            "description": f"whodid: {name} is {said}",
            "default_state": "kept",
            "states": states,
            "ism_template": [{"index_patterns": [f"{_PREFIX}{name}-*"], "priority": 100 + len(name)}],
        }
    }


def _states(name: str, whole: int, days: int, repository: str | None) -> list[dict[str, Any]]:
    """The states of indices that take `whole` days to be complete, and are kept for `days` from then on."""

    def after(state: str, age: int) -> list[dict[str, Any]]:
        return [{"state_name": state, "conditions": {"min_index_age": f"{age}d"}}]

    saved = {"snapshot": {"repository": repository, "snapshot": f"{_PREFIX}{name}"}}
    ends = [*([saved] if repository is not None else []), {"delete": {}}]
    states = [{"name": "expired", "actions": ends, "transitions": []}]
    leaving = after("expired", whole + days)
    if days > LATE_DAYS:
        merging = [{"force_merge": {"max_num_segments": 1}}, {"read_write": {}}]
        states = [{"name": "merged", "actions": merging, "transitions": leaving}, *states]
        leaving = after("merged", whole + LATE_DAYS)
    return [{"name": "kept", "actions": [], "transitions": leaving}, *states]


def plan_policies(
    client: Client,
    meta: Meta,
    indices: Iterable[str] = (),
    *,
    deletes: bool = True,
    repository: str | None = None,
) -> Plan:
    """The policies to be made or changed, the indices to be handed to them, and notes.

    Policies come first: which indices hold an old one is seen when the new ones are there. Raises what the cluster
    answers.
    """
    finite = any(kept.days is not None for kept in meta.classes.values())
    have, why = _policies(client)
    if have is None:
        return Plan([], [why] if finite else [])
    steps = []
    current: dict[str, int] = {}
    for name, kept in meta.classes.items():
        identifier = f"{_PREFIX}{name}"
        there = have.get(identifier)
        if kept.days is None and there is None:
            continue
        document = policy(name, kept, deletes=deletes, held=meta.hold, repository=repository)
        if there is not None and holds(there["policy"], document["policy"]):
            current[identifier] = there["_seq_no"]
        else:
            steps.append(Step(f"ISM policy {identifier}", _path(identifier, there), there, document))
    held = Plan([]) if steps or not current else _plan_indices(client, current, indices, free=meta.hold)
    who = _HELD if meta.hold and deletes else _WHO[deletes]
    return Plan([*steps, *held.steps], [*held.notes, *([who] if finite else [])])


def check_handed(step: Step, answer: Any) -> None:
    """Raises StateError where ISM says that it did not take over the index of a step; nothing for other steps."""
    if step.method == "POST" and isinstance(answer, Mapping) and answer.get("failures"):
        reasons = [str(each.get("reason")) for each in answer.get("failed_indices", [])]
        raise StateError(f"{step.name}: ISM refuses: {'; '.join(reasons)}", "run it again, or look at ISM's explain")


def _policies(client: Client) -> tuple[dict[str, Any] | None, str]:
    """The cluster's policies by name; None and why, where there is no ISM that we may use."""
    try:
        return {entry["_id"]: entry for entry in client.json("GET", _API, params={"size": 1_000})["policies"]}, ""
    except NotAllowed as error:
        return None, f"retention is not enforced by ISM: {error.message}"
    except Refused as error:
        if error.status == 400 and "no handler found" in error.reason:
            return None, "no ISM plugin here: `whodid retention apply`, run once a day, deletes what is too old"
        raise


def _path(identifier: str, there: dict[str, Any] | None) -> str:
    """Without its numbers a PUT only creates; with them it replaces what was looked at and nothing newer."""
    if there is None:
        return f"{_API}/{identifier}"
    return f"{_API}/{identifier}?if_seq_no={there['_seq_no']}&if_primary_term={there['_primary_term']}"


def _plan_indices(client: Client, current: Mapping[str, int], indices: Iterable[str], *, free: bool) -> Plan:
    """The indices that no policy, or an older state of ours, holds. `current`: policy → its sequence number.

    `free`: because of a hold they are given to nobody, and taken from what would go on as it was.
    """
    wanted = {}
    for index in indices:
        period = period_of(index)
        if period is not None and f"{_PREFIX}{period.class_}" in current:
            wanted[index] = f"{_PREFIX}{period.class_}"
    steps: list[Step] = []
    notes: list[str] = []
    for index, said in _explained(client, sorted(wanted)):
        identifier, holder = wanted[index], said.get(_SETTING)
        if holder is None:
            steps += [] if free else [_hand("add", index, None, identifier)]
        elif not str(holder).startswith(_PREFIX):
            notes.append(f"index {index} is held by the ISM policy {holder}, not by whodid's: left to it")
        elif holder != identifier or said.get("policy_seq_no", current[identifier]) != current[identifier]:
            steps.append(_take(index, holder) if free else _hand("change_policy", index, holder, identifier))
    return Plan(steps, notes)


def _hand(verb: str, index: str, holder: Any, identifier: str) -> Step:
    before = None if holder is None else {"policy_id": holder}
    return Step(f"ISM of index {index}", f"{_ISM}/{verb}/{index}", before, {"policy_id": identifier}, "POST")


def _take(index: str, holder: Any) -> Step:
    """ISM changes an index's policy when its job next runs, and may delete before that; it lets go at once."""
    return Step(f"ISM of index {index}", f"{_ISM}/remove/{index}", {"policy_id": holder}, None, "POST")


def _explained(client: Client, indices: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What ISM says of each index that there is."""
    for start in range(0, len(indices), _AT_ONCE):
        asked = indices[start : start + _AT_ONCE]
        try:
            answer = client.json("GET", f"{_ISM}/explain/{','.join(asked)}")
        except Refused as error:
            if error.status == 400 and "no documents to get" in error.reason:
                continue  # ISM's words for indices that have gone meanwhile
            raise
        for index in asked:
            if isinstance(answer.get(index), Mapping):
                yield index, answer[index]
