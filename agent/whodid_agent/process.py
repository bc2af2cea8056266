"""One process's run of the agent: its parts made from the settings, signals, and what is given back at the end."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from whodid_agent import replay
from whodid_agent.assemble import Inputs
from whodid_agent.config import AgentSettings
from whodid_agent.exposition import Exposition
from whodid_agent.runner import Options, Runner
from whodid_agent.state import StateDirectory
from whodid_agent.target.client import Client
from whodid_config.commandline import loading

__all__ = ["Options", "replay_stopped", "run"]

log = logging.getLogger(__name__)


def run(settings: AgentSettings, options: Options) -> bool:
    """Run the agent with these settings until it is done or told to leave; whether nothing lies aside."""
    with _runner(settings, options) as runner:
        if not options.once:  # which says by its end what became of it
            inputs = ", ".join(one.file or f"http://{one.http}" for one in settings.inputs)
            log.info("reading %s, sending to %s", inputs, ", ".join(settings.target))
        return runner.run()


def replay_stopped(settings: AgentSettings, names: list[str], options: Options) -> replay.Answer:
    """As the running agent does for `quarantine replay`, where none runs. Inputs may have to be those of the run."""
    with _runner(settings, options) as runner:
        runner.replay_first(names)
        runner.run()
        return runner.replayed


@contextmanager
def _runner(settings: AgentSettings, options: Options) -> Iterator[Runner]:
    with StateDirectory(settings.state_path()) as state, Client(settings.target, settings.access()) as client:
        woken = threading.Event()
        with loading():
            inputs = Inputs(settings, state.identity, woken.set, listen=not options.once)
        runner = Runner(inputs.sources, state, client, inputs.follow, woken, options)
        # A terminal that closes ends the run as they do; what nohup keeps from us stays ignored.
        hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        numbers = (signal.SIGTERM, signal.SIGINT, *hangup)
        before = [(number, signal.signal(number, lambda *_: runner.stop())) for number in numbers]
        try:
            with _metrics(settings, options):
                yield runner
        finally:
            for number, handler in before:
                signal.signal(number, handler)


def _metrics(settings: AgentSettings, options: Options) -> AbstractContextManager[object]:
    return nullcontext() if settings.metrics is None or options.once else Exposition(settings.metrics)
