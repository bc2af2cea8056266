"""Which names are rotated siblings of which."""

import pytest

from whodid_agent.inputs.file.siblings import configured_name


@pytest.mark.parametrize(
    "name",
    [
        "audit.jsonl",
        "audit.jsonl.1",
        "audit.jsonl.12.gz",
        "audit.jsonl.zst",
        "audit.jsonl-20261121",
        "audit.jsonl-20261121.gz",
        "audit.jsonl-2026112110",
        "audit.jsonl-1795260000.gz",
        "audit.jsonl.2026-11-21",
        "audit.jsonl.2026-11-21_10-30-00",
        "audit-2026-11-21.jsonl",
        "audit.2026-11-21.0.jsonl.gz",
        "audit-2026-11-21T10-30-00.123.jsonl",
        "audit-20261121.jsonl.3",
    ],
)
def test_a_rotated_sibling_belongs_to_the_configured_file(name: str) -> None:
    assert configured_name(name, "audit.jsonl".__eq__) == "audit.jsonl"


@pytest.mark.parametrize(
    "name",
    ["audit.jsonl.bak", "audit.json", "audit2.jsonl", "audit-42.jsonl", "my-audit.jsonl", "audit.jsonl.1.tmp", ".gz"],
)
def test_other_names_do_not(name: str) -> None:
    assert configured_name(name, "audit.jsonl".__eq__) is None


def test_a_dated_name_is_a_file_of_its_own_where_the_undated_one_is_not_configured() -> None:
    assert configured_name("audit-2026-11-21.jsonl", lambda name: name.startswith("audit-")) == "audit-2026-11-21.jsonl"
