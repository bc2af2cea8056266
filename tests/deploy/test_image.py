"""The Dockerfile, as far as it can be tested without Docker: what it copies, installs, runs and asks for its health."""

import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click
import pytest

from whodid_indexer.cli.main import cli as indexer
from whodid_indexer.cli.places import DEFAULT_LISTEN

ROOT = Path(__file__).parents[2]
FILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", FILE, re.MULTILINE)


def test_both_stages_have_the_oldest_python_that_the_package_takes() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert instructions("FROM") == [f"python:{oldest}-slim AS build", f"python:{oldest}-slim"]


def test_nothing_that_the_package_is_built_from_is_kept_out_of_it() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]
    packages = hatch["build"]["targets"]["wheel"]["packages"]
    needed = ["pyproject.toml", "requirements.lock", PROJECT["readme"], *PROJECT["license-files"], *packages]
    for path in needed:
        assert (ROOT / path).exists(), path
        assert not any(fnmatch.fnmatch(path.split("/")[0], pattern) for pattern in ignored), path


def test_the_versions_it_installs_are_those_of_the_lock(tmp_path: Path) -> None:
    (command,) = (line for line in instructions("RUN") if line.startswith("sed"))
    pins = tmp_path / "pins.txt"
    subprocess.run(["sh", "-c", command.replace("/pins.txt", str(pins))], cwd=ROOT, check=True)
    pinned = {re.split(r"==", line)[0] for line in pins.read_text().splitlines()}
    assert not [line for line in pins.read_text().splitlines() if "--hash" in line or line.endswith("\\")]
    for dependency in PROJECT["dependencies"]:
        assert re.split(r"[\[><=;]", dependency)[0].lower() in pinned, dependency
    assert any("PIP_CONSTRAINT=/pins.txt" in line for line in instructions("RUN"))


def test_it_runs_as_nobody_special_and_a_command_that_there_is() -> None:
    assert instructions("USER") == ["whodid"]
    assert FILE.index("\nUSER ") < FILE.index("\nCMD ")
    (words,) = (json.loads(line) for line in instructions("CMD"))
    assert words[0] in PROJECT["scripts"]
    assert indexer.get_command(click.Context(indexer), words[1]) is not None
    assert DEFAULT_LISTEN.rpartition(":")[2] in instructions("EXPOSE")[0].split()
    made = next(line for line in instructions("RUN") if "install -d" in line)
    assert all(volume in made for volume in json.loads(instructions("VOLUME")[0]))


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
        pass


@pytest.mark.parametrize(("path", "code"), [("/healthz", 0), ("/readyz", 1)])
def test_its_health_is_what_the_address_answers(path: str, code: int) -> None:
    (line,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", FILE, re.MULTILINE)
    words = json.loads(line)
    server = HTTPServer(("127.0.0.1", 0), _Health)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        asked = {**os.environ, "HEALTH_URL": f"http://127.0.0.1:{server.server_port}{path}"}
        done = subprocess.run([sys.executable, *words[1:]], env=asked, capture_output=True, check=False, timeout=20)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert done.returncode == code, done.stderr
