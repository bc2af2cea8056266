"""What the server counts, in Prometheus' text form at `/metrics`. Names begin with `whodid_server_`."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from whodid_schema.bulk import Outcome

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._items = Counter(
            "whodid_server_items_total", "Items of _bulk requests by outcome", ["outcome"], registry=self._registry
        )
        self._bytes = Counter(
            "whodid_server_body_bytes_total", "Bytes of _bulk bodies, unpacked", registry=self._registry
        )
        self._seconds = Histogram(
            "whodid_server_bulk_seconds", "Seconds from a _bulk request to its answer", registry=self._registry
        )
        self._refused = Counter(
            "whodid_server_refused_total",
            "Requests answered with an error, by status",
            ["status"],
            registry=self._registry,
        )
        for outcome in (Outcome.INDEXED, Outcome.DUPLICATE, Outcome.REJECTED):
            self._items.labels(outcome.value)

    def watch(self, held: Callable[[], float], groups: Callable[[], float]) -> None:
        """Show two numbers that live elsewhere: bytes held by requests, transactions committed."""
        Gauge("whodid_server_held_bytes", "Bytes of bodies now in the server", registry=self._registry).set_function(
            held
        )
        Gauge("whodid_server_transactions", "Transactions since the start", registry=self._registry).set_function(
            groups
        )

    def stored(self, outcomes: Mapping[Outcome, int], size: int, seconds: float) -> None:
        """Count one answered _bulk request."""
        for outcome, number in outcomes.items():
            self._items.labels(outcome.value).inc(number)
        self._bytes.inc(size)
        self._seconds.observe(seconds)

    def refused(self, status: int) -> None:
        """Count one request that was answered with an error."""
        self._refused.labels(str(status)).inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
