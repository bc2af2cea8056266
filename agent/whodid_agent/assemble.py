"""From settings to the parts of a run: pipelines and sources, all sharing the store's rules."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote

from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.inputs.contract import Source
from whodid_agent.inputs.file.source import FileSource
from whodid_agent.inputs.http.auth import Credential
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.source import HttpSource
from whodid_agent.metrics import REGISTRY
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.state import Identity
from whodid_config.access import read_token
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Meta, default_meta


def input_options(settings: AgentSettings, one: InputSettings) -> InputOptions:
    """What the pipeline of one input goes by; the agent's redaction and drop rules hold for every input."""
    return InputOptions(
        app=one.app,
        profile=one.profile,
        workspace=one.workspace,
        workspace_default=one.workspace_default,
        project=one.project,
        redact=(*settings.redact, *one.redact),
        drop=(*settings.drop, *one.drop),
        keep_raw=one.raw,
        retry=one.retry,
    )


class Inputs:
    """The sources of a run and their pipelines. Nothing is opened yet; without `listen` only spools are drained."""

    def __init__(
        self, settings: AgentSettings, identity: Identity, wake: Callable[[], None], *, listen: bool = True
    ) -> None:
        spools = settings.state_path() / "spool"
        inputs = [*settings.inputs, *_left_behind(settings.inputs, spools)]
        names = [one.name for one in inputs]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"the input {name} is configured twice", "take one of them out")
        # Rules of the store come with `follow`, before the first event; until then there must merely be some.
        meta = default_meta(datetime.now(UTC))
        profiles = ProfileSet.load(settings.profiles)
        metrics = _receiver_metrics()
        self.pipelines: dict[str, Pipeline] = {}
        self.sources: list[Source] = []
        for one in inputs:
            pipeline = Pipeline(input_options(settings, one), meta, profiles, identity.agent, identity.host)
            self.pipelines[one.name] = pipeline
            if one.http is None:
                self.sources.append(_file(one, pipeline, identity, wake))
                continue
            options = http_options(one, identity, spools, profiles)
            wanted = listen and one in settings.inputs
            self.sources.append(HttpSource(options, pipeline, metrics, arrived=wake, listen=wanted))

    def follow(self, meta: Meta) -> None:
        """Go by these rules of the store from the next event on."""
        for pipeline in self.pipelines.values():
            pipeline.file_by(meta)


@cache
def _receiver_metrics() -> ReceiverMetrics:
    """Those of all receivers of this process: a registry takes a name once."""
    return ReceiverMetrics(REGISTRY)


def _file(one: InputSettings, pipeline: Pipeline, identity: Identity, wake: Callable[[], None]) -> FileSource:
    assert one.file is not None  # noqa: S101  the caller asked
    return FileSource(
        one.name, [one.file], pipeline, host=identity.host, agent=identity.agent, source=one.source, wake=wake
    )


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


def _left_behind(inputs: Sequence[InputSettings], spools: Path) -> list[InputSettings]:
    """Spools of addresses that are not configured any more: what was accepted there is still delivered."""
    known = {one.http for one in inputs}
    folders = sorted(path for path in spools.iterdir() if path.is_dir()) if spools.is_dir() else []
    return [InputSettings(http=unquote(path.name)) for path in folders if unquote(path.name) not in known]
