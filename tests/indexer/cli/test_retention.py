"""`whodid retention` and what `serve` does, as processes over a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from support.running import Daemon, wait_until, whodid
from support.serving import Server, make
from whodid_schema.meta import read_meta

DAY = timedelta(days=1)


def stamp(age: timedelta) -> str:
    return (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def configured(folder: Path, lines: str) -> list[str]:
    file = folder / "whodid.yaml"
    file.write_text(f"store: sqlite://{folder}/audit.db\n{lines}\n")
    return ["--config", str(file)]


def test_the_plan_is_shown_and_done_beside_a_running_server(tmp_path: Path) -> None:
    config = configured(tmp_path, "retention: {activity: 30d}")
    whodid("setup", *config)
    with Server(tmp_path) as server:
        server.create([make(n, timestamp=stamp(n * 20 * DAY + DAY)) for n in range(4)])
        before = whodid("retention", "plan", *config).stdout.splitlines()
        assert [line.split()[0:2] + line.split()[4:5] for line in before[1:]] == [["activity", "30d", "2"]] * 2
        done = whodid("retention", "apply", *config)
        assert done.stdout.startswith("deleted 2 records of activity: before ")
        assert server.get("/api/v1/count").json() == {"count": 2}
        assert whodid("retention", "apply", *config).stdout == "nothing was due\n"
        own = whodid("search", *config, "--surface", "audit", "--action", "whodid.retention", "--format", "ndjson")
        (recorded,) = [json.loads(line) for line in own.stdout.splitlines()]
        assert [(part[0], part[2]) for part in recorded["metadata"]["due"]] == [("activity", 2)]
        assert server.create([make(9)])[0].outcome == "indexed"


def test_plan_says_where_file_and_store_differ_and_setup_brings_them_together(tmp_path: Path) -> None:
    whodid("setup", *configured(tmp_path, "retention: {activity: 30d}"))
    config = configured(tmp_path, "retention: {activity: 90d}")
    plan = whodid("retention", "plan", *config)
    assert "difference: activity: the configuration says 90d, the store 30d; whodid setup writes" in plan.stderr
    found = json.loads(whodid("retention", "plan", *config, "--format", "json").stdout)
    assert found["differences"] == ["activity: the configuration says 90d, the store 30d"]
    dry = whodid("setup", *config, "--dry-run")
    assert "would update the store's document" in dry.stderr
    assert whodid("setup", *config).stderr.startswith("changed: ")
    assert "difference" not in whodid("retention", "plan", *config).stderr
    whodid("setup", "--store", f"sqlite://{tmp_path}/audit.db")
    assert "difference" not in whodid("retention", "plan", *config).stderr, "who says nothing changes nothing"


def test_serve_writes_what_its_configuration_says(tmp_path: Path) -> None:
    whodid("setup", *configured(tmp_path, "retention: {activity: 30d}"))
    config = configured(tmp_path, "listen: 127.0.0.1:0\nretention: {delivery: 7d}\nserve_retention: false")
    url = tmp_path / "url"
    with Daemon("whodid", ["serve", *config, "--ready-file", str(url)], tmp_path / "log"):
        wait_until(lambda: url.exists() and url.read_text() != "", (tmp_path / "log").read_text())
        answer = httpx.get(url.read_text().strip() + "/_index_template/whodid").json()
    meta = read_meta(answer["index_templates"][0]["index_template"]["_meta"])
    assert (meta.classes["activity"].days, meta.classes["delivery"].days) == (None, 7)
    assert "the store's document was changed to what the configuration says" in (tmp_path / "log").read_text()


def test_the_url_of_a_server_is_answered_with_what_to_do(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        done = whodid("retention", "apply", "--store", server.url, check=False)
    assert done.returncode == 2
    assert "is a whodid server, which deletes by itself once a day\n  hint: name its file where it runs" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("plan", "--store", "sqlite:///nowhere/audit.db"), 4, "there is no store at /nowhere/audit.db"),
        (("apply", "--store", "http://127.0.0.1:1"), 4, "cannot be reached"),
        (("plan", "--store", "sqlite:///x.db", "--at", "soon"), 2, "--at soon: not a time"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = whodid("retention", *arguments, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
