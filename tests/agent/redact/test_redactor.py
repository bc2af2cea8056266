"""What is masked, what is not, and that neither a broken nor a hostile line gets through or holds up the rest."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from whodid_agent.normalise.redact import Redactor, scan
from whodid_schema.record import MASK

ENGINES = {name: Redactor(engine_name=name) for name in ("hyperscan", "re2", "none")}
GENERATOR = Path(__file__).parents[4] / "shared" / "yardstick" / "generate.py"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


@pytest.fixture(params=ENGINES)
def redactor(request: pytest.FixtureRequest) -> Redactor:
    return ENGINES[request.param]


def through(redactor: Redactor, value: Any) -> Any:
    return json.loads(redactor.redact(json.dumps(value).encode()))


@pytest.mark.parametrize(
    "key",
    [
        "password", "passwd", "pwd", "passphrase", "pin", "otp", "cvv", "secret", "recovery_codes", "recoveryCodes",
        "PASSWORD", "dbPassword", "db-password", "user.password", "userpassword", "password2", "client_secret",
        "clientSecret", "SecretString", "password_hash", "otp_code", "x-secret", "Recovery Codes", "secrets",
    ],
)  # fmt: skip
def test_every_string_and_number_under_a_strict_key_is_masked(redactor: Redactor, key: str) -> None:
    for value in ("", "x", "long enough", 7, -1.5, "ü"):
        assert through(redactor, {"a": {key: value}}) == {"a": {key: MASK}}
    nested = {key: {"from": "x", "to": 1, "old": None, "deep": [{"id": "y"}, True]}}
    assert through(redactor, nested) == {key: {"from": MASK, "to": MASK, "old": None, "deep": [{"id": MASK}, True]}}
    assert through(redactor, {key: ["a", 1, False, None]}) == {key: [MASK, MASK, False, None]}


@pytest.mark.parametrize(
    "key",
    [
        "token", "api_key", "apiKey", "x-api-token", "access_token", "private_key", "credential", "credentials",
        "apikey", "authToken", "secretAccessKey", "tokens", "API-Key", "AWSSecretKey", "token_value",
    ],
)  # fmt: skip
def test_strings_of_six_characters_and_more_under_a_lenient_key_are_masked(redactor: Redactor, key: str) -> None:
    assert through(redactor, {key: "sixsix"}) == {key: MASK}
    for value in ("five5", 1234567, True, None, "üüüüü"):
        assert through(redactor, {key: value}) == {key: value}
    assert through(redactor, {key: {"from": "sixsix", "to": "five5"}}) == {key: {"from": MASK, "to": "five5"}}
    assert through(redactor, {key: ["sixsix", {"value": "sixsix"}]}) == {key: [MASK, {"value": MASK}]}


def test_a_tokens_identity_survives(redactor: Redactor) -> None:
    event = {
        "actor": {"token": {"id": "tok_123456", "name": "Deploy token", "type": "personal", "scopes": ["read:all"]}},
        "target": {"type": "api_key", "id": "key_000001", "name": "Production key"},
        "credentials": {"role": "administrator", "name": {"full": "the long name"}},
    }
    line = json.dumps(event).encode()
    assert redactor.redact(line) is line


@pytest.mark.parametrize(
    "line",
    [
        {"annotations": {"authorization.k8s.io/reason": "RBAC: allowed by RoleBinding"}},
        {"authorizationInfo": [{"permission": "compute.instances.create"}]},
        {"monkey": "see no evil", "turkey": "roast dinner", "spinning": 5, "pinned": "message", "mapping": "abcdefgh"},
        {"secretName": "api-tls-cert", "token_type": "Bearer", "password_policy": "strict", "keyName": "my-key-name"},
        {"action": "password:changed", "scope": "token:delete", "arn": "arn:aws:secretsmanager:eu:1:secret:Db-AbC"},
        {"actor": {"key": "shop/user:783"}, "requestParameters": {"key": "folder/data.csv"}},
        {"tags": [{"key": "department", "value": "marketing"}]},
        {"method": "password", "message": "Basic settings changed; bearer token expired; reset the password now"},
        {"change": {"field": "display_name", "from": "Ann Example", "to": "Ann Other"}},
        {"text": "a=b&c=d; time: 12:30, https://example.com:8080/path?page=2&monkey=banana"},
        {"html": "\u003cb\u003e\u0026amp;", "slash": "a\\/b"},
        {"is_token_rotation_enabled": False, "dkim_pass": True, "tokens": 123456789},
    ],
)
def test_what_only_looks_like_a_secret_keeps_its_bytes(redactor: Redactor, line: dict[str, Any]) -> None:
    data = json.dumps(line).encode()
    assert redactor.redact(data) is data


HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc123def456", "abc123def456"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----", "MIIEvQ"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz", "b3BlbnNz"),
        ("ghp_" + HEX + "abcd", HEX),
        ("github_pat_" + HEX, HEX),
        ("glpat-" + HEX, HEX),
        ("xoxb-123456789012-" + HEX, HEX),
        ("https://hooks.slack.com/services/T00000000/B00000000/" + HEX, HEX),
        ("sk_live_" + HEX, HEX),
        ("rk_test_" + HEX, HEX),
        ("whsec_" + HEX, HEX),
        ("AIza" + HEX + "abc", HEX),
        ("ya29." + HEX, HEX),
        ("SG." + HEX[:22] + "." + HEX, HEX),
        ("sk-proj-" + HEX, HEX),
        ("npm_" + HEX + "abcd", HEX),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
        ("postgres://app:hunter2@db.internal/prod", "hunter2"),
        ("https://example.com/cb?x=1&access_token=abcdef123&y=2", "abcdef123"),
        ("https://example.com/cb?next=%2Fa%3Fapi_key%3Dabcdef123%26z", "abcdef123"),
        ("connect host=db password=hunter2 user=app", "hunter2"),
        ("password: hunter2", "hunter2"),
        ("password:hunter2", "hunter2"),
        ("password = 'correct horse battery'", "horse"),
        ('{"password": "hunter2"}', "hunter2"),
        ('{"pass\\u0077ord": "hunter2"}', "hunter2"),
        ('body: {"user": "x", "password": {"from": "hunter2"}} sent', "hunter2"),
        ('body: {"field": "password", "from": "hunter2"} sent', "hunter2"),
        ("{'password': 'hunter2', 'x': 1}", "hunter2"),
        ('"{\\"secret\\": \\"hunter2\\"}"', "hunter2"),
        ("X-Api-Token: abcdef123", "abcdef123"),
        ("token=Bearer abcdef123", "abcdef123"),
        ("paid with 4111 1111 1111 1111 12/26", "4111"),
        ("paid with 378282246310005.", "378282246310005"),
        ("card 5555-5555-5555-4444", "5555-4444"),
    ],
)
def test_a_secret_known_by_its_look_is_masked_in_any_string(redactor: Redactor, text: str, secret: str) -> None:
    for value in (text, [text], {"note": text}, {"note": json.dumps({"inner": text})}, {text: 1}):
        for style in ({}, {"ensure_ascii": False, "separators": (",", ":")}):
            line = json.dumps({"a": 1, "x": value}, **style).encode()  # type: ignore[arg-type] # style is a mapping
            out = redactor.redact(line)
            assert secret.encode() not in out
            assert MASK.encode() in out
            assert json.loads(out)["a"] == 1


def test_only_the_secret_is_cut_out_of_a_text(redactor: Redactor) -> None:
    text = "GET /cb?code=1&access_token=abcdef123&page=2 as ann"
    assert through(redactor, {"m": text}) == {"m": f"GET /cb?code=1&access_token={MASK}&page=2 as ann"}


def test_card_numbers_are_masked_but_never_ids_times_accounts_or_addresses(redactor: Redactor) -> None:
    card = 4111111111111111
    event = {"card_number": card, "note": card, "id": card, "order_id": str(card), "created_at": card}
    event |= {"timestamp": card, "accountNumber": card, "ip_address": str(card), "cardId": card, "wrong": card + 1}
    assert through(redactor, event) == event | {"card_number": MASK, "note": MASK, "cardId": MASK}


def test_a_changes_neighbours_are_masked_where_its_name_is_a_secrets(redactor: Redactor) -> None:
    for marker in ("field", "name", "attribute"):
        change = {"from": "x", marker: "password", "to": 7, "by": "ann"}
        assert through(redactor, [change]) == [{"from": MASK, marker: "password", "to": MASK, "by": "ann"}]
    change = {"field": "user.api_key", "old_value": "sixsix", "newValue": "five5"}
    assert through(redactor, change) == {"field": "user.api_key", "old_value": MASK, "newValue": "five5"}


def test_an_access_key_id_names_an_actor_under_its_own_key_only(redactor: Redactor) -> None:
    key_id = "ASIAIOSFODNN7EXAMPLE"
    line = json.dumps({"user": {"accessKeyId": key_id, "extra": {"accessKeyId": [key_id]}}}).encode()
    assert redactor.redact(line) is line
    assert through(redactor, {"note": key_id, "x": {"accessKeyId": key_id}})["note"] == MASK


def test_masks_that_came_with_the_event_stay_as_they_are(redactor: Redactor) -> None:
    event = {"password": MASK, "token": {"from": MASK}, "url": f"?token={MASK}&x=1", "body": f'{{"pin":"{MASK}"}}'}
    line = json.dumps(event).encode()
    assert redactor.redact(line) is line


@pytest.mark.parametrize("engine", ENGINES)
def test_configured_names_are_masked_and_allowed_ones_pass(engine: Any) -> None:
    redactor = Redactor(extra=["iban", "Straße", "mother-maiden-name"], allow=["clientToken"], engine_name=engine)
    event = {"customerIban": "DE00", "straße": "x", "motherMaidenName": 5, "clientToken": "abcdef-123"}
    masked = {"customerIban": MASK, "straße": MASK, "motherMaidenName": MASK, "clientToken": "abcdef-123"}
    assert through(redactor, event) == masked
    assert through(redactor, {"clienttoken": "abcdef-123", "token": "abcdef"}) == {"clienttoken": MASK, "token": MASK}


@pytest.mark.parametrize(
    "line",
    [
        b'{"password":"hunter2',
        b'{"password":hunter2}',
        b'{"password" : hunter2',
        b'{"a":"\xff","password":"hunter2"}',
        b'{"a":"\xff","body":"{\\"password\\":\\"hunter2\\"}"}',
        b'{"password":{"from":"hunter2","to":',
        b'{"field":"password","from":"hunter2"',
        b'{"from":"hunter2","field":"password"]',
        b'{"pass\\u0077ord":"hunter2"',
        b"{password: 'hunter2'}",
        b'{"n":NaN,"password":["x",["hunter2"]]}',
        b'{"n":1e999,"password":"\\ud800 hunter2"}',
        b"2026-04-30 ERROR login failed password=hunter2",
        b'\x00\x00{"password":"hunter2"}',
        b'{"a":1}{"secret":"hunter2"}',
        b'["' + b"[" * 3000 + b'",' + b"[" * 3000 + b'{"pwd":"hunter2"}',
        b'{"a":' * 5000 + b'{"pwd":{"b":"hunter2"}}' + b"}" * 5000,
    ],
)
def test_a_line_that_cannot_be_decoded_leaks_nothing_either(redactor: Redactor, line: bytes) -> None:
    chunk = b'{"a":1}\n' + line + b'\n{"pin":1}\n'
    out = redactor.redact(chunk)
    assert b"hunter2" not in out
    assert out.startswith(b'{"a":1}\n')
    assert out.endswith(b'\n{"pin":"[FILTERED]"}\n')
    assert out.count(b"\n") == 3


@pytest.mark.parametrize(
    "text",
    [
        b'{\n  "password": {\n    "from": "hunter2",\n    "to": ["hunter2"]\n  },\n',
        b'{\n  "secret": [\n    "hunter2"\n  ],\n',
        b'{\n  "api_key":\n    "hunter2",\n',
        b"key follows\n-----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunter2==\n-----END RSA PRIVATE KEY-----\n",
    ],
)
def test_a_secret_that_goes_on_in_the_next_lines_is_masked_there(redactor: Redactor, text: bytes) -> None:
    chunk = text + b'  "next": "kept"\n}\n'
    out = redactor.redact(chunk)
    assert b"hunter2" not in out
    assert out.count(b"\n") == chunk.count(b"\n")
    assert out.endswith(b'  "next": "kept"\n}\n')


@pytest.mark.parametrize("half", [b'{"password": {', b'"secret": [', b'"token":', b"-----BEGIN PRIVATE KEY-----"])
def test_half_a_line_cannot_hide_the_events_behind_it(redactor: Redactor, half: bytes) -> None:
    events = b'{"actor":"ann"}\n[{"actor":"bob"}]\n'
    assert redactor.redact(half + b"\n" + events).endswith(b"\n" + events)


def test_lines_are_cut_in_place_and_their_other_bytes_kept(redactor: Redactor) -> None:
    if redactor is ENGINES["none"]:
        pytest.skip("without an engine every line with a secret is encoded again")
    chunk = b'{ "a" : 1.50, "pin":\t12 , "\xc3\xbc":"\\/" }\r\n{"x":1}\n{"token":{"from":"abcdef","to":null},"b":1.0}'
    masked = b'{ "a" : 1.50, "pin":\t"[FILTERED]" , "\xc3\xbc":"\\/" }\r\n{"x":1}\n'
    assert redactor.redact(chunk) == masked + b'{"token":{"from":"[FILTERED]","to":null},"b":1.0}'


def test_the_same_object_comes_back_where_nothing_is_masked(redactor: Redactor) -> None:
    chunk = b'{"actor":"ann"}\n\n{"actor":"bob","token":"abc"}\n'
    assert redactor.redact(chunk) is chunk
    value = {"actor": "ann", "list": [1, {"x": None}]}
    assert redactor.redact_value(value) is value
    assert redactor.redact(b"") == b""


def test_decoded_values_of_any_kind_are_masked(redactor: Redactor) -> None:
    assert redactor.redact_value("login with password=hunter2") == f"login with password={MASK}"
    assert redactor.redact_value([{"pin": 1}, b"token=abcdef"]) == [{"pin": MASK}, b"token=[FILTERED]"]
    assert redactor.redact_value({1: ("a", {"otp": 5})}) == {1: ["a", {"otp": MASK}]}
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert redactor.redact_value(deep) == MASK


def test_a_key_that_is_itself_a_secret_is_masked(redactor: Redactor) -> None:
    assert through(redactor, {"sk_live_" + HEX: 1}) == {MASK: 1}


@pytest.mark.parametrize(
    "unit",
    [
        b'{"password":', b'{"password":{', b"key=a.", b"password:", b"4111111111111112 ", b"eyJaaaaaaaaaaaaa.",
        b"-----BEGIN PRIVATE KEY", b"://a:b", b'password=\\"a \\\\"', b'"field":"password","from":"', b'"\\u0061"',
        b"key='a.b \"", b"[", b'{"a":"\\u0061"}\n', b'{"token":["', b"Bearer token ",
    ],
)  # fmt: skip
def test_hostile_text_costs_time_in_proportion_to_its_length(unit: bytes) -> None:
    def seconds(size: int) -> float:
        chunk = unit * (size // len(unit))
        start = time.process_time()
        ENGINES["hyperscan"].redact(chunk)
        return time.process_time() - start

    seconds(1_000)
    small = min(seconds(50_000) for _ in range(2))
    assert seconds(400_000) < 8 * 4 * small + 0.05


def test_a_line_of_ten_megabytes_is_redacted() -> None:
    line = b'{"a":"' + b"x" * 10_000_000 + b'","b":"Bearer abcdef123","pin":"' + b"9" * 1000 + b'"}\n'
    out = ENGINES["hyperscan"].redact(line)
    assert b"abcdef123" not in out
    assert b"999" not in out
    assert len(json.loads(out)["a"]) == 10_000_000


def test_the_slower_engine_that_is_ready_at_once_masks_what_the_faster_masks_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan, "EARLY", 200)
    built: list[str] = []

    def later(extra: tuple[str, ...]) -> scan.Scan:
        built.append("hyperscan")
        return scan._hyperscan(extra)

    either = scan._early((), later)
    line = b'{"password":"long enough","a":"b"}\n'
    redactor = Redactor()
    monkeypatch.setattr(redactor, "_scan", either)
    masked = [redactor.redact(line) for _ in range(20)]
    assert built == ["hyperscan"]
    assert set(masked) == {b'{"password":"[FILTERED]","a":"b"}\n'}


def test_where_the_faster_engine_cannot_be_built_the_slower_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "EARLY", 10)

    def later(extra: tuple[str, ...]) -> scan.Scan:
        raise ImportError

    either = scan._early((), later)
    assert all(either(b'{"password":"long enough"}') for _ in range(5))


def test_threads_share_a_redactor() -> None:
    chunk = b'{"password":"hunter2","x":"Bearer abcdef123"}\n' * 200
    expected = ENGINES["hyperscan"].redact(chunk)
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.extend(ENGINES["hyperscan"].redact(chunk) for _ in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 80


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not part of the repository")
def test_no_identity_in_real_events_is_masked(redactor: Redactor) -> None:
    """Of all fields of the corpus only token ids (`jti`) and idempotency tokens are."""
    masked = set()
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            masked |= set(differing(json.loads(line), json.loads(redactor.redact(line))))
    assert masked == {"jti", "clientToken"}


@pytest.mark.skipif(not GENERATOR.is_file(), reason="the generator is not part of the repository")
def test_generated_events_lose_their_secrets_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, str(GENERATOR), "2000", str(path)], check=True)
    data = path.read_bytes()
    results = [redactor.redact(data) for redactor in ENGINES.values()]
    assert results[0] == results[1]
    for before, after, walked in zip(*(whole.splitlines() for whole in (data, results[0], results[2])), strict=True):
        assert json.loads(after) == json.loads(walked)
        assert set(differing(json.loads(before), json.loads(after))) <= {"token", "from", "to"}
        for key in (b'"token":"tok', b'"secret":{', b'"client_secret":{', b'"api_key":{'):
            assert (key in before) <= (after != before)
        assert after == before or b"FILTERED" in after


def differing(before: Any, after: Any, name: str = "") -> list[str]:
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        return [key for name in before for key in differing(before[name], after[name], name)]
    if isinstance(before, list):
        return [key for a, b in zip(before, after, strict=True) for key in differing(a, b, name)]
    return [] if before == after else [name]
