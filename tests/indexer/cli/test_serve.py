"""Where `whodid serve` listens: loopback alone without tokens, with TLS or a proxy elsewhere; and an agent's way in."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from support.asking import ask
from support.running import Daemon, wait_until, whodid_agent
from support.serving import Server, make
from support.tokens import bearer, make_token
from whodid_indexer.access.roles import Grant
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta

PLATFORM = Grant("platform")


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, Path]]:
    """`whodid serve` with these arguments over `folder`/audit.db: its URL, and its log."""
    ready, log = folder / "url", folder / "server.log"
    ready.unlink(missing_ok=True)
    given = ["serve", "--store", f"sqlite://{folder}/audit.db", "--ready-file", str(ready), *arguments]
    with Daemon("whodid", given, log):
        wait_until(lambda: ready.exists() and bool(ready.read_text().strip()), f"the server: {log.read_text()}")
        yield ready.read_text().strip(), log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store."""
    SqliteStore.setup(tmp_path / "audit.db", default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return tmp_path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem for 127.0.0.1, its key.pem, and other.pem, the key of nothing."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=whodid", "-addext", "subjectAltName=IP:127.0.0.1"]
    for key, file in (("key.pem", "cert.pem"), ("other.pem", "unused.pem")):
        written = ["-keyout", str(folder / key), "-out", str(folder / file)]
        subprocess.run([*made, *named, *written], check=True, capture_output=True)
    return folder


def refused(folder: Path, *arguments: str) -> str:
    """What it says where it does not start."""
    done = ask("serve", "--store", f"sqlite://{folder}/audit.db", *arguments)
    assert done.code == 2, done.err
    assert done.out == b""
    return done.err


def test_elsewhere_takes_tokens_and_tls(folder: Path, certificate: Path) -> None:
    tls = ["--tls-certificate", str(certificate / "cert.pem"), "--tls-key", str(certificate / "key.pem")]
    for given in ([], tls, ["--behind-proxy"]):
        assert "without tokens" in refused(folder, "--listen", "0.0.0.0:0", *given)
    assert "without tokens" in refused(folder, "--listen", "127.0.0.1:0", "--behind-proxy")
    make_token(folder / "audit.db", PLATFORM)
    assert "would cross the network" in refused(folder, "--listen", "0.0.0.0:0")


def test_half_of_tls_and_files_that_are_none_are_named(folder: Path, certificate: Path) -> None:
    cert, key, other = (str(certificate / name) for name in ("cert.pem", "key.pem", "other.pem"))
    assert "belong together" in refused(folder, "--tls-certificate", cert)
    assert "belong together" in refused(folder, "--tls-key", key)
    assert "cannot be used" in refused(folder, "--tls-certificate", cert, "--tls-key", other)
    assert "cannot be used" in refused(folder, "--tls-certificate", cert, "--tls-key", str(folder / "no.pem"))


def test_over_tls_cookies_are_secure_and_the_commands_trust_the_ca_they_are_given(
    folder: Path, certificate: Path
) -> None:
    secret = make_token(folder / "audit.db", PLATFORM)
    cert, key = certificate / "cert.pem", certificate / "key.pem"
    listen = ["--listen", "0.0.0.0:0", "--tls-certificate", str(cert), "--tls-key", str(key)]
    with serving(folder, *listen) as (said, log):
        url = f"https://127.0.0.1:{said.rpartition(':')[2]}"
        assert f"listening on {said}" in log.read_text()
        assert said.startswith("https://0.0.0.0:")
        import ssl  # noqa: PLC0415  only here

        with httpx.Client(verify=ssl.create_default_context(cafile=cert), base_url=url) as client:
            assert client.get("/api/v1/count").status_code == 401
            # any name: behind tokens a foreign one opens nothing
            assert client.get("/healthz", headers={"Host": "audit.example.com"}).status_code == 200
            done = client.post("/sign-in", data={"token": secret}, headers={"Origin": url})
            (cookie,) = done.headers.get_list("set-cookie")
            assert cookie.startswith("__Host-whodid=")
            assert {"secure", "httponly", "samesite=strict", "path=/"} <= {
                part.strip().lower() for part in cookie.split(";")
            }
            assert "max-age=" in done.headers["strict-transport-security"]
            assert client.get("/api/v1/count").status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http") + "/healthz", verify=False)  # noqa: S501  plain http
        token = folder / "token"
        token.write_text(secret)
        config = folder / "whodid.yaml"
        config.write_text(f"store: {url}\nstore_token_file: {token}\n")
        assert ask("count", "--config", str(config)).code == 4
        config.write_text(f"store: {url}\nstore_token_file: {token}\nstore_ca_file: {cert}\n")
        counted = ask("count", "--config", str(config))
        assert (counted.code, counted.err) == (0, "")


