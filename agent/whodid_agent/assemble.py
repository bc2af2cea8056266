"""From settings to the parts of a run: pipelines and sources, all sharing the store's rules."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.inputs.contract import Source
from whodid_agent.inputs.file.source import FileSource
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.state import Identity
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
        import_old=settings.import_old,
        drop_text=one.text == "drop",
    )


def require_once(inputs: Sequence[InputSettings]) -> None:
    """Raise ConfigError where two inputs are the same file or address."""
    seen: set[str] = set()
    for one in inputs:
        if one.name in seen:
            raise ConfigError(f"the input {one.name} is configured twice", "take one of them out")
        seen.add(one.name)


class Inputs:
    """The sources of a run and their pipelines. Nothing is opened yet.

    Without `listen` (a run with --once) spools are drained and files read as they are; nothing waits for more.
    """

    def __init__(
        self, settings: AgentSettings, identity: Identity, wake: Callable[[], None], *, listen: bool = True
    ) -> None:
        spools = settings.state_path() / "spool"
        inputs = [*settings.inputs, *_left_behind(settings.inputs, spools)]
        require_once(inputs)
        # Rules of the store come with `follow`, before the first event; until then there must merely be some.
        meta = default_meta(datetime.now(UTC))
        profiles = ProfileSet.load(settings.profiles)
        self.pipelines: dict[str, Pipeline] = {}
        self.sources: list[Source] = []
        for one in inputs:
            pipeline = Pipeline(input_options(settings, one), meta, profiles, identity.agent, identity.host)
            self.pipelines[one.name] = pipeline
            if one.http is None:
                self.sources.append(_file(one, pipeline, identity, wake if listen else None))
                continue
            # What a receiver needs takes a tenth of a second to load.
            from whodid_agent.receivers import http_options, http_source  # noqa: PLC0415

            options = http_options(one, identity, spools, profiles)
            wanted = listen and one in settings.inputs
            self.sources.append(http_source(options, pipeline, arrived=wake, listen=wanted))

    def follow(self, meta: Meta) -> None:
        """Go by these rules of the store from the next event on."""
        for pipeline in self.pipelines.values():
            pipeline.file_by(meta)


def _file(one: InputSettings, pipeline: Pipeline, identity: Identity, wake: Callable[[], None] | None) -> FileSource:
    assert one.file is not None  # noqa: S101  the caller asked
    return FileSource(
        one.name,
        [one.file],
        pipeline,
        host=identity.host,
        agent=identity.agent,
        source=one.source,
        wake=wake,
        unwrap=one.unwrap,
    )


def _left_behind(inputs: Sequence[InputSettings], spools: Path) -> list[InputSettings]:
    """Spools of addresses that are not configured any more: what was accepted there is still delivered."""
    known = {one.http for one in inputs}
    folders = sorted(path for path in spools.iterdir() if path.is_dir()) if spools.is_dir() else []
    return [InputSettings(http=unquote(path.name)) for path in folders if unquote(path.name) not in known]
