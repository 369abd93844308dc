"""Requests and answers over a real socket, the same on both servers."""

import asyncio
from typing import Any

import pytest

from tests.gateway.net.server.conftest import ASYNCIO, UVLOOP
from tests.gateway.net.server.support import (
    Seen,
    client,
    get,
    lifespan,
    port,
    post,
    reply,
    serving,
    until,
    whole,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[UVLOOP, ASYNCIO], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_the_application_sees_the_request_as_asgi_says(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(
            post(b"abc", "X-Thing: a", "x-thing: b", path="/a%20b/%C3%A9?q=%20")
        )
        answer = await c.answer()
    (scope,) = app.scopes
    assert scope["method"] == "POST"
    assert scope["path"] == "/a b/é"
    assert scope["raw_path"] == b"/a%20b/%C3%A9"
    assert scope["query_string"] == b"q=%20"
    assert scope["http_version"] == "1.1"
    assert scope["scheme"] == "http"
    assert scope["client"][0] == scope["server"][0] == "127.0.0.1"
    assert scope["server"][1] == port(worker)
    assert scope["state"]["server"] is worker.state
    assert [v for n, v in scope["headers"] if n == b"x-thing"] == [b"a", b"b"]
    assert app.bodies == [b"abc"]
    assert answer.status == 200
    assert answer.body == b"POST /a%20b/%C3%A9 abc"
    assert "GMT" in answer.headers["date"]


async def test_a_connection_carries_many_requests(http: str) -> None:
    async with serving(Seen(), http) as worker, client(worker) as c:
        for n in range(5):
            await c.send(post(b"%d" % n))
            assert (await c.answer()).body == b"POST / %d" % n
        assert worker.state.connections == 1
    assert worker.state.accepted == 1
    assert worker.state.requests == 5


async def test_pipelined_requests_are_answered_in_order(http: str) -> None:
    async def slow_first(scope: Any, body: bytes, _: Any, send: Any) -> None:
        if scope["path"] == "/0":
            await asyncio.sleep(0.05)
        await reply(send, scope["raw_path"] + body)

    async with serving(Seen(slow_first), http) as worker, client(worker) as c:
        await c.send(b"".join(post(b"x" * n, path=f"/{n}") for n in range(30)))
        for n in range(30):
            assert (await c.answer()).body == b"/%d" % n + b"x" * n


async def test_what_is_sent_ahead_is_bounded_by_back_pressure() -> None:
    gate = asyncio.Event()

    async def held(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await gate.wait()
        await reply(send)

    async with serving(Seen(held)) as worker, client(worker) as c:
        await c.send(get())
        flood = get() * 200_000
        c.writer.write(flood)
        await asyncio.sleep(0.2)
        (connection,) = worker.site.connections
        assert len(connection._inbox.held) < 512 * 1024  # type: ignore[attr-defined]
        assert c.writer.transport.get_write_buffer_size() > 0
        gate.set()
        for _ in range(1000):
            assert (await c.answer()).status == 200
        c.writer.transport.abort()


async def test_a_chunked_request_is_put_together(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker, client(worker) as c:
        head = b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-Trailer: gone\r\n\r\n"
        await c.send(head + chunks + get("/next"))
        assert (await c.answer()).body == b"POST / abc0123456789"
        assert (await c.answer()).body == b"GET /next "
    assert not any(n == b"x-trailer" for s in app.scopes for n, _ in s["headers"])


async def test_a_stream_goes_out_piece_by_piece(http: str) -> None:
    step = asyncio.Event()

    async def stream(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await step.wait()
        await send({"type": "http.response.body", "body": b""})

    async with serving(Seen(stream), http) as worker, client(worker) as c:
        await c.send(get())
        head = await c.reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        assert await c.reader.readuntil(b"one\r\n") == b"3\r\none\r\n"
        step.set()
        assert await c.reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        await c.send(get())
        assert (await c.answer()).pieces == [b"one", b"two"]


async def test_an_empty_first_piece_sends_the_head() -> None:
    gate = asyncio.Event()

    async def stream(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await gate.wait()
        await send({"type": "http.response.body", "body": b"x"})

    async with serving(Seen(stream)) as worker, client(worker) as c:
        await c.send(get())
        head = await asyncio.wait_for(c.reader.readuntil(b"\r\n\r\n"), 1)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        gate.set()
        assert await c.reader.readuntil(b"0\r\n\r\n") == b"1\r\nx\r\n0\r\n\r\n"


async def test_an_answer_to_head_has_no_body(http: str) -> None:
    async def five(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, b"hello", headers=[(b"content-length", b"5")])

    async with serving(Seen(five), http) as worker, client(worker) as c:
        await c.send(b"HEAD / HTTP/1.1\r\nHost: t\r\n\r\n")
        answer = await c.answer(bodiless=True)
        assert answer.headers["content-length"] == "5"
        await c.send(get())
        assert (await c.answer()).body == b"hello"


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_send_none(http: str, status: int) -> None:
    async def nothing(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, b"", status=status)

    async with serving(Seen(nothing), http) as worker, client(worker) as c:
        await c.send(get())
        answer = await c.answer()
        assert answer.status == status
        assert "content-length" not in answer.headers or status == 304
        assert "transfer-encoding" not in answer.headers
        await c.send(get())
        assert (await c.answer()).status == status


async def test_a_length_is_told_when_the_application_does_not() -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        await c.send(get("/abc"))
        answer = await c.answer()
        assert answer.headers["content-length"] == "9"
        assert answer.line == "HTTP/1.1 200 OK"
        assert "connection" not in answer.headers


@pytest.mark.parametrize("said", [3, 9])
async def test_a_wrong_length_of_the_application_closes(http: str, said: int) -> None:
    async def wrong(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % said)],
            }
        )
        await send({"type": "http.response.body", "body": b"he", "more_body": True})
        await send({"type": "http.response.body", "body": b"llo"})

    async with serving(Seen(wrong), http) as worker, client(worker) as c:
        await c.send(get() + get("/second"))
        data = await c.rest()
    assert data.count(b"HTTP/1.1 ") == 1
    assert len(data.partition(b"\r\n\r\n")[2]) < 5 or said == 9


async def test_a_wrong_length_in_one_go_is_a_500() -> None:
    async def wrong(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, b"hello", headers=[(b"content-length", b"4")])

    async with serving(Seen(wrong)) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).status == 500
        assert await c.rest() == b""


async def test_a_failing_application_is_a_500(http: str) -> None:
    async def fail(scope: Any, body: bytes, _: Any, send: Any) -> None:
        raise ValueError("secret")

    async with serving(Seen(fail), http) as worker, client(worker) as c:
        await c.send(get())
        answer = await c.answer()
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert await c.rest() == b""


async def test_an_application_that_says_nothing_is_a_500(http: str) -> None:
    async def silent(scope: Any, body: bytes, _: Any, send: Any) -> None:
        pass

    async with serving(Seen(silent), http) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).status == 500


async def test_a_stream_that_breaks_ends_without_its_last_chunk(http: str) -> None:
    async def breaks(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise ValueError

    async with serving(Seen(breaks), http) as worker, client(worker) as c:
        await c.send(get())
        data = await c.rest()
    assert data.endswith(b"1\r\nx\r\n")


@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"b\r\nset-cookie: c=d"),
        (b"x-a", b"b\n"),
        (b"x-a", b"b\0"),
        (b"x\r\ny", b"b"),
    ],
)
async def test_no_header_of_an_answer_smuggles_another(
    http: str, header: tuple[bytes, bytes]
) -> None:
    async def inject(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, b"hi", headers=[header])

    async with serving(Seen(inject), http) as worker, client(worker) as c:
        await c.send(get())
        data = await c.rest() if http == "fast" else b""
    assert b"set-cookie" not in data
    if http == "fast":
        assert data.startswith(b"HTTP/1.1 500 ")


