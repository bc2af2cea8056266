"""What is cut in the bytes is what the complete way masks, whatever stands under a secret's key."""

import json
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from whodid_agent.normalise.redact import Redactor, walk
from whodid_schema.record import MASK

REDACTOR = Redactor()
KEYS = st.sampled_from(
    [
        "credentials",
        "token",
        "password",
        "passwords",
        "secret",
        "scopes",
        "id",
        "name",
        "jti",
        "keys",
        "key",
        "pin",
        "a",
    ]
)
SCALARS = st.one_of(
    st.sampled_from(["create:actions", "e01983470586edb819", "short", "", "hunter2hunter2", "a, b]", "{x", MASK]),
    st.integers(-3, 10**6),
    st.booleans(),
    st.none(),
)
ARRAYS = st.lists(SCALARS, max_size=4)
OBJECTS = st.dictionaries(KEYS, st.one_of(SCALARS, ARRAYS), max_size=5)
VALUES = st.one_of(SCALARS, ARRAYS, OBJECTS, st.lists(OBJECTS, max_size=2), st.dictionaries(KEYS, OBJECTS, max_size=2))
EVENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


@given(event=EVENTS, spaced=st.booleans())
def test_the_cuts_in_the_bytes_mask_what_the_complete_way_masks(event: dict[str, Any], spaced: bool) -> None:
    line = json.dumps(event, separators=None if spaced else (",", ":")).encode()
    with patch.object(walk, "_LOOKS", 1_000):  # of a line of many secrets the later are masked with all around them
        assert msgspec.json.decode(REDACTOR.redact(line)) == REDACTOR.redact_value(event)


def test_of_credentials_the_scopes_stay_and_all_else_is_masked() -> None:
    line = (
        b'{"credentials":{"jti":"e01983470586edb8", "scopes":["create:actions","read:rules"], "codes":["abcdef12",7]}}'
    )
    masked = b'{"credentials":{"jti":"[FILTERED]", "scopes":["create:actions","read:rules"], "codes":["[FILTERED]",7]}}'
    assert REDACTOR.redact(line) == masked


def test_numbers_in_an_array_under_a_strict_key_are_masked() -> None:
    line = b'{"token":{"pins":[1234,"99"],"id":"abcdefgh","note":"abcdefgh"}}'
    assert REDACTOR.redact(line) == (
        b'{"token":{"pins":["[FILTERED]","[FILTERED]"],"id":"abcdefgh","note":"[FILTERED]"}}'
    )
