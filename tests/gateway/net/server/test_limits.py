"""Slow, greedy and lying clients: cut off in time, and never at others' cost."""

import asyncio
import gc
import gzip
import json
import logging
import os
import socket
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.net.server.support import (
    Client,
    Seen,
    client,
    get,
    lifespan,
    post,
    serving,
    until,
)
from tests.harness.timing import at_most, timely

pytestmark = pytest.mark.anyio


def rss() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


async def drip(connection: Client, data: bytes, pause_s: float) -> None:
    """One byte at a time, until done or cut off."""
    try:
        for n in range(len(data)):
            await connection.send(data[n : n + 1])
            await asyncio.sleep(pause_s)
    except ConnectionError:
        pass


@timely
async def test_200_slow_heads_are_cut_off_while_others_are_served() -> None:
    async with serving(Seen(), header_timeout_s=0.6) as worker:
        slow = [await Client.connect(worker) for _ in range(200)]
        drips = [asyncio.ensure_future(drip(c, get(), 0.1)) for c in slow]
        began = time.monotonic()
        async with client(worker) as c:
            while worker.state.refused.get("request_timeout", 0) < 200:
                at_most(2.5, time.monotonic() - began)
                await c.send(get())
                assert (await c.answer()).status == 200
                await asyncio.sleep(0.01)
        assert time.monotonic() - began >= 0.6
        for connection in slow:
            assert (await connection.rest()).startswith(b"HTTP/1.1 408 ")
        await asyncio.gather(*drips)
        for connection in slow:
            await connection.close()
        await until(lambda: worker.state.connections == 0)


async def test_a_body_that_pauses_too_long_is_a_408(http: str) -> None:
    app = Seen()
    async with serving(app, http, body_timeout_s=0.2) as worker, client(worker) as c:
        await c.send(post(b"abc" * 10)[:-20])
        answer = await c.answer()
        assert answer.status == 408
        assert json.loads(answer.body)["error"]["code"] == "request_timeout"
        assert await c.rest() == b""
    assert app.bodies == []


@timely
async def test_a_body_that_drips_has_its_time_in_all() -> None:
    app = Seen()
    async with serving(app, body_timeout_s=0.3) as worker, client(worker) as c:
        began = time.monotonic()
        dripping = asyncio.ensure_future(drip(c, post(b"x" * 500), 0.02))
        assert (await c.rest()).startswith(b"HTTP/1.1 408 ")
        at_most(3.0, time.monotonic() - began)
        dripping.cancel()
    assert app.bodies == []


async def test_a_slow_application_is_not_a_slow_client() -> None:
    async def slow(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await asyncio.sleep(0.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})

    short = {"header_timeout_s": 0.1, "body_timeout_s": 0.1, "keep_alive_s": 0.1}
    async with serving(Seen(slow), **short) as worker, client(worker) as c:
        await c.send(post(b"abc"))
        assert (await c.answer()).body == b"late"


async def test_idle_connections_are_closed_silently(http: str) -> None:
    limits = {"keep_alive_s": 0.2, "header_timeout_s": 0.2}
    async with serving(Seen(), http, **limits) as worker:
        async with client(worker) as c:
            assert await c.rest() == b""
        async with client(worker) as c:
            await c.send(get())
            assert (await c.answer()).status == 200
            assert await c.rest() == b""
        assert worker.state.refused == {}


async def test_no_keep_alive_closes_after_each_answer() -> None:
    async with serving(Seen(), keep_alive_s=0.0) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).headers["connection"] == "close"
        assert await c.rest() == b""


@timely
async def test_2000_idle_connections_cost_little_memory() -> None:
    async with serving(Seen()) as worker:
        async with client(worker) as warm:
            await warm.send(get())
            await warm.answer()
        gc.collect()
        before = rss()
        sockets = []
        loop = asyncio.get_running_loop()
        for _ in range(2000):
            s = socket.socket()
            s.setblocking(False)
            await loop.sock_connect(s, ("127.0.0.1", worker.port))  # type: ignore[attr-defined]
            await loop.sock_sendall(s, get())
            sockets.append(s)
        await until(lambda: worker.state.requests == 2001)
        grown = rss() - before
        async with client(worker) as c:
            began = time.monotonic()
            await c.send(get())
            assert (await c.answer()).status == 200
            at_most(0.2, time.monotonic() - began)
        for s in sockets:
            s.close()
        await until(lambda: worker.state.connections == 0, 5)
    # A fifth of the bound for 10,000: 150 MB.
    assert grown < 30_000_000


