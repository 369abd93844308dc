"""Laws of the connection, driven without sockets: any bytes, cut anywhere."""

import asyncio
import gzip
import itertools
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.schema import Server
from gateway.net.http1.body import Chunks
from gateway.net.http1.connection import Connection
from gateway.net.http1.inflate import Inflate
from gateway.net.http1.refusal import Refused
from gateway.net.http1.site import Site
from gateway.net.http1.state import State
from tests.gateway.net.server.support import Seen

LIMITS = Server(max_body_bytes=3000, max_header_bytes=400, max_headers=8)


class Wire:
    """A transport that keeps what is written and obeys pauses."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.ended = False
        self.reading = True
        self.protocol: Connection | None = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("1.2.3.4", 5), "sockname": ("127.0.0.1", 80)}.get(name)

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        assert not self.closed and not self.ended, "written after the end"
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close


class Run:
    """What came of some bytes."""

    def __init__(
        self, app: Seen, wire: Wire, handed: list[bytes], state: State
    ) -> None:
        self.calls = [(s["method"], s["path"], s["headers"]) for s in app.scopes]
        self.bodies = app.bodies
        self.replies = re.sub(rb"date: [^\r]*\r\n", b"", wire.written)
        self.closed = wire.closed or wire.ended
        self.handed = handed
        self.state = state

    def outcome(self) -> Any:
        return self.bodies, self.replies, self.closed, bool(self.handed)


async def feed(pieces: list[bytes], limits: Server = LIMITS) -> Run:
    app, wire, handed = Seen(), Wire(), []
    loop = asyncio.get_running_loop()
    errors: list[Any] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))

    def hand_over(transport: Any, data: bytes, done: Any) -> None:
        handed.append(data)

    state = State()
    site = Site(app, limits, state, loop, hand_over)
    site.tick()
    connection = Connection(site)
    wire.protocol = connection
    connection.connection_made(wire)  # type: ignore[arg-type]
    for piece in pieces:
        for _ in range(50):
            if wire.reading:
                break
            await asyncio.sleep(0)
        if handed or wire.closed or not wire.reading:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
        if not site.cycles and not connection._inbox.held:
            break
    connection.connection_lost(None)
    for _ in range(5):
        await asyncio.sleep(0)
    site.stop()
    assert not errors, errors
    assert not site.cycles
    assert state.connections == (1 if handed else 0)
    return Run(app, wire, handed, state)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def chunked(body: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        if piece := body[at : at + size]:
            out += b"%x\r\n%b\r\n" % (len(piece), piece)
        at += size
    if rest := body[at:]:
        out += b"%X;ext=1\r\n%b\r\n" % (len(rest), rest)
    return out + b"0\r\n\r\n"


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A valid request and its body."""
    bodies = st.binary(max_size=200) | st.binary(min_size=900, max_size=1500)
    # The answers echo it, and must be told from one another.
    body = draw(bodies.filter(lambda b: b"HTTP/1.1 " not in b))
    headers = [b"Host: t"]
    for name in draw(st.lists(st.sampled_from([b"A", b"b-c", b"x_y"]), max_size=3)):
        headers.append(name + b": " + draw(st.sampled_from([b"1", b"", b"q\xe9 "])))
    framing = draw(st.sampled_from(["none", "length", "chunked", "gzip", "expect"]))
    if framing == "none":
        body = wire = b""
    elif framing == "chunked":
        wire = chunked(body, draw(st.lists(st.integers(1, 300), max_size=4)))
        headers.append(b"Transfer-Encoding: chunked")
    else:
        wire = gzip.compress(body) if framing == "gzip" else body
        headers.append(b"Content-Length: %d" % len(wire))
        if framing == "gzip":
            headers.append(b"Content-Encoding: gzip")
        if framing == "expect":
            headers.append(b"expect: 100-Continue")
    path = draw(st.sampled_from([b"/", b"/a?b=c", b"/%41%C3%A9", b"http://h/x"]))
    first = b"POST " + path + b" HTTP/1.1"
    return b"\r\n".join([first, *headers, b"", b""]) + wire, body


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    if draw(st.booleans()):
        size = draw(st.integers(1, 7))
        return [data[n : n + size] for n in range(0, len(data), size)]
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    edges = [0, *at, len(data)]
    return [p for a, b in itertools.pairwise(edges) if (p := data[a:b])]


