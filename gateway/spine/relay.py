"""Pump a stream to the client, and keep count on the way."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from adapters.contract import Encoder
from adapters.errors import UpstreamError
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    Failed,
    Frame,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    Used,
)
from gateway.errors import tell
from gateway.spine.attempt import Stream
from gateway.spine.book import Try
from gateway.spine.exchange import Exchange

MAX_KEPT: Final = 4 * 1024 * 1024
"""Bytes of a streamed answer that are kept for the record."""

Write = Callable[[bytes], Awaitable[None]]
"""Hands bytes to the client; waits while it does not read."""


async def relay(
    exchange: Exchange, stream: Stream, encoder: Encoder, write: Write
) -> UpstreamError | None:
    """Everything the stream says, in the client's dialect, to its proper end.

    A stream that breaks ends in the dialect's own error event; its error is given
    back. The book of the attempt is closed either way.
    """
    frames: Sequence[Frame] = stream.frames
    while True:
        error = note(exchange, stream, frames)
        if error is not None:
            frames = frames[:-1]
        if frames:
            out = encoder.frames(frames)
            frames = ()  # not kept while a client takes its time to read
            if out:
                await _hand(exchange, out, write)
        if error is None and stream.ended:
            await _hand(exchange, encoder.close(), write)
            stream.book.served()
            return None
        if error is None:
            try:
                frames = await stream.read()
            except UpstreamError as broken:
                frames, error = (), broken
        if error is not None:
            stream.book.failed(error)
            out = encoder.error(tell(error, exchange.request_id))
            await _hand(exchange, out, write)
            return error


async def _hand(exchange: Exchange, out: bytes, write: Write) -> None:
    if not out:
        return
    exchange.chunks += 1
    exchange.response_bytes += len(out)
    if exchange.content and len(exchange.response) < MAX_KEPT and _is_text(exchange):
        exchange.response += out
    await write(out)


def _is_text(exchange: Exchange) -> bool:
    return exchange.call is not None and exchange.call.events


def note(
    exchange: Exchange, stream: Stream, frames: Sequence[Frame]
) -> UpstreamError | None:
    """Count what the frames say; the error that ends them, if one does."""
    for frame in frames:
        for delta in frame.deltas:
            kind = type(delta)
            if kind is Failed:
                return delta.error  # type: ignore[union-attr]
            counted = _COUNT.get(kind)
            if counted is not None:
                counted(exchange, stream.book, delta)
    if not exchange.first_token:
        exchange.first_token = time.monotonic()
    return None


def _text(_: Exchange, book: Try, delta: Any) -> None:
    book.output_chars += len(delta.text)


def _arguments(_: Exchange, book: Try, delta: Any) -> None:
    book.output_chars += len(delta.arguments)


def _transcript(_: Exchange, book: Try, delta: Any) -> None:
    book.output_chars += len(delta.transcript)


def _used(exchange: Exchange, book: Try, delta: Any) -> None:
    book.usage = exchange.usage = delta.usage


def _stop(exchange: Exchange, _: Try, delta: Any) -> None:
    exchange.stop.append(delta.reason)


def _begin(exchange: Exchange, book: Try, delta: Any) -> None:
    exchange.served_model = delta.model or exchange.served_model
    exchange.response_id = delta.id or exchange.response_id
    if delta.usage is not None:
        book.usage = exchange.usage = delta.usage


_COUNT: Final[dict[type, Callable[[Exchange, Try, Any], None]]] = {
    TextDelta: _text,
    ThinkDelta: _text,
    RefusalDelta: _text,
    ToolDelta: _arguments,
    AudioDelta: _transcript,
    Used: _used,
    Stop: _stop,
    Begin: _begin,
}
