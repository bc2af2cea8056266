"""Promise 5: secrets never leave the application's own file. Planted ones are looked for in every byte that is kept.

Two stores take part: a real server, and a scripted target that rejects, blocks and falls silent, so that quarantine,
parking and journal hold the same events. What is compressed or encoded is looked at undone as well.
"""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import httpx
import pytest

from support.bulk_target import Fault, Item, Target
from support.running import Daemon, free_port, listening, totals, wait_until, whodid, whodid_agent
from support.serving import Server

TIME = "2026-05-01T08:00:00Z"
CARD = "4539578763621486"


class Planted:
    """Secrets by where they stand; each is a word of its own, so that a hit says who leaked."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {"card": CARD, "otp": "77310482", "pin": "4460991"}

    def __call__(self, place: str) -> str:
        """A secret for this place: lower-case letters and digits, as a full-text index keeps words."""
        word = "zq" + hashlib.sha256(f"planted {place}".encode()).hexdigest()[:22]
        self.words[place] = word
        return word

    def found_in(self, data: bytes) -> list[str]:
        """The places whose secret, or its hash, or its base64, is in the data."""
        low = data.lower()
        return [
            place
            for place, word in self.words.items()
            if word.encode() in low
            or hashlib.sha256(word.encode()).hexdigest()[:26].encode() in low
            or base64.b64encode(word.encode())[2:-4] in data
        ]


def lines_with(plant: Planted, kind: str) -> list[bytes]:
    """Events of one application that says too much; `kind` makes the secrets of each use different ones."""

    def s(place: str) -> str:
        return plant(f"{kind} {place}")

    key = f"-----BEGIN RSA PRIVATE KEY-----\n{s('private key')}\n-----END RSA PRIVATE KEY-----"
    events: list[dict[str, object]] = [
        {"password": s("password"), "nested": {"client_secret": s("nested"), "otp": 77310482}},
        {"recovery_codes": [s("code 1"), s("code 2")], "pin": "4460991"},
        {"changes": {"password": {"from": s("from"), "to": s("to")}}},
        {"changes": [{"field": "api_token", "old": s("old value"), "new": s("new value")}]},
        {"metadata": {"authorization": f"Bearer {s('bearer')}", "x_api_key": s("api key"), "access_token": s("token")}},
        {"note": f"sign-in with eyJhbGciOiJIUzI1NiJ9.{s('jwt')}.{s('jwt signature')}"},
        {"note": f"paid with sk_live_{s('provider key')} and card 4539 5787 6362 1486", "paid": CARD},
        {"note": f"cloned https://bot:{s('url')}@git.example.com/x", "pem": key},
        {"payload": json.dumps({"user": "a", "password": s("JSON in a string")})},
        {"payload": json.dumps({"inner": json.dumps({"api_key": s("JSON in a string in a string")})})},
        {"user_password": s("compound key")},
    ]
    whole = [{"action": "user.update", "actor": {"id": "u1"}, "timestamp": TIME, "kind_of": kind, **e} for e in events]
    lines = [json.dumps(event).encode() for event in whole]
    lines.append(b'{"action":"a","timestamp":"%b","p\\u0061ssword":"%b"}' % (TIME.encode(), s("escaped key").encode()))
    lines += [
        b'{"action":"broken","password":"%b", oh' % s("broken line").encode(),
        b'{"action":"cut","actor":{"id":"u1","token":"%b"},"secret":"%b'
        % (s("cut line, token").encode(), s("cut line, end").encode()),
        b'{"action":"not utf8 \xff\xfe","password":"%b"}' % s("invalid UTF-8").encode(),
        b'password=%b and "secret": "%b"' % (s("no JSON at all").encode(), s("no JSON, quoted").encode()),
        b'{"action":"deep","password":"%b","a":' % s("too deep").encode() + b"[" * 1000 + b"]" * 1000 + b"}",
        b'[{"action":"x","timestamp":"%b","passphrase":"%b"}, 5]' % (TIME.encode(), s("array").encode()),
    ]
    return lines


def post_everything(plant: Planted, url: str, token: str) -> Iterator[bytes]:
    """Posts that are accepted and posts that are refused; the answers as they came."""
    right = {"Authorization": f"Bearer {token}", "Idempotency-Key": plant("idempotency key")}
    wrong = {"Authorization": f"Bearer {plant('wrong token')}"}
    posts = [
        ({"action": "a", "timestamp": TIME, "password": plant("posted")}, right, 202),
        ({"action": "a", "password": plant("posted with a wrong token")}, wrong, 401),
        ([plant("posted as a text"), 5], right | {"Idempotency-Key": "two"}, 422),
    ]
    texts = [
        (b'{"password": "%b", ' % plant("posted, cut short").encode(), right, 400),
        (b'{"password": "%b"}' % plant("posted as text/plain").encode(), right | {"Content-Type": "text/plain"}, 415),
        (b"\x1f\x8b" + plant("posted, no gzip").encode(), right | {"Content-Encoding": "gzip"}, 400),
    ]
    requests = [(json.dumps(body).encode(), headers, status) for body, headers, status in posts] + texts
    with httpx.Client(base_url=url) as client:
        for body, headers, status in requests:
            answer = client.post("/v1/events", content=body, headers={"Content-Type": "application/json"} | headers)
            assert answer.status_code == status, answer.text
            yield answer.content + str(answer.headers).encode()
        answer = client.post(
            f"/v1/events?token={plant('in the query')}", json={"action": "b", "timestamp": TIME}, headers=right
        )
        yield answer.content
        yield client.get(f"/{plant('in the path')}").content
        yield client.get("/metrics").content


def every_byte(*places: Path) -> Iterator[tuple[str, bytes]]:
    """What stands in files and in their names; base64 and SQLite's own compression undone."""
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    for path in files:
        yield f"the name of {path}", str(path).encode()
        if path.is_file():
            data = path.read_bytes()
            yield str(path), data
            for number, match in enumerate(re.findall(rb'"line_base64":"([^"]+)"', data)):
                yield f"{path}, line_base64 {number}", base64.b64decode(match)


