"""Ids under arbitrary parts."""

from hypothesis import assume, given
from hypothesis import strategies as st

from whodid_schema import identity

parts = st.tuples(st.text(), st.lists(st.text(), min_size=1, max_size=3), st.binary())


@given(parts, parts)
def test_two_native_ids_are_equal_only_if_every_part_is(
    one: tuple[str, list[str], bytes], other: tuple[str, list[str], bytes]
) -> None:
    assert (identity.native_id(*one) == identity.native_id(*other)) == (one == other)


@given(st.text(), st.text(), st.integers(0, 2**40), st.integers(0, 2**20), st.binary(), st.text())
def test_every_id_has_the_form_of_an_id(
    source: str, generation: str, offset: int, item: int, event: bytes, receipt: str
) -> None:
    made = identity.file_id(source, generation, offset, item, event, receipt)
    assert len(made) == identity.ID_LENGTH
    assert made.isascii()
    assert made.isalnum()
    assert made == made.lower()
    assert made[0] in "01234567"


@given(st.text(min_size=2), st.integers(1))
def test_no_boundary_between_source_and_key_can_be_moved(text: str, place: int) -> None:
    cut = place % len(text)
    assume(cut)
    assert identity.http_id(text[:cut], text[cut:], 0, b"") != identity.http_id(text, "", 0, b"")
