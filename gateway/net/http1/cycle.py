"""One request and its answer: the application's `receive` and `send`, and a door's
`Link` (`gateway.net.link`), which goes straight to the wire."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from starlette.types import Message, Scope

from gateway.net.hangup import ClientGone
from gateway.net.http1.head import Fields, Head
from gateway.net.http1.refusal import status_line
from gateway.net.http1.site import Site

log = logging.getLogger(__name__)

BODY_HIGH: Final = 256 * 1024
"""Bytes of a body kept for an application that does not ask for them."""

_JOIN_BELOW: Final = 128 * 1024
"""A larger body is written after its head: copying costs more than a second write."""

FAIR: Final = 64
"""Pieces an application may send without letting others run."""

_BODILESS: Final = (204, 304)

_FRAMING: Final = frozenset(
    (b"content-length", b"transfer-encoding", b"connection", b"date")
)


class Wire(Protocol):
    """The connection, as one exchange sees it."""

    site: Site
    keep: bool
    """It may carry another request after this one."""

    def write(self, data: bytes) -> None: ...
    def is_writable(self) -> bool: ...
    async def writable(self) -> None: ...
    def resume(self) -> None: ...
    def proceed(self) -> None:
        """Say `100 Continue`."""
        ...

    def finished(self) -> None: ...
    def abandoned(self, flushed: bool) -> None:
        """The application left without an answer, or in the middle of it."""
        ...


class Cycle:
    """An exchange with the application. Never outlives its task and connection."""

    __slots__ = (
        "_begun",
        "_bodiless",
        "_body",
        "_buffered",
        "_chunked",
        "_expects",
        "_flushed",
        "_hangup",
        "_head",
        "_head_only",
        "_headers",
        "_left",
        "_minor",
        "_status",
        "_taken",
        "_turns",
        "_waiters",
        "_wire",
        "ended",
        "gone",
        "more",
        "task",
    )

    def __init__(self, wire: Wire, head: Head) -> None:
        self._wire = wire
        self._head = head
        self._minor = head.minor
        self._head_only = head.method == "HEAD"
        self._expects = head.expects
        self._body: list[bytes] = []
        self._buffered = 0
        self._taken = False
        self._waiters: list[asyncio.Future[None]] = []
        self._hangup: Callable[[], None] | None = None
        self._begun = self._flushed = self._chunked = self._bodiless = False
        self._status = self._turns = 0
        self._headers: Iterable[tuple[bytes, bytes]] = ()
        self._left = -1
        """Bytes that the answer still owes its content-length; -1: not counted."""
        self.more = False
        """The request body has not arrived whole."""
        self.ended = False
        """The answer is complete."""
        self.gone = False
        """The client is, or was sent away."""
        self.task: asyncio.Task[None] | None = None

    # The request.

    def feed(self, piece: bytes) -> bool:
        """A piece of the body has arrived; whether reading should pause."""
        self._body.append(piece)
        self._buffered += len(piece)
        if self._waiters:
            self._wake()
        return self._buffered > BODY_HIGH

    def close_body(self) -> None:
        """The body is whole."""
        self.more = False
        if self._waiters:
            self._wake()

    async def receive(self) -> Message:
        if not self._taken:
            while self.more and not self._body and not self.gone:
                if self._expects and not self._begun:
                    self._expects = False
                    self._wire.proceed()
                await self._wait()
            if not self.gone:
                return self._take()
        while not self.gone and not self.ended:
            await self._wait()
        return {"type": "http.disconnect"}

    def _take(self) -> Message:
        parts = self._body
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self.more:
            self._body = []
            self._buffered = 0
            self._wire.resume()
        else:
            self._body = []
            self._taken = True
        return {"type": "http.request", "body": body, "more_body": self.more}

    async def _wait(self) -> None:
        waiter = self._wire.site.loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    @property
    def headers(self) -> Fields:
        return self._head.headers

    @property
    def query(self) -> bytes:
        return self._head.query

    @property
    def note(self) -> object:
        return self._head.note

    @note.setter
    def note(self, note: object) -> None:
        self._head.note = note

    async def body(self) -> bytes | None:
        """The whole body; `None` when the client is gone."""
        if not self.more and not self.gone:  # it came with its head, mostly
            parts, self._body = self._body, []
            self._taken = True
            return parts[0] if len(parts) == 1 else b"".join(parts)
        pieces: list[bytes] = []
        while not self._taken:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message["body"])
        return b"".join(pieces)

    # The client's going.

    def watch(self, callback: Callable[[], None] | None) -> None:
        """The `routeiq.hangup` extension: `callback` is called once, synchronously,
        when the client is lost before the answer is complete; at once if it is."""
        if self.gone and callback is not None:
            callback()
        else:
            self._hangup = callback

    def hang_up(self) -> None:
        """The client is gone."""
        if self.gone or self.ended:
            return
        self.gone = True
        self._wake()
        callback, self._hangup = self._hangup, None
        if callback is not None:
            callback()

    # The answer.

    @property
    def flushed(self) -> bool:
        """Its head is on the wire: nothing else can be said instead."""
        return self._flushed

    async def send(self, message: Message) -> None:
        """Raises: ClientGone, so that nobody streams to no one without end."""
        if self.gone:
            raise ClientGone("the client is gone")
        if self.ended:
            return
        kind = message["type"]
        if kind == "http.response.body":
            self._send_body(message.get("body", b""), message.get("more_body", False))
            if not self.ended:
                await self._pace()
        elif kind == "http.response.start" and not self._begun:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"unexpected message {kind!r}")

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """The whole answer. Raises: ClientGone."""
        if self.gone:
            raise ClientGone("the client is gone")
        self._start(status, headers)
        if self._head_only or status in _BODILESS or len(body) >= _JOIN_BELOW:
            self._send_body(body, more=False)
            return
        # The same, straight.
        lines = [status_line(status), self._wire.site.date]
        lines += [b"%b: %b\r\n" % header for header in headers]
        lines.append(b"content-length: %d\r\n" % len(body))
        lines.append(self._persistence(more=False))
        self._flushed = True
        self._wire.write(_block(lines) + body)
        self._end()

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raises: ClientGone."""
        if self.gone:
            raise ClientGone("the client is gone")
        self._start(status, headers)

    async def write(self, data: bytes) -> None:
        """A piece of the body. Raises: ClientGone."""
        if self.gone:
            raise ClientGone("the client is gone")
        self._send_body(data, more=True)
        await self._pace()

    async def end(self) -> None:
        """Raises: ClientGone."""
        if self.gone:
            raise ClientGone("the client is gone")
        self._send_body(b"", more=False)

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        if not 200 <= status <= 999:
            raise RuntimeError(f"an answer cannot have status {status}")
        self._begun = True
        self._status = status
        self._headers = headers

    async def _pace(self) -> None:
        """Wait while the client does not read; let others run now and then."""
        self._turns += 1
        if not self._wire.is_writable():
            await self._wire.writable()
        elif not self._turns % FAIR:
            await asyncio.sleep(0)

    def _send_body(self, body: bytes, more: bool) -> None:
        if not self._begun:
            raise RuntimeError("the body comes before the head")
        head = b"" if self._flushed else self._encode_head(len(body), more)
        body = self._framed(body, more)
        self._flushed = True
        if len(body) < _JOIN_BELOW:
            body = head + body
        elif head:
            self._wire.write(head)
        if body:
            self._wire.write(body)
        if not more:
            self._end()

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            return body if more else body + b"0\r\n\r\n"
        if self._left >= 0:
            left = self._left - len(body)
            if left < 0 or (left and not more):
                raise RuntimeError("the body's length is not its content-length")
            self._left = left
        elif self._bodiless:
            return b""
        return body

    def _encode_head(self, size: int, more: bool) -> bytes:
        """Status line and headers; settles how the body is framed."""
        site = self._wire.site
        lines = [status_line(self._status), site.date]
        self._bodiless = self._head_only or self._status in _BODILESS
        length = -1
        for header in self._headers:
            name, value = header[0].lower(), header[1]
            if name not in _FRAMING:
                lines.append(b"%b: %b\r\n" % (name, value))
            elif name == b"content-length":
                length = _length(length, value)
            elif name == b"date":
                lines[1] = b"date: %b\r\n" % value
            elif name == b"connection" and b"close" in value.lower():
                self._wire.keep = False
        lines.append(self._frame(length, size, more))
        lines.append(self._persistence(more))
        return _block(lines)

    def _frame(self, length: int, size: int, more: bool) -> bytes:
        """The header that frames the body. `length`: what the application said, or
        -1; `size`: of the body's first piece."""
        if self._bodiless:
            # Of what is not sent, only a length the application knows is told.
            if length < 0 and self._head_only:
                length = size or -1
            if length < 0 or self._status == 204:
                return b""
        elif length >= 0 or not more:
            length = self._left = length if length >= 0 else size
        elif self._minor:
            self._chunked = True
            return b"transfer-encoding: chunked\r\n"
        else:
            self._wire.keep = False
            return b""
        return b"content-length: %d\r\n" % length

    def _persistence(self, more: bool) -> bytes:
        wire = self._wire
        if wire.site.state.draining or (self.more and not more):
            wire.keep = False
        if not wire.keep:
            return b"connection: close\r\n"
        return b"" if self._minor else b"connection: keep-alive\r\n"

    def _end(self) -> None:
        self.ended = True
        self._hangup = None
        if self._waiters:
            self._wake()
        self._wire.finished()

    async def run(self, work: Awaitable[None]) -> None:
        """The task: the application's work, and what follows when it fails."""
        site = self._wire.site
        try:
            await work
        except Exception:
            if self.gone:
                log.debug("an exchange ended with its client", exc_info=True)
            else:
                log.exception("the application failed")
        finally:
            site.cycles.discard(self)
            if not self.ended and not self.gone:
                self.gone = True
                self._wire.abandoned(self._flushed)


def _block(lines: list[bytes]) -> bytes:
    """A head of these lines, some of them empty."""
    lines.append(b"\r\n")
    block = b"".join(lines)
    count = len(lines) - lines.count(b"")
    if not block.count(b"\n") == block.count(b"\r") == count or b"\0" in block:
        raise RuntimeError("a header holds a line end or a NUL")
    return block


def _length(before: int, value: bytes) -> int:
    if before >= 0 or not value.isdigit():
        raise RuntimeError("the content-length is not one whole number")
    return int(value)


def scope_of(
    cycle: Cycle, head: Head, wire_facts: tuple[str, Any, Any], site: Site
) -> Scope:
    """The ASGI scope; `wire_facts` are scheme, client and server."""
    scheme, client, server = wire_facts
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1" if head.minor else "1.0",
        "method": head.method,
        "scheme": scheme,
        "path": head.path,
        "raw_path": head.raw_path,
        "query_string": head.query,
        "root_path": "",
        "headers": head.headers,
        "client": client,
        "server": server,
        "state": site.scope_state.copy(),
        "extensions": {"routeiq.hangup": cycle.watch},
    }
