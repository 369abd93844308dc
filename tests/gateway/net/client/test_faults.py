"""What a provider does wrong, over a real socket, and what comes of it."""

import asyncio
import time

import pytest

from adapters.errors import Garbled, Timeout, Unreachable, UpstreamError
from gateway.net.client import Limits
from tests.gateway.net.client.asking import LIMITS, soon, wire
from tests.gateway.net.client.conftest import Run, open_files, opened
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Script,
    Upstream,
    bomb,
    chunk,
    close,
    cut,
    drip,
    echo,
    end,
    events,
    garbage,
    head,
    huge_head,
    lie,
    reset,
    send,
    stall,
    tell,
)

TOKENS = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]


async def asked(up: Upstream, limits: Limits = LIMITS, within_s: float = 10.0) -> bytes:
    async with opened(up) as client:
        return (await client.ask(wire(up.url), limits, soon(within_s))).body


async def streamed(
    up: Upstream, limits: Limits = LIMITS, within_s: float = 10.0
) -> tuple[bytes, UpstreamError | None]:
    """What came, and the error after it."""
    got = b""
    async with opened(up) as client:
        try:
            reply = await client.open(wire(up.url), limits, soon(within_s))
            while data := await reply.read():
                got += data
        except UpstreamError as error:
            return got, error
        reply.close()
        return got, None


def test_a_reset_before_the_head_is_unreachable_and_not_tried_again(
    up: Upstream, run: Run
) -> None:
    up.on(None, reset())
    with pytest.raises(Unreachable) as caught:
        run(asked(up))
    assert caught.value.code == "reset"
    assert len(up.requests) == 1


def test_a_connection_closed_without_an_answer_is_unreachable(
    up: Upstream, run: Run
) -> None:
    up.on(None, close())
    with pytest.raises(Unreachable) as caught:
        run(asked(up))
    assert caught.value.code == "closed"


@pytest.mark.parametrize("then", [reset(), close()], ids=["reset", "closed"])
def test_what_came_before_a_stream_broke_is_read_before_the_error(
    up: Upstream, run: Run, then: Script
) -> None:
    up.on(None, events(TOKENS, gap_s=0.02, then=then))
    got, error = run(streamed(up))
    assert got == b"".join(TOKENS)
    assert isinstance(error, Unreachable)


@pytest.mark.parametrize("at", [1, 8, 15, 40, 80, 100, 125])
def test_an_answer_cut_at_any_byte_is_an_error(up: Upstream, run: Run, at: int) -> None:
    up.on(None, cut(tell(200, {"text": "x" * 50}), at))
    with pytest.raises(Unreachable):
        run(asked(up))


@timely
def test_a_stall_after_the_first_token_ends_with_the_idle_limit(
    up: Upstream, run: Run
) -> None:
    up.on(None, events(TOKENS[:1], then=stall()))
    before = time.monotonic()
    got, error = run(streamed(up, Limits(2, 5, 0.4)))
    assert got == TOKENS[0]
    assert isinstance(error, Timeout)
    assert error.code == "idle"
    took = time.monotonic() - before
    assert took > 0.3
    at_most(1.4, took)
    assert up.quiet()


@pytest.mark.parametrize("begin", [Script(), head()], ids=["no head", "head only"])
@timely
def test_a_stall_before_the_first_token_ends_with_its_own_limit(
    up: Upstream, run: Run, begin: Script
) -> None:
    up.on(None, begin + stall())
    before = time.monotonic()
    _, error = run(streamed(up, Limits(2, 0.4, 5)))
    assert isinstance(error, Timeout)
    assert error.code == "first_token"
    took = time.monotonic() - before
    assert took > 0.3
    at_most(1.4, took)
    assert up.quiet()


@timely
def test_a_drip_keeps_the_idle_limit_away_but_not_the_total_one(
    up: Upstream, run: Run
) -> None:
    up.on(None, head() + drip(b"1\r\nx\r\n" * 500, every_s=0.02, size=6))
    before = time.monotonic()
    got, error = run(streamed(up, Limits(2, 5, 0.3), within_s=0.8))
    assert len(got) > 5
    assert isinstance(error, Timeout)
    assert error.code == "total"
    took = time.monotonic() - before
    assert took > 0.7
    at_most(1.8, took)


