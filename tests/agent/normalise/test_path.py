"""Paths that read a part of a text, or ask what form it has."""

import re
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whodid_agent.normalise import interpret
from whodid_agent.normalise.fast.compile import compile_profile
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.language.path import BadPathError, Like, at, parse_path, remove, spelt
from whodid_agent.normalise.language.profile import Profile

EVENT = {"arn": "arn:aws:sts::1:assumed-role/Ops/ann@example.com", "user": {"name": "Root", "id": 7}, "bot": "ci[bot]"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("arn[last /]", "ann@example.com"),
        ("arn[upto /]", "arn:aws:sts::1:assumed-role/Ops"),
        ("arn[upto /][last /]", "Ops"),
        ("arn[after :]", "aws:sts::1:assumed-role/Ops/ann@example.com"),
        ("arn[before :]", "arn"),
        ("arn[last /][like *@*.*]", "ann@example.com"),
        ("arn[last ?]", None),
        ("arn[after example.com]", None),
        ("user.name[like root]", "Root"),
        ("user.name[like x | r*t]", "Root"),
        ("user.name[like roo]", None),
        ("user.name[unlike unknown|nobody]", "Root"),
        ("user.name[unlike r*]", None),
        ("user.id[unlike 8]", 7),
        (r"bot[like *\[bot\]]", "ci[bot]"),
        (r"bot[before \[]", "ci"),
        ("user.name[like *]", "Root"),
        ("user.id[like 7]", 7),
        ("user[last /]", None),
        ("nobody[like *]", None),
        ("user.0.name", "Root"),
        ("user.1.name", None),
        ("arn[last /].more", None),
    ],
)
def test_a_part_of_a_text_is_read_where_it_is_one_of_that_form(path: str, found: str | None) -> None:
    parsed = parse_path(path)
    assert at(EVENT, parsed.steps) == found
    assert parse_path(spelt(parsed.steps)) == parsed


@pytest.mark.parametrize("path", ["arn[lst /]", "arn[last ]", "[last /", "arn[last /]x"])
def test_what_is_no_such_path_is_refused(path: str) -> None:
    with pytest.raises(BadPathError):
        parse_path(path)


def test_a_text_of_which_a_part_was_read_stays_and_one_whose_form_was_asked_goes() -> None:
    event: dict[str, Any] = {"a": "x/y", "b": "x"}
    remove(event, parse_path("a[last /]").steps)
    assert event == {"a": "x/y", "b": "x"}
    remove(event, parse_path("b[like x]").steps)
    assert event == {"a": "x/y"}


FORMS = st.lists(st.text("aB*.", max_size=5), min_size=1, max_size=4)


@given(forms=FORMS, text=st.text("aAbB.", max_size=6), but=st.booleans())
def test_a_form_passes_what_its_pattern_would(forms: list[str], text: str, but: bool) -> None:
    folded = tuple(form.casefold() for form in forms)
    patterns = [".*".join(map(re.escape, form.split("*"))) for form in folded]
    passes = any(re.fullmatch(pattern, text.casefold(), re.DOTALL) for pattern in patterns)
    assert (Like(folded, but).read(text) == text) is (passes is not but)


PROFILE = """
profile: parts
recognise: {has: [arn]}
action: {if_present: "user.name[like root]", then: {const: as_root}, else: user.name}
actor:
  {id: arn, name: "arn[last /]", email: ["arn[last /][like *@*]", "user.mail[like *@*]"], role: "arn[upto /][last /]"}
"""


def profile() -> Profile:
    return parse_profile(PROFILE, FilePath("parts.yaml"))


@pytest.mark.parametrize(
    "event",
    [
        EVENT,
        {"arn": "a/b", "user": {"name": "ann", "mail": "ann@example.com"}},
        {"arn": "a/b", "user": {"name": "ann", "mail": "none"}},
        {"arn": 5, "user": "root"},
        {"arn": None},
    ],
)
def test_a_text_is_read_whole_and_in_part_alike_by_interpreter_and_function(event: dict[str, Any]) -> None:
    def copied() -> dict[str, Any]:
        return {key: dict(value) if isinstance(value, dict) else value for key, value in event.items()}

    expected = interpret.extract(profile(), copied())
    assert compile_profile(profile())(copied()) == expected
    assert compile_profile(profile(), frozenset(event))(copied()) == expected
