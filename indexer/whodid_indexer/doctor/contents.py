"""What records tell, asked of any store: who fell silent, what nobody has mapped, whose clock is wrong."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from whodid_indexer.doctor.finding import Budget, Check, Finding, ok, skipped, warn
from whodid_indexer.query.counting import Axis
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.retention.document import Wanted, differences
from whodid_indexer.retention.due import moment_of
from whodid_indexer.store.base import Page, Reader
from whodid_schema.record import Record, decode
from whodid_schema.timestamp import to_micros

NEWEST = 500
"""Records that are looked at one by one."""

MOST_APPS = 50
OTHER_SHARE = 0.2
"""More than a fifth of records without a verb, or mapped by no profile of their own, is worth a look."""

AHEAD = timedelta(minutes=5)
"""A clock may be so far off."""


class Contents:
    """The checks over a reader, as of `now`. `silent`: how long an application may say nothing."""

    def __init__(self, reader: Reader, wanted: Wanted | None, now: datetime, silent: timedelta) -> None:
        self._reader = reader
        self._wanted = wanted
        self._now = now
        self._silent = silent
        self._seen: list[Record] | None = None

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [
            ("retention", self.retention),
            ("clocks", self.clocks),
            ("mapping of events", self.mapped),
            ("sources", self.sources),
        ]

    def retention(self, _: Budget) -> Iterator[Finding]:
        """Whether the store says what the configuration does."""
        meta = self._reader.meta()
        kept = {name: each.days for name, each in meta.classes.items() if each.days is not None}
        said = ", ".join(f"{name} {days} d" for name, days in kept.items()) or "everything is kept for ever"
        if self._wanted is None:
            yield ok(f"{said} (no configuration was read to compare it with)")
            return
        found = differences(meta, self._wanted, self._now)
        for difference in found:
            yield warn(difference, "whodid setup writes the configuration into the store")
        if not found:
            yield ok(f"{said}, as configured")

    def clocks(self, _: Budget) -> Iterator[Finding]:
        """Whether an agent's clock is ahead of this machine's."""
        ahead: dict[str, timedelta] = {}
        for record in self._newest():
            received = to_micros(record.received_at or record.timestamp or "")
            off = moment_of(received) - self._now
            host = (record.ingest.host if record.ingest is not None else None) or "an unnamed host"
            if off > AHEAD:
                ahead[host] = max(off, ahead.get(host, off))
        for host, off in ahead.items():
            said = f"{host} stamped records {_long(off)} ahead of this machine's clock"
            yield warn(said, "set both clocks (NTP): times that events lack are taken from them")
        if not ahead:
            yield ok("no record was received later than now")

    def mapped(self, budget: Budget) -> Iterator[Finding]:
        """How many records say what was done, and were read by a profile made for them."""
        newest = [record for record in self._newest() if record.surface != "audit"]
        if not newest:
            yield skipped("there are no records")
            return
        budget.require()
        other = [record for record in newest if record.verb in (None, "other")]
        generic = [record for record in newest if record.ingest is not None and record.ingest.profile == "generic"]
        mends = {
            "have no verb": (other, "class them by a profile of their own: docs/profiles.md"),
            "were read without a profile of their own": (generic, "whodid-agent profile infer makes one"),
        }
        worse = False
        for what, (records, mend) in mends.items():
            if len(records) > OTHER_SHARE * len(newest):
                worse = True
                apps = ", ".join(sorted({record.app or "no app" for record in records})[:5])
                yield warn(f"{len(records):,} of the newest {len(newest):,} records {what}: {apps}", mend)
        if not worse:
            yield ok(f"of the newest {len(newest):,} records {len(other):,} have no verb")

    def sources(self, budget: Budget) -> Iterator[Finding]:
        """How old the newest record of each application is."""
        (facet,) = self._reader.facets(ALL, [Axis("app", MOST_APPS)], budget=budget.left())
        quiet = 0
        for entry in facet.values:
            budget.require()
            if entry.value == "whodid":
                continue
            found = self._reader.search(AuditQuery(terms=(Term("app", (entry.value,)),)), Page(limit=1)).records
            newest = decode(found[0]).timestamp if found else None
            age = None if newest is None else self._now - moment_of(to_micros(newest))
            if newest is not None and age is not None and age > self._silent:
                quiet += 1
                yield warn(
                    f"{entry.value} has been silent for {_long(age)}: its newest record is of {newest[:19]}Z",
                    "is its agent running? whodid-agent status says; --silent sets what is long",
                )
        if not quiet:
            yield ok(f"each of {len(facet.values)} applications has a record within {_long(self._silent)}")

    def _newest(self) -> list[Record]:
        if self._seen is None:
            self._seen = [decode(body) for body in self._reader.search(ALL, Page(limit=NEWEST)).records]
        return self._seen


def _long(span: timedelta) -> str:
    """`3 days`, `5 hours`, `7 minutes`."""
    seconds = int(span.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"
