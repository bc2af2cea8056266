"""Times under arbitrary values."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema import timestamp

FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
RECEIVED = "2026-11-21T12:00:00.000000Z"
MICROS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
nearly_times = st.from_regex(
    re.compile(r"\d{4}-?[W0-9]\d-?\d\d?[Tt ]?\d\d:?\d\d:?\d\d([.,]\d{0,10})?( ?(Z|z|[+-]\d\d:?\d\d))?", re.ASCII),
    fullmatch=True,
)


@given(json_values | nearly_times)
def test_parsing_never_raises_and_gives_one_form(value: object) -> None:
    instant = timestamp.parse(value)
    if instant is not None:
        assert FORM.fullmatch(instant.text)
        assert instant.precision in ("us", "ms", "s", "minute", "day")
        assert timestamp.from_micros(timestamp.to_micros(instant.text)) == instant.text


@given(json_values | nearly_times)
def test_settling_always_gives_a_believable_time(value: object) -> None:
    settled = timestamp.settle(value, RECEIVED)
    assert "2000" <= settled.timestamp <= "2026-11-22T12:00:00.000000Z"
    assert (settled.reported_time is not None) == (settled.precision == "implausible")


@given(MICROS)
def test_micros_and_text_are_each_others_inverse(micros: int) -> None:
    text = timestamp.from_micros(micros)
    assert FORM.fullmatch(text)
    assert timestamp.to_micros(text) == micros
    parsed = timestamp.parse(text)
    assert parsed is not None
    assert parsed.text == text


@given(MICROS, MICROS)
def test_texts_sort_as_the_moments_do(one: int, other: int) -> None:
    assert (timestamp.from_micros(one) < timestamp.from_micros(other)) == (one < other)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.integers(-1439, 1439))  # noqa: DTZ001 — the zone is drawn beside it
def test_every_offset_names_the_same_moment(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    parsed = timestamp.parse(aware.isoformat())
    assert parsed is not None
    assert parsed.text == f"{aware.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"
    assert not parsed.zone_assumed


@given(nearly_times)
def test_the_common_forms_fast_way_and_the_whole_grammar_agree(text: str) -> None:
    for way in (timestamp._zulu, timestamp._common):
        fast = way(text)
        if fast is not None:
            assert fast == timestamp._text(text)


@given(st.integers(10**9, 10**10 - 1), st.integers(1, 999_999))
def test_an_epoch_with_a_fraction_is_the_same_as_number_and_as_text(seconds: int, micros: int) -> None:
    number = float(f"{seconds}.{micros:06}")
    assert timestamp.parse(number) == timestamp.parse(repr(number))


@given(st.integers(10**9, 10**10 - 1))
def test_an_epoch_in_any_unit_is_the_same_moment(seconds: int) -> None:
    texts = {timestamp.settle(seconds * unit, RECEIVED).reported_time for unit in (1, 10**3, 10**6, 10**9)}
    parsed = {instant.text for unit in (1, 10**3, 10**6, 10**9) if (instant := timestamp.parse(seconds * unit))}
    assert len(parsed) == 1
    assert len(texts) == 1
