"""Promise 3 through both real processes: what is wrong lies in quarantine with its reason, what is good is stored."""

import json
from pathlib import Path

from support.running import totals, whodid, whodid_agent
from support.serving import Server

LONG = b'{"action":"long","actor":{"id":"u1"},"timestamp":"2026-05-01T08:00:00Z","note":"%b"}' % (b"y" * 10_000_000)
BAD = {
    "not_utf8": b'{"action":"\xff\xfe","actor":{"id":"u1"}}',
    "not_json": b'{"action": oh',
    "too_deep": b'{"action":"deep","a":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "not_an_object": b"5",
    "line_too_long": b"z" * 17_000_000,
}


def good(number: int) -> bytes:
    event = {"action": "good", "actor": {"id": "u1"}, "target": {"type": "n", "id": str(number)}}
    return json.dumps({**event, "timestamp": "2026-05-01T08:00:00Z"}).encode()


def test_a_bad_line_is_in_quarantine_with_its_reason_and_every_good_one_is_stored(tmp_path: Path) -> None:
    log, config = tmp_path / "app.jsonl", tmp_path / "agent.yaml"
    lines = [LONG, b"\0\0\0" + good(100), b'{"action":"nul \0","actor":{"id":"u1"}}']
    for number, line in enumerate(BAD.values()):
        lines += [good(number), line]
    log.write_bytes(b"\n".join([*lines, good(101)]) + b"\n")
    with Server(tmp_path) as server:
        config.write_text(f"target: {server.url}\nstate_dir: {tmp_path}/state\ninputs: [{{file: {log}}}]\n")
        done = whodid_agent("run", "--once", "--config", str(config), check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (5, False), done.stderr
        assert stored_ids(server, tmp_path) == {*map(str, range(len(BAD))), "100", "101", None}
        listed = whodid_agent("quarantine", "list", "--config", str(config)).stdout.splitlines()
        assert [line.split(": ")[0].split()[-1] for line in listed[:-1]] == ["not_json", *BAD]
        again = whodid_agent("run", "--once", "--config", str(config), check=False)
        assert again.returncode == 5
        replayed = whodid_agent("quarantine", "replay", "--all", "--config", str(config), check=False)
        assert replayed.stdout.startswith("0 sent, 6 cannot be sent yet"), replayed.stdout
    balance = totals(config)
    assert (balance["decoded"], balance["indexed"], balance["quarantined"]) == (14, 8, 6)


def stored_ids(server: Server, folder: Path) -> set[str | None]:
    out = folder / "out.ndjson"
    whodid("export", "--store", server.store, "--format", "ndjson", "--output", str(out))
    return {json.loads(line).get("target", {}).get("id") for line in out.read_text().splitlines()}
