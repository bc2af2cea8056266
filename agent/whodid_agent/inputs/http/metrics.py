"""What the receivers count, for Prometheus; one value shared by all HTTP inputs of an agent."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from whodid_agent.spool.spool import Spool


class ReceiverMetrics:
    """The receivers' metrics in `registry`; `/metrics` shows everything that is in it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.posts = Counter(
            "whodid_agent_receiver_posts", "Posts answered, by status", ("input", "status"), registry=registry
        )
        self.events = Counter(
            "whodid_agent_receiver_events", "Events accepted or refused", ("input", "result"), registry=registry
        )
        self.received_bytes = Counter(
            "whodid_agent_receiver_bytes", "Bytes of posted bodies as sent", ("input",), registry=registry
        )
        self.spool_bytes = Gauge(
            "whodid_agent_spool_bytes",
            "Bytes in the spool that the store has not taken yet",
            ("input",),
            registry=registry,
        )
        self.spool_quota = Gauge(
            "whodid_agent_spool_quota_bytes", "Bytes the spool may hold", ("input",), registry=registry
        )
        self.spool_damaged = Gauge(
            "whodid_agent_spool_damaged_bytes",
            "Bytes set aside as damaged since the start",
            ("input",),
            registry=registry,
        )

    def watch(self, name: str, spool: Spool) -> None:
        """Show the state of this input's spool."""
        self.spool_bytes.labels(name).set_function(lambda: spool.used)
        self.spool_quota.labels(name).set(spool.quota)
        self.spool_damaged.labels(name).set_function(lambda: spool.damaged_bytes)
