"""Texts are folded to exactly the words that SQLite's FTS5 makes, and records are found by all they say."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import apsw
import pytest

from support.timing import least
from whodid_schema import _fold_table, folding
from whodid_schema.record import Actor, Change, Client, Person, Record, Ref, Snapshot, Target

WRITER = Path(__file__).parents[2] / "schema" / "generate_fold_table.py"


def load_writer() -> ModuleType:
    """The tool that writes the table, which stands outside the package."""
    spec = importlib.util.spec_from_file_location("generate_fold_table", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fts5() -> Callable[[str], list[str]]:
    """FTS5's own tokeniser, as the store declares it."""
    tokens: Callable[[str], list[str]] = load_writer().tokenizer()
    return tokens


@pytest.mark.parametrize("end", [0x3000, pytest.param(0x110000, marks=pytest.mark.slow)])
def test_every_character_gives_the_tokens_that_fts5_makes_of_it(fts5: Callable[[str], list[str]], end: int) -> None:
    text = [f"x{chr(code)}y{chr(code)}" for code in range(end) if not 0xD800 <= code <= 0xDFFF]
    for start in range(0, len(text), 4096):
        block = " ".join(text[start : start + 4096])
        folded = folding.fold(block)
        assert folding.tokens(block) == fts5(folded)
        assert folding.fold(folded) == folded


def test_fts5_finds_in_a_table_what_tokens_says() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE VIRTUAL TABLE ft USING fts5(t, tokenize='unicode61 remove_diacritics 2')")
    text = "Łódź – Straße 5, Ærøskøbing; naïve ﬁle O’Neil <b>50%</b> ÇA"
    connection.execute("INSERT INTO ft VALUES (?)", (folding.fold(text),))
    for word in folding.tokens(text):
        assert list(connection.execute("SELECT count(*) FROM ft WHERE ft MATCH ?", (f'"{word}"',))) == [(1,)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Jane DOE", "jane doe"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Łódź", "lodz"),
        ("Ærøskøbing", "aeroskobing"),
        ("İstanbul ısı", "istanbul isi"),
        ("naïve cafe\u0301", "naive cafe"),
        ("ｆｕｌｌ ﬁne", "full fine"),
        ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
        ("Жёлтый", "желтыи"),
        ("がっこう", "がっこう"),
        ("한국어", "한국어"),
        ("Đorđe Þór", "dorde thor"),
    ],
)
def test_folding_takes_case_and_diacritics_away(text: str, folded: str) -> None:
    assert folding.fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smtp.update", ["smtp", "update"]),
        ("alice@acme.com", ["alice", "acme", "com"]),
        ("O’Neil — 50%", ["o", "neil", "50"]),
        ("", []),
        ("…\x00\u202e", []),
    ],
)
def test_words_end_at_everything_but_letters_and_digits(text: str, words: list[str]) -> None:
    assert folding.tokens(text) == words


def test_the_table_is_the_one_its_writer_writes_for_these_characters(fts5: Callable[[str], list[str]]) -> None:
    writer = load_writer()
    for char in "ßøŁæÉıﬁ½Ⅷ가がё𝔘\u0301\u093c":
        assert folding.fold(char) == writer.fold(char, fts5)
    assert "do not edit" in (_fold_table.__doc__ or "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alice@Acme.com", "alice@acme.COM", True),
        ("Zoë", "ZOE\u0308", True),
        ("Straße", "STRASSE", True),
        ("Zoë", "Zoe", False),
        ("a b", "ab", False),
        ("usr_1", "usr-1", False),
    ],
)
def test_exact_values_are_the_same_when_only_case_or_composition_differ(one: str, other: str, same: bool) -> None:
    assert (folding.shadow(one) == folding.shadow(other)) is same
    assert folding.shadow(folding.shadow(one)) == folding.shadow(one)


SECRET_PLACES = Record(
    id="w01",
    native_id="w02",
    app="w03",
    category_label="w04",
    action="w05",
    description="w06",
    reason="w07",
    actor=Actor(None, "w08", "w09", "w10", "w11", "w12", Ref("w13", "w14"), "w15", Person("w16", "w17", "w18")),
    targets=[Target("w19", "w20", "w21"), Target("w22", "w23", "w24")],
    workspace=Ref("w25", "w26"),
    project=Ref("w27", "w28"),
    client=Client("w29", "w30", "w31", "w32"),
    session_id="w33",
    request_id="w34",
    changes=[Change("w35", {"w36": ["w37"]}, "w38")],
    metadata={"w39": {"w40": [{"w41": "w42"}, 4300]}},
    snapshot=Snapshot({"w44": "w45"}, ["W46"]),
)


