"""search, count, show, export: the same answers from the file and through the server, and the manners of a command."""

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from support.asking import ask
from support.serving import HOSTILE, Server, make
from whodid_schema.fields import FIELDS

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PLAIN = ("--app", "shop")


def test_count_prints_a_bare_number(store: str) -> None:
    answer = ask("count", "--store", store, *PLAIN)
    assert (answer.out, answer.err, answer.code) == (b"30\n", "", 0)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--actor", "Ana Ruiz"], 10),
        (["--actor", "Ana Ruiz", "--actor", "devi*"], 20),
        (["--actor", "Ana Ruiz,Devi Patel"], 20),
        (["--not-actor", "Ana Ruiz"], 20),
        (["--who", "Ana Ruiz", "--outcome", "failure"], 2),
        (["--ip", "203.0.113.0/29"], 8),
        (["--target", "report:7"], 1),
        (["-q", '"updated report 7"'], 1),
        (["-q", 'actor:"Ana Ruiz" -outcome:failure'], 8),
        (["-q", "updated", "-q", "report"], 30),
        (["--since", "2025-11-24T15:59:56Z"], 5),
        (["--since", "2025-11-24 16:59:56", "--tz", "Europe/Paris"], 5),
        (["--until", "2025-11-24T15:59:56"], 25),
        (["--level", "workspace"], 30),
        (["--id", str(make(4).id)], 1),
        (["--meta", "plan=pro"], 0),
        (["--not-meta", "plan=pro"], 30),
    ],
)
def test_flags_say_which_records_are_meant(store: str, flags: list[str], expected: int) -> None:
    assert ask("count", "--store", store, *PLAIN, *flags).text == f"{expected}\n"


def test_every_query_name_has_its_flag_and_its_exclusion() -> None:
    assert ask("count", "--help").code == 0
    for field in FIELDS.values():
        for flag in (f"--{field.flag}", f"--not-{field.flag}"):
            assert "No such option" not in ask("count", flag).err, flag


def test_a_table_has_the_newest_first_whole_and_without_colour(store: str) -> None:
    answer = ask("search", "--store", store, *PLAIN, "-n", "3")
    lines = answer.text.splitlines()
    assert lines[0].split() == ["Time", "(UTC)", "Verb", "Actor", "Description", "Resource", "Outcome"]
    assert re.split(r"\s{2,}", lines[1].strip()) == [
        *("2025-11-24 16:00:00", "UPDATE", "Ana Ruiz", "Ana Ruiz updated report 0", "report: Report 0", "failure")
    ]
    assert len(lines) == 4
    assert "\x1b" not in answer.text
    assert answer.err.startswith("Showing 1–3 of 30\n")


def test_pages_by_number_and_by_place_put_together_are_the_whole(store: str) -> None:
    by_number = [
        line
        for page in "123"
        for line in ask(
            "search", "--store", store, *PLAIN, "--page", page, "-n", "10", "--format", "ndjson"
        ).text.splitlines()
    ]
    by_place: list[str] = []
    place: list[str] = []
    while True:
        answer = ask("search", "--store", store, *PLAIN, "-n", "7", "--format", "ndjson", *place)
        by_place += answer.text.splitlines()
        following = re.search(r"--after (\S+)", answer.err)
        if following is None:
            break
        place = ["--after", following[1]]
    assert [json.loads(line)["id"] for line in by_number] == [make(number).id for number in range(30)]
    assert by_place == by_number


def test_the_formats_hold_the_same_records(store: str) -> None:
    asked = ("search", "--store", store, *PLAIN, "--actor", "Ana Ruiz", "--format")
    document = json.loads(ask(*asked, "json").out)
    lines = [json.loads(line) for line in ask(*asked, "ndjson").text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(ask(*asked, "csv").text, newline="")))
    assert document["events"] == lines
    assert document["total"] == len(rows) == 10
    assert [row["id"] for row in rows] == [line["id"] for line in lines]
    assert rows[0]["time"] == "2025-11-24T16:00:00.000000Z"


def test_times_are_shown_in_the_zone_asked_for(store: str) -> None:
    answer = ask("search", "--store", store, *PLAIN, "-n", "1", "--tz", "America/New_York")
    assert answer.text.startswith("Time (America/New_York)")
    assert "2025-11-24 11:00:00" in answer.text
    sheet = ask("export", "--store", store, *PLAIN, "--tz", "America/New_York", "--columns", "time").text
    assert sheet.splitlines()[1] == "2025-11-24T11:00:00.000000-05:00"


