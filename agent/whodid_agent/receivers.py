"""From settings to the HTTP inputs of a run; apart from `assemble`, since few runs need what a receiver loads."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import quote

from whodid_agent.config import InputSettings
from whodid_agent.inputs.http.auth import Credential
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.source import HttpSource
from whodid_agent.metrics import REGISTRY
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.state import Identity
from whodid_config.access import read_token


def http_source(options: HttpOptions, pipeline: Pipeline, *, arrived: Callable[[], None], listen: bool) -> HttpSource:
    """The source of an HTTP input; without `listen` only its spool is drained."""
    return HttpSource(options, pipeline, _receiver_metrics(), arrived=arrived, listen=listen)


@cache
def _receiver_metrics() -> ReceiverMetrics:
    """Those of all receivers of this process: a registry takes a name once."""
    return ReceiverMetrics(REGISTRY)


def http_options(one: InputSettings, identity: Identity, spools: Path, profiles: ProfileSet) -> HttpOptions:
    """The receiver that an `http:` input asks for. Raises ConfigError for a token file that cannot be read."""
    assert one.http is not None  # noqa: S101  the caller asked
    return HttpOptions(
        name=one.name,
        address=one.http,
        spool_dir=spools / quote(one.http, safe=""),
        agent=identity.agent,
        host=identity.host,
        credentials=tuple(
            Credential(each.name, read_token(each.token_file, f"sender {each.name}"), each.kind, each.header)
            for each in one.senders
        ),
        retry=one.retry,
        key_headers=tuple(one.key_headers),
        hosts=tuple(one.hosts),
        envelopes={split.path: split.beside for split in profiles.splits.values()},
    )