async def test_a_client_that_asks_to_close_is_closed(http: str) -> None:
    async with serving(Seen(), http) as worker, client(worker) as c:
        await c.send(get("/", "Connection: Close"))
        answer = await c.answer()
        assert answer.headers["connection"] == "close"
        assert await c.rest() == b""


async def test_an_application_can_close(http: str) -> None:
    async def close(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, b"", headers=[(b"connection", b"close")])

    async with serving(Seen(close), http) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).headers["connection"] == "close"
        assert await c.rest() == b""


async def test_http_1_0_closes_unless_asked_to_stay() -> None:
    async with serving(Seen()) as worker:
        async with client(worker) as c:
            await c.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = await c.answer()
            assert answer.headers["connection"] == "close"
            assert await c.rest() == b""
        async with client(worker) as c:
            for _ in range(2):
                await c.send(get("/", "Connection: keep-alive", version="1.0"))
                assert (await c.answer()).headers["connection"] == "keep-alive"


async def test_a_stream_to_http_1_0_ends_with_the_connection(http: str) -> None:
    async def stream(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with serving(Seen(stream), http) as worker, client(worker) as c:
        await c.send(get("/", "Connection: keep-alive", version="1.0"))
        head, _, body = (await c.rest()).partition(b"\r\n\r\n")
        assert b"chunked" not in head
        assert body == b"onetwo"


async def test_a_client_that_expects_is_told_to_continue(http: str) -> None:
    async with serving(Seen(), http) as worker, client(worker) as c:
        request = post(b"abc", "Expect: 100-continue")
        await c.send(request[:-3])
        assert (await c.answer()).status == 100
        await c.send(b"abc")
        assert (await c.answer()).body == b"POST / abc"


async def test_a_client_that_expects_may_be_refused_first() -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        else:
            await reply(send, b"no", status=401)

    async with serving(refuse) as worker, client(worker) as c:
        await c.send(post(b"abc", "Expect: 100-continue")[:-3])
        answer = await c.answer()
        assert answer.status == 401
        assert answer.headers["connection"] == "close"


async def test_a_body_that_has_arrived_is_received_without_suspending() -> None:
    suspended: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        step = receive()
        try:
            step.send(None)
            suspended.append(True)
        except StopIteration as done:
            suspended.append(False)
            assert done.value["body"] == b"abc"
        await reply(send)

    async with serving(app) as worker, client(worker) as c:
        await c.send(post(b"abc"))
        assert (await c.answer()).status == 200
    assert suspended == [False]


async def test_a_hang_up_calls_back_once_and_without_a_task() -> None:
    calls: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await receive()
        register = scope["extensions"]["routeiq.hangup"]
        register(lambda: calls.append("wrong"))
        register(lambda: calls.append(scope["path"]))
        await asyncio.sleep(0.05)
        if scope["path"] == "/unregistered":
            register(None)
        if scope["path"] != "/answered":
            await asyncio.sleep(0.2)
        else:
            await reply(send)
            await asyncio.sleep(0.1)

    async with serving(app, drain_s=0.0) as worker:
        for path in ("/lost", "/unregistered", "/answered"):
            async with client(worker) as c:
                await c.send(get(path))
                if path == "/answered":
                    await c.answer()
                else:
                    await asyncio.sleep(0.1)
        await until(lambda: worker.state.connections == 0)
    assert calls == ["/lost"]


async def test_registering_after_the_loss_calls_back_at_once() -> None:
    calls: list[int] = []
    gate = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await gate.wait()
        scope["extensions"]["routeiq.hangup"](lambda: calls.append(1))
        assert calls == [1]

    async with serving(app) as worker:
        async with client(worker) as c:
            await c.send(get())
            await until(lambda: worker.state.requests == 1)
        await until(lambda: worker.state.connections == 0)
        gate.set()
        await until(lambda: calls)


async def test_a_hang_up_is_a_disconnect(http: str) -> None:
    got: list[str] = []

    async def wait(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        got.append((await receive())["type"])
        await reply(send)

    async with serving(Seen(wait), http) as worker:
        async with client(worker) as c:
            await c.send(get())
            await until(lambda: worker.state.requests == 1)
        await until(lambda: got)
    assert got == ["http.disconnect"]


async def test_an_unread_body_is_not_taken_for_a_request(http: str) -> None:
    async def deaf(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        else:
            await reply(send, scope["raw_path"])

    async with serving(deaf, http) as worker, client(worker) as c:
        smuggled = get("/smuggled")
        await c.send(post(smuggled + b"x" * 1000, path="/a")[:-1000])
        await c.send(b"")
        data = await c.rest(5)
    assert data.count(b"HTTP/1.1 200 ") == 1
    assert worker.state.requests == 1


async def test_requests_do_not_share_their_state(http: str) -> None:
    async def mark(scope: Any, body: bytes, _: Any, send: Any) -> None:
        seen = b"seen" if "mark" in scope["state"] else b"fresh"
        scope["state"]["mark"] = 1
        await reply(send, seen)

    async with serving(Seen(mark), http) as worker, client(worker) as c:
        for _ in range(2):
            await c.send(get())
            assert (await c.answer()).body == b"fresh"


async def test_large_bodies_pass_whole_both_ways(http: str) -> None:
    async def double(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await reply(send, body + body)

    body = bytes(range(256)) * 20_000
    async with serving(Seen(double), http) as worker, client(worker) as c:
        c.writer.write(post(body))
        assert (await c.answer()).body == body + body


async def test_a_body_the_application_does_not_ask_for_is_not_read() -> None:
    gate = asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await gate.wait()
        await reply(send, b"%d" % len(await whole(receive) or b""))

    body = b"x" * 20_000_000
    async with serving(late) as worker, client(worker) as c:
        c.writer.write(post(body))
        await asyncio.sleep(0.2)
        (cycle,) = worker.site.cycles
        assert cycle._buffered < 1_000_000  # type: ignore[attr-defined]
        gate.set()
        assert (await c.answer()).body == b"20000000"


async def test_an_application_that_never_waits_does_not_hold_the_loop(
    http: str,
) -> None:
    """It streams from memory to a client that reads all, and on when that is gone."""
    turns = 0
    ended = asyncio.Event()

    async def pour(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send(
                    {"type": "http.response.body", "body": b"x", "more_body": True}
                )
        except OSError:
            ended.set()
            raise

    async with serving(Seen(pour), http) as worker:
        async with client(worker) as c:
            await c.send(get())
            for _ in range(20):
                await c.reader.read(1000)
                turns += 1
            c.writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 2)
    assert turns == 20