def test_a_proxy_that_is_trusted_signs_people_on_and_says_where_they_are(folder: Path) -> None:
    secret = make_token(folder / "audit.db", PLATFORM)
    config = folder / "whodid.yaml"
    config.write_text(
        "hosts: [audit.example.com]\nbehind_proxy: true\ntrusted_proxies: [127.0.0.1]\n"
        "sign_on:\n  groups:\n    security: {role: auditor}\n    acme: {role: admin, workspaces: [acme]}\n"
    )
    proxied = {"Host": "audit.example.com", "X-Forwarded-For": "1.2.3.4, 198.51.100.7", "X-Forwarded-User": "ana"}
    with (
        serving(folder, "--listen", "127.0.0.1:0", "--config", str(config)) as (url, _),
        httpx.Client(base_url=url) as client,
    ):
        assert client.get("/api/v1/count").status_code == 401
        assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
        ana = proxied | {"X-Forwarded-Email": "ana@example.com"}
        assert client.get("/api/v1/count", headers=ana).status_code == 200
        assert client.get("/metrics", headers=ana).status_code == 403
        assert client.get("/metrics", headers=ana | {"X-Forwarded-Groups": "staff,security"}).status_code == 200
        view = json.dumps({"texts": ["id:*"]})
        sent = ana | {"Content-Type": "application/json"}
        assert client.put("/api/v1/views/x", content=view, headers=sent).status_code == 403
        assert (
            client.put("/api/v1/views/x", content=view, headers=sent | {"Sec-Fetch-Site": "same-origin"}).status_code
            == 201
        )

        def seen() -> set[tuple[str, str]]:
            found = client.get("/api/v1/events", params={"surface": "audit"}, headers=bearer(secret)).json()["events"]
            return {(one["actor"].get("id", ""), one.get("client", {}).get("ip", "")) for one in found}

        wait_until(lambda: ("ana", "198.51.100.7") in seen(), "who was signed on, and where they are")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sign_on: {}\n", "anybody could say who they are"),
        ("trusted_proxies: [proxy.example.com]\n", "trusted_proxies"),
        ("trusted_proxies: [10.0.0.1]\nsign_on: {groups: {a: {role: admin}}}\n", "groups: a: the role admin"),
        ("trusted_proxies: [10.0.0.1]\nsign_on: {groups: {a: {role: ingest}}}\n", "role"),
        ("trusted_proxies: [10.0.0.1]\nsign_on: {user: X-User}\n", "user_header"),
    ],
)
def test_a_sign_on_that_makes_no_sense_is_named(folder: Path, text: str, said: str) -> None:
    config = folder / "whodid.yaml"
    config.write_text(text)
    assert said in refused(folder, "--listen", "127.0.0.1:0", "--config", str(config))


def test_the_first_token_closes_a_server_that_is_running_and_no_end_of_it_opens_it_again(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create([make(1)])
        assert server.get("/api/v1/count").status_code == 200
        made = json.loads(
            ask("token", "create", "--store", server.store, "--role", "platform", "--format", "json").text
        )
        assert server.get("/api/v1/count").status_code == 401
        assert server.get("/api/v1/count", headers=bearer(made["token"])).status_code == 200
        assert ask("token", "revoke", "--store", server.store, made["id"]).code == 0
        assert server.get("/api/v1/count", headers=bearer(made["token"])).status_code == 401
        assert server.get("/api/v1/count").status_code == 401
        server.daemon.stop()
        assert not list(tmp_path.glob("audit.db-*")), "what was in the log is in the file"
        server.start()
        assert server.get("/api/v1/count").status_code == 401
        assert "no tokens" not in server.log.read_text().rpartition("store ")[2]


def test_an_agent_with_a_token_delivers_and_one_without_keeps_its_events(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text("".join(json.dumps({"action": "note.create", "id": f"e{number}"}) + "\n" for number in range(3)))
    with Server(tmp_path) as server:
        secret = make_token(server.file, Grant("ingest", workspaces=("acme",)))
        reader = make_token(server.file, PLATFORM)
        config = tmp_path / "agent.yaml"
        settings = {
            "target": server.url,
            "state_dir": str(tmp_path / "state"),
            "inputs": [{"file": str(log), "app": "shop"}],
        }
        config.write_text(json.dumps(settings))
        without = whodid_agent("run", "--once", "--timeout", "1", "--config", str(config), check=False)
        assert without.returncode in (3, 4), without.stderr
        token = tmp_path / "agent.token"
        token.write_text(secret)
        token.chmod(0o600)
        config.write_text(json.dumps(settings | {"token_file": str(token)}))
        whodid_agent("run", "--once", "--config", str(config))
        found = server.get("/api/v1/events", {"app": "shop"}, headers=bearer(reader)).json()
    assert found["total"] == 3
    assert {one["workspace"]["id"] for one in found["events"]} == {"acme"}


def test_nothing_of_this_listens_where_nobody_asked(tmp_path: Path) -> None:
    with Server(tmp_path) as server, socket.socket() as probe:
        port = int(server.url.rpartition(":")[2])
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in addresses - {"127.0.0.1", "127.0.1.1"}:
            assert probe.connect_ex((address, port)) != 0
