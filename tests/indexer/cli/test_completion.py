"""`whodid completion`: a real bash completes commands, options, values of closed fields, and saved views."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.asking import ask
from support.running import BIN, clean_environment

ASKING = """
eval "$(whodid completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
{empty}
_whodid_completion whodid
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def complete(line: str, config: Path) -> list[str]:
    """What a real bash offers at the end of the line."""
    empty = 'COMP_WORDS+=(""); COMP_CWORD=$(( COMP_CWORD + 1 ))' if line.endswith(" ") else ""
    environment = clean_environment(XDG_CONFIG_HOME=str(config))
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    script = ASKING.format(words=line, empty=empty)
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("whodid ex", ["export"]),
        ("whodid search --outc", ["--outcome"]),
        ("whodid count --outcome ", ["success", "warning", "failure", "unknown"]),
        ("whodid count --verb sign_", ["sign_in", "sign_out"]),
        ("whodid count --not-outcome success,f", ["success,failure"]),
        ("whodid export --view ", ["failures", "week"]),
        ("whodid views ", ["delete", "list", "save", "show"]),
        ("whodid completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes(line: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("week", "failures"):
        ask("views", "save", name, "--outcome", "failure")
    offered = complete(line, tmp_path)
    assert sorted(offered) == sorted(expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    answer = ask("completion", shell)
    assert answer.code == 0
    assert f"_WHODID_COMPLETE={shell}_complete" in answer.text
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", answer.text], check=True, capture_output=True, timeout=20)
