"""What the query guide shows is what happens; its questions run as a scenario on every store (tests/contract)."""

from support.asking import ask
from support.scenarios import GUIDE, guide


def test_the_guide_has_questions_and_each_row_of_its_tables_is_one() -> None:
    chapter = GUIDE.read_text(encoding="utf-8").partition("## The query language\n")[2].partition("\n## ")[0]
    rows = [line for line in chapter.splitlines() if line.startswith("| `")]
    assert len(guide()["queries"]) == len(rows) > 25
    names = set(guide()["records"])
    assert all(set(question["finds"]) <= names for question in guide()["queries"])
    assert {name for question in guide()["queries"] for name in question["finds"]} == names


def test_the_refusal_that_the_guide_shows_is_the_one_that_is_said() -> None:
    shown = GUIDE.read_text(encoding="utf-8").partition("```\n$ whodid count -q 'outcome:failure actr:ana'\n")[2]
    answer = ask("count", "-q", "outcome:failure actr:ana", "--store", "sqlite:///nowhere/audit.db")
    assert (answer.code, answer.err) == (2, shown.partition("```")[0])
