"""A fault is shown under the text it stands in, on any terminal, whatever the text holds."""

import pytest

from whodid_schema.excerpt import marked


@pytest.mark.parametrize(
    ("text", "position", "length", "shown"),
    [
        ("actor:ana verb:creat", 10, 10, "actor:ana verb:creat\n          ^^^^^^^^^^"),
        ("aa (bb", 3, 1, "aa (bb\n   ^"),
        ("aa", 2, 0, "aa\n  ^"),
        ("", 0, 0, "\n^"),
        ("aa", 99, 99, "aa\n  ^"),
        ("日本 x", 3, 1, "日本 x\n     ^"),
        ("e\u0301 x", 3, 1, "e\u0301 x\n  ^"),
        ("a\x1b[2J x", 6, 1, "a\\x1b[2J x\n         ^"),
        ("a\nb", 2, 1, "a\\x0ab\n     ^"),
    ],
)
def test_the_carets_stand_under_the_fault(text: str, position: int, length: int, shown: str) -> None:
    assert marked(text, position, length) == shown


def test_a_long_text_is_cut_around_the_fault() -> None:
    line, carets = marked("a" * 500 + "X" * 100 + "b" * 500, 500, 100).split("\n")
    assert line == "…" + "a" * 40 + "X" * 80 + "X" * 20 + "b" * 20 + "…"
    assert carets == " " * 41 + "^" * 80
