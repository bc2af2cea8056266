"""What a profile masks is masked before anything else sees it, whatever becomes of the line."""

from pathlib import Path

import msgspec
import pytest

from support.events import AT_START, PROFILES, pipeline
from whodid_agent.normalise.contract import Refusal
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.record import MASK

PAY = parse_profile(
    """
profile: pay
recognise: {has: [action, pay]}
action: action
mask: [pay.amount, "rows[kind=iban].text", list.note]
""",
    Path("pay.yaml"),
)
ALL = ProfileSet([*(mapper.profile for mapper in PROFILES), PAY])
THROUGH = pipeline(profiles=ALL)
NAMED = pipeline(profiles=ALL, profile="pay")


def masked(line: str) -> str:
    return THROUGH.redact(line.encode() + b"\n").decode().removesuffix("\n")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('{"action": "x", "pay": {"amount": 5, "of": "EUR"}}', {"action": "x", "pay": {"amount": MASK, "of": "EUR"}}),
        ('{"action": "x", "pay": {"\\u0061mount": 5}}', {"action": "x", "pay": {"amount": MASK}}),
        (
            '[{"action": "x", "pay": {"amount": {"a": 1}}}, {"action": "y", "pay": {"amount": null}}]',
            [{"action": "x", "pay": {"amount": MASK}}, {"action": "y", "pay": {"amount": None}}],
        ),
        (
            '{"pay": 1, "action": 2, "rows": [{"kind": "IBAN", "text": 1}, {"kind": "iban", "text": 2}, {"text": 3}]}',
            {
                "pay": 1,
                "action": 2,
                "rows": [{"kind": "IBAN", "text": MASK}, {"kind": "iban", "text": MASK}, {"text": 3}],
            },
        ),
        (
            '{"action": "x", "pay": 1, "list": [{"note": 1}, {"note": [2]}]}',
            {"action": "x", "pay": 1, "list": [{"note": MASK}, {"note": MASK}]},
        ),
        (
            '{"events": [{"action": "x", "pay": {"amount": 5}}, {"amount": 6}]}',
            {"events": [{"action": "x", "pay": {"amount": MASK}}, {"amount": 6}]},
        ),
    ],
)  # fmt: skip
def test_every_such_place_of_the_profiles_events_is_masked(line: str, left: object) -> None:
    assert msgspec.json.decode(masked(line)) == left
    assert masked(masked(line)) == masked(line)


def test_events_of_other_profiles_and_lines_without_such_keys_keep_their_bytes() -> None:
    for line in ('{"amount": 5,  "note": "x"}', '{"action": "x", "pay": {"sum": 5}}', "", "no json"):
        chunk = line.encode() + b"\n"
        assert THROUGH.redact(chunk) is chunk


@pytest.mark.parametrize("through", [THROUGH, NAMED])
def test_a_line_that_is_refused_goes_to_quarantine_masked(through: Pipeline) -> None:
    line = through.redact(b'{"action": "x", "pay": {"amount": 123456, "unit": "E\n')
    assert b"123456" not in line
    (refusal,) = through.events(line[:-1], AT_START)
    assert isinstance(refusal, Refusal)
    assert "123456" not in refusal.detail


def test_an_input_that_names_the_profile_masks_whatever_its_events_look_like() -> None:
    assert b"123456" not in NAMED.redact(b'{"pay": {"amount": 123456}}\n')


def test_lines_of_a_document_over_many_lines_are_left_until_it_is_whole() -> None:
    chunk = b'{\n  "action": "x",\n  "amount": 5\n}\n'
    assert THROUGH.redact(chunk) == chunk
