"""Our pools behind httpx's own interface, for everything that is not the hot path."""

import math
from collections.abc import AsyncIterator
from typing import Final, Protocol

import httpx

from adapters.contract import Headers
from adapters.errors import BadRequest, Garbled, Timeout, Unreachable, UpstreamError
from gateway.net.address import Origin
from gateway.net.detour import Detours
from gateway.net.head import Prepared, locate
from gateway.net.limits import Limits
from gateway.net.reply import Reply
from gateway.net.upload import Upload, framed

DAY_S: Final = 86_400.0
"""For a limit that httpx was told not to have."""


class Carrier(Protocol):
    """What a transport needs of the client."""

    cap: int
    detours: Detours

    async def exchange(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        limits: Limits,
        deadline: float,
        *,
        bodiless: bool = False,
        upload: AsyncIterator[bytes] | None = None,
    ) -> Reply: ...


class PooledTransport(httpx.AsyncBaseTransport):
    """For an `httpx.AsyncClient`; closing it leaves the client and its pools alone.

    Content codings are taken off here, bounded, and no longer told of in the headers.
    A body that is no event stream may have `egress.max_response_bytes`.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._handle(request)
        except UpstreamError as error:
            raise _told(error, request) from error

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        carrier = self._carrier
        origin, target = locate(str(request.url))
        if carrier.detours.takes(origin):
            transport = await carrier.detours.transport(origin)
            return await transport.handle_async_request(request)
        prepared = Prepared(request.method, origin, target, _headers(request))
        body, upload, size = b"", None, None
        if isinstance(request.stream, httpx.ByteStream):
            body = b"".join([piece async for piece in request.stream])
            size = len(body)
        else:
            told = request.headers.get("content-length", "")
            size = int(told) if told.isdecimal() else None
            upload = framed(Upload(_pieces(request.stream), size))
        reply = await carrier.exchange(
            origin,
            prepared.head((), (), size),
            body,
            _limits(request),
            math.inf,
            bodiless=request.method == "HEAD",
            upload=upload,
        )
        return httpx.Response(
            reply.status,
            headers=list(reply.headers),
            stream=_Body(reply, request, _cap(reply, carrier.cap)),
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.AsyncByteStream):
    """The pieces of an answer as they come."""

    def __init__(self, reply: Reply, request: httpx.Request, cap: float) -> None:
        self._reply = reply
        self._request = request
        self._cap = cap

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            while data := await self._reply.read():
                size += len(data)
                if size > self._cap:
                    raise Garbled(f"the body is larger than {self._cap} bytes")
                yield data
        except UpstreamError as error:
            raise _told(error, self._request) from error

    async def aclose(self) -> None:
        self._reply.close()


def _cap(reply: Reply, cap: int) -> float:
    for name, value in reply.headers:
        if name == b"content-type" and value.lower().startswith(b"text/event-stream"):
            return math.inf
    return cap


def _headers(request: httpx.Request) -> Headers:
    """Its headers, asking for no coding that we could not take off."""
    headers = []
    for name, value in request.headers.raw:
        key = name.lower()
        if key == b"accept-encoding" and value != b"identity":
            headers.append((key, b"gzip, deflate"))
        else:
            headers.append((key, value))
    return tuple(headers)


def _limits(request: httpx.Request) -> Limits:
    told = request.extensions.get("timeout", {})
    read = told.get("read")
    connect = [each for each in (told.get("connect"), told.get("pool")) if each]
    return Limits(
        min(connect, default=DAY_S),
        DAY_S if read is None else read,
        DAY_S if read is None else read,
    )


async def _pieces(
    stream: httpx.AsyncByteStream | httpx.SyncByteStream,
) -> AsyncIterator[bytes]:
    if not isinstance(stream, httpx.AsyncByteStream):
        raise BadRequest("a body that cannot be read asynchronously")
    async for piece in stream:
        yield piece


def _told(error: UpstreamError, request: httpx.Request) -> httpx.TransportError:
    """What an error of ours says, in httpx's words."""
    kind: type[httpx.TransportError]
    match error:
        case Timeout(code="connect", type="pool"):
            kind = httpx.PoolTimeout
        case Timeout(code="connect"):
            kind = httpx.ConnectTimeout
        case Timeout():
            kind = httpx.ReadTimeout
        case Unreachable(code="dns" | "blocked" | "connect" | "tls"):
            kind = httpx.ConnectError
        case Unreachable(code="reset"):
            kind = httpx.ReadError
        case BadRequest():
            kind = httpx.LocalProtocolError
        case _:
            kind = httpx.RemoteProtocolError
    return kind(error.message, request=request)