def test_an_empty_answer_names_the_newest_match_and_the_flag_that_shows_it(store: str) -> None:
    answer = ask("search", "--store", store, *PLAIN, "--actor", "Devi Patel", "--last", "1h")
    assert (answer.out, answer.code) == (b"", 0)
    assert "10 match in all time, the newest of 2025-11-24 15:59:59 UTC\nshow it: --since 2025-11-24\n" in answer.err
    shown = ask("search", "--store", store, *PLAIN, "--actor", "Devi Patel", "--since", "2025-11-24")
    assert "Showing 1–10 of 10" in shown.err


def test_where_a_value_is_nobodys_whole_name_the_question_that_finds_it_as_a_word_is_named(store: str) -> None:
    answer = ask("search", "--store", store, "--actor", "devi", "--kind", "write", "--last", "1h")
    assert (answer.out, answer.code) == (b"", 0)
    asked = shlex.split(answer.err.splitlines()[-1])
    assert asked == ["whodid", "search", "--kind", "write", "-q", "devi"]
    shown = ask(*asked[1:], "--store", store)
    count = re.search(r"anywhere in a record, (\d+) match:", answer.err)
    assert count is not None, answer.err
    assert f"of {count[1]}\n" in shown.err


def test_show_prints_everything_a_record_says(store: str) -> None:
    text = ask("show", str(make(4).id), "--store", store).text
    for said in (
        "Devi Patel updated report 4",
        "UPDATE · success",
        "2025-11-24 15:59:56 UTC",
        "shop/user:1",
        "203.0.113.4",
    ):
        assert said in text
    assert json.loads(ask("show", str(make(4).id), "--store", store, "--format", "json").out)["id"] == make(4).id


def test_a_record_that_is_not_there_is_an_error(store: str) -> None:
    answer = ask("show", "0" * 26, "--store", store)
    assert (answer.out, answer.code) == (b"", 1)
    assert "there is no record" in answer.err


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(
    "command",
    [
        ["search"],
        ["search", "--color", "always", "--columns", "actor,description,device,workspace,changed,metadata,raw"],
        ["search", "--format", "json"],
        ["search", "--format", "ndjson"],
        ["search", "--format", "csv"],
        ["export"],
        ["export", "--format", "ndjson"],
        ["tail", "--no-follow"],
        ["tail", "--no-follow", "--format", "ndjson"],
    ],
)
def test_no_output_obeys_a_hostile_text(server: Server, kind: str, command: list[str]) -> None:
    number = 500 + list(HOSTILE).index(kind)
    answer = ask(*command, "--store", server.store, "--id", str(make(number).id))
    assert answer.code == 0, answer.err
    assert not STEERING.search(_without_colour(answer.text).replace("\r\n", "\n"))
    assert not STEERING.search(answer.err)


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_detail_of_a_hostile_record_shows_its_text(server: Server, kind: str) -> None:
    identifier = str(make(500 + list(HOSTILE).index(kind)).id)
    for form in (["--color", "always"], ["--format", "json"], ["--raw"]):
        answer = ask("show", identifier, "--store", server.store, *form)
        assert answer.code == 0
        assert not STEERING.search(_without_colour(answer.text))
    if kind in ("markup", "close", "html", "template", "formula"):
        assert HOSTILE[kind] in ask("show", identifier, "--store", server.store).text


