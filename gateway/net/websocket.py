"""A WebSocket to a provider: RFC 6455 by wsproto, over our own dialer and guard.

Messages come whole. What its reader does not fetch stops the connection from being
read, and sending waits while the other side does not read.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from adapters.contract import Headers, WireResponse
from adapters.errors import BadRequest, Garbled, Timeout, Unreachable, UpstreamError
from gateway.net.address import Origin
from gateway.net.dial import Dialer
from gateway.net.head import checked

HIGH_WATER: Final = 1024 * 1024
"""Bytes of messages that wait for their reader before the sender is made to wait."""
MAX_REFUSAL: Final = 256 * 1024
"""Bytes of an answer that is no upgrade."""
CLOSE_S: Final = 2.0
"""How long a close may take to be answered."""
NORMAL: Final = 1000
TOO_BIG: Final = 1009
LOST: Final = 1006
"""The connection ended without a close frame (never sent)."""


class Closed(NamedTuple):
    """The end, as the other side told it."""

    code: int
    reason: str


class Rejected(Exception):
    """An answer to the handshake that is no upgrade."""

    def __init__(self, response: WireResponse) -> None:
        super().__init__(f"status {response.status}")
        self.response = response


class Socket(asyncio.Protocol):
    """See the module. Whoever got it closes it."""

    def __init__(self, max_message: int, gone: Callable[["Socket"], None]) -> None:
        self.subprotocol: str | None = None
        """The one the provider chose."""
        self.closed: Closed | None = None
        self._max_message = max_message
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._upgraded = False
        self._handshake: asyncio.Future[None] = self._loop.create_future()
        self._refusal: tuple[int, Headers] = (0, ())
        self._refused = bytearray()
        self._pieces: list[str | bytes | bytearray] = []
        self._size = 0
        self._messages: deque[str | bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._lost = self._loop.create_future()
        self._transport: asyncio.Transport

    async def open(
        self, origin: Origin, target: str, headers: Headers, protocols: Sequence[str]
    ) -> None:
        """The handshake. No time limit of its own.

        Raises:
            Rejected: the provider answered, but would not.
            BadRequest: a header that cannot be sent.
            Unreachable, Garbled: the connection or the answer broke.
        """
        request = Request(
            host=origin.authority,
            target=target,
            extra_headers=list(checked(headers)),
            subprotocols=list(protocols),
        )
        try:
            self._transport.write(self._ws.send(request))
        except LocalProtocolError as error:
            raise BadRequest(f"the handshake cannot be sent: {error}") from None
        await self._handshake

    @property
    def ready(self) -> bool:
        """The handshake went well, and it has not ended."""
        return self._upgraded and self.closed is None

    async def send(self, message: str | bytes) -> None:
        """A whole message; returns when there is room for another. What is sent after
        the end goes nowhere."""
        event: Event
        if isinstance(message, str):
            event = TextMessage(data=message)
        else:
            event = BytesMessage(data=message)
        self._say(event)
        if self._room is not None:
            await asyncio.shield(self._room)

    async def receive(self) -> str | bytes | Closed:
        """The next message, or how it ended; from then on always that."""
        while not self._messages:
            if self.closed is not None:
                return self.closed
            self._reader = self._loop.create_future()
            await self._reader
        message = self._messages.popleft()
        self._waiting -= len(message)
        if self._paused and self._waiting <= HIGH_WATER // 2:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return message

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say that it is over, and let go once the provider has answered."""
        self._say(CloseConnection(code=code, reason=reason))
        if self._paused and not self._transport.is_closing():
            self._transport.resume_reading()
        await asyncio.wait((self._lost,), timeout=CLOSE_S)
        self.abort()

    def abort(self) -> None:
        """Let go at once."""
        self._end(LOST, "")
        self._transport.abort()

    # --- the transport's side -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._hear(event)
        except (RemoteProtocolError, LocalProtocolError) as error:
            self._fail(Garbled(f"not a WebSocket: {error}"))
            self._end(1002, "the provider broke the protocol")
            self._transport.abort()
        if self._waiting > HIGH_WATER and not self._paused and self.closed is None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Half of a connection is none: the transport closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        why = f": {exc}" if exc is not None else ""
        code = "closed" if exc is None else "reset"
        self._fail(
            Unreachable(f"the connection ended in its handshake{why}", code=code)
        )
        self._end(LOST, "")
        self.resume_writing()
        if not self._lost.done():
            self._lost.set_result(None)
        self._gone(self)

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # --- events -------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        match event:
            case Message():
                self._take(event)
            case Ping():
                self._say(event.response())
            case CloseConnection(code=code, reason=reason):
                self._end(int(code), reason or "")
                self._say(event.response())
                self._transport.close()
            case AcceptConnection(subprotocol=subprotocol):
                self.subprotocol = subprotocol
                self._upgraded = True
                if not self._handshake.done():
                    self._handshake.set_result(None)
            case RejectConnection():
                headers = tuple((n.lower(), v) for n, v in event.headers)
                self._refusal = (event.status_code, headers)
                if not event.has_body:
                    self._reject()
            case RejectData(data=data, body_finished=finished):
                self._refused += data
                if finished or len(self._refused) > MAX_REFUSAL:
                    self._reject()

    def _take(self, event: Message[Any]) -> None:
        self._pieces.append(event.data)
        self._size += len(event.data)
        if self._size > self._max_message:
            self._end(TOO_BIG, f"a message of more than {self._max_message} bytes")
            self._say(CloseConnection(code=TOO_BIG))
            self._transport.close()
        elif event.message_finished:
            self._messages.append(_joined(self._pieces))
            self._waiting += self._size
            self._pieces, self._size = [], 0
            self._wake()

    def _say(self, event: Event) -> None:
        try:
            data = self._ws.send(event)
        except LocalProtocolError:
            return  # it is over: there is nobody to tell
        if not self._transport.is_closing():
            self._transport.write(data)

    def _reject(self) -> None:
        status, headers = self._refusal
        body = bytes(self._refused[:MAX_REFUSAL])
        self._fail(Rejected(WireResponse(status, headers, body)))
        self._transport.abort()

    def _fail(self, error: UpstreamError | Rejected) -> None:
        if not self._handshake.done():
            self._handshake.set_exception(error)
            self._handshake.exception()  # whoever waits gets it; often nobody does

    def _end(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = Closed(code, reason)
            self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


async def opened(
    dialer: Dialer,
    shake: Callable[[Socket], Awaitable[None]],
    sockets: set[Socket],
    connect_s: float,
    max_message: int,
) -> Socket:
    """A socket, dialled and its handshake done; one of `sockets` until it is lost.

    Raises:
        Timeout: code `connect`, when all that takes longer than `connect_s`.
        Rejected, Unreachable, Garbled, BadRequest: as `Socket.open` and the dialer do.
    """
    made = None
    try:
        async with asyncio.timeout(connect_s):
            made = await dialer.dial(partial(Socket, max_message, sockets.discard))
            sockets.add(made)
            await shake(made)
    except TimeoutError:
        raise Timeout(f"no WebSocket in {connect_s:.3g} s", code="connect") from None
    finally:
        if made is not None and not made.ready:
            made.abort()
    return made


def _joined(pieces: Sequence[str | bytes | bytearray]) -> str | bytes:
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if len(texts) == len(pieces):
        return "".join(texts)
    return b"".join(piece for piece in pieces if not isinstance(piece, str))
