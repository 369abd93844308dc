"""A client's exchange as a door sees it: on our own server, or on any ASGI server.

Our server's exchanges are links themselves (`gateway.net.http1.cycle`): no scope is
made and no messages pass. `AsgiLink` makes one of ASGI's three.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from starlette.types import Receive, Scope, Send

from gateway.net.hangup import watch

Fields = Sequence[tuple[bytes, bytes]]


class Link(Protocol):
    """One request and its answer: `answer`, or `begin`, `write` and `end`, with headers
    in lower case that say nothing of framing."""

    note: object
    """What the door has worked out of headers and query: kept with them, and there
    again when the same come again."""

    @property
    def headers(self) -> Fields:
        """Lower-case names, in order; not to be changed. The content-length may be
        left out."""
        ...

    @property
    def query(self) -> bytes: ...

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """In which the exchange runs."""
        ...

    async def body(self) -> bytes | None:
        """The whole request body, capped by the server; `None`: the client left."""
        ...

    def watch(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` once when the client is lost; `None` ends that. To be called
        when the body was read."""
        ...

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """The whole answer. Raises as the server does for a client that is gone."""
        ...

    async def begin(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None: ...

    async def write(self, data: bytes) -> None:
        """A piece of the body; waits while the client does not read."""
        ...

    async def end(self) -> None: ...


class Direct(Protocol):
    """An endpoint that our server may call without a scope."""

    def direct(self, link: Link) -> Awaitable[None]: ...


class AsgiLink:
    """The exchange of an ASGI call."""

    __slots__ = (
        "_receive",
        "_scope",
        "_send",
        "_unwatch",
        "headers",
        "note",
        "query",
        "task",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._scope = scope
        self._unwatch: Callable[[], None] | None = None
        self.headers: Fields = scope["headers"]
        self.note: object = None
        self.query: bytes = scope["query_string"]
        self.task: asyncio.Task[None] | None = asyncio.current_task()

    async def body(self) -> bytes | None:
        pieces: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def watch(self, callback: Callable[[], None] | None) -> None:
        unwatch, self._unwatch = self._unwatch, None
        if unwatch is not None:
            unwatch()
        if callback is not None:
            self._unwatch = watch(self._scope, self._receive, callback)

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, [*headers, length])
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        await self._send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )

    async def write(self, data: bytes) -> None:
        await self._send(
            {"type": "http.response.body", "body": data, "more_body": True}
        )

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})
