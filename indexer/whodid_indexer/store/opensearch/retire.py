"""Deleting, by index name and with core requests alone, the indices that have outlived their class's retention.

    look      the cluster answers and is not red; the template's `_meta` can be read; else nothing is done
    due       whodid's own indices (their mapping says so) whose period and retention lie behind `now`
    ask       an open index that is due is asked for its newest record: one that is younger than its name keeps it
    delete    one request for each index by its full name, closed ones too
    hand      the others are handed to their class's ISM policy, where there is ISM

Where that is wanted, an index is first put into a snapshot repository, or archived: written down in a file and read
back, and deleted only as it is in there (`archived`).

Holds are read again before each index, and counted in it after a refresh while it takes no more records: a hold, or a
record that one covers, that comes meanwhile counts for all that is not deleted yet.

Where indices are immutable only the admin certificate may delete them, and ISM cannot (`lifecycle: apply`).
"""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from whodid_indexer.archive.leave import with_archive
from whodid_indexer.archive.writer import Archive, Leaving
from whodid_indexer.archive.writer import Kept as Archived
from whodid_indexer.holds.hold import Hold, active
from whodid_indexer.retention.document import longer, spelled
from whodid_indexer.retention.due import cutoff, period_of, stamped
from whodid_indexer.retention.plan import Done, Held, Kept, Part, RetentionPlan, held_part
from whodid_indexer.store.opensearch.archived import archived, standing_still
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.holds import count_by_index, going, keeps, read_holds, settle
from whodid_indexer.store.opensearch.policies import plan_policies
from whodid_indexer.store.opensearch.setup import own_indices, require_health, stored_meta
from whodid_indexer.store.opensearch.template import PATTERN
from whodid_indexer.store.opensearch.tending import merge, missing_repository, snapshot, to_merge
from whodid_indexer.store.plan import Plan
from whodid_schema.errors import NotAllowed, StateError, StoreUnreachable
from whodid_schema.meta import IMPORTED, Meta

_NEWEST = {"size": 0, "track_total_hits": False, "aggs": {"newest": {"max": {"field": "@timestamp"}}}}


class Index(NamedTuple):
    """One of whodid's indices; of a closed one nobody can count the records."""

    name: str
    closed: bool
    records: int | None


