"""A provider on a real socket that does what a test scripts it to do, ill or well.

    with Upstream() as up:
        up.on("/v1/chat/completions", tell(429, {"error": "slow"}), tell(200, {"ok": 1}))
        up.on(None, events([b"data: a\\n\\n", b"data: b\\n\\n"], gap_s=0.1))
        ... call up.url ...
        assert up.requests[0].json() == {"model": "m"}
        assert up.quiet(within_s=1.0)  # every connection was closed

It runs a loop of its own in a thread, so that it may be driven from plain tests and
from tests that run a loop themselves. Scripts are pieces joined by `+`:
`head(200) + chunk(b"data: a") + stall()`; one script an answer, the last one repeats.
A script may be a function of the request. What is not matched is answered 404.
"""

import asyncio
import json
import socket
import ssl
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import trustme

Fields = Mapping[str, str] | Sequence[tuple[str, str]]
FOREVER_S = 3600.0
PATIENCE_S = 20.0
"""How long is waited for what comes at once, on a machine that may be busy."""
BEGUN = 5
"""Turns of a loop in which what it has accepted gets hold of its socket."""


class Request:
    """One request as it came in."""

    def __init__(self, head: bytes, body: bytes, connection: int) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = first.split(" ", 2)
        self.path = unquote(self.target.partition("?")[0])
        self.query = self.target.partition("?")[2]
        self.fields = [
            (name.strip().lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines)
        ]
        """Header lines in order, names in lower case."""
        self.headers = dict(self.fields)
        self.head = head
        self.body = body
        self.connection = connection
        """Number of the connection it came on, from 1."""
        self.time = time.monotonic()

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.method} {self.target} on {self.connection}>"


Step = Callable[["_Link", Request], Awaitable[None]]


