"""Lines of many hits, keys or digits are masked as those of few are, only at once."""

import json
from typing import Any

import pytest

from whodid_agent.normalise.redact import Redactor
from whodid_agent.normalise.redact.card import is_card
from whodid_agent.normalise.redact.scan import LINE_HITS
from whodid_schema.record import MASK

ENGINES = {name: Redactor(engine_name=name) for name in ("hyperscan", "re2", "none")}
CARD = 4111111111111111


@pytest.fixture(params=ENGINES)
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return ENGINES[request.param]


def through(redactor: Redactor, value: Any) -> Any:
    return json.loads(redactor.redact(json.dumps(value).encode()))


def test_more_hits_than_are_cut_one_by_one_are_masked_all_the_same(redactor: Redactor) -> None:
    names = [f"password{number}" for number in range(LINE_HITS + 2)]
    for count in range(LINE_HITS - 1, LINE_HITS + 3):
        event = dict.fromkeys(names[:count], "x") | {"actor": "ann@example.com"}
        assert through(redactor, event) == dict.fromkeys(names[:count], MASK) | {"actor": "ann@example.com"}


def test_a_line_of_many_hits_says_nothing_of_the_lines_around_it(redactor: Redactor) -> None:
    many = json.dumps({f"pin{number}": number for number in range(3 * LINE_HITS)}).encode()
    few = b'{ "pin":1, "a":"b" }'
    out = redactor.redact(b"\n".join([few, many, few, b"", many, few])).split(b"\n")
    assert [json.loads(out[at]) for at in (0, 2, 5)] == [{"pin": MASK, "a": "b"}] * 3
    assert out[3] == b""
    assert all(json.loads(out[at]) == {f"pin{number}": MASK for number in range(3 * LINE_HITS)} for at in (1, 4))


def test_secrets_among_thousands_of_new_keys_are_masked(redactor: Redactor) -> None:
    event: dict[str, Any] = {f"{number:x}-k": number for number in range(5000)}
    secrets = {
        "4ebay_pin": 7,
        "q.token": "sixsix",
        "New Password": "a b",
        "sk_live_0123456789": 1,
        "x": "Bearer abc12345",
    }
    masked = {"4ebay_pin": MASK, "q.token": MASK, "New Password": MASK, MASK: 1, "x": f"Bearer {MASK}"}
    assert through(redactor, event | secrets) == event | masked
    assert through(redactor, {"a": [event | secrets]}) == {"a": [event | masked]}


def test_digits_are_a_card_as_a_key_too_and_in_every_list(redactor: Redactor) -> None:
    trigger = {"pin": {"a": 1}}  # so that the line is decoded
    event = {str(CARD): 1, "list": [str(CARD), CARD, 1, None, 2.5], "ids": [str(CARD), CARD], "numbers": [1, 2.5, CARD]}
    masked = {MASK: 1, "list": [MASK, MASK, 1, None, 2.5], "ids": [str(CARD), CARD], "numbers": [1, 2.5, MASK]}
    assert through(redactor, [event, trigger]) == [masked, {"pin": {"a": MASK}}]


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_of_hundreds_of_possible_cards_the_later_are_masked_unseen_but_never_ids(engine: str) -> None:
    near = [str(number) for number in range(CARD, CARD + 400) if not is_card(str(number))][:300]
    event = {"order_ids": near, "numbers": near, "cards": str(CARD), "actor": "ann@example.com"}
    out = through(ENGINES[engine], event)
    assert out["order_ids"] == near
    known = out["numbers"].index(MASK)
    assert out["numbers"] == near[:known] + [MASK] * (len(near) - known)
    assert (out["cards"], out["actor"]) == (MASK, "ann@example.com")


def test_a_card_at_the_beginning_of_a_line_is_masked_whatever_the_line_before_ends_with(redactor: Redactor) -> None:
    assert redactor.redact(b'set "password"\n4111111111111111 paid\n') == b'set "password"\n[FILTERED] paid\n'


