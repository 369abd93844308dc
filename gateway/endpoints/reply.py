"""Answers and errors -> the client, in its dialect."""

import math
from contextlib import suppress
from typing import Final

import msgspec

from adapters.contract import Headers, HeadsErrors, Medium, Result
from adapters.errors import BadRequest, UpstreamError
from adapters.names import spoken
from gateway.deployments import header_text
from gateway.errors import row, tell
from gateway.net.hangup import ClientGone
from gateway.net.link import Link
from gateway.spine.attempt import Stream
from gateway.spine.exchange import Exchange
from gateway.spine.relay import Write, relay

_OPENAI: Final = "openai"
MAX_DROPPED: Final = 1024
"""Characters of the header that names what was dropped."""
_JSON: Final = (b"content-type", b"application/json")
_BYTES: Final = b"application/octet-stream"
_NO_STORE: Final = (b"cache-control", b"no-store")
_UNBUFFERED: Final = (b"x-accel-buffering", b"no")


class Reply:
    """The `Outlet` of one exchange."""

    __slots__ = ("_begun", "_link", "over")

    def __init__(self, link: Link) -> None:
        self._link = link
        self._begun = False
        self.over = False
        """Everything was said: a client that leaves now has its answer."""

    async def whole(self, exchange: Exchange, result: Result) -> None:
        call = exchange.call
        assert call is not None
        body = exchange.dialect.write_result(result, call)
        headers = served(exchange)
        if isinstance(body, Medium):
            body, kind = body
            headers.append((b"content-type", kind))
        else:
            headers.append(_JSON)
        if exchange.cost_nano:
            headers.append((b"x-routeiq-cost-usd", b"%.9f" % _usd(exchange)))
        exchange.status = 200
        exchange.response_bytes = len(body)
        if exchange.content:
            exchange.response += body
        await self._answer(200, headers, body)

    async def stream(self, exchange: Exchange, stream: Stream) -> UpstreamError | None:
        call = exchange.call
        assert call is not None
        encoder = exchange.dialect.write_stream(call, stream.source)
        headers = served(exchange)
        kind = encoder.content_type.encode() or stream.content_type or _BYTES
        headers += [
            (b"content-type", kind),
            _NO_STORE,
            _UNBUFFERED,
        ]
        if stream.book.ended and exchange.cost_nano:  # it was whole before it began
            headers.append((b"x-routeiq-cost-usd", b"%.9f" % _usd(exchange)))
        exchange.status = 200
        await self._link.begin(200, headers)
        self._begun = True
        error = await relay(exchange, stream, encoder, self._writer())
        if error is not None and not call.events:
            # It has no words to say so: the server cuts an answer without an end.
            return error
        self.over = True
        with suppress(ClientGone):  # it has all but the end
            await self._link.end()
        return error

    async def explained(self, exchange: Exchange, decision: bytes) -> None:
        exchange.status = 200
        exchange.response_bytes = len(decision)
        await self._answer(200, [*served(exchange), _JSON], decision)

    async def refuse(self, exchange: Exchange, error: Exception) -> None:
        told = tell(error, exchange.request_id)
        if told.param:
            param = spoken(told.param, exchange.dialect.name)
            told = msgspec.structs.replace(told, param=param)
        exchange.status = told.status
        if self._begun:
            # Too late for words: a connection that is cut is no answer that ended.
            raise error
        headers = served(exchange)
        headers.append(_JSON)
        if told.retry_after is not None:
            headers += retry_after(told.retry_after)
        if isinstance(exchange.dialect, HeadsErrors):
            headers += exchange.dialect.error_headers(told)
        body = _verbatim(exchange, error) or exchange.dialect.write_error(told)
        await self._answer(told.status, headers, body)

    def _writer(self) -> Write:
        """Where the pieces of a stream go."""
        return self._link.write

    async def _answer(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        self._begun = self.over = True
        await self._link.answer(status, headers, body)


def served(exchange: Exchange) -> list[tuple[bytes, bytes]]:
    """What every answer says of itself."""
    headers = [
        (b"x-request-id", exchange.request_id.encode()),
        (b"x-routeiq-id", exchange.id.encode()),
    ]
    deployment = exchange.served_by
    if deployment is not None:
        headers += deployment.served_headers
        headers.append((b"x-routeiq-attempts", b"%d" % exchange.tries))
    if exchange.dropped:
        headers.append((b"x-routeiq-dropped", _dropped(exchange.dropped)))
    if exchange.upstream_headers:
        headers += exchange.upstream_headers
    return headers


def _dropped(names: tuple[str, ...]) -> bytes:
    """Names of what was dropped; those that do not fit are counted."""
    said: list[str] = []
    room = MAX_DROPPED
    for name in names:
        room -= len(name) + 2
        if room < 0:
            said.append(f"+{len(names) - len(said)}")
            break
        said.append(name)
    return header_text(", ".join(said))


def _usd(exchange: Exchange) -> float:
    return (exchange.cost_nano or 0) / 1e9


def retry_after(seconds: float) -> Headers:
    """Whole seconds, rounded up; the milliseconds for SDKs that read them."""
    return (
        (b"retry-after", b"%d" % max(1, math.ceil(seconds))),
        (b"retry-after-ms", b"%d" % max(1, math.ceil(seconds * 1000))),
    )


def _verbatim(exchange: Exchange, error: Exception) -> bytes:
    """The provider's own error body, where the client speaks a dialect of the same
    family, which word errors alike, and the fault is the call's: the client's SDK knows
    best what to make of it."""
    family = exchange.dialect.name.partition(".")[0]
    if not isinstance(error, BadRequest) or error.dialect.partition(".")[0] != family:
        return b""
    try:
        said = msgspec.json.decode(error.body)
        fault = said["error"]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError):
        return b""
    if not isinstance(said, dict) or not isinstance(fault, dict):
        return b""
    wanted = row(error)
    if family != _OPENAI or (
        fault.get("type") and wanted.code in {None, fault.get("code")}
    ):
        return error.body
    # Those who copy OpenAI have words of their own where its clients look for these.
    fault["type"] = wanted.type
    if wanted.code is not None:
        fault["code"] = wanted.code
    return msgspec.json.encode(said)
