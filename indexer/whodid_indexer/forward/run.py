"""All consumers of a configuration, each in a thread of its own, until they are stopped or have drained the store."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec import Struct

from whodid_indexer.forward.bookmark import Bookmark
from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.feed import Feed, Limits, OpenReader, query_of
from whodid_indexer.forward.file import FileSink
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Sink
from whodid_indexer.forward.syslog import SyslogSink
from whodid_indexer.forward.tools import Tools
from whodid_indexer.forward.webhook import WebhookSink
from whodid_schema.errors import ConfigError, Incomplete, StateError, WhodidError

_GRACE = 15.0
"""Seconds that consumers have to end; what they leave is on disk."""


class Order(Struct, frozen=True):
    """What is to be run: the consumers, the store by name (without credentials) and how it is opened.

    With `once` it ends when everything there is has been taken, or nothing more was within `timeout` seconds.
    """

    consumers: Sequence[ConsumerSettings]
    store: str
    opener: OpenReader
    folder: Path
    say: Callable[[str], None]
    once: bool = False
    timeout: float = 60.0


def run(order: Order, watched: Callable[[Sequence[Consumer]], None] = lambda _: None) -> None:
    """Until SIGTERM or SIGINT; with `once` until everything there is now is acknowledged. `watched` gets the consumers.

    Raises ConfigError and UsageError before anything is sent; Incomplete where `once` did not come to its end in time;
    the error of a consumer that had to give up, or whose bookmark cannot be used: the others run.
    """
    stop = threading.Event()
    broken: list[StateError] = []
    with ExitStack() as stack:
        consumers: list[Consumer] = []
        for one in order.consumers:
            try:
                consumers.append(_consumer(one, order, stack, stop))
            except StateError as error:
                broken.append(error)
                order.say(f"{one.name} does not run: {error}")
        if consumers:
            watched(consumers)
            ended(consumers, stop, order)
    if broken:
        raise broken[0]


def ended(consumers: Sequence[Consumer], stop: threading.Event, order: Order) -> None:
    """Run them to their end; see `run`."""
    threads = [threading.Thread(target=one.run, name=one.settings.name, daemon=True) for one in consumers]
    with _signals(stop):
        for thread in threads:
            thread.start()
        _wait(threads, consumers, stop, order.timeout if order.once else None)
        deadline = time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.1, deadline - time.monotonic()))
    _judge(consumers, order)


def _consumer(settings: ConsumerSettings, order: Order, stack: ExitStack, stop: threading.Event) -> Consumer:
    bookmark = stack.enter_context(Bookmark(order.folder, settings.name, order.store))
    until = None
    if order.once or (bookmark.new and settings.begin == "now"):
        with closing(order.opener()) as reader:
            until = reader.now()
    if bookmark.new:
        bookmark.save(cursor=until if settings.begin == "now" else None)
    sink = sink_of(settings, stop, bookmark)
    limits = Limits(settings.batch, settings.batch_bytes)
    feed = Feed(order.opener, query_of(settings.query), sink.line, _cursor(bookmark), limits)
    dead = DeadLetters(order.folder, settings.name)
    tools = Tools(sink, feed, bookmark, dead, stop, order.say, until if order.once else None, limits.halve)
    return Consumer(settings, tools)


def _cursor(bookmark: Bookmark) -> str | None:
    """Where reading goes on: behind what is on its way already."""
    pending = bookmark.place.pending
    return bookmark.place.cursor if pending is None else pending.cursor


def sink_of(settings: ConsumerSettings, stop: threading.Event, bookmark: Bookmark | None) -> Sink:
    """The receiver of a consumer. Raises ConfigError for secrets and certificates that cannot be used."""
    try:
        if settings.kind == "webhook":
            return WebhookSink(settings)
        if settings.kind == "syslog":
            return SyslogSink(settings, stop)
    except ConfigError as error:
        raise ConfigError(f"forward {settings.name}: {error.message}", error.hint) from error
    if bookmark is None:
        raise ConfigError(f"forward {settings.name}: a file is written with its bookmark alone")
    return FileSink(settings, bookmark.place.file, lambda state: bookmark.save(file=state))


def _wait(
    threads: Sequence[threading.Thread],
    consumers: Sequence[Consumer],
    stop: threading.Event,
    patience: float | None,
) -> None:
    """Until all have ended, or are told to; or until for `patience` seconds nothing more was done with any record."""
    done, since = -1, time.monotonic()
    while any(thread.is_alive() for thread in threads) and not stop.is_set():
        if patience is not None:
            settled = sum(one.now.counts.read - one.now.counts.in_flight for one in consumers)
            if settled != done:
                done, since = settled, time.monotonic()
            elif time.monotonic() - since >= patience:
                stop.set()
        stop.wait(0.1)


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT tell the consumers to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _named(consumer: Consumer) -> str:
    reason = consumer.now.reason
    return f"{consumer.settings.name} ({reason})" if reason else consumer.settings.name


def _judge(consumers: Sequence[Consumer], order: Order) -> None:
    failed: list[WhodidError] = [one.failed for one in consumers if one.failed is not None]
    if failed:
        raise failed[0]
    late = [
        f"{one.settings.name} ({one.now.reason})" if one.now.reason else one.settings.name
        for one in consumers
        if not one.drained
    ]
    if order.once and late:
        raise Incomplete(
            f"nothing more was taken for {order.timeout:.0f} s by {', '.join(late)}",
            "whodid forward status says how much waits; nothing is lost, the next run goes on",
        )