@pytest.mark.parametrize("text", ["Straße=hunter2", "STRASSE: hunter2", "straße: 'hunter2'", "x stra\u00dfe = hunter2"])
def test_extra_names_that_are_not_ascii_are_found_in_texts(text: str) -> None:
    redactor = Redactor(extra=["Straße", "strasse"], engine_name="re2")
    for style in (True, False):
        assert b"hunter2" not in redactor.redact(json.dumps({"m": text}, ensure_ascii=style).encode())


ESCAPED = [
    {"msg": 'he said "x"\nand left', "a": {"password": "hunter2"}, "b": 'token = "hunter2token"\n'},
    {"msg": "\n", "t": "\\", "k": "a\nBearer hunter2hunter2", "x": [{"pin": {"a": "hunter2"}}]},
    {"msg": json.dumps({"password": "hunter2", "note": "x" * 300, "t": "a\nb"}), "pin": {"a": [1]}},
    {"msg": json.dumps({"field": "password", "from": "hunter2"}), "pin": {"a": [1]}, "q": "'"},
    {"msg": json.dumps({"a": json.dumps({"otp": "hunter2"})}), "pin": {"a": [1]}},
    {'pass"word\n': "x", "new\npassword": "hunter2", 'my "token"': "hunter2", "pin": {"a": [1]}},
    {"a": "\ud83d\ude00 token=hunter2hunter2", "b": ["\n", 'https://u:hunter2@h/"'], "pin": {"a": [1]}},
    {"l": [{"field": "password", "from": f"hunter2{number}", "to": "\n"} for number in range(300)]},
    {"token": json.loads('{"a":' * 200 + '"hunter2"' + "}" * 200)},
    {"a": json.loads('{"a":' * 200 + '{"b":"Bearer hunter2"}' + "}" * 200)},
    json.loads('{"token":' * 300 + '"hunter2"' + "}" * 300),
]


@pytest.mark.parametrize("event", ESCAPED)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_texts_with_newlines_quotes_and_json_and_endless_depth_hide_nothing(
    redactor: Redactor, event: dict[str, Any], ascii_only: bool
) -> None:
    line = json.dumps(event, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    for written in (line, line.replace(b"password", b"p\\u0061ssword").replace(b"token", b"\\u0074oken")):
        assert b"hunter2" not in redactor.redact(written)


def test_of_a_line_with_a_secret_harmless_texts_keep_every_character(redactor: Redactor) -> None:
    event = {"a": "x\ny", "b": 'say "x"', "c": "\\", "d": json.dumps({"e": ['"', "\n"], "f": {"g": 1}}), "é": "ü"}
    assert through(redactor, event | {"pin": {"a": 1}}) == event | {"pin": {"a": MASK}}


@pytest.mark.parametrize("place", [0, 15, 16, 17, 299])
@pytest.mark.parametrize(
    "secret",
    [
        {"password": "hunter2"},
        {"field": "api_token", "from": "hunter2"},
        {"x": [{"pin": {"y": "hunter2"}}]},
        {"note": 'token: "hunter2hunter2"\n'},
        {"hunter2=1 password=hunter2": 1},
        {"card": CARD},
    ],
)
def test_of_hundreds_of_objects_the_one_with_a_secret_is_found(
    redactor: Redactor, secret: dict[str, Any], place: int
) -> None:
    many: list[Any] = [{f"k{number}": number, "text": f"word {number}\n", "q": '"'} for number in range(300)]
    listed = [*many[:place], secret, *many[place:]]
    out = redactor.redact(json.dumps({"pin": {"a": 1}, "list": listed}).encode())
    assert b"hunter2" not in out.replace(b"hunter2=1", b"")
    assert str(CARD).encode() not in out
    found = json.loads(out)["list"]
    assert found[:place] + found[place + 1 :] == many
