"""`whodid forward`: what arrives goes on to a webhook, to syslog or into a file; how far each is; sending again."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli.audited import require, unrecorded_option
from whodid_indexer.cli.options import Source, bundle, source_options
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import FORWARDING, find_settings, find_store, own_place
from whodid_indexer.cli.source import opened
from whodid_schema.errors import ConfigError, Incomplete, UsageError, WhodidError
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.forward.consumer import Consumer
    from whodid_indexer.forward.feed import OpenReader
    from whodid_indexer.forward.run import Order
    from whodid_indexer.forward.settings import ConsumerSettings
    from whodid_indexer.forward.status import Status
    from whodid_indexer.store.base import Reader

state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="WHODID_FORWARD_STATE",
    metavar="DIR",
    help="Where bookmarks and dead letters are.  [default: /var/lib/whodid/forward for root, else "
    "~/.local/state/whodid/forward]",
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a receiver that takes nothing, before ending with exit code 5.",
)


class How(NamedTuple):
    """How consumers are run, as typed."""

    once: bool
    timeout: float
    only: tuple[str, ...]
    metrics: str | None
    unrecorded: bool


how_options = bundle(
    "how",
    [
        click.option("--once", is_flag=True, help="End when everything that is there now was taken."),
        timeout_option,
        click.option("--only", multiple=True, metavar="NAME", help="Only this consumer; can be given again."),
        click.option("--metrics", metavar="HOST:PORT", help="Serve metrics there, at /metrics."),
        unrecorded_option,
    ],
    How,
    How._fields,
)


@click.group("forward", cls=LazyGroup, invoke_without_command=True)
@source_options
@state_option
@how_options
@click.pass_context
def group(context: click.Context, /, source: Source, state: Path | None, how: How) -> None:
    """Send what arrives on to the consumers under `forward:` in whodid.yaml, until SIGTERM.

    Each has its own bookmark, which moves when the receiver has acknowledged: what is down delays nothing else, and
    gets everything when it is back. With --once it ends when everything that is there now was taken.
    """
    if context.invoked_subcommand is not None:
        return
    from whodid_indexer.forward.run import run  # noqa: PLC0415  not needed to print help

    order = _order(source, state, how.only, once=how.once, timeout=how.timeout)
    _recorded(source, order, unrecorded=how.unrecorded)
    with contextlib.ExitStack() as stack:

        def watched(consumers: "Sequence[Consumer]") -> None:
            stack.callback(_measured(how.metrics, consumers, order))

        run(order, watched)


@group.command("status")
@source_options
@state_option
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def status(source: Source, state: Path | None, form: str) -> None:
    """Show what each consumer has been sent, what waits for it, and why; whether it is running or not."""
    import msgspec  # noqa: PLC0415  not needed to print help

    from whodid_indexer.forward.status import statuses  # noqa: PLC0415  as above

    order = _order(source, state, ())
    try:
        with closing(order.opener()) as reader:
            found = statuses(order.consumers, order.folder, reader)
    except WhodidError as error:
        say(f"note: how much waits is not known: {error.message}")
        found = statuses(order.consumers, order.folder, None)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode({"consumers": found}), indent=2).decode())
        return
    for line in _table(found):
        click.echo(line)


@group.command("replay")
@click.argument("name")
@source_options
@state_option
@timeout_option
@click.option("--since", metavar="TIME", help="Send again what happened since then (2026-11-21, 2026-11-21T08:00Z).")
@click.option("--dead", is_flag=True, help="Send the dead letters again.")
@unrecorded_option
def replay(
    name: str,
    source: Source,
    state: Path | None,
    timeout: float,
    since: str | None,
    dead: bool,
    unrecorded: bool,
) -> None:
    """Send NAME again what happened since a time, in that order, or its dead letters. Its bookmark does not move.

    The receiver has most of it already; the records' ids say so. Of a file, whodid forward must not be running.
    """
    from whodid_indexer.forward.dead import DeadLetters  # noqa: PLC0415  not needed to print help
    from whodid_indexer.forward.replay import replay as send  # noqa: PLC0415  as above

    if dead == (since is not None):
        raise UsageError("say what is sent again", "one of --since TIME and --dead")
    order = _order(source, state, (name,), once=True, timeout=timeout)
    (settings,) = order.consumers
    _recorded(source, order, unrecorded=unrecorded)
    letters = DeadLetters(order.folder, name)
    with closing(order.opener()) as reader:
        counts = send(settings, order, letters.take() if dead else _since(reader, settings, since or ""))
    if dead:
        letters.taken()
    say(f"{name}: {counted(counts.sent, 'record')} sent again")
    if counts.dead:
        raise Incomplete(f"{counted(counts.dead, 'record')} of it refused, and kept as dead letters")


def _since(reader: "Reader", settings: "ConsumerSettings", since: str) -> Iterator[bytes]:
    from msgspec.structs import replace  # noqa: PLC0415  as above

    from whodid_indexer.forward.feed import query_of  # noqa: PLC0415  as above
    from whodid_indexer.query.times import parse_time  # noqa: PLC0415  as above

    start = parse_time(since, datetime.now(UTC))
    query = query_of(settings.query)
    return reader.scan(replace(query, since=max(start, query.since or start)), ascending=True)


def _order(
    source: Source, state: Path | None, only: Sequence[str], *, once: bool = False, timeout: float = 60.0
) -> "Order":
    """What the flags and the configuration ask for. Raises ConfigError where there are no consumers."""
    from whodid_indexer.export.manifest import without_credentials  # noqa: PLC0415  as above
    from whodid_indexer.forward.feed import query_of  # noqa: PLC0415  as above
    from whodid_indexer.forward.run import Order  # noqa: PLC0415  as above

    consumers = find_settings(source.config).forward
    if not consumers:
        raise ConfigError("no consumer is configured", "write one under `forward:` in whodid.yaml; see docs/forward.md")
    known = {one.name: one for one in consumers}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UsageError(f"there is no consumer {unknown[0]!r}", f"known are {', '.join(known)}")
    chosen = [one for one in consumers if not only or one.name in only]
    for one in chosen:
        try:
            query_of(one.query)
        except UsageError as error:
            raise ConfigError(f"forward {one.name}: query: {error.message}", error.hint) from error
    url = find_store(source.store, source.config).url
    return Order(chosen, without_credentials(url), _opener(source), state or own_place(FORWARDING), say, once, timeout)


def _opener(source: Source) -> "OpenReader":
    """A reader of the store for each consumer; the first one says who named the store where it is not there."""
    from whodid_indexer.cli.source import access_to  # noqa: PLC0415  as above
    from whodid_indexer.store.open import open_reader  # noqa: PLC0415  as above

    url = find_store(source.store, source.config).url
    return lambda: open_reader(url, lambda: access_to(source), "forward")


def _recorded(source: Source, order: "Order", *, unrecorded: bool) -> None:
    """Recorded in the store before anything leaves it. Raises NotAllowed where it cannot be, and must."""
    to = [f"{one.name} {one.shown} {one.query}".rstrip() for one in order.consumers]
    with opened(source, "forward") as reader:
        require(reader, "forward", unrecorded=unrecorded, consumers=to)


def _measured(metrics: str | None, consumers: "Sequence[Consumer]", order: "Order") -> Callable[[], None]:
    """Serves the metrics, if that was asked for; gives back what ends it."""
    if metrics is None:
        return lambda: None
    from whodid_indexer.forward.metrics import serve_metrics  # noqa: PLC0415  only where they are asked for
    from whodid_indexer.forward.status import statuses  # noqa: PLC0415  as above

    host, colon, port = metrics.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--metrics {metrics}: not an address", "write HOST:PORT, for example 127.0.0.1:9464")

    def found() -> "list[Status]":
        try:
            with closing(order.opener()) as reader:
                return statuses(order.consumers, order.folder, reader)
        except WhodidError:
            return []  # the lag is not shown while the store is silent; that a consumer fails is

    return serve_metrics(host.removeprefix("[").removesuffix("]"), int(port), consumers, found)


_HEADINGS = ("Name", "To", "Form", "Read", "Sent", "Filtered", "Dead", "In flight", "Behind", "State")
_NUMBERS = range(3, 8)


def _table(found: "Sequence[Status]") -> list[str]:
    rows = [_HEADINGS, *(_row(one) for one in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    return ["  ".join(_cell(row[at], widths[at], at) for at in range(len(_HEADINGS))).rstrip() for row in rows]


def _cell(text: str, width: int, place: int) -> str:
    return text.rjust(width) if place in _NUMBERS else text.ljust(width)


def _row(one: "Status") -> tuple[str, ...]:
    if one.lag_records is None or one.lag_seconds is None:
        behind = "?"
    elif one.lag_records == 0:
        behind = "nothing"
    else:
        behind = f"{counted(one.lag_records, 'record')}, {one.lag_seconds:,.0f} s"
    state = f"{one.state}: {one.reason}" if one.reason else one.state
    numbers = [f"{number:,}" for number in (one.read, one.sent, one.filtered, one.dead, one.in_flight)]
    return (one.name, visible(one.address), one.form, *numbers, behind, visible(state))
