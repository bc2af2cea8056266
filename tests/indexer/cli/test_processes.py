"""`whodid` as a process: serve's refusals and end, setup, a closed pipe, the time to start."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from support.running import BIN, clean_environment, whodid
from support.serving import Server, make
from whodid_schema.meta import read_meta


@pytest.mark.parametrize(
    "address", ["0.0.0.0:0", "[::]:0", "203.0.113.1:8642", "example.org:80", "8642", "127.0.0.1:x", ""]
)
def test_serve_refuses_every_address_but_loopback(tmp_path: Path, address: str) -> None:
    done = whodid("serve", "--store", f"sqlite://{tmp_path}/a.db", "--listen", address or ":", check=False)
    assert done.returncode == 2
    assert "127.0.0.1:8642" in done.stderr
    assert not (tmp_path / "a.db").exists()


def test_serve_says_where_it_listens_and_that_there_are_no_tokens(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert f"listening on {server.url}\n" in server.log.read_text()
        assert "no tokens" in server.log.read_text()


def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        address = server.url.removeprefix("http://")
        done = whodid("serve", "--store", f"sqlite://{tmp_path}/b.db", "--listen", address, check=False)
        assert done.returncode == 1
        assert f"cannot listen on {address}" in done.stderr


def test_setup_is_idempotent_and_its_dry_run_writes_nothing(tmp_path: Path) -> None:
    store = f"sqlite://{tmp_path}/a.db"
    document = json.loads(whodid("setup", "--store", store, "--dry-run").stdout)
    assert read_meta(document).partitions == "server"
    assert list(tmp_path.iterdir()) == []
    assert "set up" in whodid("setup", "--store", store).stderr
    assert "up to date" in whodid("setup", "--store", store).stderr
    assert whodid("count", "--store", store).stdout == "0\n"


def test_setup_of_a_file_writes_the_retention_and_says_who_deletes(tmp_path: Path) -> None:
    file = tmp_path / "whodid.yaml"
    file.write_text(f"store: sqlite://{tmp_path}/a.db\nretention: {{activity: 30d}}\n")
    assert "`whodid serve` deletes, once a day, what is older" in whodid("setup", "--config", str(file)).stderr
    file.write_text(f"store: sqlite://{tmp_path}/a.db\nretention: {{activity: 31d}}\n")
    again = whodid("setup", "--config", str(file), "--diff")
    assert [line for line in again.stdout.split("\n") if line[:1] in "+-" and "days" in line] == [
        '-      "days": 30,',
        '+      "days": 31,',
    ]


def test_the_store_comes_from_the_configuration_file_and_a_wrong_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "whodid.yaml"
    file.write_text(f"store: sqlite://{tmp_path}/a.db\n")
    whodid("setup", "--config", str(file))
    assert whodid("count", "--config", str(file)).stdout == "0\n"
    file.write_text("stor: x\n")
    done = whodid("count", "--config", str(file), check=False)
    assert done.returncode == 2
    assert f"{file}:1" in done.stderr
    assert "'store'" in done.stderr


def test_a_closed_pipe_ends_the_command_in_silence(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(make(number) for number in range(2000))
        command = f"{BIN}/whodid export --store {server.store} --columns raw,time,details | head -1"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=clean_environment(), check=True, timeout=60
        )
    assert done.stdout == "raw,time,details\n"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_ctrl_c_ends_serve_with_130(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert server.daemon._end(signal.SIGINT) == 130


def test_the_command_line_starts_without_heavy_imports() -> None:
    """What `whodid count --help` imports; seconds differ between machines, imports do not."""
    code = (
        "import sys; from whodid_indexer.cli.main import cli\n"
        "try: cli(['count', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('apsw', 'httpx', 'pydantic', 'rich.table', 'starlette', 'uvicorn', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [str(BIN / "python"), "-c", code], capture_output=True, text=True, env=clean_environment(), check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
