"""The profiles there are: the built-in ones and those of a folder, ready to be applied to events."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from whodid_agent.normalise.fast.byshape import ByShape
from whodid_agent.normalise.language.load import builtin_heads, load_profiles
from whodid_agent.normalise.language.profile import Profile, Split
from whodid_agent.normalise.mapper import Mapper
from whodid_agent.normalise.recognise import Recogniser
from whodid_schema.errors import ConfigError

GENERIC = "generic"


def _splits(profiles: Iterable[Profile]) -> Mapping[str, Split]:
    """The keys under which bodies hold their events; what may stand beside is the same for all formats of one key."""
    found: dict[str, Split] = {}
    for split in (profile.split for profile in profiles if profile.split is not None):
        other = found.get(split.path)
        found[split.path] = split if other is None else Split(split.path, split.beside | other.beside)
    return found


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.match("[!.]*.yaml"))
    except OSError as error:
        raise ConfigError(
            f"profiles: {folder} cannot be read: {error.strerror}", "name the folder that your own profiles are in"
        ) from error


class ProfileSet:
    """All profiles by name. The order of the files never matters: see `recognise`."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._mappers: dict[str, Mapper] = {}
        for profile in profiles:
            if profile.name in self._mappers:
                other = self._mappers[profile.name].head.where
                raise ConfigError(f"{profile.where}: the profile {profile.name!r} is already there ({other})")
            self._mappers[profile.name] = Mapper(profile)
        known = [mapper.head for mapper in self._mappers.values()]
        self._recogniser = Recogniser(known, self.get(GENERIC).head)
        self._chains = ByShape(self._recogniser.profile_of, self._recogniser.looked_for, self._recogniser.for_keys)
        self.splits = _splits(known)
        self.unfolded = tuple(sorted({head.unfold for head in known if head.unfold is not None}))
        """The keys under which events of some format may hold several."""

    @classmethod
    def load(cls, folder: Path | None = None) -> "ProfileSet":
        """The built-in profiles, and those in `folder` (*.yaml), which replace built-in ones of the same name.

        Raises ConfigError naming file, line and key, or a folder that cannot be read.
        """
        own = load_profiles(_files(folder)) if folder is not None else []
        replaced = {profile.name for profile in own}
        return cls([*(profile for profile in builtin_heads() if profile.name not in replaced), *own])

    def __iter__(self) -> Iterator[Mapper]:
        return iter(self._mappers.values())

    def get(self, name: str) -> Mapper:
        """The profile of this name. Raises ConfigError naming the nearest one."""
        if name not in self._mappers:
            near = difflib.get_close_matches(name, self._mappers, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(self._mappers))}"
            raise ConfigError(f"there is no profile {name!r}", hint)
        return self._mappers[name]

    def knows(self, event: dict[str, Any]) -> bool:
        """Whether there is a profile for events of this shape."""
        return self.mapper_of(event, tuple(event)).head.name != GENERIC

    def mapper_of(self, event: dict[str, Any], shape: tuple[str, ...]) -> Mapper:
        """The profile whose shape this event (its keys: `shape`) has, else the generic one."""
        profile_of = self._chains.known.get(shape) or self._chains.meet(shape)
        return self._mappers[profile_of(event).name]
