"""What is handed to Hypercorn on the same port: HTTP/2, websockets, h2c; and TLS."""

import asyncio
import base64
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.config.schema import Tls
from gateway.net.http1.worker import Worker
from tests.gateway.net.server.support import (
    Client,
    Seen,
    client,
    get,
    lifespan,
    port,
    reply,
    serving,
    until,
    whole,
)

pytestmark = pytest.mark.anyio

HEADERS = [
    (":method", "POST"),
    (":authority", "test"),
    (":scheme", "http"),
    (":path", "/a%20b?q"),
]


class H2:
    """A small HTTP/2 client."""

    def __init__(self, reader: Any, writer: Any) -> None:
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(client_side=True)
        self.h2 = h2.connection.H2Connection(config)
        self.status: dict[int, str] = {}
        self.bodies: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.goaway = False

    async def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def ask(
        self, body: bytes = b"", headers: list[tuple[str, str]] | None = None
    ) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers or HEADERS, end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        await self.flush()
        return int(stream)

    async def read(self) -> bool:
        data = await self.reader.read(65536)
        for event in self.h2.receive_data(data) if data else []:
            if isinstance(event, h2.events.ResponseReceived):
                self.status[event.stream_id] = dict(event.headers)[b":status"].decode()
            elif isinstance(event, h2.events.DataReceived):
                before = self.bodies.get(event.stream_id, b"")
                self.bodies[event.stream_id] = before + event.data
                self.h2.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = True
        await self.flush()
        return bool(data)

    async def answer(self, stream: int) -> tuple[str, bytes]:
        async with asyncio.timeout(3):
            while stream not in self.ended and await self.read():
                pass
        return self.status[stream], self.bodies.get(stream, b"")


@asynccontextmanager
async def h2_client(worker: Worker, **options: Any) -> AsyncIterator[H2]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port(worker), **options)
    speaker = H2(reader, writer)
    speaker.h2.initiate_connection()
    try:
        yield speaker
    finally:
        writer.transport.abort()


async def test_http_2_by_prior_knowledge_shares_the_port(http: str) -> None:
    app = Seen()
    async with serving(app, http) as worker:
        async with h2_client(worker) as c, client(worker) as plain:
            first = await c.ask(b"abc")
            second = await c.ask(b"def")
            assert await c.answer(first) == ("200", b"POST /a%20b abc")
            assert await c.answer(second) == ("200", b"POST /a%20b def")
            await plain.send(get())
            assert (await plain.answer()).status == 200
            assert worker.state.connections == 2
        await until(lambda: worker.state.connections == 0)
    scope = app.scopes[0]
    assert scope["http_version"] == "2"
    assert scope["path"] == "/a b"
    assert scope["state"]["server"] is worker.state
    assert (b"host", b"test") in scope["headers"]


async def test_the_preface_may_come_in_pieces() -> None:
    async with serving(Seen()) as worker, h2_client(worker) as c:
        preface = c.h2.data_to_send()
        for n in range(len(preface)):
            c.writer.write(preface[n : n + 1])
            await asyncio.sleep(0)
        assert (await c.answer(await c.ask()))[0] == "200"


async def test_only_the_first_bytes_can_be_a_preface() -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).status == 200
        await c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert (await c.answer()).status == 400
    assert worker.state.handed_over == 0


async def test_http_2_requests_are_held_to_the_same_limits() -> None:
    app = Seen()
    limits = {"max_body_bytes": 1000, "max_headers": 10}
    async with serving(app, **limits) as worker, h2_client(worker) as c:

        async def ask(body: bytes, *extra: tuple[str, str]) -> str:
            return (await c.answer(await c.ask(body, [*HEADERS, *extra])))[0]

        assert await ask(b"x" * 1001) == "413"
        assert await ask(b"x", *[(f"x-{n}", "1") for n in range(20)]) == "431"
        assert await ask(b"x", ("content-encoding", "br")) == "415"
        assert (
            await ask(gzip.compress(bytes(900)), ("content-encoding", "gzip")) == "200"
        )
        assert (
            await ask(gzip.compress(bytes(9000)), ("content-encoding", "gzip")) == "413"
        )
        assert await ask(b"x", ("x_y", "1")) == "200"
        nul = [*HEADERS[:3], (":path", "/a%00b")]
        assert (await c.answer(await c.ask(b"", nul)))[0] == "400"
    assert app.bodies == [bytes(900), b"x"]
    assert not any(n == b"x_y" for s in app.scopes for n, _ in s["headers"])


async def test_a_body_that_pauses_over_http_2_is_a_408() -> None:
    async with serving(Seen(), body_timeout_s=0.2) as worker, h2_client(worker) as c:
        stream = c.h2.get_next_available_stream_id()
        c.h2.send_headers(stream, HEADERS)
        await c.flush()
        assert (await c.answer(stream))[0] == "408"


