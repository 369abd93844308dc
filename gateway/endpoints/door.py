"""The door that every model call comes through, whatever its dialect."""

import asyncio
import codecs
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from adapters.contract import Dialect, Headers, Hint, Operation
from adapters.errors import BadCall
from gateway.endpoints.reply import Reply
from gateway.net.link import AsgiLink, Fields, Link
from gateway.spine.admit import presented
from gateway.spine.begin import begin
from gateway.spine.dispatch import Dispatch, Outlet
from gateway.spine.exchange import Exchange
from gateway.telemetry.context import Propagation

MAX_MEMBERS: Final = 200_000
"""Members that the objects of one body may have together."""
SHORTEST: Final = 5
"""Bytes of the shortest member and its comma: `"":0,`."""
PIECE: Final = 64 * 1024
_utf_8: Final = codecs.getincrementaldecoder("utf-8")


class Client(Outlet, Protocol):
    """The client's end of an exchange."""

    over: bool
    """Everything was said: a client that leaves now has its answer."""


Prepare = Callable[[bytes], Awaitable[bytes]]


class Door:
    """One dialect and operation under one route; an ASGI endpoint."""

    def __init__(
        self,
        dispatch: Dispatch,
        propagation: Propagation,
        dialect: Dialect,
        operation: Operation,
        route: str,
        forwarded: frozenset[bytes] = frozenset(),
        *,
        forms: bool = False,
    ) -> None:
        self._dispatch = dispatch
        self._propagation = propagation
        self._dialect = dialect
        self._operation = operation
        self._route = route
        self._forwarded = forwarded
        """Client headers that the dialect may hand on to its own providers."""
        self._forms = forms
        """Whether bodies may be multipart/form-data."""
        self._plain = Hint(operation=operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A call whose body says everything, through ASGI."""
        await self.direct(AsgiLink(scope, receive, send))

    async def direct(self, link: Link) -> None:
        """A call whose body says everything."""
        asked = link.note
        if not isinstance(asked, _Asked):
            asked = self._read(link, self.hint(link.headers))
            if not self._forms:  # whose hints tell the time
                link.note = asked
        exchange = self._begin(asked.headers)
        await self.run(link, exchange, asked.hint, Reply(link), key=asked.key)

    def serve(self, link: Link, hint: Hint) -> Awaitable[None]:
        """A call of which the path has told `hint`."""
        return self.run(link, self.exchange(link), hint, Reply(link))

    def exchange(self, link: Link) -> Exchange:
        """The exchange that a request opens."""
        return self._begin(dict(link.headers))

    def _begin(self, headers: dict[bytes, bytes]) -> Exchange:
        return begin(
            headers, self._propagation, self._route, self._dialect, self._operation
        )

    def _read(self, link: Link, hint: Hint) -> "_Asked":
        headers = dict(link.headers)
        return _Asked(headers, presented(headers, query_key(link.query)), hint)

    async def run(
        self,
        link: Link,
        exchange: Exchange,
        hint: Hint,
        reply: Client,
        prepare: Prepare | None = None,
        *,
        key: bytes | None = None,
    ) -> None:
        """The way of an exchange. `prepare` may change the body, when it is known who
        asks; `key` is what the client presents, where that was read already."""

        def hang_up() -> None:
            if reply.over:
                return  # servers say so after every answer, too
            exchange.hung_up = True
            if link.task is not None:
                link.task.cancel()

        async def read() -> bytes:
            body = await link.body()
            if body is None:
                exchange.hung_up = True
                raise asyncio.CancelledError
            link.watch(hang_up)
            if hint.content_type[:10].lower() != b"multipart/":
                _check(body)
            return body if prepare is None else await prepare(body)

        if key is None:
            key = presented(exchange.headers, query_key(link.query))
        try:
            await self._dispatch.serve(exchange, key, read, hint, reply)
        finally:
            link.watch(None)
            if exchange.hung_up and link.task is not None:
                # The cancellation has done its work; the server's own code goes on.
                while link.task.cancelling():
                    link.task.uncancel()

    def hint(self, headers: Fields) -> Hint:
        """What the headers tell of a call."""
        forwarded = self._forward(headers)
        if self._forms:
            return Hint(
                operation=self._operation,
                headers=forwarded,
                content_type=dict(headers).get(b"content-type", b""),
                received=int(time.time()),
            )
        if not forwarded:
            return self._plain
        return Hint(operation=self._operation, headers=forwarded)

    def _forward(self, headers: Fields) -> Headers:
        if not self._forwarded:
            return ()
        return tuple([h for h in headers if h[0] in self._forwarded])


class _Asked(NamedTuple):
    """What headers and path say of a call."""

    headers: dict[bytes, bytes]
    key: bytes
    hint: Hint


def _check(body: bytes) -> None:
    """Raises `BadCall` for what no reader of JSON should be given."""
    _bound(body)
    if not body.isascii():
        _check_utf_8(body)


def _bound(body: bytes) -> None:
    """Raises `BadCall` for more members than any call has: each costs far more time to
    read than its bytes to send. Counted only where there can be as many."""
    if len(body) < SHORTEST * MAX_MEMBERS or body.count(b":") <= MAX_MEMBERS:
        return
    plain = body
    if b"\\" in body:  # text that quotes JSON has no members of its own
        plain = plain.replace(rb"\\", b"").replace(rb"\"", b"")
    if plain.count(b'":') <= MAX_MEMBERS:
        plain = plain.translate(None, b" \t\r\n")
    if plain.count(b'":') > MAX_MEMBERS:
        raise BadCall(f"the body has more than {MAX_MEMBERS} members")


def _check_utf_8(body: bytes) -> None:
    """Raises `BadCall` for what is not (RFC 8259 section 8.1): what is handed on as it
    came is not looked into, and readers differ in what they make of it."""
    decoder = _utf_8()
    view = memoryview(body)
    try:
        for at in range(0, len(body), PIECE):
            decoder.decode(view[at : at + PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BadCall("the body is not UTF-8") from None


def query_key(query: bytes) -> bytes:
    """`?key=`, as Google's clients may send it."""
    if not query or b"key=" not in query:
        return b""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"key":
            return unquote_to_bytes(value.replace(b"+", b" "))
    return b""
