"""`whodid-agent profile`: which profiles there are, what one says, and whether the tests inside them pass."""

import sys
from importlib import resources
from pathlib import Path

import click

from whodid_agent.cli import infer
from whodid_agent.normalise.cases import failures
from whodid_agent.normalise.language import schema as language
from whodid_agent.normalise.language.load import (
    builtin_heads,
    builtin_names,
    builtin_profile,
    builtin_profiles,
    load_profiles,
)
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.profiles import ProfileSet
from whodid_config.commandline import LazyGroup
from whodid_schema.errors import WhodidError
from whodid_schema.visible import visible

_folder_option = click.option(
    "--profiles", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="A folder of your own."
)


class FailedCasesError(WhodidError):
    """Some test inside a profile does not pass."""


@click.group("profile", cls=LazyGroup)
def command() -> None:
    """Look at the profiles that say how events become records."""


command.add_command(infer.command)


@command.command("list")
@_folder_option
def list_profiles(folder: Path | None) -> None:
    """All profiles: name, what they read, where that is documented; unproven: no event of the maker's is behind it."""
    profiles = sorted((mapper.head for mapper in ProfileSet.load(folder)), key=lambda one: one.name)
    width = max(len(profile.name) for profile in profiles)
    for profile in profiles:
        click.echo(f"{profile.name:<{width}}  {visible(profile.title)}")
        behind = [*([profile.source] if profile.source else []), *(["unproven"] if profile.proven is False else [])]
        if behind:
            click.echo(f"{'':<{width}}    {visible(' · '.join(behind))}")


@command.command("show")
@click.argument("name")
@_folder_option
def show(name: str, folder: Path | None) -> None:
    """Print a profile's file: a beginning for one of your own."""
    profile = ProfileSet.load(folder).get(name).head
    own = Path(profile.where)
    if folder is not None and own.parent == folder:
        text = own.read_text(encoding="utf-8")
    else:
        text = (resources.files("whodid_config.profiles") / own.name).read_text(encoding="utf-8")
    sys.stdout.write(text)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of profiles, for editors that complete and check YAML."""
    click.echo(language.document(), nl=False)


@command.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]...")
def test(files: tuple[Path, ...]) -> None:
    """Run the tests inside profile FILEs; without any, those of the built-in profiles.

    The name of a built-in one can stand for its file. Exit code 1 if one fails.
    """
    names_given = [one for one in files if str(one) in builtin_names() and not one.exists()]
    read = [one for one in files if one not in names_given]
    named = [builtin_profile(str(one)) for one in names_given]
    chosen = [*named, *(load_profiles(read) if read else [])] if files else builtin_profiles()
    names = {profile.name for profile in chosen}
    profiles = ProfileSet([*(one for one in builtin_heads() if one.name not in names), *chosen])
    failed = sum(_run(profile, profiles) for profile in chosen)
    if failed:
        raise FailedCasesError(f"{failed} of {sum(len(profile.cases) for profile in chosen)} tests failed")


def _run(profile: Profile, profiles: ProfileSet) -> int:
    """Run one profile's tests, saying what fails; the number of failed ones."""
    failed = 0
    for case in profile.cases:
        problems = failures(profile, case, profiles)
        failed += bool(problems)
        for problem in problems:
            click.echo(f"{profile.where}:{case.line}: {visible(case.name)}: {visible(problem)}", err=True)
    click.echo(f"{profile.name}: {len(profile.cases) - failed} of {len(profile.cases)} pass")
    return failed
