"""`whodid-agent check`: would a run work? Configuration, files, state, target; and how to mend what is not."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from whodid_agent.assemble import http_options
from whodid_agent.cli import common
from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.inputs.http.source import require_usable
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.state import Identity
from whodid_agent.target.client import Client
from whodid_agent.target.probe import State, probe
from whodid_schema.errors import StoreUnreachable, WhodidError
from whodid_schema.visible import visible


class Finding(NamedTuple):
    """One thing looked at: whether it is as it should be, and what to do where it is not."""

    well: bool
    what: str
    hint: str = ""


@click.command("check")
@click.argument("files", nargs=-1, metavar="[FILE|GLOB]...")
@common.config_option
@common.target_option
@common.state_option
def command(files: tuple[str, ...], config: Path | None, target: list[str] | None, state_dir: Path | None) -> None:
    """Say whether a run would work, and what to mend where it would not. Nothing is read or sent."""
    settings = common.with_inputs(common.settings_of(config, target=target, state_dir=state_dir), files, ())
    problems = 0
    for finding in findings(settings):
        problems += not finding.well
        click.echo(visible(f"{'ok  ' if finding.well else 'FAIL'} {finding.what}"))
        if finding.hint:
            click.echo(visible(f"     {finding.hint}"))
    if not _reachable(settings):
        raise StoreUnreachable(f"{problems} problem(s), the store among them", "see the lines above")
    if problems:
        raise WhodidError(f"{problems} problem(s)", "see the lines above")


def findings(settings: AgentSettings) -> Iterator[Finding]:
    """Everything there is to say, in the order of an event's way."""
    if not settings.inputs:
        yield Finding(well=False, what="there are no inputs", hint="name a file, or inputs in the configuration")
    profiles = ProfileSet.load(settings.profiles)
    for one in settings.inputs:
        if one.profile:
            profiles.get(one.profile)
        yield from _file(one) if one.file is not None else [_posts(one, profiles)]
    yield _state(settings.state_path())
    yield _target(settings)


def _file(one: InputSettings) -> Iterator[Finding]:
    found = sorted(glob.glob(one.file or "", recursive=True))  # noqa: PTH207 - patterns may be absolute
    if not found:
        yield Finding(True, f"{one.file}: nothing there yet", "it is read as soon as it appears")
    for path in found:
        if Path(path).is_dir():
            yield Finding(False, f"{path} is a directory", f"name the files in it, such as {path}/*.jsonl")
        elif not os.access(path, os.R_OK):
            yield Finding(False, f"{path} cannot be read", "give the agent's user the right to read it")
        else:
            yield Finding(True, f"{path}: {Path(path).stat().st_size} bytes")


def _posts(one: InputSettings, profiles: ProfileSet) -> Finding:
    try:
        require_usable(http_options(one, Identity("", ""), Path(), profiles))
    except WhodidError as error:
        return Finding(False, error.message, error.hint)
    return Finding(True, f"posts at {one.http}")


def _state(path: Path) -> Finding:
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(True, f"state directory {path}")
    return Finding(False, f"the state directory {path} cannot be written", "name another with --state-dir")


def _target(settings: AgentSettings) -> Finding:
    with Client(settings.target, settings.access()) as client:
        standing = probe(client)
    return Finding(standing.state is State.READY, standing.detail, standing.hint)


def _reachable(settings: AgentSettings) -> bool:
    return _target(settings).well
