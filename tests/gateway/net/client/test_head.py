"""What reaches the wire of a request."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import WireHead, WireRequest
from adapters.errors import BadRequest
from gateway.net.head import Heads, Prepared, locate
from tests.gateway.net.client.asking import LIMITS, soon
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.upstream import Upstream, echo


def made(headers=(), extra=(), size=0, method="POST", url="http://a.example/x"):
    origin, target = locate(url)
    return Prepared(method, origin, target, ()).head(headers, extra, size)


@given(name=st.binary(max_size=12), value=st.binary(max_size=30))
def test_no_header_can_add_a_line_or_another_header(name: bytes, value: bytes) -> None:
    plain = made(size=5)
    try:
        head = made(((name, value),), size=5)
    except BadRequest:
        return
    lines = head.split(b"\r\n")
    assert len(lines) in (len(plain.split(b"\r\n")), len(plain.split(b"\r\n")) + 1)
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\0" not in head
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "pair",
    [
        (b"x", b"a\r\nhost: evil"),
        (b"x", b"a\nb"),
        (b"x", b"a\0b"),
        (b"x\r\nhost", b"evil"),
        (b"x y", b"a"),
        (b"x:", b"a"),
        (b"", b"a"),
        (b"host: evil", b""),
    ],
)
def test_headers_that_would_end_a_line_are_refused(pair) -> None:
    with pytest.raises(BadRequest):
        made((pair,))
    with pytest.raises(BadRequest):
        made((), (pair,))
    with pytest.raises(BadRequest):
        Prepared("POST", locate("http://a")[0], "/", (pair,))


@pytest.mark.parametrize("method", ["", "post", "GET /x HTTP/1.1\r\n", "G T", "A" * 30])
def test_methods_that_are_none_are_refused(method: str) -> None:
    with pytest.raises(BadRequest):
        made(method=method)


def test_framing_and_connection_headers_are_ours_alone() -> None:
    handed = tuple(
        (name, b"evil")
        for name in (
            b"host",
            b"Host",
            b"content-length",
            b"transfer-encoding",
            b"connection",
            b"te",
            b"upgrade",
            b"expect",
            b"keep-alive",
            b"proxy-connection",
            b"trailer",
        )
    )
    assert b"evil" not in made(handed, handed, 7)
    assert b"content-length: 7\r\n" in made(handed, (), 7)


def test_defaults_give_way_to_what_is_handed_in() -> None:
    assert b"user-agent: routeiq\r\n" in made()
    theirs = made(((b"user-agent", b"sdk/1"),))
    assert b"user-agent: sdk/1\r\n" in theirs
    assert b"routeiq" not in theirs
    assert b"accept-encoding: identity\r\n" in made()
    origin, _ = locate("http://a")
    own = Prepared("GET", origin, "/", ((b"accept-encoding", b"gzip"),))
    assert own.head((), (), 0) == (
        b"GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n"
        b"user-agent: routeiq\r\n\r\n"
    )


def test_paths_in_any_script_are_escaped_and_escapes_are_kept() -> None:
    assert made(url="http://a/模型/%2F?q=é").startswith(
        b"POST /%E6%A8%A1%E5%9E%8B/%2F?q=%C3%A9 HTTP/1.1\r\n"
    )


def test_a_head_is_kept_as_long_as_it_lives() -> None:
    heads = Heads()
    head = WireHead("POST", "http://a/", ())
    same = WireHead("POST", "http://a/", ())
    first = heads.find(head)
    assert heads.find(head) is first
    assert heads.find(same) is not first
    del head, same
    gc.collect()
    assert not heads._kept


def test_a_request_arrives_as_it_was_meant(up: Upstream, run: Run) -> None:
    async def work() -> None:
        head = WireHead("POST", up.url + "/v1/x?a=b", ((b"authorization", b"k"),))
        async with opened(up) as client:
            for body in (b"", b"small", b"x" * 100_000):
                request = WireRequest(head, body, ((b"x-one", b"1"),))
                extra = ((b"traceparent", b"00-1"),)
                await client.ask(request, LIMITS, soon(), extra)

    up.on(None, echo)
    run(work())
    assert up.connections == 1
    for request, size in zip(up.requests, (0, 5, 100_000), strict=True):
        assert request.target == "/v1/x?a=b"
        assert len(request.body) == size
        assert request.fields == [
            ("host", f"127.0.0.1:{up.port}"),
            ("accept-encoding", "identity"),
            ("authorization", "k"),
            ("x-one", "1"),
            ("traceparent", "00-1"),
            ("user-agent", "routeiq"),
            ("content-length", str(size)),
        ]