async def test_connections_beyond_the_cap_are_told_so(
    http: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Seen(), http, max_connections=5) as worker:
        held = [await Client.connect(worker) for _ in range(5)]
        await until(lambda: worker.state.connections == 5)
        with caplog.at_level(logging.WARNING):
            for _ in range(20):
                async with client(worker) as c:
                    answer = await c.answer()
                    assert answer.status == 503
                    code = json.loads(answer.body)["error"]["code"]
                    assert code == "too_many_connections"
                    assert await c.rest() == b""
        assert worker.state.refused["too_many_connections"] == 20
        told = [r for r in caplog.records if "too many connections" in r.message]
        assert 1 <= len(told) <= 2
        for connection in held:
            await connection.close()
        await until(lambda: worker.state.connections == 0)
        async with client(worker) as c:
            await c.send(get())
            assert (await c.answer()).status == 200


async def test_slow_readers_of_a_big_stream_hold_little_and_are_cut_off() -> None:
    sent = 0

    async def big(scope: Any, body: bytes, _: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            sent += 16_384
            await send(
                {
                    "type": "http.response.body",
                    "body": bytes(16_384),
                    "more_body": True,
                }
            )

    gc.collect()
    before = rss()
    async with serving(Seen(big), write_timeout_s=1.0) as worker:
        readers = [await Client.connect(worker) for _ in range(50)]
        for c in readers:
            c.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await c.send(get())
        await asyncio.sleep(0.7)
        grown = rss() - before
        async with client(worker) as c:
            await c.send(get())
            await c.reader.readexactly(1_000_000)
        await until(lambda: worker.state.refused.get("write_timeout") == 50, 5)
        await until(lambda: worker.state.connections == 0)
        await until(lambda: not worker.site.cycles)
        for c in readers:
            c.writer.transport.abort()
    # 64 KiB of buffer and one piece each; what the kernel buffers is not ours.
    assert grown < 50 * 250_000


async def test_a_slow_reader_is_cut_off_by_hypercorn_too() -> None:
    async def big(scope: Any, body: bytes, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send(
                {"type": "http.response.body", "body": bytes(65536), "more_body": True}
            )

    async with serving(Seen(big), "hypercorn", write_timeout_s=0.3) as worker:
        c = await Client.connect(worker)
        c.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await c.send(get())
        await until(lambda: worker.state.refused.get("write_timeout") == 1, 4)
        await until(lambda: worker.state.connections == 0, 4)
        c.writer.transport.abort()


async def test_a_small_answer_that_is_not_read_frees_the_connection() -> None:
    async with serving(Seen(), keep_alive_s=0.2, header_timeout_s=0.2) as worker:
        c = await Client.connect(worker)
        c.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await c.send(get())
        await until(lambda: worker.state.connections == 0, 3)
        c.writer.transport.abort()


async def test_a_declared_body_beyond_the_cap_is_a_413_at_once(http: str) -> None:
    app = Seen()
    async with serving(app, http, max_body_bytes=1000) as worker, client(worker) as c:
        await c.send(
            b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000000\r\n\r\n"
        )
        answer = await c.answer()
        assert answer.status == 413
        assert json.loads(answer.body)["error"]["code"] == "request_too_large"
        assert answer.headers["connection"] == "close"
        assert await c.rest() == b""
        await until(lambda: worker.state.connections == 0, 5)
    assert app.scopes == []


async def test_a_413_comes_instead_of_100_continue() -> None:
    async with serving(Seen(), max_body_bytes=10) as worker, client(worker) as c:
        await c.send(post(b"x" * 11, "Expect: 100-continue")[:-11])
        assert (await c.answer()).status == 413


async def test_an_endless_chunked_body_is_a_413_at_the_cap(http: str) -> None:
    app = Seen()
    cap = 1_000_000
    gc.collect()
    limits = {"max_body_bytes": cap, "header_timeout_s": 0.3}
    async with serving(app, http, **limits) as worker, client(worker) as c:
        await c.send(
            b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
        before, sent = rss(), 0
        try:
            while sent < 100 * cap:
                await asyncio.wait_for(c.send(chunk), 0.5)
                sent += len(chunk)
        except (ConnectionError, TimeoutError):
            pass
        assert sent < 20 * cap
        assert rss() - before < 3 * cap + 6_000_000
        if http == "fast":
            assert (await c.answer()).status == 413
    assert app.bodies == []


async def test_many_clients_at_the_cap_do_not_add_up() -> None:
    """Declared bodies are refused before a byte of them is read."""
    async with serving(Seen(), max_body_bytes=1000) as worker:
        for _ in range(100):
            async with client(worker) as c:
                await c.send(post(b"x" * 100_000))
                assert (await c.answer()).status == 413
        assert worker.state.refused == {"request_too_large": 100}


async def test_a_body_shorter_than_told_is_a_hang_up(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker:
        async with client(worker) as c:
            await c.send(post(b"abcdef")[:-1])
            await until(lambda: app.scopes)
        await until(lambda: worker.state.connections == 0)
    assert app.bodies == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip", "GZIP"])
async def test_compressed_bodies_arrive_unpacked(http: str, encoding: str) -> None:
    app = Seen()
    body = b'{"model": "demo"}' * 50
    packed = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(post(packed, f"Content-Encoding: {encoding}"))
        assert (await c.answer()).status == 200
    assert app.bodies == [body]
    names = [name for name, _ in app.scopes[0]["headers"]]
    assert b"content-encoding" not in names
    assert b"content-length" not in names


async def test_raw_deflate_is_understood(http: str) -> None:
    app = Seen()
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"hello") + packer.flush()
    async with serving(app, http) as worker, client(worker) as c:
        await c.send(post(packed, "Content-Encoding: deflate"))
        assert (await c.answer()).status == 200
    assert app.bodies == [b"hello"]


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("br", b"x", 415, "unsupported_encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x")), 415, "unsupported_encoding"),
        ("gzip\r\nContent-Encoding: gzip", b"x", 415, "unsupported_encoding"),
        ("gzip", b"not gzip at all", 400, "corrupt_body"),
        ("gzip", gzip.compress(b"x" * 500)[:-4], 400, "corrupt_body"),
        ("gzip", gzip.compress(b"x") + b"more", 400, "corrupt_body"),
        ("gzip", gzip.compress(b"x") * 2, 400, "corrupt_body"),
        ("gzip", b"\x1f", 400, "corrupt_body"),
        ("deflate", b"\x78\x9c\xff\xff\xff", 400, "corrupt_body"),
        ("gzip", gzip.compress(bytes(500_000)), 413, "request_too_large"),
        ("gzip", gzip.compress(bytes(80_000)), 413, "request_too_large"),
    ],
    # Packed bytes hold the time: names must be the same in every run.
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,
)
async def test_bad_encodings_are_refused(
    http: str, encoding: str, body: bytes, status: int, code: str
) -> None:
    app = Seen()
    limits = {"max_body_bytes": 100_000, "max_decompressed_ratio": 100}
    async with serving(app, http, **limits) as worker, client(worker) as c:
        await c.send(post(body, f"Content-Encoding: {encoding}"))
        answer = await c.answer()
        assert answer.status == status
        assert json.loads(answer.body)["error"]["code"] == code
        if status == 415:
            assert answer.headers["accept-encoding"] == "gzip, deflate"
        assert await c.rest() == b""
    assert app.bodies == []


@timely
async def test_a_bomb_is_stopped_at_the_cap_without_holding_the_loop(http: str) -> None:
    """A thousandth of what it would be."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(60))
    bomb += packer.flush()
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            worst = max(worst, time.monotonic() - began)

    gc.collect()
    before = rss()
    limits = {"max_body_bytes": 8_000_000}
    async with serving(Seen(), http, **limits) as worker, client(worker) as c:
        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0)
        c.writer.write(post(bomb, "Content-Encoding: gzip"))
        assert (await c.answer()).status == 413
        watching.cancel()
    assert rss() - before < 60_000_000
    at_most(0.2, worst)


async def test_an_answer_of_the_application_beats_a_late_refusal() -> None:
    """It answered before it read what turned out corrupt: no second answer."""

    async def hasty(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})
        assert (await receive())["type"] == "http.disconnect"

    async with serving(hasty) as worker, client(worker) as c:
        await c.send(post(b"not gzip", "Content-Encoding: gzip"), get("/next"))
        assert (await c.answer()).body == b"fine"
        assert (await c.answer()).body == b"fine"
