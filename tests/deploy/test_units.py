"""The systemd units, as far as that can be tested without systemd running: commands, sandbox, folders, users."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from whodid_agent.cli.main import cli as agent
from whodid_agent.config import AgentSettings
from whodid_indexer.cli.main import cli as indexer
from whodid_indexer.config import IndexerSettings

FOLDER = Path(__file__).parents[2] / "config" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
TIMERS = sorted(FOLDER.glob("*.timer"))
MADE_BY_HAND = re.findall(r"^d (\S+)", (FOLDER / "whodid.tmpfiles").read_text(), re.MULTILINE)
USERS = re.findall(r"^u (\S+)", (FOLDER / "whodid.sysusers").read_text(), re.MULTILINE)
OWN_VARIABLES = {"WHODID_BOOKMARKS", "WHODID_FORWARD_STATE"}


def lines(path: Path, *, all_of_them: bool = False) -> list[tuple[str, str]]:
    """Key and value of each line in order; `all_of_them`: those too that are switched off."""
    text = path.read_text()
    if all_of_them:
        text = re.sub(r"^#(?=\w+=)", "", text, flags=re.MULTILINE)
    return re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)


def values(path: Path, key: str, *, all_of_them: bool = False) -> list[str]:
    return [value for name, value in lines(path, all_of_them=all_of_them) if name == key]


def command_of(path: Path) -> list[str]:
    """The words of whodid's own command, also within `sh -c`."""
    (line,) = values(path, "ExecStart")
    words = shlex.split(line.replace("%%", "%"))
    if words[0] == "/bin/sh":
        words = shlex.split(re.sub(r"\$\(date[^)]*\)", "now", words[2]))
    assert words[0] in {"/usr/bin/env", "exec"}
    return words[1:]


def test_there_is_a_unit_for_whatever_runs_by_itself() -> None:
    assert {path.stem for path in SERVICES} == {
        "whodid", "whodid-agent", "whodid-forward", "whodid-retention", "whodid-backup", "whodid-export",
    }  # fmt: skip
    assert {path.stem for path in TIMERS} == {"whodid-retention", "whodid-backup", "whodid-export"}
    for timer in TIMERS:
        assert values(timer.with_suffix(".service"), "Type") == ["oneshot"]
        assert values(timer, "Persistent") == ["yes"]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_its_command_is_one_that_is_taken(path: Path) -> None:
    program, name, *arguments = command_of(path)
    group: click.Group = {"whodid": indexer, "whodid-agent": agent}[program]
    command = group.get_command(click.Context(group), name)
    assert command is not None
    command.make_context(name, arguments, resilient_parsing=False).close()


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_its_sandbox_is_the_same_as_every_others(path: Path) -> None:
    mark = "# The sandbox, the same in every unit of whodid's.\n"
    own, others = (one.read_text().partition(mark)[2].partition("\n\n")[0].strip() for one in (path, SERVICES[0]))
    assert own == others
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=@system-service"} <= set(own.splitlines())
    assert values(path, "MemoryMax")
    assert values(path, "User")[0] in USERS
    assert values(path, "UMask")[0] in {"0077", "0027"}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_every_folder_that_it_writes_is_made(path: Path) -> None:
    written = {value for line in values(path, "ReadWritePaths") for value in line.split()}
    assert written <= set(MADE_BY_HAND)
    own = {f"/var/lib/{name}" for name in values(path, "StateDirectory")}
    own |= {f"/var/log/{name}" for name in values(path, "LogsDirectory")}
    for named in re.findall(r"/var/[\w/-]*\w", " ".join(value for key, value in lines(path) if key.startswith("Exec"))):
        assert any(named.startswith(folder) for folder in written | own), named


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_its_variables_are_settings_and_its_credentials_are_used(path: Path) -> None:
    known = {f"WHODID_{name.upper()}" for model in (AgentSettings, IndexerSettings) for name in model.model_fields}
    given = dict(line.split("=", 1) for line in values(path, "Environment", all_of_them=True))
    assert {name for name in given if name.startswith("WHODID_")} <= known | OWN_VARIABLES
    assert given["XDG_STATE_HOME"] == "%S"
    credentials = {line.split(":")[0] for line in values(path, "LoadCredential", all_of_them=True)}
    used = {value.removeprefix("%d/") for value in given.values() if value.startswith("%d/")}
    in_settings = set(re.findall(rf"/run/credentials/{re.escape(path.name)}/([\w.-]+)", path.read_text()))
    assert credentials == used | in_settings


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=30)


def test_systemd_finds_nothing_wrong_in_any_unit_with_what_is_switched_off_too(tmp_path: Path) -> None:
    units = []
    for path in [*SERVICES, *TIMERS]:
        unit = tmp_path / path.name
        unit.write_text(re.sub(r"^#(?=\w+=)", "", path.read_text(), flags=re.MULTILINE))
        units.append(str(unit))
    done = analyze("verify", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_s_own_measure_of_exposure_stays_low() -> None:
    for path in SERVICES:
        done = analyze("security", "--offline=true", "--threshold=15", "--no-pager", str(path))
        assert done.returncode == 0, done.stdout[-300:]
