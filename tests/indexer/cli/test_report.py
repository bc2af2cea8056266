"""`whodid report`, as typed."""

from pathlib import Path

import pytest

from support.asking import ask
from whodid_indexer.report import story


def test_an_actors_report_tells_every_record_of_the_actor(store: str) -> None:
    answer = ask("report", "actor", "Ana Ruiz", "--store", store)
    assert answer.code == 0
    assert answer.err.endswith("10 records told\n")
    assert answer.out.decode().startswith("# What Ana Ruiz did\n")
    assert answer.out.count(b"\n- ") >= 10
    assert b"Devi Patel" not in answer.out


def test_filters_narrow_an_actors_report_and_never_widen_it(store: str) -> None:
    answer = ask("report", "actor", "Ana Ruiz", "--actor", "Devi Patel", "--store", store)
    assert b"No record matches" in answer.out


def test_an_incident_is_written_as_a_page_where_the_file_is_named_so(store: str, tmp_path: Path) -> None:
    file = tmp_path / "incident.html"
    answer = ask("report", "incident", "--app", "shop", "--title", "Case <7>", "--store", store, "-o", str(file))
    assert (answer.code, answer.out) == (0, b"")
    assert "<title>Case &lt;7&gt;</title>" in file.read_text()
    again = ask("report", "incident", "--app", "shop", "--store", store, "-o", str(file))
    assert (again.code, "--force" in again.err) == (2, True)


def test_an_incident_without_anything_to_narrow_it_is_refused(store: str) -> None:
    answer = ask("report", "incident", "--store", store)
    assert answer.code == 2
    assert "--since" in answer.err


def test_more_than_a_reader_can_take_in_is_refused_with_a_way_out(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "MOST", 9)
    answer = ask("report", "actor", "Ana Ruiz", "--store", store)
    assert answer.code == 2
    assert "10 records match" in answer.err
    assert "whodid export" in answer.err


def test_a_place_that_cannot_be_written_is_named(store: str, tmp_path: Path) -> None:
    answer = ask("report", "actor", "Ana Ruiz", "--store", store, "-o", str(tmp_path / "none" / "report.md"))
    assert answer.code == 1
    assert "cannot write" in answer.err