class OpenSearchLifecycle:
    """The Lifecycle of one cluster; it owns the client. `deletes_by_ism`: what the policies are to say.

    `repository` is where an index goes as a snapshot before it is deleted, `archive` where its records go; None:
    nowhere. ISM archives nothing, and so it is not to delete where there is an archive.
    """

    def __init__(
        self,
        client: Client,
        *,
        deletes_by_ism: bool = True,
        repository: str | None = None,
        archive: Archive | None = None,
    ) -> None:
        self._client = client
        self._deletes_by_ism = deletes_by_ism and archive is None
        self._archive = archive
        self._repository = repository

    def meta(self) -> Meta:
        """The document in the template. Raises StoreUnreachable where there is none, StateError for a newer one."""
        require_health(self._client)
        meta = stored_meta(self._client)
        if meta is None:
            raise StoreUnreachable(f"{self._client.url} is not set up", "run whodid setup")
        return meta

    def plan(self, now: datetime) -> RetentionPlan:
        """See Lifecycle."""
        meta = self.meta()
        holds = active(read_holds(self._client, meta), now)
        found = [self._part(index, meta, now) for index in self._indices()]
        parts = [part for part, _ in found if part is not None]
        told = [self._held(hold, parts) for hold in holds]
        parts = with_archive((self._kept(part, told) for part in parts), self._archive)
        problems = [one.problem for one in told if one.problem is not None]
        staying = [part.what for part in parts if not part.due]
        policies = self._policies(meta, staying)
        merges = [f"merge index {name}, in the cluster's own time" for name in self._to_merge(parts, now)]
        missing = [] if self._repository is None else missing_repository(self._client, self._repository)
        return RetentionPlan(
            at=stamped(now),
            store=self._client.url,
            parts=parts,
            holds=told,
            steps=[*(f"{step.verb} {step.name}" for step in policies.steps), *merges],
            notes=[*problems, *missing, *(note for _, note in found if note), *longer(meta), *policies.notes],
        )

    def apply(self, now: datetime, done: Callable[[Done], None]) -> None:
        """See Lifecycle. Raises NotAllowed where an index is due that this user may not delete.

        StateError where a hold cannot be evaluated, or an index not be put into the repository it is to go to first.
        """
        meta = self.meta()
        if self._archive is not None:
            self._settle(meta, now)  # ISM lets go first
        plan = self.plan(now)
        for problem in (hold.problem for hold in plan.holds if hold.problem is not None):
            raise StateError(problem, "add it anew with a question that can be answered, then release this one")
        with self._archive or contextlib.nullcontext():
            for part in plan.parts:
                gone = self._let_go(part, meta, now) if part.due else None
                if gone is not None:
                    done(gone)
        for index in self._to_merge(plan.parts, now):
            merge(self._client, index)
        self._settle(meta, now)

    def _settle(self, meta: Meta, now: datetime) -> None:
        holds = read_holds(self._client, meta)
        settle(self._client, holds, now, deletes=self._deletes_by_ism, repository=self._repository)

    def _let_go(self, part: Part, meta: Meta, now: datetime) -> Done | None:
        """Delete an index that is due, unless its document or a hold has changed meanwhile; what is gone."""
        if self._repository is not None:
            snapshot(self._client, self._repository, part.what, now)
        with self._archived(part) as kept, going(self._client, part.what):
            self._require_same(meta)
            holds = active(read_holds(self._client, meta), now)
            with standing_still(self._client, part.what) if holds else contextlib.nullcontext():
                if keeps(self._client, holds, part.what) or not self._delete(part.what):
                    return None
        if kept is None:
            return Done(class_=part.class_, what=part.what, records=part.records)
        return Done(class_=part.class_, what=part.what, records=kept.records, archives=(kept.path.name,))

    def _archived(self, part: Part) -> contextlib.AbstractContextManager[Archived | None]:
        """Inside, the index stands still and is archived, where it is to be."""
        if self._archive is None or not part.archived:
            return contextlib.nullcontext()
        return archived(self._client, self._archive, Leaving(part.class_, part.what, part.why))

    def _to_merge(self, parts: Sequence[Part], now: datetime) -> list[str]:
        """Of the indices that stay open, those to be merged."""
        return to_merge(self._client, [part.what for part in parts if not part.due and part.records is not None], now)

    def _policies(self, meta: Meta, indices: Sequence[str]) -> Plan:
        return plan_policies(self._client, meta, indices, deletes=self._deletes_by_ism, repository=self._repository)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _indices(self) -> list[Index]:
        """Whodid's own, by name."""
        rows: list[dict[str, Any]] = self._client.json(
            "GET",
            f"/_cat/indices/{PATTERN}",
            params={"format": "json", "h": "index,status,docs.count", "expand_wildcards": "open,closed,hidden"},
        )
        by_name = {row["index"]: row for row in rows}
        found = [(name, by_name[name]) for name in own_indices(self._client) if name in by_name]
        return [Index(name, row["status"] == "close", _number(row["docs.count"])) for name, row in found]

    def _held(self, hold: Hold, parts: Sequence[Part]) -> Held:
        """What the plan says of a hold."""
        about = {name: getattr(hold, name) for name in ("name", "query", "reason", "by", "at", "until")}
        try:
            counts = count_by_index(self._client, hold)
        except StateError as error:
            return Held(**about, problem=error.message)
        due = [part for part in parts if part.due and (part.records is None or counts.get(part.what))]
        found = [Kept(class_=part.class_, what=part.what, records=counts.get(part.what)) for part in due]
        own = {part.what for part in parts}
        return Held(**about, matches=sum(number for name, number in counts.items() if name in own), keeps=found)

    def _kept(self, part: Part, holds: Sequence[Held]) -> Part:
        """The part as it is with these holds: the whole of an index stays with what is held in it."""
        if not part.due or not holds:
            return part
        stopped = any(hold.problem is not None for hold in holds)
        if not stopped and not any(kept.what == part.what for hold in holds for kept in hold.keeps):
            return part
        held = held_part(part, holds)
        if part.records is None and not stopped:
            return msgspec.structs.replace(held, why=f"closed, so that nobody can tell what is {held.why}")
        return held

    def _part(self, index: Index, meta: Meta, now: datetime) -> tuple[Part | None, str]:
        """The index's line of the plan, and a note where there is something about it that a line does not say."""
        period = period_of(index.name)
        kept = meta.classes.get(period.class_) if period is not None else None
        if period is None or (kept is None and period.class_ != IMPORTED):
            return None, f"index {index.name} is of no class of this store: kept"
        days = kept.days if kept is not None else None
        due = None if days is None else period.due(days)
        note = why = ""
        if days is None or due is None:
            why = "kept for ever"
        elif due > now:
            why = f"its youngest record is {days} days old then"
        elif period.class_ == IMPORTED:
            why = f"imported {days} days ago"
        elif index.closed:
            why = f"all of it is older than {days} days, by its name: it is closed"
        elif self._younger(index.name, now, days):
            due = None
            why = f"holds records younger than {days} days, whatever its name says"
            note = f"index {index.name} should be empty of what is younger than its name says: look at it"
        else:
            why = f"all of it is older than {days} days"
        part = Part(
            class_=period.class_,
            kept=spelled(days),
            what=index.name,
            records=index.records,
            goes=None if due is None else stamped(due),
            due=due is not None and due <= now,
            why=why,
        )
        return part, note

    def _younger(self, index: str, now: datetime, days: int) -> bool:
        """Whether an open index holds a record that is not as old as that."""
        answer = self._client.json("POST", f"/{index}/_search", _NEWEST)
        if answer["_shards"]["failed"] or answer["timed_out"]:
            raise StoreUnreachable(f"{index}: not all of its shards answer", "nothing of it is deleted; mend it first")
        newest = answer["aggregations"]["newest"]["value"]
        return newest is not None and (int(newest) + 1) * 1_000 > cutoff(now, days)

    def _require_same(self, meta: Meta) -> None:
        """A longer retention that came while this runs counts from its moment on."""
        if _bare(self.meta()) != _bare(meta):
            raise StateError(
                f"{self._client.url}: the store's document was changed meanwhile; nothing more was deleted",
                "apply it again",
            )

    def _delete(self, index: str) -> bool:
        """Whether it was there to delete."""
        try:
            self._client.json("DELETE", f"/{index}")
        except Refused as error:
            if error.status == 404:
                return False  # ISM, or another apply, was quicker
            raise
        except NotAllowed as error:
            hint = "the admin certificate may where indices are immutable (store_certificate_file); else whodid_admin"
            raise NotAllowed(f"index {index} is due and was not deleted: {error.message}", hint) from error
        return True


def _bare(meta: Meta) -> Meta:
    """The document without what it says of holds, which are looked at themselves."""
    return msgspec.structs.replace(meta, hold=False, rules="")


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
