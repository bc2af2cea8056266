"""Words that people write in many ways have one form in records and in queries."""

import pytest

from whodid_schema.canonical import slug, target_type, value_of
from whodid_schema.fields import FIELDS


@pytest.mark.parametrize("words", ["API role", "ApiRole", "api-role", "api_role", " API  role ", "Api/Role"])
def test_a_type_has_one_form_however_it_is_written(words: str) -> None:
    assert target_type(words) == "api_role"


@pytest.mark.parametrize("words", ["783", "a:b", "role*", "x" * 201, "", "!"])
def test_what_is_no_words_stays_as_it_is(words: str) -> None:
    assert target_type(words) == words


def test_a_slug_joins_words() -> None:
    assert slug(" Hourly & daily  limit ") == "hourly_daily_limit"


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        ("verb", "VIEW", "VIEW"),
        ("verb", "edited", "update"),
        ("verb", "Logged in", "sign_in"),
        ("verb", "other", "other"),
        ("verb", "frobnicate", "frobnicate"),
        ("verb", "*", "*"),
        ("outcome", "Success", "Success"),
        ("surface", "API-request", "api_request"),
        ("type", "Sending Node", "sending_node"),
        ("type", "Sending N*", "sending_n*"),
        ("type", "*", "*"),
        ("type", " ", " "),
        ("category", "My Area", "My Area"),
        ("actor", "API role", "API role"),
    ],
)
def test_a_query_s_value_is_what_records_have(field: str, typed: str, meant: str) -> None:
    assert value_of(FIELDS[field], typed) == meant
