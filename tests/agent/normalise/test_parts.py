"""Values, labels and devices: what is taken for what."""

from typing import Any

import pytest

from support.timing import least
from whodid_agent.normalise import values
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.label import read_label
from whodid_agent.normalise.language import patterns
from whodid_agent.normalise.language.path import BadPathError, Pick, Steps, parse_path, spelt
from whodid_schema.record import Change, Target


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51234", "203.0.113.9"),
        (" 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.1"),
        ("cloudtrail.amazonaws.com", None),
        ("1.2.3", None),
        ("256.1.1.1", None),
        ("1.2.3.4\x00", None),
        ("", None),
        (16909060, None),
        ([], None),
        ({"ip": "1.2.3.4"}, None),
    ],
)
def test_only_a_valid_address_is_an_address(written: Any, address: str | None) -> None:
    assert values.address(written) == address


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ("success", "success"), ("SUCCEEDED", "success"), (True, "success"), (200, "success"), ("204", "success"),
        ("Denied", "failure"), (False, "failure"), (403, "failure"), ("warn", "warning"), ("unknown", "unknown"),
        ("banana", None), (7, None), (None, None), ({}, None),
    ],
)  # fmt: skip
def test_an_outcome_is_one_of_four_or_none(written: Any, outcome: str | None) -> None:
    assert values.outcome(written) == outcome


@pytest.mark.parametrize(
    ("written", "text"),
    [("x", "x"), (783, "783"), (1.5, "1.5"), ("", None), (True, None), (None, None), ([], None), ({"a": 1}, None)],
)
def test_text_is_text_or_a_number(written: Any, text: str | None) -> None:
    assert values.text(written) == text


def test_a_placeholder_names_nobody() -> None:
    assert [values.name(word) for word in ("-", "null", "N/A", " ", "Null Island")] == [None] * 4 + ["Null Island"]


def test_the_surface_of_whodid_itself_is_never_taken_from_a_sender() -> None:
    assert values.surface("audit") is None
    assert values.surface("API request") == "api_request"


@pytest.mark.parametrize("count", [-1, 1.5, "x", True, 2**63, "9" * 30, None])
def test_a_count_is_a_whole_number_from_nought(count: Any) -> None:
    assert values.count(count) is None
    assert (values.count(0), values.count("19")) == (0, 19)


@pytest.mark.parametrize(
    ("label", "target", "change"),
    [
        ("Broadcast: May Newsletter #38", Target("broadcast", None, "May Newsletter #38"), None),
        ("user #42", Target("user", "42"), None),
        ("Sending node #7", Target("sending_node", "7"), None),
        ("Contact: 19 imported rows (bulk)", Target("contact", None, "19 imported rows", 19), None),
        ("Contact: 1,900 rows (bulk)", Target("contact", None, "1,900 rows", 1900), None),
        ("Contact: all rows (bulk)", Target("contact", None, "all rows"), None),
        ("Domain: yahoo.com (CIDR import)", Target("domain", None, "yahoo.com (CIDR import)"), None),
        ("Drip: Welcome series → Newsletter list", Target("drip", None, "Welcome series → Newsletter list"), None),
        (
            "Sending node: Amazon SES — hourly limit 30k → 50k",
            Target("sending_node", None, "Amazon SES"),
            Change("hourly_limit", "30k", "50k"),
        ),
        ("https://example.com/x", Target(None, None, "https://example.com/x"), None),
        ("just a name", Target(None, None, "just a name"), None),
        ("x" * 5000, Target(None, None, "x" * 5000), None),
    ],
)
def test_a_label_is_read_as_people_write_it(label: str, target: Target, change: Change | None) -> None:
    found = read_label(label)
    assert (found.target, found.change) == (target, change)


def test_a_hostile_label_costs_no_time() -> None:
    for label in ("a: " + "—  " * 300, "a" * 1000 + ":", "(bulk " * 150, "# " * 500, "a: b — " + "c " * 400 + "→"):
        assert read_label(label).target != Target()


CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (CHROME, "Chrome 126 on macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox 127 on Linux"),
        ("python-httpx/0.27.0", "python-httpx 0.27.0"),
        ("kubectl/v1.28.2 (linux/amd64)", "kubectl 1.28.2 on Linux"),
        ("console.amazonaws.com", "console.amazonaws.com"),
        ("Mozilla/5.0 …", None),
        ("…", None),
        ("x" * 100_000, "x" * 63),
    ],
)
def test_a_device_is_said_in_words(agent: str, device: str | None) -> None:
    assert device_of(agent) == device


def test_a_table_knows_words_patterns_and_several_keys_of_one_value() -> None:
    found = patterns.table(
        (word, value)
        for key, value in {"get*": 1, "*": 2, "getall": 3, "*.role.*": 4, "a*b": 5, "PUT | post": 6, True: 7}.items()
        for word in patterns.keys_of(key)
    )
    asked = ["get", "getall", "getaway", "x.role.y", "role", "ab", "a", "acb", "put", "post", "true", ""]
    assert [found.get(word) for word in asked] == [1, 3, 1, 4, 2, 5, 2, 5, 6, 6, 7, None]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a.b", ("a", "b")),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\[0].c", ("a[0]", "c")),
        ("a[k=V w].c", ("a", Pick(("k",), ("v w",)), "c")),
        ("a[k.l=x|y][m=]", ("a", Pick(("k", "l"), ("x", "y")), Pick(("m",), ("",)))),
    ],
)
def test_a_path_is_read_step_by_step(text: str, steps: Steps) -> None:
    assert parse_path(text).steps == steps
    assert "[" not in text or spelt(steps)


@pytest.mark.parametrize("text", ["", ".a", "a.", "a..b", "[a=b]", "a.[k=v]", "a[k]", "a[k=v", "a[k=v]b", None, 5])
def test_what_is_no_path_is_refused(text: object) -> None:
    with pytest.raises(BadPathError):
        parse_path(text)


@pytest.mark.parametrize("text", ["a — ", "a — b → ", "a — b c -> ", "a #", "a : ", "a (bulk"])
def test_a_label_of_many_marks_takes_no_longer_than_another(text: str) -> None:
    def seconds(unit: str) -> float:
        texts = [f"{number}{unit * 256}"[:1024] + end for number in range(10) for end in ("", " -> x", "#")]
        return least(lambda: [read_label(one[-1024:]) for one in texts])

    assert seconds(text) < 20 * seconds("a — b c -> d ")