async def test_streams_reset_as_fast_as_they_open_do_not_pile_up() -> None:
    peak = 0
    running = 0

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        nonlocal peak, running
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        running += 1
        peak = max(peak, running)
        try:
            await asyncio.sleep(0.5)
        finally:
            running -= 1

    async with serving(stubborn) as worker, h2_client(worker) as c:
        for _ in range(20):
            for _ in range(50):
                stream = c.h2.get_next_available_stream_id()
                c.h2.send_headers(stream, HEADERS, end_stream=True)
                c.h2.reset_stream(stream)
            await c.flush()
            await asyncio.sleep(0.01)
        await until(lambda: worker.state.refused.get("too_many_streams", 0) > 100)
    assert peak <= 200


async def test_a_stream_from_memory_ends_with_its_reset() -> None:
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

    async with serving(Seen(pour)) as worker, h2_client(worker) as c:
        stream = await c.ask()
        await c.read()
        c.h2.reset_stream(stream)
        await c.flush()
        await asyncio.wait_for(ended.wait(), 2)


async def test_h2c_upgrades_are_handed_over() -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        settings = base64.urlsafe_b64encode(b"\0\3\0\0\0\x64")
        await c.send(
            get(
                "/up",
                "Connection: Upgrade, HTTP2-Settings",
                "Upgrade: h2c",
                f"HTTP2-Settings: {settings.decode()}",
            )
        )
        answer = await c.answer()
        assert answer.status == 101
        assert answer.headers["upgrade"] == "h2c"
    assert worker.state.handed_over == 1


@pytest.mark.parametrize(
    "fields",
    [
        ("Connection: upgrade", "Upgrade: h2c"),
        ("Connection: upgrade", "Upgrade: websocket"),
        ("Connection: upgrade", "Upgrade: something/1"),
        ("Upgrade: websocket", "Sec-WebSocket-Key: x"),
        ("Connection: upgrade",),
    ],
)
async def test_an_upgrade_that_is_none_goes_on_as_http(fields: tuple[str, ...]) -> None:
    async with serving(Seen()) as worker, client(worker) as c:
        await c.send(get("/a", *fields))
        assert (await c.answer()).body == b"GET /a "
        head = get("/b", *fields, "Content-Length: 3").replace(b"GET", b"POST", 1)
        await c.send(head + b"abc" + get("/c"))
        assert (await c.answer()).body == b"POST /b abc"
        assert (await c.answer()).body == b"GET /c "
    assert worker.state.handed_over == 0


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http":
        await whole(receive)
        await reply(send, b"http")
    elif scope["path"] == "/no":
        await receive()
        await send({"type": "websocket.close"})
    else:
        assert scope["state"]["server"].connections
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"][::-1]})


async def test_websockets_are_handed_over(http: str) -> None:
    async with serving(websocket, http) as worker:
        url = f"ws://127.0.0.1:{port(worker)}"
        async with connect(url + "/ws?q") as ws:
            await ws.send("hello")
            assert await ws.recv() == "olleh"
        with pytest.raises(InvalidStatus):
            await connect(url + "/no")
        await until(lambda: worker.state.connections == 0)
    assert worker.state.handed_over == 2


async def test_a_websocket_may_follow_a_request() -> None:
    async with serving(websocket) as worker, client(worker) as c:
        await c.send(get())
        assert (await c.answer()).body == b"http"
        await c.send(
            get(
                "/ws",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
            )
        )
        assert (await c.answer()).status == 101


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Tls:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return Tls(cert=str(cert), key=str(key))


def trust(authority: trustme.CA, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


async def test_tls_serves_http_1_and_by_alpn_http_2(
    http: str, authority: trustme.CA, tls: Tls
) -> None:
    app = Seen()
    async with serving(app, http, tls=tls) as worker:
        for protocols in ((), ("http/1.1",)):
            context = trust(authority, *protocols)
            streams = await asyncio.open_connection(
                "localhost", port(worker), ssl=context, family=2
            )
            c = Client(*streams)
            for _ in range(2):
                await c.send(get())
                assert (await c.answer()).status == 200
            await c.send(get("/", "Connection: close"))
            assert (await c.answer()).status == 200
            assert await c.rest() == b""
            await c.close()
        context = trust(authority, "h2", "http/1.1")
        async with h2_client(worker, ssl=context, server_hostname="localhost") as c2:
            assert (await c2.answer(await c2.ask(b"abc")))[1] == b"POST /a%20b abc"
        await until(lambda: worker.state.connections == 0)
    assert [s["scheme"] for s in app.scopes] == ["https"] * 7
    assert [s["http_version"] for s in app.scopes] == ["1.1"] * 6 + ["2"]


async def test_a_tls_client_that_never_shakes_hands_is_cut_off(tls: Tls) -> None:
    async with serving(Seen(), tls=tls, header_timeout_s=0.3) as worker:
        async with client(worker) as c:
            assert await c.rest(3) == b""
        async with client(worker) as c:
            await c.send(get())
            await c.rest(3)
        assert worker.state.requests == 0


async def test_a_refusal_over_tls_reaches_the_client(
    authority: trustme.CA, tls: Tls
) -> None:
    async with serving(Seen(), tls=tls, max_body_bytes=10) as worker:
        streams = await asyncio.open_connection(
            "localhost", port(worker), ssl=trust(authority), family=2
        )
        c = Client(*streams)
        await c.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n")
        assert (await c.answer()).status == 413
        await c.close()
