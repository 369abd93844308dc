"""A server in this process, raw clients for it, and applications to serve."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from gateway.config.schema import Server
from gateway.net.http1.worker import Worker

Scope = dict[str, Any]
PATIENCE_S = 20.0
"""How long is waited for what comes at once, on a machine that may be busy."""


class Seen:
    """An application that answers as told and remembers what it was asked."""

    def __init__(
        self,
        answer: Callable[[Scope, bytes, Any, Any], Awaitable[None]] | None = None,
    ) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self._answer = answer or echo

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        self.scopes.append(scope)
        body = await whole(receive)
        if body is None:
            return
        self.bodies.append(body)
        await self._answer(scope, body, receive, send)


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def whole(receive: Any) -> bytes | None:
    """The request body; nothing when the client went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body


async def reply(
    send: Any,
    body: bytes = b"",
    status: int = 200,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": headers or []}
    )
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, body: bytes, _: Any, send: Any) -> None:
    """Method, path and body, back."""
    said = b"%b %b %b" % (scope["method"].encode(), scope["raw_path"], body)
    await reply(send, said)


@contextlib.asynccontextmanager
async def serving(app: Any, http: str = "fast", **limits: Any) -> AsyncIterator[Worker]:
    """Our worker on a free port; its `port` is told."""
    limits.setdefault("drain_s", 0.3)
    settings = Server(port=0, http=http, **limits)  # type: ignore[arg-type]
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    worker = Worker(app, settings)
    await worker.start([sock])
    worker.port = sock.getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield worker
    finally:
        await worker.stop(asyncio.Event())
        sock.close()


def port(worker: Worker) -> int:
    return int(worker.port)  # type: ignore[attr-defined]


class Client:
    """A raw connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, worker: Worker) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port(worker)))

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self, *, bodiless: bool = False) -> "Answer":
        """The next answer; fails after long silence."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._answer(bodiless)

    async def _answer(self, bodiless: bool) -> "Answer":
        head = await self.reader.readuntil(b"\r\n\r\n")
        answer = Answer(head)
        if bodiless or answer.status in (204, 304) or answer.status < 200:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                answer.pieces.append((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readline()
        elif "content-length" in answer.headers:
            size = int(answer.headers["content-length"])
            answer.pieces.append(await self.reader.readexactly(size))
        else:
            answer.pieces.append(await self.reader.read())
        return answer

    async def rest(self, within_s: float = PATIENCE_S) -> bytes:
        """All until the server closes; fails if it does not."""
        data = b""
        async with asyncio.timeout(within_s):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    data += piece
        return data

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Answer:
    def __init__(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.line = first
        self.status = int(first.split(" ")[1])
        self.fields = [line.split(": ", 1) for line in lines if line]
        self.headers = {name.lower(): value for name, value in self.fields}
        self.pieces: list[bytes] = []

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


@contextlib.asynccontextmanager
async def client(worker: Worker) -> AsyncIterator[Client]:
    connection = await Client.connect(worker)
    try:
        yield connection
    finally:
        await connection.close()


def get(path: str = "/", *headers: str, version: str = "1.1") -> bytes:
    lines = [f"GET {path} HTTP/{version}", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode()


def post(body: bytes, *headers: str, path: str = "/") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: test",
        f"Content-Length: {len(body)}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


async def until(check: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
    """Wait for `check` to hold."""
    async with asyncio.timeout(within_s):
        while not check():
            await asyncio.sleep(0.005)
