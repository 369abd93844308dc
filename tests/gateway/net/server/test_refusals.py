"""Smuggling and header abuse: 400 and close, and never a second request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import Server
from gateway.net.http1.head import parse_head
from gateway.net.http1.refusal import Refused
from tests.gateway.net.server.support import Seen, client, get, post, serving, until

SECOND = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
LIMITS = Server(max_headers=20, max_header_bytes=2000)


def request(*lines: bytes, first: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([first, *lines, b"", b""])


CL, TE, HOST = b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: t"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

# Name -> bytes, and what plain Hypercorn does with them: it refuses, or reads them its
# own way ("lax": h11 bears with it, and only one request comes of it).
BAD: dict[str, tuple[bytes, str]] = {
    "length and chunked": (request(HOST, CL, TE) + CHUNKS, "refuses"),
    "chunked and length": (request(HOST, TE, CL) + CHUNKS, "refuses"),
    "two lengths": (request(HOST, CL, b"Content-Length: 6") + b"hello", "refuses"),
    "two equal lengths": (request(HOST, CL, CL) + b"hello", "lax"),
    "a list of lengths": (request(HOST, b"Content-Length: 5, 5") + b"hello", "lax"),
    "a length with plus": (request(HOST, b"Content-Length: +5") + b"hello", "refuses"),
    "a negative length": (request(HOST, b"Content-Length: -5") + b"hello", "refuses"),
    "a length in hex": (request(HOST, b"Content-Length: 0x5") + b"hello", "refuses"),
    "an empty length": (request(HOST, b"Content-Length:") + b"hello", "refuses"),
    "a huge length": (request(HOST, b"Content-Length: " + b"9" * 30), "refuses"),
    "chunked, identity": (
        request(HOST, b"Transfer-Encoding: chunked, identity") + CHUNKS,
        "refuses",
    ),
    "identity": (request(HOST, b"Transfer-Encoding: identity") + CHUNKS, "refuses"),
    "gzip, chunked": (
        request(HOST, b"Transfer-Encoding: gzip, chunked") + CHUNKS,
        "refuses",
    ),
    "xchunked": (request(HOST, b"Transfer-Encoding: xchunked") + CHUNKS, "refuses"),
    "chunked twice": (request(HOST, TE, TE) + CHUNKS, "refuses"),
    "quoted chunked": (
        request(HOST, b'Transfer-Encoding: "chunked"') + CHUNKS,
        "refuses",
    ),
    "chunked with a vertical tab": (
        request(HOST, b"Transfer-Encoding:\x0bchunked") + CHUNKS,
        "refuses",
    ),
    "chunked over 1.0": (
        request(HOST, TE, first=b"POST / HTTP/1.0") + CHUNKS,
        "refuses",
    ),
    "bare line feeds": (b"POST / HTTP/1.1\nHost: t\nContent-Length: 0\n\n", "lax"),
    "one bare line feed": (b"POST / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n", "lax"),
    "a bare carriage return": (request(HOST, b"X: a\rb"), "refuses"),
    "a folded header": (request(HOST, b"X: a", b" b"), "lax"),
    "a folded first header": (b"POST / HTTP/1.1\r\n Host: t\r\n\r\n", "refuses"),
    "space before the colon": (request(b"Host : t"), "refuses"),
    "tab before the colon": (request(HOST, b"X\t: t"), "refuses"),
    "space before a name": (request(HOST, b"X: y", b"\tTransfer-Encoding: q"), "lax"),
    "no colon": (request(HOST, b"nothing"), "refuses"),
    "no name": (request(HOST, b": x"), "refuses"),
    "a name with brackets": (request(HOST, b"a(b): x"), "refuses"),
    "a name beyond ascii": (request(HOST, b"a\xe9: x"), "refuses"),
    "two hosts": (request(HOST, HOST), "refuses"),
    "no host": (request(b"X: y"), "refuses"),
    "a host with a path": (request(b"Host: a/b"), "refuses"),
    "a host with a user": (request(b"Host: u@a"), "refuses"),
    "a host with a space": (request(b"Host: a b"), "refuses"),
    "NUL in a value": (request(HOST, b"X: a\0b"), "refuses"),
    "a control byte in a value": (request(HOST, b"X: a\x01b"), "refuses"),
    "DEL in a value": (request(HOST, b"X: a\x7fb"), "refuses"),
    "a method with a bracket": (request(HOST, first=b"G[T / HTTP/1.1"), "refuses"),
    "an unknown method": (request(HOST, first=b"BREW / HTTP/1.1"), "lax"),
    "a method in lower case": (request(HOST, first=b"get / HTTP/1.1"), "lax"),
    "no method": (request(HOST, first=b" / HTTP/1.1"), "refuses"),
    "an authority as target": (request(HOST, first=b"GET t:80 HTTP/1.1"), "refuses"),
    "connect": (request(HOST, first=b"CONNECT t:80 HTTP/1.1"), "refuses"),
    "a star to get": (request(HOST, first=b"GET * HTTP/1.1"), "refuses"),
    "a relative target": (request(HOST, first=b"GET a/b HTTP/1.1"), "refuses"),
    "another scheme": (request(HOST, first=b"GET ftp://t/ HTTP/1.1"), "refuses"),
    "a user in the target": (
        request(HOST, first=b"GET http://u@t/ HTTP/1.1"),
        "refuses",
    ),
    "a fragment": (request(HOST, first=b"GET /a#b HTTP/1.1"), "refuses"),
    "a space in the target": (request(HOST, first=b"GET /a b HTTP/1.1"), "refuses"),
    "two spaces": (request(HOST, first=b"GET  / HTTP/1.1"), "refuses"),
    "a byte beyond ascii": (request(HOST, first=b"GET /\xe9 HTTP/1.1"), "refuses"),
    "a NUL in the target": (request(HOST, first=b"GET /\0 HTTP/1.1"), "refuses"),
    "an encoded NUL": (request(HOST, first=b"GET /a%00b HTTP/1.1"), "refuses"),
    "version 1.2": (request(HOST, first=b"GET / HTTP/1.2"), "lax"),
    "version 0.9": (request(HOST, first=b"GET / HTTP/0.9"), "lax"),
    "version 2.0": (request(HOST, first=b"GET / HTTP/2.0"), "lax"),
    "no version": (request(HOST, first=b"GET /"), "refuses"),
    "a chunk size of -1": (request(HOST, TE) + b"-1\r\nx\r\n0\r\n\r\n", "refuses"),
    "a chunk size with 0x": (request(HOST, TE) + b"0x1\r\nx\r\n0\r\n\r\n", "refuses"),
    "a chunk size that overflows": (
        request(HOST, TE) + b"1" + b"0" * 16 + b"\r\nx\r\n0\r\n\r\n",
        "refuses",
    ),
    "a chunk size of spaces": (request(HOST, TE) + b" \r\nx\r\n0\r\n\r\n", "refuses"),
    "a chunk ended by a bare feed": (request(HOST, TE) + b"1\nx\n0\n\n", "refuses"),
    "a chunk longer than told": (
        request(HOST, TE) + b"1\r\nxy\r\n0\r\n\r\n",
        "refuses",
    ),
    "a chunk line of 300 bytes": (
        request(HOST, TE) + b"1;" + b"a" * 300 + b"\r\nx\r\n0\r\n\r\n",
        "lax",
    ),
    "a trailer that is none": (request(HOST, TE) + b"0\r\nfoo bar\r\n\r\n", "refuses"),
    "something else entirely": (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        "refuses",
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", BAD)
async def test_malformed_requests_are_refused_and_nothing_follows(
    http: str, name: str
) -> None:
    data, hypercorn = BAD[name]
    app = Seen()
    async with serving(app, http, body_timeout_s=0.2, keep_alive_s=0.2) as worker:
        async with client(worker) as c:
            await c.send(data + SECOND)
            said = await c.rest(4)
        await until(lambda: worker.state.connections == 0)
    answered = [scope["path"] for scope in app.scopes]
    if http == "fast":
        assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        error = json.loads(said.partition(b"\r\n\r\n")[2])["error"]
        assert error["type"] == "invalid_request_error"
        assert error["code"] == "malformed_request"
        assert b"connection: close" in said
        assert worker.state.refused == {"malformed_request": 1}
        assert app.bodies == []
    elif hypercorn == "refuses":
        assert said[9:10] in (b"4", b"5", b"")
        assert app.bodies == []
    assert len([p for p in answered if p == "/smuggled"]) <= (hypercorn == "lax")


@pytest.mark.anyio
@pytest.mark.parametrize("name", BAD)
async def test_where_bytes_are_cut_makes_no_difference(name: str) -> None:
    data, _ = BAD[name]
    async with serving(Seen()) as worker:
        async with client(worker) as c:
            await c.send(data + SECOND)
            whole = await c.rest()
        async with client(worker) as c:
            for at in range(0, len(data), 3):
                c.writer.write(data[at : at + 3])
                await c.writer.drain()
            c.writer.write(SECOND)
            pieces = await c.rest()
    first, _, *others = whole.split(b"\r\n")
    assert [first, *others] == [
        p for n, p in enumerate(pieces.split(b"\r\n")) if n != 1
    ]


@pytest.mark.anyio
async def test_too_many_or_too_large_headers_are_a_431(http: str) -> None:
    async with serving(Seen(), http, max_headers=50, max_header_bytes=4096) as worker:
        for headers in ([f"x-{n}: 1" for n in range(60)], ["x: " + "y" * 5000]):
            async with client(worker) as c:
                await c.send(get("/", *headers))
                assert (await c.answer()).status == 431
                assert await c.rest() == b""
        async with client(worker) as c:
            await c.send(get("/", *[f"x-{n}: 1" for n in range(45)]))
            assert (await c.answer()).status == 200


@pytest.mark.anyio
async def test_a_64_kb_header_and_500_headers_are_refused_by_default(http: str) -> None:
    async with serving(Seen(), http) as worker:
        for headers in ([f"x-{n}: 1" for n in range(500)], ["x: " + "y" * 65536]):
            async with client(worker) as c:
                await c.send(get("/", *headers))
                assert (await c.answer()).status == 431


@pytest.mark.anyio
async def test_names_with_underscores_are_dropped(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(get("/", "x-user: good", "x_user: evil", "Content_Length: 3"))
        assert (await c.answer()).status == 200
    names = [name for name, _ in app.scopes[0]["headers"]]
    assert b"x-user" in names
    assert not any(b"_" in name for name in names)


@pytest.mark.anyio
async def test_connection_options_strip_nothing(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(get("/", "Connection: Authorization", "Authorization: Bearer k"))
        assert (await c.answer()).status == 200
    assert (b"authorization", b"Bearer k") in app.scopes[0]["headers"]


@pytest.mark.anyio
async def test_the_absolute_form_names_the_host(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(request(b"Host: other", first=b"GET http://real:80/p?q HTTP/1.1"))
        assert (await c.answer()).status == 200
    (scope,) = app.scopes
    assert scope["path"] == "/p"
    assert scope["raw_path"] == b"/p"
    assert scope["query_string"] == b"q"
    assert [v for n, v in scope["headers"] if n == b"host"] == [b"real:80"]


@pytest.mark.anyio
async def test_options_may_ask_of_the_server_itself(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(request(HOST, first=b"OPTIONS * HTTP/1.1"))
        assert (await c.answer()).status == 200
    assert app.scopes[0]["path"] == "*"


@pytest.mark.anyio
async def test_only_100_continue_can_be_expected() -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        await c.send(post(b"a", "Expect: miracles"))
        assert (await c.answer()).status == 417


@pytest.mark.anyio
async def test_empty_lines_before_a_request_are_borne_with() -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        await c.send(b"\r\n\r\n" + get("/a") + b"\r\n" + get("/b"))
        assert (await c.answer()).body == b"GET /a "
        assert (await c.answer()).body == b"GET /b "


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFZ0123456789-!#$%&'*+.^`|~", min_size=1)
VALUE = st.binary().map(lambda b: bytes(c for c in b if c == 9 or 32 <= c != 127))


@given(st.lists(st.tuples(TOKEN.map(str.encode), VALUE), max_size=15))
def test_every_valid_field_comes_through_trimmed_and_in_order(
    fields: list[tuple[bytes, bytes]],
) -> None:
    fields = [(b"x" + name, value) for name, value in fields]
    lines = [name + b":" + value for name, value in fields]
    head = parse_head(request(HOST, *lines), Server())
    expected = [(n.lower(), v.strip(b" \t")) for n, v in fields]
    assert head.headers == [(b"host", b"t"), *expected]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_refused(data: bytes) -> None:
    for block in (data, b"GET / HTTP/1.1\r\nHost: t\r\n" + data + b"\r\n\r\n"):
        try:
            head = parse_head(block, LIMITS)
        except Refused as refused:
            assert refused.status in (400, 415, 417, 431)
        else:
            assert not (head.chunked and head.sized)
            assert all(b"_" not in name for name, _ in head.headers)


@given(st.sampled_from(sorted(BAD)), st.integers(0, 400))
def test_no_bad_head_is_mended_by_what_follows(name: str, at: int) -> None:
    data, _ = BAD[name]
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    try:
        parse_head(head, LIMITS)
    except Refused:
        with pytest.raises(Refused):
            parse_head(head[:-2] + b"X-Tail: " + b"a" * at + b"\r\n\r\n", LIMITS)
