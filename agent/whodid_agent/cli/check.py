"""`whodid-agent check`: would a run work? Configuration, files, state, target; and how to mend what is not."""

import glob
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from whodid_agent.assemble import input_options, require_once
from whodid_agent.cli import common
from whodid_agent.cli.sample import sample
from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.exposition import checked
from whodid_agent.inputs.http.source import require_usable
from whodid_agent.journal import Journal
from whodid_agent.normalise.pipeline import Rules
from whodid_agent.normalise.profiles import GENERIC, ProfileSet
from whodid_agent.receivers import http_options
from whodid_agent.state import Identity
from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.client import Client
from whodid_agent.target.probe import Standing, State, probe
from whodid_agent.target.protection import protections
from whodid_schema import SCHEMA_VERSION
from whodid_schema.errors import NotAllowed, StoreUnreachable, WhodidError
from whodid_schema.meta import Meta
from whodid_schema.visible import visible


class Finding(NamedTuple):
    """One thing looked at: whether it is as it should be (None: merely good to know), and how to mend it."""

    well: bool | None
    what: str
    hint: str = ""


_MOST_ACTIONS = 12
_SIGNS = {True: "ok  ", False: "FAIL", None: "note"}


@click.command("check")
@click.argument("files", nargs=-1, metavar="[FILE|GLOB]...")
@common.config_option
@common.target_option
@common.state_option
def command(files: tuple[str, ...], config: Path | None, target: list[str] | None, state_dir: Path | None) -> None:
    """Say whether a run would work, and what to mend where it would not; and which protections are in force.

    Nothing is sent or stored; of each file the first events are read, to say which profiles fit them.
    """
    settings = common.with_inputs(common.settings_of(config, files, target=target, state_dir=state_dir), files, ())
    problems = sum(_tell(finding) for finding in findings(settings))
    with Client(settings.target, settings.access()) as client:
        standing = probe(client)
        problems += sum(_tell(finding) for finding in _store(client, standing, settings.state_path()))
    if standing.state is not State.READY:
        kind = NotAllowed if standing.state is State.DENIED else StoreUnreachable
        raise kind(f"{problems} problem(s), the store among them", "see the lines above")
    if problems:
        raise WhodidError(f"{problems} problem(s)", "see the lines above")


def _tell(finding: Finding) -> bool:
    """Print it; whether it is a problem."""
    click.echo(visible(f"{_SIGNS[finding.well]} {finding.what}"))
    if finding.hint:
        click.echo(visible(f"     {finding.hint}"))
    return finding.well is False


def findings(settings: AgentSettings) -> Iterator[Finding]:
    """What there is to say on this side of the store, in the order of an event's way. Raises ConfigError as a run."""
    if not settings.inputs:
        yield Finding(well=False, what="there are no inputs", hint="name a file, or inputs in the configuration")
    require_once(settings.inputs)
    profiles = ProfileSet.load(settings.profiles)
    for one in settings.inputs:
        if one.profile:
            profiles.get(one.profile)
        Rules(input_options(settings, one).drop, ())
        if one.file is not None:
            yield from _file(one)
            yield from _read(settings, one, profiles)
        else:
            yield _posts(one, profiles)
    if settings.metrics is not None:
        yield _metrics(settings.metrics)
    yield _state(settings.state_path())


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


def _read(settings: AgentSettings, one: InputSettings, profiles: ProfileSet) -> Iterator[Finding]:
    """How the first events of the input's files are read: by which profiles, and what has no verb."""
    sampled = sample(settings, one, profiles)
    if not sampled.events:
        return
    read = ", ".join(f"{number} as {name}" for name, number in sampled.profiles.most_common())
    generic = sampled.profiles[GENERIC]
    hint = "see `whodid-agent normalise --explain`; `profile infer` writes a profile" if generic else ""
    yield Finding(None, f"of the first {sampled.events} events: {read or 'none can be read'}", hint)
    if sampled.refused:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sampled.refused.most_common())
        yield Finding(None, f"of these go to quarantine: {reasons}")
    if sampled.unmapped:
        actions = ", ".join(f"{action} ({number})" for action, number in sampled.unmapped.most_common(_MOST_ACTIONS))
        yield Finding(None, f"actions without a verb: {actions}", "say it below `actions:` of a profile")


def _posts(one: InputSettings, profiles: ProfileSet) -> Finding:
    try:
        require_usable(http_options(one, Identity("", ""), Path(), profiles))
    except WhodidError as error:
        return Finding(False, error.message, error.hint)
    return Finding(True, f"posts at {one.http}")


def _metrics(address: str) -> Finding:
    try:
        checked(address)
    except WhodidError as error:
        return Finding(False, error.message, error.hint)
    return Finding(True, f"metrics at {address}")


def _state(path: Path) -> Finding:
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding(True, f"state directory {path}")
    return Finding(False, f"the state directory {path} cannot be written", "name another with --state-dir")


def _store(client: Client, standing: Standing, state: Path) -> Iterator[Finding]:
    """The store: whether it takes what we send, by which rules, and how that is protected."""
    yield Finding(standing.state is State.READY, standing.detail, standing.hint)
    if standing.meta is None:
        return
    for _, why in client.greet_all():
        yield Finding(False, why)
    yield from _rules(standing.meta, state)
    try:
        for line in protections(client, standing.meta, datetime.now(UTC)):
            yield Finding(None, line)
    except (Unanswered, Refused) as error:
        yield Finding(False, str(error))


def _rules(meta: Meta, state: Path) -> Iterator[Finding]:
    """The store's rules beside what this agent knows: its own form, and what it has in flight."""
    short = [f"{name} {one.days} days" for name, one in sorted(meta.classes.items()) if one.days]
    kept = ", ".join([*short, "all else for ever"] if short else ["everything for ever"])
    yield Finding(None, f"rules {meta.rules or '(none)'}: kept are {kept}")
    if meta.hold:
        yield Finding(None, "a hold is active: nothing expires on arrival")
    if meta.schema > SCHEMA_VERSION:
        yield Finding(
            None, f"the store is set up for records of form {meta.schema}, this agent writes {SCHEMA_VERSION}"
        )
    older = {entry.rules for entry in Journal(state / "journal").all()} - {meta.rules}
    if older:
        yield Finding(
            None, f"what is in flight was filed by rules {', '.join(sorted(older))}, and goes where it was meant to"
        )
