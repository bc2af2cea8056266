"""What a machine lacks for some tests: they fail in CI, and are skipped elsewhere; the end of the run says so aloud."""

import os
from typing import NoReturn

import pytest

NOTES = pytest.StashKey[list[str]]()


def notes_of(config: pytest.Config) -> list[str]:
    """What the end of the run will say."""
    return config.stash.setdefault(NOTES, [])


def lacking(config: pytest.Config, what: str, reason: str) -> NoReturn:
    """End the test that needs `what`, for `reason`, in one line each."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {what}: {reason}", pytrace=False)
    if (note := f"NOT TESTED: whodid with {what}. {reason}") not in notes_of(config):
        notes_of(config).append(note)
    pytest.skip(reason)
