"""An OpenSearch with the store in it: version, health, set-up, shards, what protects records, ids in two indices."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from whodid_indexer.doctor.doubles import MOST_SHOWN
from whodid_indexer.doctor.finding import Budget, Check, Finding, fail, ok, skipped, warn
from whodid_indexer.doctor.holds import tell_holds
from whodid_indexer.holds.hold import active
from whodid_indexer.retention.document import Wanted
from whodid_indexer.store.opensearch.asking import ALIAS, unknown
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.holds import count_by_index, read_holds
from whodid_indexer.store.opensearch.protection import describe_protection
from whodid_indexer.store.opensearch.setup import make_plan, own_indices, stored_meta
from whodid_indexer.store.opensearch.template import PATTERN
from whodid_schema.errors import StoreUnreachable

SHARDS_A_NODE = 1_000
"""OpenSearch's own limit (cluster.max_shards_per_node) where nobody has set another."""

_LIMIT = "cluster.max_shards_per_node"
_NEARLY = 0.9
_AHEAD_S = 300
_DISK_PERCENT = 85
"""OpenSearch's low watermark: no new shards from there on."""


class Cluster:
    """The checks of one cluster, which `client` reaches.

    `ism`: Index State Management is to delete, `repository`: into which it puts an index first.
    """

    def __init__(self, client: Client, wanted: Wanted | None, *, ism: bool, repository: str | None = None) -> None:
        self._client = client
        self._wanted = wanted
        self._ism = ism
        self._repository = repository

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [
            ("cluster", self.health),
            ("set-up", self.set_up),
            ("clocks of nodes", self.clocks),
            ("indices", self.indices),
            ("shards", self.shards),
            ("disks", self.disks),
            ("protection", self.protection),
            ("holds", self.holds),
            ("doubles", self.doubles),
        ]

    def health(self, _: Budget) -> Iterator[Finding]:
        """The version, and whether all shards are there."""
        info = self._client.info()
        health: dict[str, Any] = self._client.json("GET", "/_cluster/health")
        nodes = health["number_of_nodes"]
        said = f"OpenSearch {info.number}, {nodes} node{'' if nodes == 1 else 's'}, {health['status']}"
        if health["status"] == "red":
            yield fail(f"{said}: shards are missing", "GET /_cluster/allocation/explain says why")
        elif health["status"] == "yellow":
            mend = "add a node, or set number_of_replicas to 0 where there is only one"
            yield warn(f"{said}: {health['unassigned_shards']} copies of shards have no node", mend)
        else:
            yield ok(said)

    def set_up(self, _: Budget) -> Iterator[Finding]:
        """Whether template, mappings, policies and roles are those of this version and configuration."""
        if stored_meta(self._client) is None:
            yield fail("there is no index template of whodid's: agents wait", "run whodid setup")
            return
        now = datetime.now(UTC)
        plan = make_plan(self._client, self._wanted, now, ism=self._ism, repository=self._repository)
        for step in plan.steps:
            yield warn(f"to {step.verb}: {step.name}", "whodid setup does it; --dry-run --diff shows it first")
        if not plan.steps:
            yield ok("template, mappings, policies and roles are as this version makes them")
        for note in plan.notes:
            yield ok(note)

    def clocks(self, _: Budget) -> Iterator[Finding]:
        """Whether the nodes' clocks agree with this machine's: ISM goes by theirs."""
        asked = time.time()
        answer = self._client.json("GET", "/_nodes/stats/os", params={"filter_path": "nodes.*.name,nodes.*.timestamp"})
        slack = time.time() - asked
        worse = False
        for node in answer.get("nodes", {}).values():
            off = node["timestamp"] / 1_000 - asked
            if not -_AHEAD_S < off < _AHEAD_S + slack:
                worse = True
                said = f"the clock of node {node.get('name')} is {off:+,.0f} s off this machine's"
                yield warn(said, "set the clocks (NTP)")
        if not worse:
            yield ok("the nodes' clocks are this machine's")

    def indices(self, _: Budget) -> Iterator[Finding]:
        """Whether every index can be asked and written."""
        own = set(own_indices(self._client))
        rows: list[dict[str, Any]] = self._client.json(
            "GET",
            f"/_cat/indices/{PATTERN}",
            params={"format": "json", "h": "index,status,health", "expand_wildcards": "open,closed,hidden"},
        )
        closed = [row["index"] for row in rows if row["index"] in own and row["status"] == "close"]
        blocked = [*self._blocked(own)]
        if closed:
            said = f"closed, so that no question is answered in whole: {_some(closed)}"
            yield fail(said, f"open them, or take them out of the alias {ALIAS}")
        if blocked:
            mend = "remove their block (index.blocks.write, .read_only_allow_delete) once its cause is gone"
            yield warn(f"take no records: {_some(blocked)}", mend)
        if not closed and not blocked:
            yield ok(f"{len(own)} indices, all of them open")

    def _blocked(self, own: set[str]) -> Iterator[str]:
        found: dict[str, Any] = self._client.json(
            "GET", f"/{PATTERN}/_settings/index.blocks.*", params={"flat_settings": True}
        )
        for index, each in sorted(found.items()):
            if index in own and "true" in each.get("settings", {}).values():
                yield index

    def shards(self, _: Budget) -> Iterator[Finding]:
        """Whether there is room for the next periods' shards."""
        health: dict[str, Any] = self._client.json("GET", "/_cluster/health")
        settings: dict[str, Any] = self._client.json(
            "GET", "/_cluster/settings", params={"include_defaults": True, "flat_settings": True}
        )
        kinds = [settings.get(kind, {}) for kind in ("transient", "persistent", "defaults")]
        limit = next((int(kind[_LIMIT]) for kind in kinds if _LIMIT in kind), SHARDS_A_NODE)
        most = limit * health["number_of_data_nodes"]
        said = f"{health['active_shards']:,} shards of at most {most:,}"
        if health["active_shards"] > _NEARLY * most:
            mend = "keep classes for a shorter time, give fewer classes days as periods, or add nodes"
            yield warn(f"{said}: soon no new index can be made, and agents park events", mend)
        else:
            yield ok(said)

    def disks(self, _: Budget) -> Iterator[Finding]:
        """Whether nodes are about to refuse records for want of room."""
        rows: list[dict[str, Any]] = self._client.json(
            "GET", "/_cat/allocation", params={"format": "json", "h": "node,disk.percent"}
        )
        used = [(row["node"], int(row["disk.percent"] or 0)) for row in rows]
        full = [f"{node} {percent} %" for node, percent in used if percent >= _DISK_PERCENT]
        if full:
            yield warn(f"nearly full: {_some(full)}", "make room: from 95 % on OpenSearch blocks writing there")
        else:
            yield ok(f"none is fuller than {_DISK_PERCENT} %")

    def protection(self, _: Budget) -> Iterator[Finding]:
        """Whether the connection is encrypted and records can be overwritten."""
        for line in describe_protection(self._client, own_indices(self._client), ism=self._ism):
            if "not encrypted" in line:
                yield warn(line, "ask it at https://, and let its HTTP layer speak TLS")
            elif "may overwrite" in line:
                yield warn(line, "docs/opensearch.md: records that nobody can change")
            else:
                yield ok(line)

    def holds(self, _: Budget) -> Iterator[Finding]:
        """What legal holds keep."""
        meta = stored_meta(self._client)
        holds = [] if meta is None else active(read_holds(self._client, meta), datetime.now(UTC))
        yield from tell_holds(holds, lambda hold: sum(count_by_index(self._client, hold).values()))

    def doubles(self, budget: Budget) -> Iterator[Finding]:
        """Ids in two indices, native ids with other contents, timeless events stored twice."""
        looks: list[tuple[str, dict[str, Any], Any, str]] = [
            ("ids stand in more than one index", {"match_all": {}}, {"terms": {"field": "id", **_TWICE}},
             "delete none by hand: tell which index the record belongs in (docs/opensearch.md)"),
            ("native ids stand in records with other contents", {"exists": {"field": "native_id"}},
             {"multi_terms": {"terms": [{"field": "app", "missing": ""}, {"field": "native_id"}], **_TWICE}},
             "the application reused its id, its record changed, or somebody made it up; both are kept"),
            ("events without a time of their own are stored twice",
             {"terms": {"time_precision": ["received", "implausible"]}},
             {"multi_terms": {"terms": [{"field": f"ingest.{name}"} for name in _PLACE], **_TWICE}},
             "their file was read again after the agent's state was lost; both stay"),
        ]  # fmt: skip
        for said, query, aggregation, mend in looks:
            budget.require()
            found = self._twice(query, aggregation, budget)
            if found is None:
                yield skipped(f"whether {said}: the cluster has no memory or time for it", "--budget, or later")
            elif found:
                more = " at least" if len(found) == _TWICE["size"] else ""
                yield warn(f"{len(found)}{more} {said}: {_some(found)}", mend)
            else:
                yield ok(f"no {said}")

    def _twice(self, query: dict[str, Any], aggregation: dict[str, Any], budget: Budget) -> list[str] | None:
        """What occurs more than once; None where the cluster cannot tell."""
        body = {
            "size": 0,
            "track_total_hits": False,
            "timeout": f"{max(1, int(budget.left() * 1_000))}ms",
            "query": query,
            "aggs": {"twice": aggregation},
        }
        try:
            answer = self._client.json("POST", f"/{ALIAS}/_search", body)
        except Refused as error:
            if unknown(error):
                return []
            return None
        except StoreUnreachable:
            return None
        if answer["timed_out"] or answer["_shards"]["failed"]:
            return None
        buckets = answer["aggregations"]["twice"]["buckets"]
        return [bucket.get("key_as_string") or str(bucket["key"]) for bucket in buckets]


_TWICE: dict[str, Any] = {"size": 20, "min_doc_count": 2, "order": {"_count": "desc"}}
_PLACE = ("source", "generation", "offset", "item")


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
