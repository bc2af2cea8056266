"""Which profile an event belongs to, told by its shape alone.

The shapes of all profiles are asked in one fixed order, the most particular first (then by name), so the answer
depends on the event and nothing else. The generic profile takes what no shape fits.
"""

from collections.abc import Callable, Sequence
from typing import Any

from whodid_agent.normalise.expression import Path
from whodid_agent.normalise.interpret import at
from whodid_agent.normalise.profile import Profile, Shape

Event = dict[str, Any]
Test = Callable[[Event], bool]


class Recogniser:
    """Names the profile of an event; `fallback` is for what nothing fits."""

    def __init__(self, profiles: Sequence[Profile], fallback: Profile) -> None:
        self.fallback = fallback
        ordered = sorted(
            ((shape, profile) for profile in profiles for shape in profile.shapes),
            key=lambda pair: (-pair[0].weight, pair[1].name),
        )
        self._steps = [(shape.has[0].steps[0], _rest_of(shape), profile) for shape, profile in ordered]

    def profile_of(self, event: Event) -> Profile:
        """The profile of the first shape that fits."""
        for key, fits, profile in self._steps:
            if key in event and fits(event):
                return profile
        return self.fallback


def fits(shape: Shape, event: Event) -> bool:
    """Whether the event has this shape: what `Recogniser` asks, in the plainest form."""
    return shape.has[0].steps[0] in event and _rest_of(shape)(event)


def _rest_of(shape: Shape) -> Test:
    keys = frozenset(path.steps[0] for path in shape.has)
    tests: list[Test] = [lambda event: keys <= event.keys()] if len(keys) > 1 else []
    tests += [_present(path) for path in shape.has if len(path.steps) > 1]
    if shape.any_of:
        tests.append(lambda event: any(at(event, path.steps) is not None for path in shape.any_of))
    if shape.only is not None:
        only = shape.only
        tests.append(lambda event: event.keys() <= only)
    tests += [_object(path) for path in shape.objects]
    tests += [_words(path) for path in shape.words]
    tests += [_prefixed(path, prefix) for path, prefix in shape.prefix]
    tests += [_one_of(path, words) for path, words in shape.one_of]
    return lambda event: all(test(event) for test in tests)


def _present(path: Path) -> Test:
    return lambda event: at(event, path.steps) is not None


def _object(path: Path) -> Test:
    return lambda event: isinstance(at(event, path.steps), dict | None)


def _words(path: Path) -> Test:
    """Plain English: a capital first, and nothing but letters, spaces and hyphens."""

    def test(event: Event) -> bool:
        value = at(event, path.steps)
        if type(value) is not str or not value[:1].isupper() or len(value) > 120:
            return False
        return value.replace(" ", "").replace("-", "").isalpha() and not value.isupper()

    return test


def _prefixed(path: Path, prefix: str) -> Test:
    def test(event: Event) -> bool:
        value = at(event, path.steps)
        return type(value) is str and value.startswith(prefix)

    return test


def _one_of(path: Path, words: frozenset[str]) -> Test:
    def test(event: Event) -> bool:
        value = at(event, path.steps)
        return type(value) is str and value.casefold() in words

    return test
