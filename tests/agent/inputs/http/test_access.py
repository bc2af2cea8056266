"""Who may post: loopback only without tokens, tokens and signatures otherwise; a web page never."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from agent.inputs.http.conftest import REDACTOR
from whodid_agent.inputs.http.auth import Credential
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.posted import hashed
from whodid_agent.inputs.http.source import HttpSource
from whodid_schema.errors import ConfigError

if TYPE_CHECKING:
    from agent.inputs.http.conftest import Receiver, Start

BODY = b'{"a":1}'


def options(folder: Path, **changes: object) -> HttpOptions:
    given = {"name": "in", "address": "127.0.0.1:0", "spool_dir": folder / "spool", "agent": "a1", "host": "h1"}
    return HttpOptions(**{**given, **changes})  # type: ignore[arg-type]  # checked by the tests' own values


def source(folder: Path, *, listen: bool = True, **changes: object) -> HttpSource:
    return HttpSource(options(folder, **changes), REDACTOR, ReceiverMetrics(CollectorRegistry()), listen=listen)


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:8686", "example.com:80"])
def test_without_tokens_any_address_but_loopback_is_a_configuration_error(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match="without tokens"):
        source(tmp_path, address=address)
    source(tmp_path, address=address, listen=False)
    source(tmp_path, address=address, credentials=(Credential("shop", "s3cret"),))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1:80", "localhost:http", "127.0.0.1:70000", ""])
def test_an_address_that_is_none_is_a_configuration_error(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        source(tmp_path, address=address)


def test_an_address_in_use_is_a_configuration_error_and_frees_the_spool(receiver: "Receiver", tmp_path: Path) -> None:
    second = source(tmp_path / "other", address=receiver.source.address)
    with pytest.raises(ConfigError, match="cannot listen on"):
        second.open({})
    second.close()
    third = source(tmp_path / "other")
    third.open({})
    third.close()


@pytest.mark.parametrize(
    "credential",
    [
        Credential("", "x"),
        Credential("a", ""),
        Credential("a", "sha256:12"),
        Credential("a", "sha256:zz"),
        Credential("a", "whsec_*", "standard"),
    ],
)
def test_a_credential_that_cannot_work_is_a_configuration_error(tmp_path: Path, credential: Credential) -> None:
    with pytest.raises(ConfigError, match="HTTP token"):
        source(tmp_path, credentials=(credential,))


def test_a_token_names_the_source_and_may_be_configured_as_its_hash(start: "Start") -> None:
    hashed = "sha256:" + hashlib.sha256(b"t0ken-b").hexdigest()
    receiver = start(credentials=(Credential("shop", "t0ken-a"), Credential("mail", hashed)))
    assert receiver.post(BODY, Authorization="Bearer t0ken-a").status_code == 202
    assert receiver.post(BODY, Authorization="bearer t0ken-b").status_code == 202
    for refused in (
        {},
        {"Authorization": "Bearer t0ken"},
        {"Authorization": "Basic t0ken-a"},
        {"Authorization": hashed},
    ):
        answer = receiver.post(BODY, **refused)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert [line.origin.stream.source for line in receiver.lines()] == ["http/shop", "http/mail"]


def test_a_body_signature_must_be_of_this_very_body(start: "Start") -> None:
    receiver = start(credentials=(Credential("git", "key", "body", "X-Sig"),))
    signature = hmac.new(b"key", BODY, hashlib.sha256).hexdigest()
    assert receiver.post(BODY, X_Sig=signature).status_code == 202
    assert receiver.post(BODY, X_Sig=f"sha256={signature.upper()}").status_code == 202
    assert receiver.post(BODY + b" ", X_Sig=signature).status_code == 401
    assert receiver.post(BODY, X_Sig="").status_code == 401
    assert receiver.post(BODY).status_code == 401
    assert {line.origin.stream.source for line in receiver.lines()} == {"http/git"}


def test_a_standard_webhook_signature_expires_and_its_id_is_the_key(start: "Start") -> None:
    key = b"0123456789abcdef"
    receiver = start(credentials=(Credential("hook", "whsec_" + base64.b64encode(key).decode(), "standard"),))

    def sign(at: int) -> dict[str, str]:
        mac = hmac.new(key, b"msg_1.%d." % at + BODY, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(bytes(32)).decode()} v1,{base64.b64encode(mac).decode()}"
        return {"webhook_id": "msg_1", "webhook_timestamp": str(at), "webhook_signature": signature}

    now = int(time.time())
    assert receiver.post(BODY, **sign(now)).status_code == 202
    assert receiver.post(BODY, **sign(now - 3600)).status_code == 401
    assert receiver.post(BODY, **{**sign(now), "webhook_timestamp": str(now + 1)}).status_code == 401
    assert receiver.post(BODY, **{**sign(now), "webhook_timestamp": "soon"}).status_code == 401
    assert [line.origin.key for line in receiver.lines()] == [hashed("msg_1")]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8686", "127.0.0.1:1", "[::1]:1", "127.9.9.9", "audit.internal:80"]
)
def test_loopback_names_and_configured_ones_are_answered(start: "Start", host: str) -> None:
    assert start(hosts=("audit.internal",)).post(BODY, Host=host).status_code == 202


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "192.0.2.1"])
def test_a_foreign_host_name_is_refused_at_every_path(receiver: "Receiver", host: str) -> None:
    assert receiver.post(BODY, Host=host).status_code == 403
    assert receiver.client.get("/metrics", headers={"Host": host}).status_code == 403
    assert receiver.lines() == []


def test_a_web_page_gets_no_permission_to_post(receiver: "Receiver") -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = receiver.client.options("/v1/events", headers=asked)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert receiver.post(BODY, "text/plain;application/json", Origin="https://evil.example").status_code == 415


def test_health_readiness_and_metrics_are_served_without_a_token_on_this_machine(start: "Start") -> None:
    receiver = start(credentials=(Credential("shop", "t0ken-a"),))
    receiver.post(BODY, Authorization="Bearer t0ken-a")
    assert receiver.client.get("/healthz").json() == {"status": "ok"}
    assert receiver.client.get("/readyz").json() == {"status": "ready"}
    shown = receiver.client.get("/metrics").text
    assert 'whodid_agent_receiver_events_total{input="in",result="accepted"} 1.0' in shown
    assert 'whodid_agent_receiver_posts_total{input="in",status="202"} 1.0' in shown
    assert receiver.client.head("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/events", 405), ("POST", "/", 404), ("POST", "/healthz", 405)]
)
def test_other_paths_and_methods_get_the_same_shape_of_problem(
    receiver: "Receiver", method: str, path: str, status: int
) -> None:
    answer = receiver.client.request(method, path, json={"a": 1})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail"} <= answer.json().keys()
