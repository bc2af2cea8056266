"""A wildcard stands for any run of characters, and a hostile value costs no more than a long one."""

import re

from hypothesis import given
from hypothesis import strategies as st

from support.timing import least
from whodid_indexer.query.wildcard import like


@given(st.text("ab", max_size=12), st.text("ab*", max_size=8).filter(lambda pattern: "*" in pattern))
def test_it_is_what_a_regular_expression_finds(value: str, pattern: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) is not None
    assert like(value, pattern.split("*")) == wanted


def test_a_value_made_to_be_slow_is_not() -> None:
    parts = ["", "a", "a", "a", "b"]
    assert not like("a" * 100_000, parts)
    assert least(lambda: like("a" * 100_000, parts)) < 40 * least(lambda: like("a" * 10_000, parts)) + 0.0001
