"""What the provider's bytes can do to a connection: any cut, any change."""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Garbled, Unreachable, UpstreamError
from gateway.net.connection import Connection
from gateway.net.reply import Reply

CAP = 1 << 20

GOOD = {
    "length": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b'Content-Length: 13\r\nX-A: 1\r\n\r\n{"a": "b\xc3\xa9c"}',
        b'{"a": "b\xc3\xa9c"}',
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"9\r\ndata: a\n\n\r\n1;x=y\r\n:\r\nA\r\n0123456789\r\n0\r\nt: x\r\n\r\n",
        b"data: a\n\n:0123456789",
    ),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n"
        b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno",
        b"no",
    ),
    "empty": (b"HTTP/1.1 204 Nothing\r\nx: y\r\n\r\n", b""),
    "until close": (b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nall of it", b"all of it"),
}


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.paused = False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        assert not self.closed
        self.paused = True

    def resume_reading(self) -> None:
        assert not self.closed
        self.paused = False


class Shelf:
    """A pool of one."""

    def __init__(self) -> None:
        self.kept: list[Connection] = []

    def give_back(self, connection: Connection) -> None:
        self.kept.append(connection)

    def forget(self, connection: Connection) -> None:
        if connection in self.kept:
            self.kept.remove(connection)


class Line:
    """A connection, and what was made of the bytes that came down it."""

    def __init__(self, size: int = 64 * 1024, *, whole: bool = True) -> None:
        self.shelf = Shelf()
        self.wire = Wire()
        self.connection = Connection(self.shelf, memoryview(bytearray(size)))
        self.connection.connection_made(self.wire)
        self.reply = self.ask(whole=whole)

    def ask(self, *, whole: bool = True) -> Reply:
        self.reply = Reply("a", 80, CAP, whole=whole)
        self.connection.start(self.reply, b"GET", b"", 0.0)
        return self.reply

    def feed(self, data: bytes, cuts: Sequence[int] = ()) -> None:
        at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        for start, end in pairwise(at):
            for piece in range(start, end, 64 * 1024):
                if self.wire.closed:
                    return
                part = data[piece : min(end, piece + 64 * 1024)]
                self.connection.get_buffer(-1)[: len(part)] = part
                self.connection.buffer_updated(len(part))

    def eof(self) -> None:
        if not self.wire.closed:
            self.connection.eof_received()
        self.connection.connection_lost(None)

    async def result(self) -> tuple[int, bytes] | type[UpstreamError]:
        assert self.reply.done
        try:
            await self.reply.arrive()
            return self.reply.status, await self.reply.body()
        except UpstreamError as error:
            return type(error)


def play(work: Any) -> Any:
    return asyncio.run(work)


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=12), whole=st.booleans())
def test_an_answer_is_the_same_however_it_is_cut(kind, cuts, whole) -> None:
    async def work() -> None:
        data, body = GOOD[kind]
        line = Line(whole=whole)
        line.feed(data, cuts)
        if kind == "until close":
            assert not line.reply.done
            line.eof()
            assert not line.shelf.kept
        else:
            assert line.shelf.kept == [line.connection]
        result = await line.result()
        assert result[1:] == (body,)
        if kind == "length":
            assert line.reply.headers == (
                (b"content-type", b"application/json"),
                (b"content-length", b"13"),
                (b"x-a", b"1"),
            )

    play(work())


@pytest.mark.parametrize("kind", GOOD)
def test_an_answer_that_ends_early_is_never_whole(kind) -> None:
    async def work() -> None:
        data, _ = GOOD[kind]
        for size in range(len(data)):
            line = Line()
            line.feed(data[:size])
            line.eof()
            assert not line.shelf.kept
            result = await line.result()
            if kind == "until close" and size >= data.index(b"\r\n\r\n") + 4:
                assert isinstance(result, tuple)
            else:
                assert result is Unreachable, size

    play(work())


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from([*GOOD]),
    edits=st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 3), st.binary(max_size=8)),
        max_size=4,
    ),
    cuts=st.lists(st.integers(0, 300), max_size=5),
    whole=st.booleans(),
)
def test_no_change_of_the_bytes_does_worse_than_an_error(
    kind, edits, cuts, whole
) -> None:
    """Every exchange ends, with an answer or an error of ours; a connection is kept
    only after an answer, and what follows on it is an answer of its own."""

    async def work() -> None:
        data = GOOD[kind][0]
        for at, gone, new in edits:
            start = at % (len(data) + 1)
            data = data[:start] + new + data[start + gone :]
        line = Line(whole=whole)
        line.feed(data, cuts)
        if line.shelf.kept:
            assert line.reply.done
            assert line.reply.error is None
            assert line.connection.reply is None
            first = line.reply
            line.ask()
            line.feed(GOOD["length"][0])
            assert await line.result() == (200, GOOD["length"][1])
            assert first is not line.reply
        line.eof()
        assert line.reply.done
        result = await line.result()
        assert isinstance(result, tuple) or result in (Garbled, Unreachable)

    play(work())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_noise_is_no_answer(data: bytes, cuts: list[int]) -> None:
    async def work() -> None:
        line = Line()
        line.feed(data, cuts)
        line.eof()
        assert not line.shelf.kept
        assert await line.result() in (Garbled, Unreachable)

    play(work())


