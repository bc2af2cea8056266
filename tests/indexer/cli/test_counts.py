"""facets and stats: the same answers from the file and through the server, in every form, whatever the records hold."""

import csv
import io
import json
import re

import pytest

from support.asking import ask

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PLAIN = ("--app", "shop")
DAY = ("--since", "2025-11-24T15:59:50Z", "--until", "2025-11-24T16:00:10Z")


def test_facets_show_values_with_their_counts_under_all_filters_but_their_own(store: str) -> None:
    answer = ask("facets", "--store", store, *PLAIN, "--outcome", "failure", "--axis", "outcome,actor")
    assert [re.split(r"\s{2,}", line.strip()) for line in answer.text.splitlines() if line] == [
        ["outcome"],
        ["24", "success"],
        ["6", "failure"],
        ["actor"],
        ["2", "Ana Ruiz", "shop/user:0"],
        ["2", "Devi Patel", "shop/user:1"],
        ["2", "Marcus Wei", "shop/user:2"],
    ]
    assert (answer.err, answer.code) == ("6 records of all time\n", 0)


def test_without_an_axis_the_common_ones_come(store: str) -> None:
    document = json.loads(ask("facets", "--store", store, *PLAIN, "--format", "json").out)
    assert [facet["axis"] for facet in document["facets"]][:3] == ["actor", "category", "verb"]


def test_the_forms_of_facets_hold_the_same(store: str) -> None:
    asked = ("facets", "--store", store, *PLAIN, "--axis", "ip", "-n", "4", "--format")
    (facet,) = json.loads(ask(*asked, "json").out)["facets"]
    rows = list(csv.DictReader(io.StringIO(ask(*asked, "csv").text, newline="")))
    assert [(row["value"], int(row["count"])) for row in rows] == [
        (one["value"], one["count"]) for one in facet["values"]
    ]
    assert (len(facet["values"]), facet["other"], facet["values_in_all"]) == (4, 26, 30)
    assert re.search(r"^26 +Other +26 more values$", ask(*asked, "table").text, re.MULTILINE)


def test_a_value_that_is_asked_for_is_shown_at_nothing(store: str) -> None:
    table = ask("facets", "--store", store, *PLAIN, "--verb", "delete", "--axis", "verb").text
    assert re.search(r"^ 0 +delete$", table, re.MULTILINE)


def test_facets_are_searched(store: str) -> None:
    table = ask("facets", "--store", store, *PLAIN, "--axis", "actor", "--contains", "PATEL").text
    assert "Devi Patel" in table
    assert "Ana" not in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["facets", "--axis", "actr"], "did you mean actor?"),
        (["facets", "--axis", "meta."], "there is no axis"),
        (["facets", "-n", "-1"], "not in the range"),
        (["stats", "--interval", "month"], "'hour', 'day', 'week'"),
        (["stats", "--interval", "hour", "--since", "2001-01-01"], "10,000 buckets"),
    ],
)
def test_a_question_that_cannot_be_is_refused_with_what_would(store: str, arguments: list[str], said: str) -> None:
    answer = ask(*arguments, "--store", store)
    assert (answer.out, answer.code) == (b"", 2)
    assert said in answer.err


def test_statistics_have_figures_their_change_the_series_actors_and_categories(store: str) -> None:
    answer = ask("stats", "--store", store, *PLAIN, *DAY)
    lines = [re.split(r"\s{2,}", line.strip()) for line in answer.text.splitlines() if line]
    assert lines[:6] == [
        ["Records", "11", "-42 % (was 19)"],
        ["Sign-ins", "0", "as before"],
        ["Writes", "11", "-42 % (was 19)"],
        ["Reads, others", "0", "as before"],
        ["Addresses", "11", "-42 % (was 19)"],
        ["compared with 2025-11-24 15:59:30 to 2025-11-24 15:59:50 (UTC)"],
    ]
    assert lines[6] == ["Hour (UTC)", "sign-in", "writes", "others"]
    assert [line[:4] for line in lines[7:9]] == [
        ["2025-11-24 15:00", "0", "10", "0"],
        ["2025-11-24 16:00", "0", "1", "0"],
    ]
    assert ["AR", "Ana Ruiz", "4", "2025-11-24 16:00:00", "shop/user:0"] in lines
    assert answer.err == "11 records of 2025-11-24 15:59:50 to 2025-11-24 16:00:10 (UTC)\n"


def test_a_long_time_without_records_is_one_line_of_the_table_and_whole_in_the_other_forms(store: str) -> None:
    asked = ("stats", "--store", store, *PLAIN, "--since", "2025-11-01", "--until", "2025-11-26", "--interval", "day")
    text = ask(*asked).text
    assert re.search(r"^… 23 days +0 +0 +0\n2025-11-24 .*\n2025-11-25 ", text, re.MULTILINE), text
    assert len(json.loads(ask(*asked, "--format", "json").out)["series"]) == 25


def test_the_forms_of_statistics_hold_the_same(store: str) -> None:
    asked = ("stats", "--store", store, *PLAIN, *DAY, "--tz", "Asia/Kolkata", "--interval", "day", "--format")
    document = json.loads(ask(*asked, "json").out)
    rows = list(csv.DictReader(io.StringIO(ask(*asked, "csv").text, newline="")))
    figures = {(row["section"], row["name"]): int(row["count"]) for row in rows}
    assert document["current"]["total"] == figures["current", "total"] == 11
    assert document["since"] == "2025-11-24T15:59:50.000000Z"
    assert document["series"][0]["start"] == "2025-11-23T18:30:00.000000Z"
    assert next(row["since"] for row in rows if row["section"] == "series") == "2025-11-24 00:00:00"
    assert (document["zone"], document["interval"]) == ("Asia/Kolkata", "day")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize(
    "command", [["stats", "--actors", "50"], ["facets", "-n", "100"], ["facets", "--axis", "target"]]
)
def test_no_value_steers_the_terminal_or_computes_in_a_spreadsheet(store: str, command: list[str], form: str) -> None:
    answer = ask(*command, "--store", store, "--app", "hostile", "--format", form)
    assert answer.code == 0
    assert not STEERING.search(answer.text.replace("\r\n", "\n"))
    assert not STEERING.search(answer.err)
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(answer.text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_an_empty_answer_is_no_error(store: str) -> None:
    for command in ("facets", "stats"):
        answer = ask(command, "--store", store, "--app", "nowhere")
        assert (answer.code, answer.err) == (0, "0 records of all time\n")