@pytest.mark.parametrize("number", [number for number in range(1, 47) if number != 43])
def test_free_text_finds_every_part_of_a_record(number: int) -> None:
    assert f"w{number:02}" in folding.tokens(folding.search_text(SECRET_PLACES))


def test_free_text_finds_numbers() -> None:
    assert "4300" in folding.tokens(folding.search_text(SECRET_PLACES))


def test_a_target_without_a_list_is_found() -> None:
    assert folding.search_text(Record(target=Target("user", "42", "Bob"))) == "user\nbob\n42"


def test_the_searched_text_is_bounded_and_keeps_the_sentence() -> None:
    text = folding.search_text(Record(description="Ana did it", metadata={str(n): "x" * 1000 for n in range(1000)}))
    assert text.startswith("ana did it")
    assert len(text) <= folding.SEARCH_TEXT_LIMIT


def test_metadata_as_deep_as_it_can_be_decoded_is_walked_to_a_limit() -> None:
    deep: dict[str, object] = {"leaf": "x"}
    for _ in range(900):
        deep = {"a": deep}
    assert "leaf" not in folding.search_text(Record(metadata=deep))
    assert folding.meta_pairs(deep) == []


def test_metadata_pairs_are_folded_paths_and_values() -> None:
    metadata = {
        "SMTP_Host": "Smtp.Mailgun.org",
        "n": 5,
        "f": 1.5,
        "yes": True,
        "no": False,
        "none": None,
        "empty": "",
        "tags": ["a", "B", "a"],
        "deep": {"list": [{"x": 1}, {"x": 2}]},
    }
    assert folding.meta_pairs(metadata) == [
        "smtp_host=smtp.mailgun.org",
        "n=5",
        "f=1.5",
        "yes=true",
        "no=false",
        "tags=a",
        "tags=b",
        "deep.list.x=1",
        "deep.list.x=2",
    ]


def test_metadata_pairs_are_bounded_in_number_and_length() -> None:
    pairs = folding.meta_pairs({f"k{n}": "ß" * 5000 for n in range(2000)})
    assert len(pairs) == folding.META_PAIRS_LIMIT
    assert max(map(len, pairs)) <= folding.META_PAIR_LENGTH


def test_an_endless_key_above_many_values_gives_one_bounded_pair() -> None:
    pairs = folding.meta_pairs({"k" * 5_000_000: {str(n): n for n in range(100_000)}})
    assert pairs == ["k" * folding.META_PAIR_LENGTH]


def test_no_metadata_gives_no_pairs() -> None:
    assert folding.meta_pairs(None) == []
    assert folding.meta_pairs({}) == []


def test_a_long_value_is_asked_for_by_the_same_keyword() -> None:
    value = "X" * 5000
    assert folding.meta_pairs({"k": value}) == [folding.meta_pair("k", value)]


def test_related_are_all_names_ids_addresses_once_as_written() -> None:
    record = Record(
        actor=Actor(
            "user",
            "783",
            "Alice",
            "alice@acme.com",
            owner="Eve",
            token=Ref("t1", "ci"),
            on_behalf_of=Person("8", "Bob"),
        ),
        targets=[Target("user", "783", "Alice"), Target("list", "9", "News")],
        workspace=Ref("acme", "Acme"),
        project=Ref("p1"),
        client=Client("203.0.113.4", "agent"),
    )
    assert folding.related(record) == [
        *("Alice", "783", "alice@acme.com", "Eve", "ci", "t1", "Bob", "8"),
        *("News", "9", "Acme", "acme", "p1", "203.0.113.4"),
    ]
    assert folding.related(Record()) == []


@pytest.mark.parametrize("value", [{"a": 1}, None, True, "x", 1.5, []])
def test_a_million_equal_values_give_their_pair_and_each_costs_no_more_than_of_a_few_thousand(value: Any) -> None:
    many, few = ({"first": "y", "l": [[value] * 1000] * number, "last": "z"} for number in (1000, 10))
    assert least(lambda: folding.meta_pairs(many)) < 3 * 100 * least(lambda: folding.meta_pairs(few))
    pairs = folding.meta_pairs(many)
    assert pairs[0] == "first=y"
    assert set(pairs[1:]) <= {"l.a=1", "l=true", "l=x", "l=1.5", "last=z"}