@given(
    tail=st.sampled_from([b"H", b"\r\n\r\nHTTP/1.1 200", b"\0", GOOD["length"][0]]),
    cut=st.booleans(),
)
def test_what_follows_an_answer_unasked_ends_the_connection(tail, cut) -> None:
    async def work() -> None:
        line = Line()
        data = GOOD["length"][0]
        if cut:
            line.feed(data)
            assert line.shelf.kept
            line.feed(tail)
        else:
            line.feed(data + tail)
        assert not line.shelf.kept
        assert line.wire.closed
        assert await line.result() == (200, GOOD["length"][1])

    play(work())


def test_a_lone_line_end_after_an_answer_is_not_an_answer() -> None:
    async def work() -> None:
        line = Line()
        line.feed(GOOD["length"][0] + b"\r\n")
        assert await line.result() == (200, GOOD["length"][1])
        if line.shelf.kept:
            line.ask()
            line.feed(GOOD["chunked"][0])
            assert await line.result() == (200, GOOD["chunked"][1])

    play(work())


@pytest.mark.parametrize("size", [60_000, 65_000, 66_500, 200_000])
@pytest.mark.parametrize("step", [1000, 64 * 1024])
def test_a_head_may_have_64_kib_and_no_more(size: int, step: int) -> None:
    async def work() -> None:
        data = (
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: " + b"y" * size + b"\r\n\r\n"
        )
        line = Line()
        line.feed(data, list(range(step, len(data), step)))
        line.eof()
        result = await line.result()
        assert result == ((200, b"") if size <= 65_000 else Garbled)

    play(work())


def test_a_stream_stops_reading_when_nobody_fetches_it() -> None:
    async def work() -> None:
        line = Line(whole=False)
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n"
        line.feed(head)
        sent = 0
        while not line.wire.paused:
            line.feed(b"x" * 60_000)
            sent += 60_000
            assert sent < 400_000
        assert len(await line.reply.read()) == sent
        assert not line.wire.paused
        line.reply.close()
        assert line.wire.closed

    play(work())


def test_reading_ends_with_an_error_and_stays_so() -> None:
    async def work() -> None:
        line = Line(whole=False)
        line.feed(GOOD["chunked"][0][:-20])
        line.eof()
        assert (await line.reply.read()).startswith(b"data: a")
        for _ in range(2):
            with pytest.raises(Unreachable):
                await line.reply.read()

    play(work())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 4.0),
        (b"timeout=5, max=100", 4.0),
        (b"max=3, Timeout = 20", 19.0),
        (b"timeout=0", 0.5),
        (b"timeout=99999999999999999999", 60.0),
        (b"timeout=x", 60.0),
        (b"timeout=-1", 60.0),
        (b"timeout=\xb2", 60.0),
        (b"", 60.0),
    ],
)
def test_how_long_it_is_kept_is_the_providers_word(value, seconds) -> None:
    async def work() -> None:
        line = Line()
        line.feed(
            b"HTTP/1.1 200 OK\r\nkeep-alive: "
            + value
            + b"\r\ncontent-length: 0\r\n\r\n"
        )
        assert line.connection.keep_s == seconds

    play(work())


def test_limits_are_judged_by_what_was_heard() -> None:
    async def work() -> None:
        line = Line(whole=False)
        connection = line.connection
        connection.first_token_s, connection.idle_s, connection.deadline = 10, 5, 100
        line.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        connection.check(9.9)
        line.feed(b"1\r\nx\r\n")
        connection.check(14.0)
        assert not line.reply.done
        connection.check(30.0)  # nobody fetched it: not the provider's silence
        assert not line.reply.done
        await line.reply.read()
        connection.check(34.9)
        assert not line.reply.done
        connection.check(35.1)
        assert line.reply.error is not None
        assert line.reply.error.code == "idle"
        assert line.wire.closed

    play(work())


def test_a_cut_connection_takes_no_more_notice() -> None:
    async def work() -> None:
        line = Line()
        line.connection.cut()
        line.connection.cut()
        line.connection.resume()
        line.connection.check(1e9)
        line.connection.eof_received()
        line.connection.connection_lost(OSError())
        with contextlib.suppress(UpstreamError):
            line.reply.close()

    play(work())
