"""httpx over our pools, and stock httpx where it has to be."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config as Hypercorn

from adapters.errors import Garbled, Timeout, Unreachable
from gateway.config.schema import Egress
from gateway.net.client import Client, Limits
from tests.gateway.net.client.asking import LIMITS, soon, wire
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.upstream import (
    Script,
    Upstream,
    bomb,
    chunk,
    close,
    echo,
    end,
    events,
    garbage,
    head,
    reset,
    send,
    stall,
    tell,
    wait_for,
)


def browser(client: Client, **options) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=client.transport(), **options)


def test_an_httpx_client_gets_what_it_asked_for(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client, browser(client) as http:
            for _ in range(2):
                response = await http.post(
                    up.url + "/v1/x", params={"q": "ä b"}, json={"a": 1}
                )
                told = response.json()
                assert told["target"] == "/v1/x?q=%C3%A4+b"
                assert told["body"] == '{"a":1}'
                fields = dict(told["headers"])
                assert fields["accept-encoding"] == "gzip, deflate"
                assert fields["content-length"] == "7"
            assert (await http.get(up.url)).json()["body"] == ""
            assert (await http.head(up.url + "/h")).headers["x"] == "1"
            # The transport was closed with its client; ours is as it was.
        async with opened(up) as client:
            async with browser(client) as http:
                await http.get(up.url)
            async with browser(client) as http:
                await http.get(up.url)
            assert client.counters()[0].reused == 1

    up.on(None, echo)
    up.on("/h", send(b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 9\r\n\r\n"))
    run(work())


@pytest.mark.parametrize("sized", [True, False])
def test_a_body_in_pieces_is_sent_as_it_comes(
    up: Upstream, run: Run, sized: bool
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000
            yield b""
            await asyncio.sleep(0)

    async def work() -> None:
        headers = {"content-length": "2000000"} if sized else {}
        async with opened(up) as client, browser(client) as http:
            for _ in range(2):
                response = await http.post(up.url, content=body(), headers=headers)
                assert response.status_code == 200
            files = {"file": ("a.txt", b"hello", "text/plain")}
            response = await http.post(up.url + "/echo", files=files, data={"k": "v"})
            assert b"hello" in response.content

    up.on(None, tell(200, b"ok"))
    up.on("/echo", echo)
    run(work())
    assert [len(each.body) for each in up.requests[:2]] == [2_000_000] * 2


def test_a_body_that_is_not_as_long_as_it_says_is_refused(
    up: Upstream, run: Run
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"12345"

    async def work() -> None:
        async with opened(up) as client, browser(client) as http:
            for size in ("3", "7"):
                with pytest.raises(httpx.LocalProtocolError):
                    await http.post(
                        up.url, content=body(), headers={"content-length": size}
                    )
                assert await up.aquiet()

    up.on(None, stall())
    run(work())


def test_a_stream_comes_piece_by_piece_and_may_be_left(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client, browser(client) as http:
            async with http.stream("GET", up.url + "/whole") as response:
                pieces = []
                async for piece in response.aiter_raw():
                    pieces.append(piece)
                    read.set()
                assert pieces == [b"a", b"b"]
            async with http.stream("GET", up.url + "/endless") as response:
                async for _ in response.aiter_raw():
                    break
            assert await up.auntil(lambda: len(up.closed_at) == 1)

    read = threading.Event()
    rest = wait_for(read) + chunk(b"b") + end()
    up.on("/whole", events([b"a"], then=rest))
    up.on("/endless", events([b"a"], then=stall()))
    run(work())


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (reset(), httpx.ReadError),
        (close(), httpx.RemoteProtocolError),
        (garbage(), httpx.RemoteProtocolError),
        (stall(), httpx.ReadTimeout),
        (head() + stall(), httpx.ReadTimeout),
        (bomb(64 << 20), httpx.RemoteProtocolError),
        (events([b"a"], then=close()), httpx.RemoteProtocolError),
    ],
)
def test_errors_are_told_in_httpxs_words(
    up: Upstream, run: Run, script: Script, error: type[Exception]
) -> None:
    async def work() -> None:
        async with opened(up) as client, browser(client, timeout=0.3) as http:
            with pytest.raises(error):
                await http.get(up.url)

    up.on(None, script)
    run(work())


def test_forbidden_addresses_are_connect_errors_on_every_hop(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with (
            opened(up) as client,
            browser(client, follow_redirects=True) as http,
        ):
            with pytest.raises(httpx.ConnectError):
                await http.get("http://169.254.169.254/latest/meta-data")
            with pytest.raises(httpx.ConnectError):
                await http.get(up.url + "/away")
            with pytest.raises(httpx.ConnectError):
                await http.get("http://2130706433/")

    up.on("/away", tell(302, b"", {"location": "http://[::1]:1/"}))
    run(work())


def test_waiting_for_a_place_is_a_pool_timeout(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up, max_connections=1) as client, browser(client) as http:
            first = asyncio.create_task(http.get(up.url))
            await up.auntil(lambda: len(up.requests) == 1)
            with pytest.raises(httpx.PoolTimeout):
                await http.get(up.url, timeout=httpx.Timeout(5, pool=0.2))
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first

    up.on(None, stall())
    run(work())


def test_compressed_answers_are_unpacked_once_and_bounded(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with (
            opened(up, max_response_bytes=100_000) as client,
            browser(client) as http,
        ):
            response = await http.get(up.url)
            assert response.text == "hello"
            assert "content-encoding" not in response.headers
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(up.url + "/large")
            long = await http.get(up.url + "/events")
            assert len(long.content) == 200_000

    up.on("/", tell(200, gzip.compress(b"hello"), {"content-encoding": "gzip"}))
    up.on("/large", tell(200, b"x" * 100_001))
    up.on("/events", events([b"x" * 100_000] * 2))
    run(work())


# --- detours -----------------------------------------------------------------------


def proxied(up: Upstream, origin: str) -> Client:
    return Client(Egress(), proxies={origin: up.url})


def test_an_origin_with_a_proxy_goes_by_it(up: Upstream, run: Run) -> None:
    async def work() -> None:
        client = proxied(up, "http://api.example.com")
        url = "http://api.example.com/v1/x"
        response = await client.ask(wire(url), LIMITS, soon())
        assert response.status == 200
        assert b"http://api.example.com/v1/x" in response.body
        reply = await client.open(wire(url + "/sse"), LIMITS, soon())
        assert (reply.status, reply.host) == (200, "api.example.com")
        assert await reply.body() == b"ab"
        reply.close()
        async with browser(client) as http:
            assert (await http.get(url)).status_code == 200
        with pytest.raises(Unreachable):
            await client.ask(wire("http://127.0.0.1:1/"), LIMITS, soon())
        await client.aclose()

    up.on(None, echo)
    up.on(lambda r: r.target.endswith("/sse"), events([b"a", b"b"], gap_s=0.02))
    run(work())


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        (stall(), Timeout, "first_token"),
        (head() + stall(), Timeout, "first_token"),
        (events([b"a"], then=stall()), Timeout, "idle"),
        (reset(), Unreachable, "reset"),
        (garbage(), Garbled, None),
        (bomb(64 << 20), Garbled, None),
        (tell(200, b"x" * 300_000), Garbled, None),
    ],
)
def test_errors_on_a_detour_are_told_in_our_words(
    up: Upstream, run: Run, script: Script, kind: type[Exception], code: str | None
) -> None:
    async def work() -> None:
        client = Client(
            Egress(max_response_bytes=200_000), proxies={"http://a.example": up.url}
        )
        with pytest.raises(kind) as caught:
            await client.ask(wire("http://a.example/"), Limits(2, 0.3, 0.3), soon())
        assert getattr(caught.value, "code", None) == code
        await client.aclose()

    up.on(None, script)
    run(work())


def test_a_detour_is_left_when_nobody_wants_it_any_more(up: Upstream, run: Run) -> None:
    async def work() -> None:
        client = proxied(up, "http://a.example")
        reply = await client.open(wire("http://a.example/"), LIMITS, soon())
        assert await reply.read() == b"a"
        reply.close()
        assert await up.aquiet()
        task = asyncio.create_task(
            client.ask(wire("http://a.example/"), LIMITS, soon())
        )
        await up.auntil(lambda: len(up.requests) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await up.aquiet()
        with pytest.raises(Timeout) as caught:
            await client.ask(wire("http://a.example/"), LIMITS, soon(0.3))
        assert caught.value.code == "total"
        await client.aclose()

    up.on(None, events([b"a"], then=stall()))
    run(work())


def test_spelled_out_private_addresses_do_not_go_by_a_proxy(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        client = proxied(up, "http://169.254.169.254")
        with pytest.raises(Unreachable) as caught:
            await client.ask(wire("http://169.254.169.254/"), LIMITS, soon())
        assert caught.value.code == "blocked"
        await client.aclose()

    run(work())
    assert not up.requests


@pytest.fixture
def second(tmp_path) -> Iterator[tuple[int, str]]:
    """A server that speaks HTTP/2: its port and its authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = authority.issue_cert("two.example")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    config = Hypercorn()
    config.bind = ["127.0.0.1:0"]
    config.certfile = config.keyfile = str(tmp_path / "own.pem")
    config.accesslog = config.errorlog = None
    sockets = config.create_sockets()
    port = sockets.secure_sockets[0].getsockname()[1]
    config.create_sockets = lambda: sockets  # type: ignore[method-assign]

    async def app(scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        body = scope["http_version"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    stop = asyncio.Event()
    loop = asyncio.new_event_loop()
    work = serve(app, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=loop.run_until_complete, args=(work,))
    thread.start()
    yield port, str(tmp_path / "ca.pem")
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def test_http2_is_spoken_when_configured_and_under_the_same_guard(
    second: tuple[int, str], run: Run
) -> None:
    port, ca_file = second

    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def work() -> None:
        url = f"https://two.example:{port}/"
        for allow in ([("two.example", port)], []):
            client = Client(
                Egress(http2=True, ca_file=ca_file), allow_hosts=allow, resolve=names
            )
            if allow:
                response = await client.ask(wire(url), LIMITS, soon())
                assert (response.status, response.body) == (200, b"2")
            else:
                with pytest.raises(Unreachable) as caught:
                    await client.ask(wire(url), LIMITS, soon())
                assert caught.value.code == "blocked"
            await client.aclose()

    run(work())
