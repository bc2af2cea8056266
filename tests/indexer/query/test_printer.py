"""A query said again: short where it can be, and safe to paste."""

import shutil
import subprocess

import pytest

from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_indexer.query.printer import to_command, to_flags, to_parameters, to_text
from whodid_indexer.query.shell import shell_words
from whodid_schema.visible import visible

WHOLE = AuditQuery(
    since=1_795_132_800_000_000,
    until=1_795_219_200_500_000,
    terms=(
        Term("actor", ("Ana Ruiz", "bob")),
        Term("verb", ("view",), negated=True),
        Term("actor.type", ("admin",)),
        Term("meta.plan", ("pro", "a,b")),
        Term("meta.a=b", ("x",)),
    ),
    texts=(Text("api key*"), Text("two words", phrase=True, negated=True)),
    groups=(Group((Text("one"), Term("ip", ("10.0.0.0/8",))), any=True), Group((Text("out"),), negated=True)),
)


def test_text_quotes_only_what_it_must() -> None:
    assert to_text(WHOLE) == (
        'since:2026-11-20T00:00:00Z until:2026-11-21T00:00:00.500000Z actor:"Ana Ruiz",bob -verb:view actor.type:admin '
        'meta.plan:pro,"a,b" meta.a=b:x api key* -"two words" (one OR ip:10.0.0.0/8) -(out)'
    )
    assert to_text(ALL) == ""


def test_flags_are_those_of_the_commands() -> None:
    assert to_flags(WHOLE) == [
        *("--actor", "Ana Ruiz,bob", "--not-verb", "view", "--actor-type", "admin", "--meta", 'plan=pro,"a,b"'),
        *("-q", 'api key* -"two words" meta.a=b:x', "-q", "(one OR ip:10.0.0.0/8)", "-q", " -(out)"),
        *("--since", "2026-11-20T00:00:00Z", "--until", "2026-11-21T00:00:00.500000Z"),
    ]
    assert to_command(AuditQuery(terms=(Term("actor", ("-rf; $(x)",)),)), "count") == (
        "whodid count '--actor=-rf; $(x)'"
    )


def test_parameters_are_those_of_the_api() -> None:
    assert to_parameters(WHOLE) == [
        *(("actor", "Ana Ruiz,bob"), ("not-verb", "view"), ("actor.type", "admin"), ("meta.plan", 'pro,"a,b"')),
        *(("meta.a=b", "x"), ("q", 'api key* -"two words"'), ("q", "(one OR ip:10.0.0.0/8)"), ("q", "-(out)")),
        *(("since", "2026-11-20T00:00:00Z"), ("until", "2026-11-21T00:00:00.500000Z")),
    ]


def test_a_shell_reads_the_words_back_and_a_terminal_obeys_none() -> None:
    words = [
        "plain",
        "two words",
        "$(reboot)`x`",
        "it's",
        '"',
        "\x1b]52;c;eA==\x07",
        "a\nb",
        "\u202eevil\\'",
        "é",
        "\x9b1",
    ]
    line = shell_words(words)
    assert visible(line) == line
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash here to read the line back")
    read = subprocess.run([shell, "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    assert read.decode().split("\0")[:-1] == words
