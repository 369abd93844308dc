"""Heads that were read before mean what they meant, with a length of their own."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import Server
from gateway.net.http1.head import Head, parse_head
from gateway.net.http1.known import MAX_KEPT, Heads
from gateway.net.http1.refusal import Refused

LIMITS = Server(max_headers=6)
ROUTE = ("POST", "/v1/chat/completions")

names = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"x-content-length",
        b"Content-length",
        b"content_length",
        b"transfer-encoding",
        b"expect",
        b"connection",
        b"content-encoding",
        b"x-a",
    ]
)
values = st.sampled_from(
    [b"0", b"7", b"12", b"012", b"+1", b"7, 7", b"", b"chunked", b"close", b"gzip"]
) | st.integers(0, 10**12).map(lambda n: b"%d" % n)
spaces = st.sampled_from([b": ", b":", b":  "])
blocks = st.builds(
    lambda method, path, fields: (
        b"%b %b HTTP/1.1\r\nhost: a\r\n" % (method, path)
        + b"".join(name + space + value + b"\r\n" for name, space, value in fields)
        + b"\r\n"
    ),
    st.sampled_from([b"POST", b"GET"]),
    st.sampled_from([b"/v1/chat/completions", b"/v1/chat/completions?a=1", b"/x"]),
    st.lists(st.tuples(names, spaces, values), max_size=4),
)


def _meaning(head: Head) -> tuple[object, ...]:
    return (
        head.method,
        head.path,
        head.query,
        head.host,
        head.length,
        head.chunked,
        head.keep,
        head.expects,
        head.encoding,
        head.upgrade,
        [h for h in head.headers if h[0] != b"content-length"],
    )


def _told(read: object, block: bytes) -> tuple[object, ...]:
    try:
        return _meaning(read(block))  # type: ignore[operator]
    except Refused as refused:
        return refused.status, refused.code


@given(st.lists(blocks, min_size=1, max_size=8))
def test_a_head_means_the_same_whatever_was_read_before(sent: list[bytes]) -> None:
    heads = Heads(LIMITS, {ROUTE})
    for block in [*sent, *sent]:
        assert _told(heads.read, block) == _told(
            lambda b: parse_head(b, LIMITS), block
        ), block


def _block(length: int, of: bytes = b"a") -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: %b\r\n"
        b"content-length: %d\r\n\r\n" % (of, length)
    )


def test_the_same_head_is_read_once() -> None:
    heads = Heads(LIMITS, {ROUTE})
    first = heads.read(_block(5))
    first.note = "worked out"
    again = heads.read(_block(1234))
    assert again is first
    assert (again.length, again.note) == (1234, "worked out")
    assert heads.read(_block(5, b"b")) is not first


def test_heads_that_never_end_differing_are_let_go() -> None:
    heads = Heads(LIMITS, {ROUTE})
    first = heads.read(_block(5))
    for i in range(MAX_KEPT):
        heads.read(_block(5, b"h%d" % i))
    assert heads.read(_block(5)) is not first
    assert len(heads._kept) <= MAX_KEPT