def test_the_deadline_holds_for_a_whole_answer(up: Upstream, run: Run) -> None:
    up.on(None, stall())
    with pytest.raises(Timeout) as caught:
        run(asked(up, within_s=0.3))
    assert caught.value.code == "total"


def test_nothing_is_sent_after_the_deadline(up: Upstream, run: Run) -> None:
    with pytest.raises(Timeout) as caught:
        run(asked(up, within_s=0.0))
    assert caught.value.code == "total"
    assert not up.requests


def test_a_server_that_does_not_accept_ends_with_the_connect_limit(run: Run) -> None:
    async def refused() -> None:
        async with opened(allow_private=["127.0.0.0/8"]) as client:
            await client.ask(wire("http://127.0.0.1:1/"), LIMITS, soon())

    with pytest.raises(Unreachable) as caught:
        run(refused())
    assert caught.value.code == "connect"


@timely
def test_a_handshake_that_stalls_ends_with_the_connect_limit(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            url = up.url.replace("http:", "https:")
            await client.ask(wire(url), Limits(0.3, 5, 5), soon())

    before = time.monotonic()
    with pytest.raises(Timeout) as caught:
        run(work())
    assert caught.value.code == "connect"
    at_most(1.5, time.monotonic() - before)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_gzip_bomb_is_cut_long_before_it_is_unpacked(
    up: Upstream, run: Run, chunked: bool
) -> None:
    up.on(None, bomb(256 << 20, chunked=chunked))
    with pytest.raises(Garbled):
        run(asked(up))
    got, error = run(streamed(up))
    assert isinstance(error, Garbled)
    assert len(got) < 16 << 20


def test_a_body_beyond_the_cap_is_cut_off(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up, max_response_bytes=100_000) as client:
            await client.ask(wire(up.url), LIMITS, soon())

    endless = head() + Script(*chunk(b"x" * 60_000).steps * 50) + end()
    up.on(None, endless)
    with pytest.raises(Garbled, match="100000"):
        run(work())


def test_the_body_of_an_error_is_read_up_to_its_own_cap(up: Upstream, run: Run) -> None:
    async def work() -> bytes:
        async with opened(up) as client:
            reply = await client.open(wire(up.url), LIMITS, soon())
            data = await reply.body(1000)
            reply.close()
            assert (await up.aquiet()) is True
            return data

    up.on(None, tell(502, b"<html>" + b"x" * 3_000_000))
    assert len(run(work())) == 1000


@pytest.mark.parametrize(
    "lie_",
    [
        lie(100, b"{}"),
        garbage(),
        garbage(b"SSH-2.0-OpenSSH_9.6\r\n"),
        huge_head(70_000),
        huge_head(10_000_000),
        send(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300 + b"\r\n"),
        send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
        send(b"HTTP/1.1 100 Continue\r\n\r\n" * 20),
        send(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
        send(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"
            b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        ),
        send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi"),
        send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
        send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        send(b"HTTP/1.1 200 OK\r\na: b\r\n c: d\r\n\r\n"),
        send(b"HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n"),
        tell(200, b"not gzip", {"content-encoding": "gzip"}),
        tell(200, b"x", {"content-encoding": "br"}),
        tell(200, b"x", {"content-encoding": "gzip, gzip"}),
    ],
)
@timely
def test_an_answer_that_is_not_http_is_refused_at_once(
    up: Upstream, run: Run, lie_: Script
) -> None:
    up.on(None, lie_)
    before = time.monotonic()
    with pytest.raises((Garbled, Unreachable)):
        run(asked(up))
    at_most(1.0, time.monotonic() - before)
    assert up.quiet()


def test_framing_without_content_does_not_go_on_for_ever(
    up: Upstream, run: Run
) -> None:
    begin = head() + chunk(b"x")
    up.on(None, begin + send(b"1;" + b"e" * 3_000_000) + stall())
    with pytest.raises(Garbled):
        run(asked(up))
    up.on(None, begin + send(b"0\r\nx: " + b"e" * 3_000_000) + stall())
    with pytest.raises(Garbled):
        run(asked(up))


@timely
def test_cancelling_closes_the_connection_at_once(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            first = 1 + len(up.requests)
            for number, path in enumerate(("/whole", "/head", "/body"), first):
                if path == "/whole":
                    task = asyncio.create_task(
                        client.ask(wire(up.url + path), LIMITS, soon())
                    )
                else:
                    task = asyncio.create_task(read_on(client, up.url + path))
                assert await up.auntil(lambda n=number: len(up.requests) == n)
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                cancelled = time.monotonic()
                assert await up.aquiet()
                at_most(0.5, up.closed_at[number] - cancelled)
                (counts,) = client.counters()
                assert (counts.in_use, counts.idle) == (0, 0)

    async def read_on(client, url):
        reply = await client.open(wire(url), LIMITS, soon())
        await reply.body()

    up.on("/whole", stall())
    up.on("/head", stall())
    up.on("/body", events(TOKENS, then=stall()))
    run(work())


def test_closing_an_unfinished_answer_closes_the_connection(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            reply = await client.open(wire(up.url), LIMITS, soon())
            assert await reply.read() == TOKENS[0]
            reply.close()
            reply.close()
            assert await up.aquiet()
            with pytest.raises(Unreachable):
                await reply.read()

    up.on(None, events(TOKENS[:1], then=stall()))
    run(work())


def test_interim_answers_are_passed_over(up: Upstream, run: Run) -> None:
    up.on(
        None,
        send(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n")
        + tell(200, b"real", {"x": "1"}),
    )

    async def work() -> None:
        async with opened(up) as client:
            for _ in range(2):
                response = await client.ask(wire(up.url), LIMITS, soon())
                assert response.body == b"real"
                assert response.header(b"x") == b"1"
                assert response.header(b"link") is None

    run(work())
    assert up.connections == 1


def test_a_body_that_ends_with_the_connection_is_whole(up: Upstream, run: Run) -> None:
    up.on(None, send(b"HTTP/1.1 200 OK\r\n\r\nall of it") + close())
    assert run(asked(up)) == b"all of it"
    assert run(streamed(up)) == (b"all of it", None)


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_end_with_their_head(
    up: Upstream, run: Run, status: int
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            for _ in range(2):
                response = await client.ask(wire(up.url), LIMITS, soon())
                assert (response.status, response.body) == (status, b"")

    up.on(None, send(b"HTTP/1.1 %d No\r\netag: x\r\n\r\n" % status))
    run(work())
    assert up.connections == 1


def test_the_answer_to_head_has_no_body(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            for _ in range(2):
                asked = wire(up.url, b"", method="HEAD")
                response = await client.ask(asked, LIMITS, soon())
                assert (response.status, response.body) == (200, b"")
                assert response.header(b"content-length") == b"500"

    up.on(None, send(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"))
    run(work())


def test_a_slow_reader_makes_the_provider_wait(up: Upstream, run: Run) -> None:
    """... and is not taken for a provider that fell silent."""
    size = 32 << 20

    async def work() -> int:
        async with opened(up) as client:
            reply = await client.open(wire(up.url), Limits(2, 5, 0.3), soon(20))
            await asyncio.sleep(1.0)
            first = await reply.read()
            assert len(first) < 512 << 10
            total = len(first)
            while data := await reply.read():
                assert len(data) < 512 << 10
                total += len(data)
            reply.close()
            return total

    up.on(None, tell(200, b"x" * size))
    assert run(work()) == size


def test_a_mixed_life_leaves_nothing_open(up: Upstream, run: Run) -> None:
    async def one(client, index):
        path = ("/ok", "/sse", "/reset", "/cut", "/bad", "/stall")[index % 6]
        try:
            if index % 2:
                reply = await client.open(wire(up.url + path), LIMITS, soon(0.5))
                try:
                    while await reply.read():
                        pass
                finally:
                    reply.close()
            else:
                await client.ask(wire(up.url + path), LIMITS, soon(0.5))
        except UpstreamError as error:
            return type(error)
        return None

    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url + "/ok"), LIMITS, soon())
            before = open_files()
            for _ in range(3):
                await asyncio.gather(*(one(client, index) for index in range(60)))
            (counts,) = client.counters()
            assert counts.in_use == 0
            # The provider is of this process: each connection has two ends.
            await up.auntil(lambda: up.open_connections == counts.idle)
            assert open_files() <= before + 2 * counts.idle + 2

    up.on("/ok", echo)
    up.on("/sse", events(TOKENS))
    up.on("/reset", reset())
    up.on("/cut", events(TOKENS, then=close()))
    up.on("/bad", garbage())
    up.on("/stall", stall())
    run(work())
