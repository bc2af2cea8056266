"""The profiles there are: the built-in ones and those of a folder, ready to be applied to events."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from whodid_agent.normalise.compile import compile_profile
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.generic import extract_anything
from whodid_agent.normalise.interpret import extract
from whodid_agent.normalise.profile import Profile, Split, builtin_profiles, load_profile
from whodid_agent.normalise.recognise import Recogniser
from whodid_schema.errors import ConfigError

GENERIC = "generic"


class Mapper:
    """One profile at work: its compiled function, behind it the interpreter."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.fell_back = 0

    @cached_property
    def _compiled(self) -> Any:
        """Made at the first event: a profile that is never met costs nothing."""
        return compile_profile(self.profile)

    def extract(self, event: dict[str, Any], data: bytes) -> Draft:
        """The draft of `event`, decoded from `data`; uses `event` up."""
        if self.profile.names:
            return extract_anything(self.profile, event)
        try:
            return self._compiled(event)  # type: ignore[no-any-return]  # generated code has no types
        except Exception:  # noqa: BLE001  # whatever the fast way stumbles over, the complete way answers
            self.fell_back += 1
            return extract(self.profile, decode_json(data))


class ProfileSet:
    """All profiles by name. The order of the files never matters: see `recognise`."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._mappers: dict[str, Mapper] = {}
        for profile in profiles:
            if profile.name in self._mappers:
                other = self._mappers[profile.name].profile.where
                raise ConfigError(f"{profile.where}: the profile {profile.name!r} is already there ({other})")
            self._mappers[profile.name] = Mapper(profile)
        known = [mapper.profile for mapper in self._mappers.values()]
        self._recogniser = Recogniser(known, self.get(GENERIC).profile)
        self.splits: Mapping[str, Split] = {one.split.path: one.split for one in known if one.split is not None}

    @classmethod
    def load(cls, folder: Path | None = None) -> "ProfileSet":
        """The built-in profiles, and those in `folder` (*.yaml), which replace built-in ones of the same name.

        Raises ConfigError naming file, line and key.
        """
        own = [load_profile(path) for path in sorted(folder.glob("*.yaml"))] if folder is not None else []
        replaced = {profile.name for profile in own}
        return cls([*(profile for profile in builtin_profiles() if profile.name not in replaced), *own])

    def __iter__(self) -> Iterator[Mapper]:
        return iter(self._mappers.values())

    def get(self, name: str) -> Mapper:
        """The profile of this name. Raises ConfigError naming the nearest one."""
        if name not in self._mappers:
            near = difflib.get_close_matches(name, self._mappers, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(self._mappers))}"
            raise ConfigError(f"there is no profile {name!r}", hint)
        return self._mappers[name]

    def mapper_of(self, event: dict[str, Any]) -> Mapper:
        """The profile whose shape this event has, else the generic one."""
        return self._mappers[self._recogniser.profile_of(event).name]
