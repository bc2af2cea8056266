"""whodid's own events stay out of answers unless they are asked for."""

from datetime import UTC, datetime

import pytest

from whodid_indexer.query.own import without_own
from whodid_indexer.query.parse import Context, read_query
from whodid_indexer.query.printer import to_text

CONTEXT = Context(datetime(2026, 11, 21, tzinfo=UTC))


def answered(text: str) -> str:
    return to_text(without_own(read_query((), [text] if text else [], context=CONTEXT).query))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", "-surface:audit"),
        ("actor:ana", "actor:ana -surface:audit"),
        ("-app:shop", "-app:shop -surface:audit"),
        ("-surface:delivery", "-surface:delivery,audit"),
        ("-surface:audit,delivery", "-surface:audit,delivery"),
    ],
)
def test_they_are_left_out_by_a_term_that_is_seen(typed: str, meant: str) -> None:
    assert answered(typed) == meant


@pytest.mark.parametrize(
    "typed", ["surface:audit", "surface:activity", "app:whodid", "id:" + "0" * 26, "surface:audit OR actor:ana"]
)
def test_a_query_that_names_what_it_wants_is_left_as_it_is(typed: str) -> None:
    assert answered(typed) == typed