SPICE = [
    *(b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b"\r\n\r\n", b"_", b"\xff", b"0", b"-"),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: u\r\n"),
    *(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n", b"Connection: close\r\n", b"X: y\r\n"),
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n"),
]


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Some bytes changed, dropped or put in."""
    spice = st.sampled_from(SPICE)
    lines = [m.end() for m in re.finditer(b"\r\n", data)] or [0]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)) | st.sampled_from(lines))
        keep = at + draw(st.sampled_from([0, 0, 1, 2, 10]))
        data = data[:at] + draw(spice | st.binary(max_size=3)) + data[keep:]
    return data


SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW
@given(st.data(), st.lists(requests(), min_size=1, max_size=3))
def test_valid_requests_are_answered_in_order_however_they_are_cut(
    loop: asyncio.Runner, data: st.DataObject, said: list[tuple[bytes, bytes]]
) -> None:
    stream = b"".join(wire for wire, _ in said)
    pieces = data.draw(cuts(stream))
    run = loop.run(feed(pieces))
    assert run.bodies == [body for _, body in said]
    assert run.replies.count(b"HTTP/1.1 200 OK") == len(said)
    assert not run.closed
    whole = loop.run(feed([stream]))
    assert whole.calls == run.calls
    continued = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert whole.replies == run.replies.replace(continued, b"")


@SLOW
@given(st.data(), st.lists(requests(), min_size=1, max_size=3))
def test_mutated_requests_never_make_more_of_themselves(
    loop: asyncio.Runner, data: st.DataObject, said: list[tuple[bytes, bytes]]
) -> None:
    stream = data.draw(mutated(b"".join(wire for wire, _ in said)))
    whole = loop.run(feed([stream]))
    run = loop.run(feed(data.draw(cuts(stream))))
    continued = b"HTTP/1.1 100 Continue\r\n\r\n"
    got, expected = run.outcome(), whole.outcome()
    assert got[0] == expected[0]
    assert got[1].replace(continued, b"") == expected[1].replace(continued, b"")
    assert got[2:] == expected[2:]
    # Every body the application saw whole was answered, each refusal ends it all.
    refusals = len(re.findall(rb"HTTP/1\.1 (?!100|200)\d\d\d ", run.replies))
    assert run.replies.count(b"HTTP/1.1 200 OK") == len(run.bodies)
    assert refusals <= 1
    assert run.closed or not refusals
    assert len(run.calls) <= stream.count(b"HTTP/1.")


@SLOW
@given(st.binary(max_size=600))
def test_any_bytes_at_all_leave_no_exception(loop: asyncio.Runner, data: bytes) -> None:
    loop.run(feed([data]))
    loop.run(feed([b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n" + data]))
    chunked = b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
    loop.run(feed([chunked, data]))


@given(st.data(), st.binary(max_size=400), st.lists(st.integers(1, 90), max_size=6))
def test_chunks_decode_the_same_however_cut(
    data: st.DataObject, body: bytes, sizes: list[int]
) -> None:
    wire = chunked(body, sizes)
    chunks = Chunks(4096, 1000)
    got, rest = [], b""
    for piece in data.draw(cuts(wire + b"rest")):
        pieces, rest = ([], rest + piece) if chunks.over else chunks.feed(piece)
        got += pieces
    assert chunks.over
    assert b"".join(got) == body
    assert rest == b"rest"


@given(st.data(), st.binary(max_size=2000), st.sampled_from([b"gzip", b"deflate"]))
def test_what_was_compressed_unpacks_the_same_however_cut(
    data: st.DataObject, body: bytes, encoding: bytes
) -> None:
    wire = gzip.compress(body) if encoding == b"gzip" else zlib.compress(body)
    inflate = Inflate(encoding, 5000, 1000)
    out = b""
    for piece in data.draw(cuts(wire)):
        inflate.feed(piece)
        while step := inflate.read():
            out += step
    inflate.finish()
    assert out == body


@given(st.binary(max_size=200), st.sampled_from([b"gzip", b"deflate", b"x-gzip"]))
def test_any_bytes_unpack_or_are_refused(body: bytes, encoding: bytes) -> None:
    inflate = Inflate(encoding, 5000, 100)
    try:
        inflate.feed(body)
        while inflate.read():
            pass
        inflate.finish()
    except Refused as refused:
        assert refused.status in (400, 413)
