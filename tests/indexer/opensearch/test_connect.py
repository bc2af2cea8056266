"""The way to a cluster: whatever is there instead is one clear error."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.opensearch.server import Server
from whodid_config.settings import load
from whodid_indexer.config import IndexerSettings
from whodid_indexer.store.opensearch.access import Access, access_of
from whodid_indexer.store.opensearch.connect import Client, Refused, connect
from whodid_schema.errors import ConfigError, NotAllowed, StoreUnreachable, UsageError, WhodidError

URL = "http://store.test:9200"


def answering(status: int, body: object) -> httpx.MockTransport:
    content = {"text": body} if isinstance(body, str) else {"json": body}
    return httpx.MockTransport(lambda _: httpx.Response(status, **content))


def failing(error: Exception) -> httpx.MockTransport:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(fail)


def opensearch(number: str) -> dict[str, object]:
    return {"version": {"distribution": "opensearch", "number": number}, "cluster_name": "c"}


def test_a_real_node_says_who_it_is(opensearch: Server) -> None:
    client, info = connect(opensearch.url + "/", Access())
    client.close()
    assert info.number == opensearch.version()
    assert info.version >= (2, 19)


def test_what_a_real_node_refuses_keeps_its_words(opensearch: Server) -> None:
    client, _ = connect(opensearch.url, Access())
    with pytest.raises(Refused) as caught:
        client.json("GET", "/whodid-none/_search")
    assert (caught.value.status, caught.value.kind) == (404, "index_not_found_exception")
    assert "no such index [whodid-none]" in caught.value.message
    assert client.find("/whodid-none") is None
    client.close()


@pytest.mark.parametrize(
    ("transport", "kind", "said"),
    [
        (answering(200, "<html>hello</html>"), StoreUnreachable, "not in JSON: a web page?"),
        (answering(404, "not here"), StoreUnreachable, "answers 404, and is not OpenSearch"),
        (answering(200, [1]), StoreUnreachable, "answers, but is not OpenSearch"),
        (answering(200, {"product": "whodid", "version": "1"}), StoreUnreachable, "is a whodid server"),
        (answering(200, {"version": {"number": "8.15.0"}}), StoreUnreachable, "is Elasticsearch 8.15.0"),
        (answering(200, opensearch("2.18.1")), StoreUnreachable, r"OpenSearch 2\.18\.1 — whodid needs 2\.19"),
        (answering(200, opensearch("1.3.20")), StoreUnreachable, r"OpenSearch 1\.3\.20 — whodid needs 2\.19"),
        (answering(401, "Unauthorized"), NotAllowed, "asks who we are — store_user with store_password_file"),
        (answering(403, "Forbidden"), NotAllowed, "does not allow GET /"),
        (answering(503, "OpenSearch Security not initialized."), StoreUnreachable, "is not ready: OpenSearch Security"),
        (failing(httpx.ConnectError("[Errno 111] Connection refused")), StoreUnreachable, "cannot be reached"),
        (failing(httpx.ReadTimeout("slow")), StoreUnreachable, "does not answer in time"),
        (failing(httpx.RemoteProtocolError("Server disconnected")), StoreUnreachable, "Then write https://"),
        (failing(httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] x")), StoreUnreachable, "does not speak TLS"),
    ],
)
def test_what_is_no_store_for_us_is_named(transport: httpx.MockTransport, kind: type[WhodidError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        connect(URL, Access(), transport)
    assert caught.value.exit_code == (3 if kind is NotAllowed else 4)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_names_the_user_and_never_the_password() -> None:
    with pytest.raises(NotAllowed, match="does not accept the password of 'ada'") as caught:
        connect(URL, Access("ada", "geheim"), answering(401, "Unauthorized"))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(Access("ada", "geheim"))


def test_nothing_listening_is_named() -> None:
    with pytest.raises(StoreUnreachable, match=r"http://127\.0\.0\.1:1 cannot be reached.*Connection refused"):
        connect("http://127.0.0.1:1", Access())


def test_an_old_cluster_that_calls_itself_elasticsearch_7_is_still_opensearch() -> None:
    root = {"version": {"number": "7.10.2"}, "tagline": "The OpenSearch Project: https://opensearch.org/"}
    client, info = connect(URL, Access(), answering(200, root))
    client.close()
    assert info.number == "7.10.2"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://ada:geheim@host:9200", "holds credentials"),
        ("http://host:port", "is not a URL"),
        ("ftp://host", "is not the URL of a cluster"),
        ("http://", "is not the URL of a cluster"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Client(url, Access())
    assert "geheim" not in str(caught.value)


def test_credentials_are_sent_and_kept_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pa ss\n")
    sent: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200, json=opensearch("3.8.0"))

    monkeypatch.setenv("WHODID_STORE_USER", "ada")
    access = access_of(load(IndexerSettings, None, store_password_file=secret))
    Client(URL, access, httpx.MockTransport(note)).info()
    monkeypatch.delenv("WHODID_STORE_USER")
    secret.write_text("word\n")
    Client(URL, access_of(load(IndexerSettings, None, store_token_file=secret)), httpx.MockTransport(note)).info()

    assert sent == ["Basic YWRhOnBhIHNz", "Bearer word"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (lambda path: {"store_user": "ada"}, "belong together"),
        (lambda path: {"store_user": "ada", "store_password_file": path / "none"}, "none cannot be read"),
        (lambda path: {"store_user": "ada", "store_password": "x", "store_password_file": path}, "both given"),
        (lambda path: {"store_user": "ada", "store_password": "x", "store_token_file": path}, "both given"),
        (lambda path: {"store_key_file": path}, "the key of no certificate"),
    ],
)
def test_settings_that_contradict_each_other_are_named(
    settings: Callable[[Path], dict[str, object]], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        access_of(load(IndexerSettings, None, **settings(tmp_path)))


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"store_ca_file: .*bad\.pem cannot be used"):
        Client("https://host:9200", Access(ca_file=bad))
    with pytest.raises(ConfigError, match=r"store_certificate_file: .*bad\.pem with None cannot be used"):
        Client("https://host:9200", Access(certificate_file=bad))


def test_a_search_that_meets_an_index_in_the_making_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"error": {"type": "search_phase_execution_exception", "reason": "Partial shards failure"}, "status": 503}
    slept: list[float] = []
    monkeypatch.setattr("whodid_indexer.store.opensearch.connect.time.sleep", slept.append)
    answers = iter([httpx.Response(503, json=missing), httpx.Response(503, json=missing), httpx.Response(200, json={})])
    client = Client(URL, Access(), httpx.MockTransport(lambda _: next(answers)))
    assert client.json("POST", "/whodid/_search", {}) == {}
    assert len(slept) == 2
    lasting = Client(URL, Access(), httpx.MockTransport(lambda _: httpx.Response(503, json=missing)))
    with pytest.raises(StoreUnreachable, match="Partial shards failure"):
        lasting.json("POST", "/whodid/_search", {})
    assert sum(slept) < 3
    client.close()
    lasting.close()