def index_terms(store: Path) -> bytes:
    """Every term of the store's full-text indexes: their pages keep only what differs from the term before."""
    database = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)
    tables = database.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'").fetchall()
    terms: list[str] = []
    for (table,) in tables:
        database.execute(f"CREATE VIRTUAL TABLE temp.terms_{table} USING fts5vocab(main, {table}, row)")
        terms += [str(term) for (term,) in database.execute(f"SELECT term FROM temp.terms_{table}")]  # noqa: S608 - names of the product's own tables
    database.close()
    assert terms
    return "\n".join(terms).encode()


def configure(folder: Path, target: str, *inputs: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "agent.yaml"
    path.write_text(f"target: {target}\nstate_dir: {folder}/state\ninputs:\n" + "".join(f"  - {i}\n" for i in inputs))
    return path


def assert_clean(plant: Planted, found: Iterator[tuple[str, bytes]]) -> None:
    leaks = {f"{secret!r} in {place}" for place, data in found for secret in plant.found_in(data)}
    assert not leaks


def test_no_planted_secret_is_in_any_byte_of_store_state_logs_exports_or_answers(tmp_path: Path) -> None:
    plant, port, log = Planted(), free_port(), tmp_path / "app.jsonl"
    lines = lines_with(plant, "file")
    log.write_bytes(b"\n".join(lines) + b"\n")
    token = plant("the sender's token")
    (tmp_path / "sender.token").write_text(token)
    (tmp_path / "target.token").write_text(plant("the target's token"))
    http = f"{{http: '127.0.0.1:{port}', senders: [{{name: shop, token_file: {tmp_path}/sender.token}}]}}"
    seen: list[tuple[str, bytes]] = []
    with Server(tmp_path) as server:
        config = configure(tmp_path / "agent", server.url, f"file: {log}", http)
        config.write_text(f"token_file: {tmp_path}/target.token\n{config.read_text()}")
        with Daemon("whodid-agent", ["run", "-v", "--config", str(config)], tmp_path / "agent.log") as agent:
            wait_until(listening(port), "the receiver is up")
            seen += (("an answer", each) for each in post_everything(plant, f"http://127.0.0.1:{port}", token))
            wait_until(lambda: totals(config)["decoded"] == len(lines) + 3, "everything is read")
            seen += every_byte(tmp_path / "agent/state")
            assert agent.stop() == 0
        balance = totals(config)
        assert (balance["quarantined"], balance["in_flight"]) == (6, 0)
        for form in ("csv", "ndjson"):
            whodid("export", "--store", server.store, "--format", form, "--output", str(tmp_path / f"out.{form}"))
        seen += [("an API answer", server.get(path).content) for path in ("/api/v1/events?limit=100", "/metrics")]
        seen.append(("the index", index_terms(server.file)))
        seen += every_byte(server.file, *tmp_path.glob("audit.db-*"))
    assert (tmp_path / "out.ndjson").read_bytes().count(b"\n") == balance["indexed"]
    assert (tmp_path / "out.ndjson").read_bytes().count(b"[FILTERED]") > 20
    for options in ((), ("--explain",)):
        done = whodid_agent("normalise", *options, str(log), check=False)
        seen.append((f"normalise {options}", (done.stdout + done.stderr).encode()))
    aside = whodid_agent("quarantine", "list", "--config", str(config)).stdout
    shown = whodid_agent("quarantine", "show", aside.split()[0], "--config", str(config)).stdout
    seen.append(("quarantine", (aside + shown).encode()))
    seen += every_byte(tmp_path / "agent", tmp_path / "agent.log", server.log, *tmp_path.glob("audit.db*"))
    seen += every_byte(*tmp_path.glob("out.*"))
    in_the_file = {place for place in plant.words if place.startswith("file ")}
    assert in_the_file < set(plant.found_in(log.read_bytes())), "the search itself finds nothing"
    assert_clean(plant, iter(seen))


def wrapped(line: bytes, runtime: str) -> bytes:
    """The line as a container's runtime keeps it: as JSON in a string, or in two fragments."""
    if runtime == "docker":
        log = line.decode(errors="replace") + "\n"
        return json.dumps({"log": log, "stream": "stdout", "time": TIME}).encode()
    if runtime == "cri":
        head = f"{TIME} stdout ".encode()
        return head + b"P " + line[: len(line) // 2] + b"\n" + head + b"F " + line[len(line) // 2 :]
    return line


@pytest.mark.parametrize(
    ("trouble", "runtime"),
    [("rejects", ""), ("blocks", ""), ("is silent", ""), ("rejects", "docker"), ("blocks", "cri")],
)
def test_no_planted_secret_is_laid_aside_where_the_store_takes_nothing(
    tmp_path: Path, trouble: str, runtime: str
) -> None:
    plant, log, copies = Planted(), tmp_path / "app.jsonl", tmp_path / "copies"
    lines = [wrapped(line, runtime) for line in lines_with(plant, trouble)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    error = {"rejects": (400, "mapper_parsing_exception"), "blocks": (403, "cluster_block_exception")}.get(trouble)

    def script(items: list[Item], number: int) -> Fault:
        # The journal is complete before the first request: this is the moment to look at it.
        shutil.copytree(tmp_path / "agent/state", copies / str(number), ignore=shutil.ignore_patterns("*.tmp"))
        return Fault(drop_item=True) if error is None else Fault(items=lambda item: error)

    with Target(script) as target:
        config = configure(tmp_path / "agent", target.url, f"file: {log}")
        done = whodid_agent("run", "--once", "-v", "--timeout", "1s", "--config", str(config), check=False)
        assert done.returncode == (4 if error is None else 5)
        sent = json.dumps(target.stored).encode()
    state = tmp_path / "agent/state"
    holder = {"rejects": "quarantine", "blocks": "parking", "is silent": "journal"}[trouble]
    assert any((state / holder).iterdir())
    assert_clean(plant, every_byte(state, copies))
    assert_clean(plant, iter([("the log", done.stderr.encode()), ("a request", sent)]))
