"""The door of what is no model call: files, batches, pass-through.

A handler gets a `Visit`: who asks, what they sent, and how to answer. It is admitted,
recorded and told of errors as model calls are.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from adapters.contract import Dialect, Headers
from gateway.endpoints.door import query_key
from gateway.endpoints.reply import retry_after, served
from gateway.errors import Refused, tell
from gateway.govern.principal import Principal
from gateway.net.hangup import ClientGone, watch
from gateway.net.upload import Upload
from gateway.spine.admit import presented
from gateway.spine.begin import begin
from gateway.spine.dispatch import Dispatch
from gateway.spine.exchange import Exchange
from gateway.store.contract import StoreError
from gateway.telemetry.context import Propagation

_JSON: Final = (b"content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode


class Visit:
    """One request at such a door."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, exchange: Exchange, key: bytes
    ) -> None:
        self.scope = scope
        self.exchange = exchange
        self.key = key
        """As presented; never to be sent on."""
        self.method: str = scope["method"]
        self.headers: Headers = tuple(scope["headers"])
        self.parameters: dict[str, str] = scope.get("path_params", {})
        self.over = False
        """Everything was said: a client that leaves now has its answer."""
        self._receive = receive
        self._send = send
        self._begun = False
        self._unwatch: Callable[[], None] | None = None
        task = asyncio.current_task()
        assert task is not None
        self._task = task

    @property
    def principal(self) -> Principal:
        found = self.exchange.principal
        if found is None:
            raise LookupError("a visit must be admitted first")
        return found

    def header(self, name: bytes) -> str:
        return self.exchange.headers.get(name, b"").decode("latin-1")

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the query; of the same name the last one stands."""
        text = self.scope["query_string"].decode("latin-1")
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def origin(self) -> str:
        """Where the client reached us, for links in answers."""
        host = self.header(b"host")
        return f"{self.scope['scheme']}://{host}"

    # what was sent

    async def body(self) -> bytes:
        """The whole body; as large as the server lets through."""
        return b"".join([piece async for piece in self.pieces()])

    def upload(self) -> Upload:
        """The body as it comes."""
        told = self.exchange.headers.get(b"content-length", b"")
        return Upload(self.pieces(), int(told) if told.isdigit() else None)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The pieces of the body, once."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.exchange.hung_up = True
                raise asyncio.CancelledError
            more = message.get("more_body", False)
            if not more:
                self._unwatch = watch(self.scope, self._receive, self._hang_up)
            if piece := message.get("body", b""):
                yield piece
            if not more:
                return

    @property
    def has_body(self) -> bool:
        headers = self.exchange.headers
        size = headers.get(b"content-length", b"0")
        return b"transfer-encoding" in headers or size != b"0"

    # what is answered

    async def start(self, status: int, headers: Headers) -> None:
        """The head of an answer whose body follows in pieces."""
        self._begun = True
        self.exchange.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*served(self.exchange), *headers],
            }
        )

    async def write(self, data: bytes) -> None:
        await self._send(
            {"type": "http.response.body", "body": data, "more_body": True}
        )

    async def end(self) -> None:
        await self._last(b"")

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        size = (b"content-length", b"%d" % len(body))
        rest = tuple(h for h in headers if h[0] != b"content-length")
        await self.start(status, (*rest, size))
        await self._last(body)

    async def _last(self, body: bytes) -> None:
        self.over = True
        with suppress(ClientGone):
            await self._send({"type": "http.response.body", "body": body})

    async def json(self, value: Any, status: int = 200) -> None:
        """A whole answer of our own."""
        body = value if isinstance(value, bytes) else _encode(value)
        self.exchange.response_bytes = len(body)
        await self.whole(status, (_JSON,), body)

    async def refuse(self, exchange: Exchange, error: Exception) -> None:
        """An error, in the dialect of the exchange."""
        told = tell(error, exchange.request_id)
        exchange.status = told.status
        if self._begun:
            # Too late for words: a connection that is cut is no answer that ended.
            raise error
        headers: Headers = (_JSON,)
        if told.retry_after is not None:
            headers += retry_after(told.retry_after)
        await self.whole(told.status, headers, exchange.dialect.write_error(told))

    def _hang_up(self) -> None:
        if not self.over:
            self.exchange.hung_up = True
            self._task.cancel()

    def leave(self) -> None:
        """The exchange is over."""
        if self._unwatch is not None:
            self._unwatch()
        if self.exchange.hung_up:
            # The cancellation has done its work; the server's own code goes on.
            while self._task.cancelling():
                self._task.uncancel()


Handler = Callable[[Visit], Awaitable[None]]


Holder = Callable[[Visit], Awaitable[Principal | None]]
"""Who stands behind a visit that shows no key, but something else."""


class VisitDoor:
    """A handler under one route; an ASGI endpoint."""

    def __init__(
        self,
        dispatch: Dispatch,
        propagation: Propagation,
        dialect: Dialect,
        operation: str,
        route: str,
        handler: Handler,
        holder: Holder | None = None,
    ) -> None:
        self._dispatch = dispatch
        self._propagation = propagation
        self._dialect = dialect
        self._operation = operation
        self._route = route
        self._handler = handler
        self._holder = holder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = begin(
            dict(scope["headers"]),
            self._propagation,
            self._route,
            self._dialect,
            self._operation,
        )
        key = presented(exchange.headers, query_key(scope["query_string"]))
        visit = Visit(scope, receive, send, exchange, key)

        if self._holder is not None and not key:
            with suppress(Refused, StoreError):  # then it is nobody's
                holder = await self._holder(visit)
                if holder is not None:
                    exchange.admit(holder)

        async def work() -> None:
            await self._handler(visit)

        try:
            await self._dispatch.perform(exchange, key, work, visit.refuse)
        finally:
            visit.leave()


def missing(what: str, id: str) -> Refused:
    """What does not exist, or is another key's: the same words for both."""
    return Refused(
        404,
        "invalid_request_error",
        f"there is no {what} {id[:128]!r}",
        code="not_found",
    )
