"""A period's index is made before its first record, and dated from the period's start: its age is its records' age.

    whodid-activity-2026-11        month    whodid-delivery-2026-11-21    day    whodid-activity-2019    year

A year's index is dated from the year's last day: its class's ISM policy counts a month or a day to the period's end,
and would delete what happened in December with January.

Settings, mapping and alias come from the template; without one nothing is made, because records would be filed by
guesses. Other agents may be quicker: an index that is there is as good. Made once per index and run.
"""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.client import TIMEOUT, Client
from whodid_schema.bulk import TEMPLATE_PATH, Outcome, Result, refusal

log = logging.getLogger(__name__)

DATED = (3, 4)
"""The first version that takes `index.creation_date`."""

_PERIOD = re.compile(r"-(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$")


def start_of(index: str) -> datetime | None:
    """The moment that the index is dated from; None where its name ends with no period."""
    found = _PERIOD.search(index)
    if found is None:
        return None
    year, month, day = found.groups()
    month, day = (month, day or "1") if month else ("12", "31")
    try:
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None


class Periods:
    """Makes indices at `client`'s cluster; does nothing where a whodid server files by itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._there: set[str] = set()
        self._told: set[str] = set()

    def prepare(self, indices: Iterable[str]) -> dict[str, Result]:
        """Make those that are not there; what bars those that cannot be. Raises Unanswered, Refused."""
        barred: dict[str, Result] = {}
        for index in sorted(set(indices) - self._there):
            start = start_of(index)
            if start is None or not self._needed():
                self._there.add(index)
                continue
            result = self._make(index, start)
            if result is None:
                self._there.add(index)
            elif result.outcome is Outcome.BLOCKED:
                barred[index] = result
        return barred

    def there(self, indices: Iterable[str]) -> bool:
        """Whether all of them are known to be there."""
        return self._there.issuperset(indices)

    def _needed(self) -> bool:
        """Whether indices are ours to make. Raises Refused where their template is gone."""
        status, _ = self._client.ask("GET", TEMPLATE_PATH)
        if not self._client.partitioned:
            return False
        if status == 404:
            raise Refused(f"{self._client.url} has lost its template of whodid", "run whodid setup")
        return True

    def _make(self, index: str, start: datetime) -> Result | None:
        """None: it is there now. Else what the store says."""
        version = self._client.who.version if self._client.who else ()
        if version >= DATED:
            settings: dict[str, Any] = {"index.creation_date": int(start.timestamp() * 1000)}
        else:
            settings = {}
            self._tell(
                f"{self._client.url} is older than 3.4: the age of late records' indices counts from when they are made"
            )
        status, answer = self._client.ask("PUT", f"/{index}", {"settings": settings}, timeout=TIMEOUT.read or 60.0)
        error = answer.get("error") if isinstance(answer, dict) else None
        kind = error.get("type") if isinstance(error, dict) else None
        if status == 200 or kind == "resource_already_exists_exception":
            return None
        result = refusal(status, error)
        if result.outcome is Outcome.RETRY:
            raise Unanswered(f"{self._client.url} to the making of {index}: {result.reason}")
        if result.outcome is not Outcome.BLOCKED or status in (401, 403):
            self._tell(f"{index} could not be made before its first record: {result.reason}")
        return result

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning("%s", what)
