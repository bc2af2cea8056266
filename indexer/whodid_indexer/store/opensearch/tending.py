"""What is done to an index between its last records and its end, with core requests: a merge, and a snapshot of it.

merge      once its period and a week for late records are over, so that it takes less room and is asked faster;
unlike ISM's, this merge never leaves a write block
snapshot   right before it is deleted, where a repository is named; what is not whole in it is not deleted
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from whodid_indexer.retention.due import Period, period_of
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.template import PATTERN
from whodid_schema.errors import StateError

LATE_DAYS = 7
"""Days after a period's end for records that come late; then its index is merged."""

_ENOUGH = 4
"""Segments of a shard that are not worth a merge: a late record makes one, and a merge writes everything anew."""

_PAUSE = 0.5
"""Seconds between two looks at a snapshot that is made."""

_ENDED = frozenset({"SUCCESS", "PARTIAL", "FAILED", "INCOMPATIBLE"})


def settled(period: Period) -> timedelta:
    """The age at which an index of this period takes no more records but by chance."""
    return timedelta(days=period.days + LATE_DAYS)


def to_merge(client: Client, indices: Iterable[str], now: datetime) -> list[str]:
    """Of the open indices, those whose time to be merged has come and that consist of many segments."""
    old = [
        name for name in indices if (period := period_of(name)) is not None and period.start + settled(period) <= now
    ]
    if not old:
        return []
    rows: list[dict[str, Any]] = client.json(
        "GET", f"/_cat/shards/{PATTERN}", params={"format": "json", "h": "index,prirep,segments.count"}
    )
    many = {row["index"] for row in rows if row["prirep"] == "p" and int(row["segments.count"] or 0) > _ENOUGH}
    return [name for name in old if name in many]


def merge(client: Client, index: str) -> None:
    """Begin to merge; the cluster does it in its own time."""
    client.json("POST", f"/{index}/_forcemerge", params={"max_num_segments": 1, "wait_for_completion": "false"})


def missing_repository(client: Client, repository: str) -> Iterator[str]:
    """A note where there is no such repository."""
    if client.find(f"/_snapshot/{repository}") is None:
        yield f"there is no snapshot repository {repository}: nothing that is due is deleted before there is"


def snapshot(
    client: Client, repository: str, index: str, now: datetime, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Put the index as it is now into the repository; the snapshot's name. Raises StateError where it is not whole."""
    name = f"{index}-{now:%Y%m%d%H%M%S}"
    path = f"/_snapshot/{repository}/{name}"
    wanted = {"indices": index, "include_global_state": False, "partial": False}
    try:
        client.json("PUT", path, wanted, {"wait_for_completion": "false"})
        while (state := client.json("GET", path)["snapshots"][0]["state"]) not in _ENDED:
            sleep(_PAUSE)
    except Refused as error:
        raise StateError(
            f"index {index} is due and was not deleted: it cannot be put into the snapshot repository {repository}: "
            f"{error.kind}: {error.reason}",
            "mend the repository, or take snapshot_repository out of the configuration",
        ) from error
    if state != "SUCCESS":
        raise StateError(
            f"index {index} is due and was not deleted: its snapshot {name} in {repository} is {state}",
            "look at it with GET /_snapshot, mend the repository, and apply again",
        )
    return name
