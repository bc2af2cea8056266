"""What `whodid forward --metrics` shows, in Prometheus' text form. Names begin with `whodid_forward_`."""

import threading
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.status import Status
from whodid_schema.errors import UsageError


class _Collector:
    """Asks the consumers, and the store for their lag, when it is asked."""

    def __init__(self, consumers: Sequence[Consumer], statuses: Callable[[], list[Status]]) -> None:
        self._consumers = consumers
        self._statuses = statuses
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        records = CounterMetricFamily(
            "whodid_forward_records",
            "Records read from the store, by what became of them, since the consumer's beginning",
            labels=["consumer", "outcome"],
        )
        retries = CounterMetricFamily(
            "whodid_forward_retries", "Attempts that the receiver did not take", labels=["consumer"]
        )
        gauges = {
            "in_flight": GaugeMetricFamily(
                "whodid_forward_in_flight", "Records sent and not acknowledged", labels=["consumer"]
            ),
            "failing": GaugeMetricFamily(
                "whodid_forward_failing",
                "1 while a receiver takes nothing, or a consumer has ended",
                labels=["consumer"],
            ),
        }
        found = self._found()
        for status in found:
            if not any(status.name == consumer.settings.name for consumer in self._consumers):
                gauges["failing"].add_metric([status.name], 1.0)  # its bookmark cannot be used
        for consumer in self._consumers:
            name, now = consumer.settings.name, consumer.now
            for outcome in ("sent", "filtered", "dead"):
                records.add_metric([name, outcome], getattr(now.counts, outcome))
            retries.add_metric([name], now.retries)
            gauges["in_flight"].add_metric([name], now.counts.in_flight)
            gauges["failing"].add_metric([name], float(bool(now.reason or consumer.failed)))
        yield records
        yield retries
        yield from gauges.values()
        yield from _lags(found)

    def _found(self) -> list[Status]:
        with self._one_at_a_time:
            return self._statuses()


def _lags(found: Sequence[Status]) -> Iterator[Metric]:
    places = GaugeMetricFamily(
        "whodid_forward_lag_records", "Records that wait in the store, at most", labels=["consumer"]
    )
    seconds = GaugeMetricFamily(
        "whodid_forward_lag_seconds", "Seconds since the oldest waiting record was received", labels=["consumer"]
    )
    for status in found:
        if status.lag_records is not None and status.lag_seconds is not None:
            places.add_metric([status.name], status.lag_records)
            seconds.add_metric([status.name], status.lag_seconds)
    yield places
    yield seconds


def serve_metrics(
    host: str, port: int, consumers: Sequence[Consumer], statuses: Callable[[], list[Status]]
) -> Callable[[], None]:
    """Serve them; gives back what ends it. Raises UsageError where it cannot listen there."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collector(consumers, statuses))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UsageError(f"--metrics {host}:{port}: {error.strerror or error}", "name another address") from error

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end
