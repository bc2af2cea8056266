"""The agent's metrics, in the registry that `/metrics` serves; docs/metrics.md explains each (tested)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series a counter that nobody asks for
REGISTRY = CollectorRegistry()

OUTCOMES = ("indexed", "duplicate", "quarantined", "dropped", "expired")

DECODED = Counter("whodid_agent_events_decoded", "Events read from inputs", ["input"], registry=REGISTRY)
SETTLED = Counter(
    "whodid_agent_events_settled", "Events by what became of them", ["input", "outcome"], registry=REGISTRY
)
UNRECOGNISED = Counter(
    "whodid_agent_events_unrecognised", "Events of no known format, read by common names", ["input"], registry=REGISTRY
)
UNNAMED = Counter(
    "whodid_agent_events_unmapped", "Events whose action has no verb of the taxonomy", ["input"], registry=REGISTRY
)
READ_BYTES = Counter("whodid_agent_read_bytes", "Bytes of streams that are settled", ["input"], registry=REGISTRY)
MISSED_BYTES = Counter(
    "whodid_agent_missed_bytes", "Bytes that vanished unread, a lower bound", ["input"], registry=REGISTRY
)
DISCARDED = Counter("whodid_agent_events_discarded", "Events left out by a rule", ["kind", "rule"], registry=REGISTRY)
PARKED = Gauge("whodid_agent_parked_events", "Events parked on disk", registry=REGISTRY)
PARKED_BYTES = Gauge("whodid_agent_parked_bytes", "Bytes of parked events", registry=REGISTRY)
PENDING_BYTES = Gauge(
    "whodid_agent_pending_bytes", "Bytes that are there and not read yet", ["input"], registry=REGISTRY
)
BATCHES = Counter("whodid_agent_batches", "Batches settled", registry=REGISTRY)
CHECKPOINTS = Counter("whodid_agent_checkpoints", "Generations of the checkpoint written", registry=REGISTRY)
CHECKPOINT_TIME = Gauge(
    "whodid_agent_checkpoint_timestamp_seconds", "When the checkpoint was last written", registry=REGISTRY
)
REQUESTS = Counter("whodid_agent_requests", "Bulk requests by how they ended", ["result"], registry=REGISTRY)
REQUEST_SECONDS = Histogram("whodid_agent_request_duration_seconds", "Time of a bulk request", registry=REGISTRY)
WAITING = Gauge("whodid_agent_waiting", "1 while nothing can be delivered", registry=REGISTRY)


def begin(name: str) -> None:
    """Show everything of an input at 0: what is first seen at 1 has not increased, as Prometheus reads it."""
    for counter in (DECODED, UNRECOGNISED, UNNAMED, READ_BYTES, MISSED_BYTES):
        counter.labels(name)
    for outcome in OUTCOMES:
        SETTLED.labels(name, outcome)
