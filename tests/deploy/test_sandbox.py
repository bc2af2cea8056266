"""Server and agent do their work where the units' sandbox forbids that memory which was written is run."""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.running import BIN, clean_environment, free_port, wait_until

# MemoryDenyWriteExecute= of the units, asked of the kernel itself (6.3 and later), and kept over exec
FORBID = (
    "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; os.execv(sys.argv[1], sys.argv[1:])"
)
ASK = 66


def forbidden(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", FORBID, str(BIN / name), *arguments]


def test_events_are_stored_and_counted_where_written_memory_is_never_run(tmp_path: Path) -> None:
    if ctypes.CDLL(None).prctl(ASK, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel cannot forbid it")
    lines = [{"timestamp": 1_795_270_000 + number, "action": "note.create", "secret": "x1"} for number in range(50)]
    (tmp_path / "audit.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    url, ready = f"127.0.0.1:{free_port()}", tmp_path / "ready"
    serve = ["serve", "--store", f"sqlite://{tmp_path}/audit.db", "--listen", url, "--ready-file", str(ready)]
    with subprocess.Popen(
        forbidden("whodid", *serve), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()
    ) as server:
        try:
            wait_until(ready.exists, "the server is ready")
            run = ["run", "--once", str(tmp_path / "audit.jsonl"), "--target", f"http://{url}"]
            assert _ended(forbidden("whodid-agent", *run, "--state-dir", str(tmp_path / "state"))) == (0, "")
            said = _ended(forbidden("whodid", "facets", "--store", f"http://{url}", "--format", "json"), out=True)
        finally:
            server.terminate()
    assert said[0] == 0
    verbs = next(facet for facet in json.loads(said[1])["facets"] if facet["axis"] == "verb")
    assert [(value["value"], value["count"]) for value in verbs["values"]] == [("create", len(lines))]


def _ended(words: list[str], *, out: bool = False) -> tuple[int, str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=clean_environment())
    return done.returncode, done.stdout if out else done.stderr
