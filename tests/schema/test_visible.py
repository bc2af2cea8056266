"""What is printed never steers a terminal, a log or the reading order."""

import pytest

from whodid_schema.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x1b]8;;http://evil\x1b\\click", r"\x1b]8;;http://evil\x1b\click"),
        ("a\x00b", r"a\x00b"),
        ("a\rb\nc\td", r"a\x0db\x0ac\x09d"),
        ("\x9b31m", r"\x9b31m"),
        ("\x85", r"\x85"),
        ("\x7f", r"\x7f"),
        ("user\u202egpj.exe", r"user\u202egpj.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("ad\u200bmin\ufeff\xad", r"ad\u200bmin\ufeff\xad"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_steers_is_shown_instead(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Jane Doe",
        "Zoë Müller → 50k — “ok”",
        "日本語",
        "العربية",
        "می‌خواهم",
        "👩‍💻",
        "[red]not markup[/x]",
        "C:\\x1b",
    ],
)
def test_harmless_text_comes_back_the_same_object(text: str) -> None:
    assert visible(text) is text


def test_newlines_stand_where_they_are_wanted_and_nothing_else_does() -> None:
    assert visible("a\nb\r\x1b", newlines=True) == "a\nb\\x0d\\x1b"
