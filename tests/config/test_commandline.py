"""Both commands' manners: one clear line on errors, the promised exit codes, nothing that a terminal would obey."""

import subprocess
import sys

import click
import pytest

from whodid_config.commandline import LazyGroup, run
from whodid_schema.errors import BadQuery, Incomplete, NotAllowed, StoreUnreachable, WhodidError


def ends_with(command: click.Command, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sample", *arguments])
    with pytest.raises(SystemExit) as left:
        run(command, "sample")
    assert isinstance(left.value.code, int)
    return left.value.code


def raising(error: BaseException) -> click.Command:
    def fail() -> None:
        raise error

    return click.Command("fail", callback=fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WhodidError("a"), 1),
        (BadQuery("a"), 2),
        (NotAllowed("a"), 3),
        (StoreUnreachable("a"), 4),
        (Incomplete("a"), 5),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Abort(), 130),
        (click.UsageError("a"), 2),
    ],
)
def test_every_kind_of_error_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ends_with(raising(error), monkeypatch) == code


def test_an_error_is_one_line_with_its_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(raising(WhodidError("the store is gone", "start it")), monkeypatch)
    assert capsys.readouterr().err == "sample: the store is gone\n  hint: start it\n"


def test_an_error_cannot_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(raising(WhodidError("name \x1b]52;c;aGk=\x07 and \u202e")), monkeypatch)
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\u202e" not in said


def test_a_command_is_imported_only_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    group = LazyGroup("sample", lazy={"away": "no_such_module:command", "click": "click:no_such_thing"})
    assert ends_with(group, monkeypatch, "--version-that-is-not") == 2
    with pytest.raises(ModuleNotFoundError):
        group.get_command(click.Context(group), "away")


def test_an_alias_finds_the_command_it_stands_for() -> None:
    group = LazyGroup("sample", aliases={"normalize": "normalise"})
    group.add_command(click.Command("normalise"))
    found = group.get_command(click.Context(group), "normalize")
    assert found is not None
    assert found.name == "normalise"
    assert group.list_commands(click.Context(group)) == ["normalise"]


def test_a_mistyped_command_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = LazyGroup("sample", lazy={"search": "no_such_module:command"})
    assert ends_with(group, monkeypatch, "serach") == 2
    assert "Did you mean 'search'?" in capsys.readouterr().err


def test_an_end_of_file_that_nobody_foresaw_is_not_taken_for_a_person_who_gave_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["sample"])
    with pytest.raises(EOFError, match="marshal data too short"):
        run(raising(EOFError("marshal data too short")), "sample")


def test_a_closed_pipe_is_silent() -> None:
    code = (
        "import click\nfrom whodid_config.commandline import run\n"
        "run(click.Command('x', callback=lambda: [click.echo('y' * 100) for _ in range(9999)]), 'x')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 1


def a_group() -> LazyGroup:
    group = LazyGroup("sample", help="What it is for.\n\nAnd more.")
    group.add_command(click.Command("search", params=[click.Option(["-q", "text"])], callback=lambda text: None))
    return group


def test_a_group_alone_prints_its_help_as_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(a_group(), monkeypatch) == 2
    said = capsys.readouterr().err
    assert "\\x0a" not in said
    assert "  search\n" in said


def test_a_missing_choice_is_said_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = click.Command("print", params=[click.Argument(["shell"], type=click.Choice(["bash", "zsh"]))])
    assert ends_with(command, monkeypatch) == 2
    assert capsys.readouterr().err.endswith("Error: Missing argument '{bash|zsh}'. Choose from: bash, zsh\n")


@pytest.mark.parametrize(("typed", "usage"), [(["help"], "sample [OPTIONS]"), (["help", "search"], "sample search")])
def test_help_as_a_word_is_understood(
    typed: list[str], usage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(a_group(), monkeypatch, *typed) == 0
    assert capsys.readouterr().out.startswith(f"Usage: {usage}")


def test_words_without_q_are_answered_with_how_to_write_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(a_group(), monkeypatch, "search", "ana") == 2
    assert "sample search -q 'WORDS'" in capsys.readouterr().err
