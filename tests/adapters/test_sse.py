"""Server-sent events: the same events for any cut of the bytes."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Garbled
from adapters.framing.sse import Event, Splitter, write

ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b": note",
        b"event: e",
        b"id: 7",
        b"error: {}",
        b"",
        "data: é✓".encode(),
        b"\xef\xbb\xbfdata: x",
    ]
)
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(
    lambda lines: b"".join(a + b for a, b in lines)
)


def split(stream: bytes, cuts: list[int]) -> list[Event]:
    edges = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    splitter = Splitter()
    events = [e for a, b in pairwise(edges) for e in splitter.feed(stream[a:b])]
    return events + list(splitter.close())


def reference(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The algorithm of the WHATWG's section 9.2.6, line by line."""
    text = stream.removeprefix(b"\xef\xbb\xbf")
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    out: list[tuple[bytes, bytes]] = []
    data: list[bytes] = []
    name = b""
    for line in lines:
        if line == b"":
            if data:
                out.append((name, b"\n".join(data)))
            data, name = [], b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return out


@given(STREAMS, st.lists(st.integers(0, 200), max_size=12))
def test_events_do_not_depend_on_where_the_bytes_were_cut(
    stream: bytes, cuts: list[int]
) -> None:
    whole = split(stream, [])
    assert split(stream, cuts) == whole
    assert split(stream, list(range(len(stream)))) == whole


@given(STREAMS)
def test_the_joined_events_are_the_stream(stream: bytes) -> None:
    joined = b"".join(event.raw for event in split(stream, []))
    assert stream.startswith(joined)
    assert not stream[len(joined) :].strip()


@given(STREAMS)
def test_events_are_those_of_the_standard(stream: bytes) -> None:
    stream += b"\n\n"
    ours = [(e.name, e.data) for e in split(stream, []) if e.data]
    assert ours == [pair for pair in reference(stream) if pair[1]]


def test_a_byte_order_mark_counts_at_the_start_only() -> None:
    events = split(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [])
    assert [e.data for e in events] == [b"a", b""]


def test_an_event_over_the_limit_is_garbled_however_it_comes() -> None:
    stream = b"data: ok\n\ndata: " + b"x" * 100 + b"\n\n"
    for size in (1, 7, len(stream)):
        splitter = Splitter(limit=64)
        seen: list[bytes] = []
        with pytest.raises(Garbled):
            for at in range(0, len(stream), size):
                for event in splitter.feed(stream[at : at + size]):
                    seen.append(event.data)
        assert seen == [b"ok"]


def test_a_long_event_in_small_pieces_costs_linear_time() -> None:
    splitter = Splitter()
    piece = b"x" * 20
    began = time.process_time()
    list(splitter.feed(b"data: "))
    for _ in range(100_000):
        list(splitter.feed(piece))
    events = list(splitter.feed(b"\n\n"))
    assert len(events[0].data) == 2_000_000
    assert time.process_time() - began < 5


def test_what_is_written_is_read() -> None:
    events = split(write(b'{"a":1}') + write(b"[]", b"error"), [])
    assert [(e.name, e.data) for e in events] == [(b"", b'{"a":1}'), (b"error", b"[]")]
