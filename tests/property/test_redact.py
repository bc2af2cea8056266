"""Redaction under generated lines: nothing planted gets through, and all ways to do it agree."""

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whodid_agent.normalise.redact import Redactor
from whodid_schema.record import MASK

ENGINES = {name: Redactor(engine_name=name) for name in ("hyperscan", "re2", "none")}
FAST = ENGINES["hyperscan"]

STRICT_KEYS = st.sampled_from(
    [
        "password", "Password", "db_password", "userPassword", "passwd", "pwd", "passphrase", "pin", "otp", "cvv",
        "secret", "client_secret", "clientSecret", "SecretString", "password_confirmation", "recovery_codes",
        "recoveryCodes", "new-password", "smtp.password", "PASSWORD",
    ]
)  # fmt: skip
LENIENT_KEYS = st.sampled_from(
    ["token", "access_token", "accessToken", "x-api-token", "api_key", "apiKey", "apikey", "private_key", "credentials"]
)
PLAIN_KEYS = st.sampled_from(
    ["actor", "name", "id", "role", "note", "from", "to", "data", "x", "monkey", "secretName", "token_type", "field"]
)
SECRETS = st.text(string.ascii_letters + string.digits + ' äß"\\/_-{}[]:,.é', min_size=6, max_size=24).map(
    lambda text: "Zq7" + text + "7qZ"
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)
)
HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
SHAPES = st.one_of(
    HEX.map(lambda text: ("Bearer " + text, text)),
    HEX.map(lambda text: ("see ghp_" + text + "abcd, please", text)),
    HEX.map(lambda text: ("sk_live_" + text, text)),
    HEX.map(lambda text: ("https://u:" + text + "@db.example/x", text)),
    HEX.map(lambda text: ("https://db.example/x?token=" + text + "&y=1", text)),
    HEX.map(lambda text: ("login failed: password=" + text + " (3rd time)", text)),
    HEX.map(lambda text: (f'body was {{"password": "{text}"}} from bob', text)),
    HEX.map(lambda text: ("eyJhbGciOiJIUzI1NiJ9." + text + "." + text, text)),
    HEX.map(lambda text: ("-----BEGIN RSA PRIVATE KEY-----\n" + text + "\n-----END RSA PRIVATE KEY-----", text)),
)


def around(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value with one child somewhere inside, at any depth, also inside JSON in strings."""
    other = st.dictionaries(PLAIN_KEYS, SCALARS, max_size=2)
    return st.one_of(
        st.tuples(PLAIN_KEYS, children, other).map(lambda t: {**t[2], t[0]: t[1]}),
        st.tuples(children, st.lists(SCALARS, max_size=2)).map(lambda t: [*t[1], t[0]]),
        children.map(json.dumps),
    )


def planted(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(inner, around, max_leaves=5)


def parts(secret: str) -> list[str]:
    """What must not be seen of a secret, however it is escaped: its marks at both ends."""
    return ["Zq7", "7qZ"] if secret.startswith("Zq7") else [secret]


BY_KEY = st.one_of(
    st.tuples(STRICT_KEYS, SECRETS).map(lambda t: {t[0]: t[1]}),
    st.tuples(STRICT_KEYS, SECRETS, SECRETS).map(lambda t: {t[0]: {"from": t[1], "to": t[2]}}),
    st.tuples(STRICT_KEYS, SECRETS).map(lambda t: {t[0]: [t[1], 1]}),
    st.tuples(STRICT_KEYS, SECRETS).map(lambda t: {t[0]: {"deep": [{"er": t[1]}]}}),
    st.tuples(STRICT_KEYS, SECRETS).map(lambda t: {"field": t[0], "from": t[1], "to": t[1]}),
    st.tuples(LENIENT_KEYS, SECRETS).map(lambda t: {t[0]: t[1]}),
    st.tuples(LENIENT_KEYS, SECRETS).map(lambda t: {t[0]: {"from": t[1], "to": None}}),
    st.tuples(LENIENT_KEYS, SECRETS).map(lambda t: {t[0]: {"id": "1", "value": {"deep": t[1]}}}),
)
STYLES = st.sampled_from([{}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@settings(max_examples=300, deadline=None)
@given(planted(BY_KEY), STYLES)
def test_a_secret_planted_by_key_leaves_no_trace_at_any_depth_by_any_engine(value: Any, style: dict[str, Any]) -> None:
    line = json.dumps(value, **style).encode()
    for redactor in ENGINES.values():
        out = redactor.redact(line).decode()
        assert not any(part in out for part in ("Zq7", "7qZ")), out


@settings(max_examples=300, deadline=None)
@given(st.data(), STYLES)
def test_a_secret_planted_by_shape_leaves_no_trace(data: st.DataObject, style: dict[str, Any]) -> None:
    text, secret = data.draw(SHAPES)
    line = json.dumps(data.draw(planted(st.just(text))), **style).encode()
    for redactor in ENGINES.values():
        assert secret.encode() not in redactor.redact(line)


@settings(max_examples=300, deadline=None)
@given(planted(st.one_of(BY_KEY, SHAPES.map(lambda shape: shape[0]), SCALARS)), STYLES)
def test_bytes_and_decoded_values_are_redacted_alike(value: Any, style: dict[str, Any]) -> None:
    line = json.dumps(value, **style).encode()
    expected = FAST.redact_value(json.loads(line))
    for redactor in ENGINES.values():
        assert json.loads(redactor.redact(line)) == expected


@settings(max_examples=300, deadline=None)
@given(planted(st.one_of(BY_KEY, SHAPES.map(lambda shape: shape[0]), SCALARS)), STYLES)
def test_what_was_redacted_once_stays_as_it_is(value: Any, style: dict[str, Any]) -> None:
    once = FAST.redact(json.dumps(value, **style).encode())
    assert FAST.redact(once) is once


@settings(max_examples=200, deadline=None)
@given(planted(BY_KEY), STYLES, st.data())
def test_a_line_cut_off_after_the_secret_leaks_nothing_of_it(
    value: Any, style: dict[str, Any], data: st.DataObject
) -> None:
    line = json.dumps(value, **style)
    at = data.draw(st.integers(0, len(line)))
    out = FAST.redact(line[:at].encode()).decode()
    assert "Zq7" not in out, (line[:at], out)


JUNK = ("password", "token", '"', "\\", ":", "=", "{", "}", "[", "]", ",", "\n", " ", "key", "x", "\\u0070", MASK)
WORDS = st.sampled_from([*JUNK, "4111111111111111", "Bearer abcdef", "\x00"])


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=24).map(lambda words: "".join(words).encode())))
def test_no_bytes_raise_and_every_newline_stays(chunk: bytes) -> None:
    for redactor in ENGINES.values():
        assert redactor.redact(chunk).count(b"\n") == chunk.count(b"\n")


@settings(max_examples=200, deadline=None)
@given(st.lists(planted(st.one_of(BY_KEY, SCALARS)), max_size=6))
def test_a_chunk_is_redacted_as_its_lines_are(values: list[Any]) -> None:
    lines = [json.dumps(value).encode() for value in values]
    assert FAST.redact(b"\n".join(lines)) == b"\n".join(FAST.redact(line) for line in lines)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_that_is_asked_for_is_there(engine: str) -> None:
    assert (ENGINES[engine]._scan is None) == (engine == "none")
