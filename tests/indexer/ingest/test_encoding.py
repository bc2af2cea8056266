"""Packed bodies: unpacked whole, never beyond the limit, never cut off in silence."""

import gzip
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from whodid_indexer.ingest.budget import Budget, Overloaded
from whodid_indexer.ingest.encoding import BrokenEncoding, TooLarge, UnknownEncoding, unpack


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": _zstd}


def free(_size: int) -> None:
    """A budget without end."""


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "zstd"]))
def test_what_was_packed_comes_back(body: bytes, encoding: str) -> None:
    assert unpack(PACK[encoding](body), encoding, 3000, free) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_several_packed_pieces_in_a_row_are_one_body(encoding: str) -> None:
    pack = PACK[encoding]
    assert unpack(pack(b"one") + pack(b"two" * 1000) + pack(b""), encoding, 5000, free) == b"one" + b"two" * 1000


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(cut=st.integers(1, 40))
def test_a_body_that_was_cut_off_is_no_body(encoding: str, cut: int) -> None:
    packed = PACK[encoding](bytes(range(256)) * 4)
    with pytest.raises(BrokenEncoding):
        unpack(packed[:-cut], encoding, 5000, free)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(encoding: str) -> None:
    told: list[int] = []
    with pytest.raises(TooLarge):
        unpack(PACK[encoding](bytes(100 << 20)), encoding, 1 << 20, told.append)
    assert sum(told) <= 9 << 20


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_that_the_budget_does_not_have_is_refused_on_the_way(encoding: str) -> None:
    budget = Budget(1 << 20)
    with budget.hold() as hold, pytest.raises(Overloaded):
        unpack(PACK[encoding](bytes(30 << 20)), encoding, 64 << 20, hold.grow)
    assert budget.held == 0


def test_an_encoding_that_is_not_spoken_is_named() -> None:
    with pytest.raises(UnknownEncoding, match="br"):
        unpack(b"", "br", 1, free)
