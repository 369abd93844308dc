"""/v1/responses over WebSocket: `response.create` in, the events of its stream out.

Every message goes the way of a POST: admitted, routed, recorded, remembered. One is
answered at a time, in the order in which they came; a client that leaves ends the one
under way. Source: developers.openai.com, "WebSocket mode"; openai-python 3.54
(`responses.connect`).
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import Raw
from starlette.types import Receive, Scope, Send

from adapters import envelope
from adapters.errors import BadCall
from adapters.framing import sse
from adapters.registry import DIALECTS
from gateway.endpoints.door import query_key
from gateway.endpoints.realtime import Peer, upgrade
from gateway.endpoints.reply import retry_after
from gateway.errors import Refused, tell
from gateway.net.hangup import ClientGone
from gateway.net.link import Direct, Fields
from gateway.net.websocket import Closed
from gateway.spine.admit import identify, presented
from gateway.spine.dispatch import Dispatch

MOST_WAITING: Final = 16
"""Messages that may wait for their turn; whoever sends more is sent away."""
LONGEST_S: Final = 3600.0
"""How old a connection may be, but for the response that is under way; as at OpenAI."""
POLICY: Final = 1008
_TRUE: Final = Raw(b"true")
_DROPPED: Final = frozenset({"type", "background"})
_DIALECT: Final = DIALECTS["openai.responses"]
_encode: Final = msgspec.json.Encoder().encode


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    generate: bool | None = None
    stream_id: str | None = None


_event: Final = msgspec.json.Decoder(_Event).decode


class ResponsesSocket:
    """The endpoint; `door` is that of POST."""

    def __init__(self, door: Direct, dispatch: Dispatch) -> None:
        self._door = door
        self._dispatch = dispatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await upgrade(_DIALECT.write_error, send)
            return
        peer = Peer(receive, send)
        await receive()  # websocket.connect
        key = presented(dict(scope["headers"]), query_key(scope["query_string"]))
        try:
            await identify(self._dispatch.keyring, key)
        except Refused as refused:
            told = tell(refused)
            headers = [(b"content-type", b"application/json")]
            if told.retry_after is not None:
                headers += retry_after(told.retry_after)
            body = _DIALECT.write_error(told)
            await peer.reject(told.status, tuple(headers), body)
            return
        await peer.accept(None, ())
        await _Talk(self._door, peer, scope).run()


class _Talk:
    """One connection."""

    def __init__(self, door: Direct, peer: Peer, scope: Scope) -> None:
        self._door = door
        self._peer = peer
        self._scope = scope
        self._ends = time.monotonic() + LONGEST_S
        self._link: _Turn | None = None
        self._came: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._gone = False

    async def run(self) -> None:
        """Until the client leaves, or stays too long."""
        reader = asyncio.create_task(self._read())
        try:
            while (message := await self._next()) is not None:
                await self._answer(message)
        finally:
            reader.cancel()
            await asyncio.wait({reader})

    async def _next(self) -> str | bytes | None:
        """What is answered next; `None`: the client is gone, or is told to go."""
        message: str | bytes = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._ends - time.monotonic()):
                message = await self._came.get()
        if self._gone:
            return None
        if time.monotonic() >= self._ends:
            await self._peer.send(_late())
            await self._peer.close(POLICY, "the connection is too old")
            return None
        return message

    async def _read(self) -> None:
        """Reads on while a message is answered: who leaves is heard at once, and what
        they had waiting is nobody's."""
        while not isinstance(message := await self._peer.receive(), Closed):
            if self._came.qsize() >= MOST_WAITING:
                await self._peer.close(POLICY, "too many messages wait for their turn")
                break
            self._came.put_nowait(message)
        self._gone = True
        if self._link is not None:
            self._link.lose()
        self._came.put_nowait(b"")  # for who waits

    async def _answer(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        try:
            body = _body(data)
        except BadCall as bad:
            told = tell(bad)
            await self._peer.send(_error(told.status, _DIALECT.write_error(told)))
            return
        link = self._link = _Turn(self._peer, self._scope, body)
        try:
            await self._door.direct(link)
        except ClientGone:
            pass  # the reader knows, too
        finally:
            self._link = None


class _Turn:
    """A `Link`: one message and the events that answer it."""

    def __init__(self, peer: Peer, scope: Scope, body: bytes) -> None:
        self._peer = peer
        self._body = body
        self._events = sse.Splitter()
        self._lost = False
        self._callback: Callable[[], None] | None = None
        self.note: object = None
        self.headers: Fields = scope["headers"]
        self.query: bytes = scope["query_string"]
        self.task: asyncio.Task[None] | None = asyncio.current_task()

    def lose(self) -> None:
        """The client is gone."""
        self._lost = True
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    async def body(self) -> bytes | None:
        return None if self._lost else self._body

    def watch(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback
        if self._lost and callback is not None:
            self.lose()

    async def answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """Whole answers are errors only: every call asks for a stream."""
        await self._peer.send(_error(status, body))

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """A message has no head."""

    async def write(self, data: bytes) -> None:
        for event in self._events.feed(data):
            if event.data and event.data != b"[DONE]":
                await self._peer.send(event.data.decode())

    async def end(self) -> None:
        """The last event said so."""


def _body(data: bytes) -> bytes:
    """The body of a POST that asks the same.

    Raises:
        BadCall: the message asks for nothing that is served here.
    """
    try:
        told = _event(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"not an event: {error}") from None
    if told.type != "response.create":
        raise BadCall(f"there is no event {told.type[:64]!r} here", "type")
    if told.generate is False:
        raise BadCall("generate: nothing is prepared ahead here", "generate")
    if told.stream_id is not None:
        raise BadCall("stream_id: a connection has one stream here", "stream_id")
    return envelope.replace(data, {"stream": _TRUE}, _DROPPED | {"generate"})


def _error(status: int, body: bytes) -> str:
    """An error's body as an event: inside, and beside for SDKs that look there."""
    fault: dict[str, Any] = msgspec.json.decode(body)["error"]
    beside = {name: fault.get(name) for name in ("code", "message", "param")}
    event = {"type": "error", "sequence_number": 0, "status": status, "error": fault}
    return _encode({**event, **beside}).decode()


def _late() -> str:
    fault = {
        "type": "invalid_request_error",
        "code": "websocket_connection_limit_reached",
        "message": "a connection serves for an hour: open another one",
        "param": None,
    }
    return _error(400, _encode({"error": fault}))
