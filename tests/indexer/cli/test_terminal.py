"""On a real terminal: cut to its width, coloured, with the word beside the colour, and still nothing obeyed."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from support.running import BIN, clean_environment
from support.serving import HOSTILE, Server, make

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(width: int, *arguments: str, **environment: str) -> str:
    """What a terminal of `width` columns is sent."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    variables = {
        key: value for key, value in clean_environment(TERM="xterm").items() if key not in ("NO_COLOR", "COLUMNS")
    }
    process = subprocess.Popen(
        [str(BIN / "whodid"), *arguments], stdin=its, stdout=its, stderr=subprocess.DEVNULL, env=variables | environment
    )
    os.close(its)
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait(20) == 0
    return b"".join(pieces).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", [70, 100, 200])
def test_a_table_fits_the_terminal_and_keeps_time_verb_and_outcome_whole(server: Server, width: int) -> None:
    shown = on_terminal(width, "search", "--store", server.store, "--app", "shop", "-n", "5")
    lines = COLOUR.sub("", shown).splitlines()
    assert len(lines) == 6
    assert max(len(line) for line in lines) <= width
    for line in lines[1:]:
        assert re.match(r"2025-11-24 1[56]:\d\d:\d\d  UPDATE  ", line)
        assert re.search(r"  (success|failure)$", line)


def test_a_narrow_terminal_leaves_the_room_to_the_description(server: Server) -> None:
    asked = ("search", "--store", server.store, "--id", str(make(0).id))
    assert "Ana Ruiz updated report 0" in on_terminal(80, *asked)
    assert on_terminal(80, *asked, NO_COLOR="1").split()[:5] == ["Time", "(UTC)", "Verb", "Description", "Outcome"]
    assert "Resource" in on_terminal(80, *asked, "--columns", "time,target")


def test_an_outcome_has_its_colour_and_its_word_and_no_color_takes_the_colour(server: Server) -> None:
    asked = ("search", "--store", server.store, "--id", str(make(0).id))
    assert "\x1b[31mfailure\x1b[0m" in on_terminal(200, *asked)
    assert "\x1b" not in on_terminal(200, *asked, NO_COLOR="1")
    assert "\x1b" not in on_terminal(200, *asked, "--color", "never")


def test_a_terminal_obeys_nothing_of_a_hostile_record(server: Server) -> None:
    ids = ",".join(str(make(500 + number).id) for number in range(len(HOSTILE)))
    for arguments in (
        ["search"],
        ["search", "--format", "ndjson"],
        ["search", "--format", "csv"],
        ["tail", "--no-follow"],
    ):
        shown = COLOUR.sub("", on_terminal(120, *arguments, "--store", server.store, "--id", ids))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown.replace("\r\n", "\n"))
        assert "31mred" in shown


@pytest.mark.parametrize("kind", ["ansi", "osc52", "c1", "bidi"])
def test_no_colour_of_a_record_s_own_reaches_the_terminal(server: Server, kind: str) -> None:
    number = 500 + list(HOSTILE).index(kind)
    shown = on_terminal(200, "show", "--store", server.store, str(make(number).id), NO_COLOR="1")
    assert "\x1b" not in shown
