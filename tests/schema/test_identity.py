"""Ids: golden vectors that must never change, and that no two ways of framing the same bytes meet."""

import pytest

from whodid_schema import identity

EVENT = b'{"action":"user.login"}'
GENERATION = "3c6e0b8a9c15224a8228b9a98ca1531d"
SOURCE = "web1:/var/log/audit.jsonl"
RECEIPT = "2026-11-21T12:00:00.000000Z"

GOLDEN = {
    "native": (identity.native_id("shop", ["783"], EVENT), "2fj2c0nv55wyv61wvfm2bzkppx"),
    "native of two parts": (
        identity.native_id("kubernetes", ["a1", "ResponseComplete"], EVENT),
        "5xp792f3z8c9qvdgkv5mws7ze1",
    ),
    "file": (identity.file_id(SOURCE, GENERATION, 0, 0, EVENT), "6as39zzn14y7g9awm244jp207d"),
    "file, timeless": (identity.file_id(SOURCE, GENERATION, 1024, 2, EVENT, RECEIPT), "7k5pz9hn27nyw427ak907j5ngf"),
    "http": (identity.http_id("http/crm", "key-1", 0, EVENT), "2jz3e4gkc3cr9b6vqh73x6apwd"),
}


@pytest.mark.parametrize(("made", "golden"), GOLDEN.values(), ids=GOLDEN)
def test_an_id_is_what_it_was_when_it_was_first_computed(made: str, golden: str) -> None:
    assert made == golden
    assert len(made) == identity.ID_LENGTH
    assert set(made) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_the_same_event_has_the_same_id() -> None:
    assert identity.native_id("shop", ["783"], EVENT) == identity.native_id("shop", ["783"], EVENT)


def test_500_equal_lines_have_500_ids() -> None:
    ids = {identity.file_id(SOURCE, GENERATION, offset * len(EVENT), 0, EVENT) for offset in range(500)}
    assert len(ids) == 500


def test_40_files_of_a_glob_with_an_equal_first_line_do_not_share_ids() -> None:
    generation = identity.generation_of(EVENT)
    assert len({identity.file_id(f"web1:/log/{n}.jsonl", generation, 0, 0, EVENT) for n in range(40)}) == 40


def test_a_timeless_line_of_a_later_instance_is_another_event_and_a_dated_one_is_not() -> None:
    later = "2026-11-22T12:00:00.000000Z"
    timeless = [identity.file_id(SOURCE, GENERATION, 0, 0, EVENT, receipt) for receipt in (RECEIPT, later)]
    assert timeless[0] != timeless[1]
    assert identity.file_id(SOURCE, GENERATION, 0, 0, EVENT) not in timeless


def test_a_reused_native_id_with_other_content_is_another_event() -> None:
    assert identity.native_id("shop", ["1"], b"{}") != identity.native_id("shop", ["1"], b"[]")


def test_equal_posts_are_told_apart_by_their_keys_and_items() -> None:
    made = {identity.http_id("http/crm", key, item, EVENT) for key in ("a", "b", "agent/1") for item in range(3)}
    assert len(made) == 9


def test_a_retried_post_with_its_key_is_the_same_event() -> None:
    assert identity.http_id("http/crm", "k", 4, EVENT) == identity.http_id("http/crm", "k", 4, EVENT)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    made = [
        identity.native_id("ab", ["c"], EVENT),
        identity.native_id("a", ["bc"], EVENT),
        identity.native_id("a", ["b", "c"], EVENT),
        identity.native_id("a", ["b"], b"c" + EVENT),
        identity.native_id("a", [], b"bc" + EVENT),
        identity.native_id("a", ["b\x00c"], EVENT),
        identity.http_id("a", "b", 1, b"1" + EVENT),
        identity.http_id("a", "b", 11, EVENT),
        identity.http_id("ab", "", 11, EVENT),
        identity.file_id("a", "b", 1, 11, EVENT),
        identity.file_id("a", "b", 11, 1, EVENT),
        identity.file_id("a", "b1", 1, 1, EVENT),
    ]
    assert len(set(made)) == len(made)


def test_native_file_and_http_ids_never_meet() -> None:
    text = "x"
    assert identity.native_id(text, [text, "0"], EVENT) != identity.http_id(text, text, 0, EVENT)
    assert identity.file_id(text, text, 0, 0, EVENT) != identity.native_id(text, [text, "0", "0"], EVENT)


def test_generation_and_origin_are_32_hexadecimal_digits_of_sha256() -> None:
    assert identity.generation_of(b"first") == "a7937b64b8caa58f03721bb6bacf5c78"
    assert identity.origin_of(EVENT) == "88e483a473b6ff45d512f7bfd2417a56"
