"""CEF lines are read back as they were meant, by a reader that follows the format; no value can become another key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.serving import HOSTILE, make
from whodid_schema.cef import to_cef
from whodid_schema.record import Actor, Client, Record, Target
from whodid_schema.visible import visible


def read(line: str) -> tuple[list[str], dict[str, str]]:
    """Header and extension, as a receiver reads them."""
    assert "\n" not in line
    assert "\r" not in line
    *header, extension = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    pairs = re.findall(r"(?:^| )(\w+)=((?:\\.|[^\\=])*?)(?= \w+=|$)", extension)
    unescaped = {
        key: re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value) for key, value in pairs
    }
    return header, unescaped


def test_who_did_what_from_where_has_the_format_s_own_keys() -> None:
    record = make(3, reason="no = sign")
    header, values = read(to_cef(record))
    assert header[:2] == ["CEF:0", "whodid"]
    assert header[4:] == ["report.update", "Ana Ruiz updated report 3", "3"]
    expected = {"rt": "1763999997000", "externalId": record.id, "src": "203.0.113.3", "suser": "Ana Ruiz", "suid": "0"}
    assert {key: values[key] for key in expected} == expected
    assert values["reason"] == "no = sign"
    assert (values["cs3Label"], values["cs3"]) == ("targetName", "Report 3")


def test_failures_are_more_severe_and_an_ipv6_address_has_its_own_key() -> None:
    header, values = read(to_cef(make(1, outcome="failure", client=Client(ip="2001:db8::1"))))
    assert header[6] == "5"
    assert values["c6a2"] == "2001:db8::1"
    assert "src" not in values


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a|b\\|c", "x=1 suser=root", "one\ntwo\rthree"])
def test_hostile_values_stay_values(text: str) -> None:
    plain = read(to_cef(make(1)))
    header, values = read(to_cef(make(1, action=text, description=text, actor=Actor("user", "1", text))))
    assert len(header) == len(plain[0])
    assert values.keys() == plain[1].keys()
    assert values["suser"] == visible(text, newlines=True)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u202e]", to_cef(make(1, description=text)))


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_text_at_all_makes_another_key(one: str, other: str) -> None:
    record = make(1, reason=one, target=Target("t", "1", other))
    _, values = read(to_cef(record))
    assert values.get("reason", "") == visible(one, newlines=True)
    assert values.keys() <= {*read(to_cef(make(1, reason="x")))[1]}


def test_an_empty_record_still_is_a_line() -> None:
    assert to_cef(Record()).startswith("CEF:0|whodid|whodid|")