class Script:
    """Steps of one answer."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def __add__(self, other: "Script") -> "Script":
        return Script(*self.steps, *other.steps)


Answer = Script | Callable[[Request], Script]
Match = str | Callable[[Request], bool] | None


# --- pieces ------------------------------------------------------------------------


def send(data: bytes) -> Script:
    """Bytes as they are."""

    async def step(link: "_Link", _: Request) -> None:
        await link.send(data)

    return Script(step)


def pause(seconds: float) -> Script:
    """Silence for a while."""

    async def step(_: "_Link", __: Request) -> None:
        await asyncio.sleep(seconds)

    return Script(step)


def stall() -> Script:
    """Silence until the other side gives up."""
    return pause(FOREVER_S)


def wait_for(event: threading.Event) -> Script:
    """Silence until the test sets the event."""

    async def step(_: "_Link", __: Request) -> None:
        while not event.is_set():
            await asyncio.sleep(0.005)

    return Script(step)


def reset() -> Script:
    """A TCP reset, now; what was sent before may be lost with it."""

    async def step(link: "_Link", _: Request) -> None:
        await asyncio.sleep(0.02)  # let what was sent arrive first
        link.reset()

    return Script(step)


def close() -> Script:
    """The end of the connection, in order (FIN)."""

    async def step(link: "_Link", _: Request) -> None:
        link.close()

    return Script(step)


def head(
    status: int = 200, headers: Fields = (), *, length: int | None = None
) -> Script:
    """Status line and headers; chunked without a `length`."""
    framing = (
        ("transfer-encoding", "chunked")
        if length is None
        else ("content-length", str(length))
    )
    return send(_head(status, [*_pairs(headers), framing]))


def chunk(data: bytes) -> Script:
    """One chunk of a chunked body."""
    return send(b"%x\r\n%b\r\n" % (len(data), data))


def end() -> Script:
    """The end of a chunked body."""
    return send(b"0\r\n\r\n")


# --- whole answers -----------------------------------------------------------------


def tell(status: int = 200, body: Any = b"", headers: Fields = ()) -> Script:
    """A whole answer; anything but bytes and text is written as JSON."""
    pairs = _pairs(headers)
    if isinstance(body, str):
        data, kind = body.encode(), "text/plain"
    elif isinstance(body, bytes | bytearray):
        data, kind = bytes(body), "application/json"
    else:
        data, kind = json.dumps(body).encode(), "application/json"
    if "content-type" not in {name.lower() for name, _ in pairs}:
        pairs.append(("content-type", kind))
    return send(_head(status, [*pairs, ("content-length", str(len(data)))]) + data)


def events(
    pieces: Iterable[bytes],
    *,
    gap_s: float = 0.0,
    status: int = 200,
    headers: Fields = (),
    then: Script | None = None,
) -> Script:
    """Server-sent bytes, one chunk (and one write) a piece, `gap_s` before each but
    the first; then the proper end, or whatever `then` is."""
    script = head(status, [("content-type", "text/event-stream"), *_pairs(headers)])
    for index, piece in enumerate(pieces):
        if gap_s and index:
            script += pause(gap_s)
        script += chunk(piece)
    return script + (end() if then is None else then)


def cut(answer: Script, at: int, then: Script | None = None) -> Script:
    """Only the first `at` bytes of an answer, then a reset, or what `then` is."""

    async def step(link: "_Link", request: Request) -> None:
        link.budget = at
        for inner in answer.steps:
            await inner(link, request)
            if link.budget == 0:
                break
        link.budget = None
        for inner in (reset() if then is None else then).steps:
            await inner(link, request)

    return Script(step)


def drip(data: bytes, *, every_s: float = 0.01, size: int = 1) -> Script:
    """Raw bytes, a few at a time."""
    script = Script()
    for index in range(0, len(data), size):
        script += send(data[index : index + size]) + pause(every_s)
    return script


def lie(claimed: int, body: bytes, *, then: Script | None = None) -> Script:
    """A wrong Content-Length, then the end of the connection."""
    answer = send(_head(200, [("content-length", str(claimed))]) + body)
    return answer + (close() if then is None else then)


def garbage(data: bytes = b"\x16\x03\x01\x02\x00\x01 this is not HTTP\r\n") -> Script:
    return send(data)


def huge_head(size: int, status: int = 200) -> Script:
    """One header line of `size` bytes."""
    return send(_head(status, [("x-big", "a" * size), ("content-length", "2")]) + b"{}")


def bomb(size: int, *, chunked: bool = True) -> Script:
    """`size` zero bytes (whole MiB), gzipped: about a thousandth of it on the wire."""
    data = _packed_zeros(size)
    headers = [("content-encoding", "gzip"), ("content-type", "application/json")]
    if chunked:
        return head(200, headers) + chunk(data) + end()
    return tell(200, data, headers)


@cache
def _packed_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * (1 << 20)
    data = b"".join(packer.compress(zeros) for _ in range(max(1, size >> 20)))
    return data + packer.flush()


def echo(request: Request) -> Script:
    """What was asked, as JSON."""
    return tell(
        200,
        {
            "method": request.method,
            "target": request.target,
            "headers": request.fields,
            "body": request.body.decode("utf-8", "replace"),
        },
    )


def _pairs(headers: Fields) -> list[tuple[str, str]]:
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", *(f"{n}: {v}" for n, v in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


# --- the server --------------------------------------------------------------------


class Rule:
    """Whom a list of scripts answers."""

    def __init__(self, match: Match, answers: Sequence[Answer]) -> None:
        self.match = match
        self.answers = list(answers)
        self.used = 0

    def takes(self, request: Request) -> bool:
        if self.match is None:
            return True
        if isinstance(self.match, str):
            return request.path == self.match
        return self.match(request)

    def next(self) -> Answer:
        index = min(self.used, len(self.answers) - 1)
        self.used += 1
        return self.answers[index]


class Upstream:
    """The server; rules may be added at any time, the newest match wins."""

    def __init__(
        self, *, tls: bool = False, host: str = "127.0.0.1", names: Sequence[str] = ()
    ) -> None:
        self.requests: list[Request] = []
        self.opened_at: dict[int, float] = {}
        """Number of a connection -> `time.monotonic()` of its begin."""
        self.closed_at: dict[int, float] = {}
        """Number of a connection -> when the other side (or a script) ended it."""
        self.rules: list[Rule] = []
        self.host = host
        self.port = 0
        self.ca_file = ""
        """With `tls`: the authority to trust."""
        self.answers_early = False
        """Answer as soon as the head of a request is there, and read no further until
        the script is over; then close."""
        self.links: set[_Link] = set()
        self._tls: ssl.SSLContext | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if tls:
            self._certify([host, *names])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    def on(self, match: Match, *answers: Answer) -> Rule:
        """Answer requests for a path (or that a function picks, or all with `None`)
        by these scripts in turn; the last one again and again."""
        rule = Rule(match, answers)
        self.rules.insert(0, rule)
        return rule

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{name}:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self.opened_at) - len(self.closed_at)

    @property
    def connections(self) -> int:
        """How many were ever opened."""
        return len(self.opened_at)

    def until(
        self, condition: Callable[[], bool], within_s: float = PATIENCE_S
    ) -> bool:
        """Wait, blocking the calling thread, for a condition."""
        limit = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > limit:
                return False
            time.sleep(0.005)
        return True

    async def auntil(
        self, condition: Callable[[], bool], within_s: float = PATIENCE_S
    ) -> bool:
        """The same on a running loop."""
        limit = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > limit:
                return False
            await asyncio.sleep(0.005)
        return True

    def quiet(self, within_s: float = PATIENCE_S) -> bool:
        """Whether every connection is closed in time; blocks."""
        return self.until(lambda: self.open_connections == 0, within_s)

    async def aquiet(self, within_s: float = PATIENCE_S) -> bool:
        return await self.auntil(lambda: self.open_connections == 0, within_s)

    def answer_for(self, request: Request) -> Script:
        for rule in self.rules:
            if rule.takes(request):
                answer = rule.next()
                return answer if isinstance(answer, Script) else answer(request)
        return tell(404, {"error": {"message": f"no rule for {request}"}})

    def drop_all(self) -> None:
        """End every open connection, in order (FIN)."""
        self._loop.call_soon_threadsafe(self._close_all)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _close_all(self) -> None:
        for link in [*self.links]:
            link.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Link(self), self.host, self.port, ssl=self._tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        # Nobody new; but who was accepted before needs a server that is not closed. A
        # transport or socket left on a closed loop would be found by the collector, in
        # the middle of another test.
        for listener in self._server.sockets:
            self._loop.remove_reader(listener.fileno())
        for turn in count():
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if turn >= BEGUN and not others and not self.links:
                break
            for link in [*self.links]:
                link.abort()
            for task in others if turn >= BEGUN else ():
                task.cancel()
            await asyncio.sleep(0)
        self._server.close()

    def _certify(self, names: Sequence[str]) -> None:
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        self.ca_file = str(path)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["http/1.1"])
        authority.issue_cert(*names).configure_cert(self._tls)


class _Link(asyncio.Protocol):
    """One connection: reads requests one after the other, plays scripts."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.number = 0
        self.budget: int | None = None
        """Bytes that may still be sent, while an answer is cut."""
        self.task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport
        self._data = bytearray()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.number = len(self.upstream.opened_at) + 1
        self.upstream.opened_at[self.number] = time.monotonic()
        self.upstream.links.add(self)
        self.task = asyncio.ensure_future(self._serve())

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._more.set()

    def eof_received(self) -> None:
        self._gone()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        self.upstream.links.discard(self)

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # the script's side

    async def send(self, data: bytes) -> None:
        if self.budget is not None:
            data = data[: self.budget]
            self.budget -= len(data)
        for index in range(0, len(data), 1 << 20):
            await self._room.wait()
            self.transport.write(data[index : index + (1 << 20)])
        await asyncio.sleep(0)

    def reset(self) -> None:
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def close(self) -> None:
        self._gone(cancel=False)
        self.transport.close()

    def abort(self) -> None:
        self._gone(cancel=False)
        self.transport.abort()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def _gone(self, *, cancel: bool = True) -> None:
        self.upstream.closed_at.setdefault(self.number, time.monotonic())
        if cancel and self.task is not None:
            self.task.cancel()

    async def _serve(self) -> None:
        with suppress(asyncio.CancelledError):
            while not self.transport.is_closing():
                request = await self._read()
                self.upstream.requests.append(request)
                if self.upstream.answers_early:
                    self.transport.pause_reading()
                for step in self.upstream.answer_for(request).steps:
                    if self.transport.is_closing():
                        return
                    await step(self, request)
                if self.upstream.answers_early:
                    self.abort()

    async def _read(self) -> Request:
        while (split := self._data.find(b"\r\n\r\n")) < 0:
            await self._grow()
        top = bytes(self._data[:split])
        del self._data[: split + 4]
        probe = Request(top, b"", self.number)
        if self.upstream.answers_early:
            return probe
        if "chunked" in probe.headers.get("transfer-encoding", ""):
            body = await self._chunked()
        else:
            body = await self._exactly(int(probe.headers.get("content-length", "0")))
        return Request(top, body, self.number)

    async def _chunked(self) -> bytes:
        body = b""
        while True:
            while (split := self._data.find(b"\r\n")) < 0:
                await self._grow()
            size = int(self._data[:split].split(b";")[0], 16)
            del self._data[: split + 2]
            body += (await self._exactly(size + 2))[:-2]
            if not size:
                return body

    async def _exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            await self._grow()
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    async def _grow(self) -> None:
        self._more.clear()
        await self._more.wait()
