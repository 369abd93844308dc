import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.net.coding import FREE, PIECE, BadCoding, Inflater


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACK = {
    b"gzip": gzip.compress,
    b"x-GZIP ": gzip.compress,
    b"deflate": zlib.compress,
    b" Deflate": bare,
}


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(at)]


@given(
    data=st.binary(max_size=5000),
    coding=st.sampled_from([*PACK]),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_what_comes_out_does_not_depend_on_the_cuts(data, coding, cuts) -> None:
    inflater = Inflater(coding, 1 << 20)
    packed = PACK[coding](data)
    out = b"".join(p for piece in pieces(packed, cuts) for p in inflater.feed(piece))
    inflater.close()
    assert out == data


@given(parts=st.lists(st.binary(max_size=500), min_size=1, max_size=5))
def test_gzip_members_follow_each_other(parts) -> None:
    inflater = Inflater(b"gzip", 1 << 20)
    packed = b"".join(gzip.compress(part) for part in parts)
    assert b"".join(inflater.feed(packed)) == b"".join(parts)
    inflater.close()


def test_a_flushed_event_comes_out_at_once() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    inflater = Inflater(b"gzip", 1 << 20)
    for event in (b"data: a\n\n", b"data: b\n\n" * 300, b"data: c\n\n"):
        packed = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.feed(packed)) == event


@given(
    data=st.binary(min_size=1, max_size=300),
    coding=st.sampled_from([b"gzip", b"deflate"]),
    flips=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255)), max_size=5),
    tail=st.binary(max_size=20),
)
def test_broken_data_is_told_and_nothing_else_happens(data, coding, flips, tail):
    packed = bytearray(PACK[coding](data) + tail)
    for at, mask in flips:
        packed[at % len(packed)] ^= mask
    inflater = Inflater(coding, 1 << 20)
    try:
        for piece in inflater.feed(bytes(packed)):
            assert len(piece) <= PIECE
        inflater.close()
    except BadCoding:
        pass


@pytest.mark.parametrize("size", [1, 10, 25])
def test_a_missing_end_is_told(size: int) -> None:
    inflater = Inflater(b"gzip", 1 << 20)
    list(inflater.feed(gzip.compress(b"hello world, and more of it")[:size]))
    with pytest.raises(BadCoding, match="missing"):
        inflater.close()


def test_an_empty_body_is_no_broken_one() -> None:
    Inflater(b"gzip", 10).close()
    Inflater(b"deflate", 10).close()


def test_a_bomb_is_cut_by_its_ratio() -> None:
    inflater = Inflater(b"gzip", 1 << 40)
    out = 0
    with pytest.raises(BadCoding, match="beyond belief"):
        for piece in inflater.feed(gzip.compress(bytes(100 << 20))[: 64 * 1024]):
            out += len(piece)
    assert FREE - PIECE <= out <= 200 * 64 * 1024


def test_it_is_cut_at_the_cap() -> None:
    inflater = Inflater(b"gzip", 1000)
    with pytest.raises(BadCoding, match="1000"):
        list(inflater.feed(gzip.compress(bytes(2000))))


def test_members_without_content_do_not_go_on_for_ever() -> None:
    inflater = Inflater(b"gzip", 1000)
    with pytest.raises(BadCoding):
        list(inflater.feed(gzip.compress(b"") * 1000))


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"", b"\xff"])
def test_other_codings_are_refused(coding: bytes) -> None:
    with pytest.raises(BadCoding):
        Inflater(coding, 1000)
