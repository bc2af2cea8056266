"""`whodid views`: questions saved under a name mean the same as the flags they were saved from, on any later day."""

import itertools
from pathlib import Path

import pytest

from support.asking import ask
from support.serving import HOSTILE, Server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the views of this test are."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "whodid" / "views"


@pytest.mark.parametrize(
    "flags",
    [
        ["--actor", "Ana Ruiz"],
        ["--actor", 'Ana Ruiz,"Devi Patel"'],
        ["--actor", "Ana Ruiz", "--actor", "devi*"],
        ["--not-actor", "Ana Ruiz", "--outcome", "failure"],
        ["--actor", '"Ana"*', "-q", '"updated report" -7'],
        ["--ip", "203.0.113.0/29", "-q", "outcome:failure OR actor:devi*"],
        ["-q", "outcome:failure OR actor:devi*", "-q", "updated"],
        ["--since", "2025-11-24 15:59:56", "--until", "2025-11-24T15:59:59Z"],
        ["-q", 'since:"2025-11-24T15:59:56Z" actor:devi*'],
        ["--target", "report:7", "--not-meta", "plan=pro"],
        ["--app", "shop", "--last", "9000d"],
    ],
)
def test_a_view_finds_what_its_flags_find(server: Server, flags: list[str]) -> None:
    assert ask("views", "save", "mine", *flags).code == 0
    for command in ("count", "export"):
        shop = ("--store", server.store, "--app", "shop") if "--app" not in flags else ("--store", server.store)
        expected = ask(command, *shop, *flags)
        by_view = ask(command, *shop, "--view", "mine")
        assert expected.code == by_view.code == 0, by_view.err
        assert by_view.out == expected.out


def test_views_and_flags_must_all_hold(server: Server) -> None:
    ask("views", "save", "failures", "--outcome", "failure")
    ask("views", "save", "ana", "--actor", "Ana Ruiz")
    both = ask("count", "--store", server.store, "--view", "failures", "--view", "ana", "--app", "shop")
    assert both.text == "2\n"


def test_times_stay_relative(folder: Path) -> None:
    ask("views", "save", "week", "--last", "7d", "--verb", "delete")
    assert (folder / "week.query").read_text() == 'verb:delete since:"7d"\n'


def test_me_stays_whoever_asks(server: Server, folder: Path) -> None:
    assert ask("views", "save", "my-own", "--mine", "--identity", "shop/user:0").code == 0
    assert (folder / "my-own.query").read_text() == "actor:me\n"
    for number in (0, 1):
        identity = ("--identity", f"shop/user:{number}")
        assert ask("count", "--store", server.store, "--view", "my-own", *identity).text == "10\n"
    refused = ask("views", "save", "x", "--mine", "--actor", "bob", "--identity", "shop/user:0")
    assert (refused.code, "not both" in refused.err) == (2, True)


def test_views_are_listed_shown_and_deleted(folder: Path) -> None:
    assert "there are no views" in ask("views", "list").err
    ask("views", "save", "b", "--verb", "delete", "-q", "one OR two")
    ask("views", "save", "a.1", "--outcome", "failure")
    assert ask("views", "list").text == "a.1  outcome:failure\nb    verb:delete\n     one OR two\n"
    assert (
        ask("views", "list", "--format", "json").text
        == '{"a.1":["outcome:failure"],"b":["verb:delete","one OR two"]}\n'
    )
    assert ask("views", "show", "b").text == "verb:delete\none OR two\n"
    assert ask("views", "delete", "b").err == "deleted: b\n"
    assert [entry.name for entry in folder.iterdir()] == ["a.1.query"]


def test_a_view_can_be_written_by_hand(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "hand.query").write_text("# what failed\n\n  outcome:failure  \r\napp:shop\n")
    assert ask("count", "--store", server.store, "--view", "hand").text == "6\n"


def test_a_view_is_not_replaced_unless_asked_for(folder: Path) -> None:
    ask("views", "save", "a", "--verb", "delete")
    assert ask("views", "save", "a", "--verb", "update").code == 2
    assert ask("views", "save", "a", "--verb", "update", "--force").code == 0
    assert ask("views", "show", "a").text == "verb:update\n"


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", ".a", "a\x1b[31m", "a\n", "ä", "x" * 65, "-"])
@pytest.mark.parametrize("command", [["views", "save"], ["views", "show"], ["views", "delete"], ["count", "--view"]])
def test_a_name_that_is_none_is_refused_and_touches_nothing(tmp_path: Path, name: str, command: list[str]) -> None:
    flags = ["--verb", "delete"] if "save" in command else []
    answer = ask(*command, "--", name, *flags) if command[0] == "views" and not flags else ask(*command, name, *flags)
    assert answer.code == 2
    assert "\x1b" not in answer.err
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_asked_is_not_saved(folder: Path) -> None:
    for flags, said in (
        (["--verb", "obliterate"], "never"),
        (["-q", "actr:ana"], "did you mean actor"),
        ([], "nothing to save"),
    ):
        answer = ask("views", "save", "a", *flags)
        assert (answer.code, said in answer.err) == (2, True), answer.err
    assert not folder.exists()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_view_is_shown_and_asked_without_harm(server: Server, folder: Path, kind: str) -> None:
    folder.mkdir(parents=True)
    (folder / "evil.query").write_text(HOSTILE[kind], "utf-8", newline="")
    (folder / f"evil{HOSTILE[kind][:3].replace('/', '').replace(chr(0), '')}.query").write_text("x")
    for command in (["views", "list"], ["views", "show", "evil"], ["count", "--store", server.store, "--view", "evil"]):
        answer = ask(*command)
        assert answer.code in (0, 2)
        steering = {char for char in answer.text + answer.err if (ord(char) < 32 or 127 <= ord(char) < 160)} - {"\n"}
        assert not steering
        assert not {"\u202e", "\u2066", "\u2028"} & set(answer.text + answer.err)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_is_no_view_is_named(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "a.query").write_bytes(content)
    answer = ask("count", "--view", "a")
    assert answer.code == 1
    assert "a.query is" in answer.err


def test_an_unknown_view_is_told_with_those_that_there_are() -> None:
    for name in itertools.islice("abc", 2):
        ask("views", "save", name, "--verb", "delete")
    answer = ask("search", "--view", "z")
    assert (answer.code, "there are: a, b" in answer.err) == (2, True)
