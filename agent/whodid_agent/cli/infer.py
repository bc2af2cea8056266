"""`whodid-agent profile infer`: a commented profile from samples, that loads and passes its own tests."""

import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import zstandard

from whodid_agent.cli.normalise import opened, values_in
from whodid_agent.normalise.cases import failures, record_of
from whodid_agent.normalise.decode import decode
from whodid_agent.normalise.envelope import unwrapped
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.profiles import GENERIC, ProfileSet
from whodid_agent.normalise.redact import Redactor
from whodid_agent.normalise.unknown.infer import Event, Inferred, infer
from whodid_agent.normalise.unknown.infer_text import write
from whodid_schema.errors import Undecodable, UsageError

_MOST_EVENTS = 20_000
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


@click.command("infer")
@click.argument("file")
@click.option("--name", help="What the profile is called; without it as the file, or `inferred`.")
def command(file: str, name: str | None) -> None:
    """Write a profile for the events in FILE (- is standard input) to standard output: a beginning, to be read over.

    Lines, arrays, bodies and pretty-printed JSON are read, also from .gz and .zst; secrets are masked first. The
    comments say how sure each line is. What is no event is passed over and counted on stderr.
    """
    if name is None:
        name = _NO_NAME.sub("-", Path(file).name.partition(".")[0]).strip("-").lower() or "inferred"
    if not name.isascii() or not name.replace("-", "").isalnum():
        raise UsageError(f"--name {name}: a profile is named in letters, digits and hyphens")
    profiles = ProfileSet.load()
    skipped: list[str] = []
    try:
        events = list(islice(_events(file, profiles, skipped), _MOST_EVENTS))
    except (OSError, EOFError, zstandard.ZstdError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{file}: cannot be read: {reason}") from error
    try:
        inferred = infer(events, profiles.get(GENERIC).search)
    except UsageError as error:
        raise UsageError(f"{file}: {error.message}", error.hint) from error
    _refuse_known(file, events, profiles)
    origin = "standard input" if file == "-" else Path(file).name
    bare = parse_profile(write(inferred, name, origin, []), Path(f"{name}.yaml"))
    own = ProfileSet([*(one.head for one in profiles if one.head.name != name), bare])
    records = [(event, record) for event in inferred.samples if (record := record_of(event, own, name)) is not None]
    sys.stdout.write(_proven(inferred, name, origin, records))
    if skipped:
        click.echo(f"{len(skipped)} passed over that are no events, the first: {skipped[0]}", err=True)


def _proven(inferred: Inferred, name: str, origin: str, records: list[tuple[Event, dict[str, Any]]]) -> str:
    """The profile's text, read again, with the tests that it passes."""
    builtin = [one.head for one in ProfileSet.load() if one.head.name != name]
    text = write(inferred, name, origin, records)
    profile = parse_profile(text, Path(f"{name}.yaml"))
    profiles = ProfileSet([*builtin, profile])
    passed = [not failures(profile, case, profiles) for case in profile.cases]
    if all(passed):
        return text
    return write(inferred, name, origin, [record for record, well in zip(records, passed, strict=False) if well])


def _refuse_known(file: str, events: list[Event], profiles: ProfileSet) -> None:
    """A format that has a profile needs no other."""
    known = [profiles.mapper_of(event, tuple(event)).head.name for event in events]
    first = known[0]
    if first != GENERIC and known.count(first) == len(known):
        raise UsageError(
            f"{file}: these events have a profile: {first}",
            f"see `whodid-agent profile show {first}`; one of your own can say `extends: {first}`",
        )


def _events(file: str, profiles: ProfileSet, skipped: list[str]) -> Iterator[Event]:
    """The objects in the file, redacted; what is none is noted."""
    redactor = Redactor()
    with opened(file) as source:
        for entry in values_in(source):
            try:
                value = decode(redactor.redact(entry.data))
            except Undecodable as error:
                skipped.append(f"line {entry.line}: {error.reason}")
                continue
            for one in _unpacked(value, profiles):
                if isinstance(one, dict) and one:
                    yield one
                else:
                    skipped.append(f"line {entry.line}: not an object")


def _unpacked(value: Any, profiles: ProfileSet) -> list[Any]:
    """The events of one JSON value: of an array each, of a body of a known form those in it."""
    if isinstance(value, list):
        return value
    for key, split in profiles.splits.items():
        held = value.get(key) if isinstance(value, dict) else None
        if isinstance(held, list) and all(other == key or other in split.beside for other in value):
            return held
    wrapped = unwrapped(value, profiles.knows) if isinstance(value, dict) else []
    return [one.event for one in wrapped] or [value]