def _without_colour(text: str) -> str:
    """Our own colours are the only sequences allowed."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_an_export_is_checked_counted_and_never_written_over_another(store: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    answer = ask("export", "--store", store, *PLAIN, "--output", str(path))
    assert (answer.out, answer.code) == (b"", 0)
    assert answer.err == f"30 rows in {path}\n"
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert " ".join(rows[0]) == "time layer outcome actor workspace action target ip device details id"
    assert [row["id"] for row in rows] == [make(number).id for number in range(30)]
    again = ask("export", "--store", store, *PLAIN, "-o", str(path))
    assert again.code == 2
    assert "exists already" in again.err
    assert ask("export", "--store", store, *PLAIN, "-o", str(path), "--force", "--oldest-first").code == 0
    assert path.read_bytes() != b""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search", "--verb", "obliterate"], 2, "never"),
        (["search", "-q", "actr:ana"], 2, "did you mean actor?"),
        (["search", "--meta", "plan"], 2, "PATH=VALUE"),
        (["search", "--last", "soon"], 2, "15m"),
        (["search", "--after", "x"], 2, "not a place"),
        (["search", "--page", "9999"], 2, "--after"),
        (["search", "--columns", "acter"], 2, "did you mean 'actor'?"),
        (["search", "--columns", "actor", "--format", "json"], 2, "whole record"),
        (["search", "--utc", "--local"], 2, "exclude each other"),
        (["search", "--tz", "Mars/Olympus"], 2, "no such time zone"),
        (["search", "--aktor", "x"], 2, "--actor"),
        (["export", "--output", "/nonexistent/x.csv"], 1, "cannot write"),
    ],
)
def test_what_is_wrong_is_said_with_a_way_out(store: str, arguments: list[str], code: int, said: str) -> None:
    answer = ask(*arguments, "--store", store)
    assert (answer.code, answer.out) == (code, b""), answer.err
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("url", "code"),
    [("sqlite:///nowhere/audit.db", 4), ("http://127.0.0.1:1", 4), ("ftp://x/y", 2), ("audit.db", 2), ("http://[", 2)],
)
def test_a_store_that_is_not_there_is_named_with_where_it_was_looked_for(url: str, code: int) -> None:
    answer = ask("count", "--store", url)
    assert answer.code == code
    assert url.removeprefix("sqlite://") in answer.err


def test_explain_says_the_question_in_three_ways_beside_the_answer(server: Server) -> None:
    asked = ("count", "--actor", "Ana Ruiz", "-q", "updated OR verb:edited", "--explain", "--since", "2025-11-24")
    answer = ask(*asked, "--store", server.store)
    assert answer.text == "10\n"
    query, command, *sql = answer.err.splitlines()
    assert query == 'query:    since:2025-11-24T00:00:00Z actor:"Ana Ruiz" -surface:audit (updated OR verb:update)'
    assert command.startswith(
        "command:  whodid count --actor 'Ana Ruiz' --not-surface audit -q '(updated OR verb:update)' --since "
    )
    assert sql[0].startswith("asks:     SELECT e.seq")
    assert any("updated" in line and "?" in line for line in sql[1:])
    over = ask(*asked, "--store", server.url).err.splitlines()
    assert over[:2] == [query, command]
    assert over[2].startswith(f"asks:     GET {server.url}/api/v1/events?query=%7B")


def test_a_fault_in_a_question_is_marked_under_what_was_typed(store: str) -> None:
    answer = ask("search", "--store", store, "-q", "outcome:failure actr:ana")
    assert (answer.code, answer.out) == (2, b"")
    assert answer.err.splitlines() == [
        "whodid: there is no field 'actr'",
        "    outcome:failure actr:ana",
        "                    ^^^^",
        '  hint: did you mean actor?; quote it to look for the words: "actr: …"',
    ]
    flagged = ask("search", "--store", store, "--verb", "view,obliterate").err.splitlines()
    assert flagged[1:3] == ["    view,obliterate", "         ^^^^^^^^^^"]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_question_is_refused_or_asked_without_steering_the_terminal(store: str, kind: str) -> None:
    for arguments in (["-q", f"{HOSTILE[kind]} nope:x"], ["--verb", HOSTILE[kind]], ["--target", HOSTILE[kind]]):
        if "\0" in "".join(arguments):
            continue  # no command line holds one
        answer = ask("count", "--explain", "--store", store, *arguments)
        assert answer.code in (0, 2), answer.err
        assert not STEERING.search(answer.err)
        assert "Traceback" not in answer.err


def test_a_lower_case_operator_is_hinted_at(store: str) -> None:
    answer = ask("count", "--store", store, *PLAIN, "-q", "updated or deleted")
    assert (answer.text, answer.code) == ("0\n", 0)
    assert answer.err.splitlines() == [
        "hint: or is a word here; OR in capitals is the operator",
        "    updated or deleted",
        "            ^^",
    ]


def test_mine_is_what_the_identities_name(server: Server) -> None:
    mine = ("count", *PLAIN, "--store", server.store, "--mine")
    assert ask(*mine, "--identity", "shop/user:1").text == ask(*mine[:-1], "-q", "actor.key:shop/user:1").text != "0\n"
    assert ask(*mine, "--identity", "shop/user:1", "--actor", "Ana Ruiz").text == "0\n"
    assert ask(*mine).code == 2
    assert "--identity" in ask(*mine).err
    assert "shop/user:783" in ask(*mine, "--identity", "everybody*").err
