"""Streams of OpenAI-shaped providers -> frames, for any cut of the bytes.

Differs among vendors (2026): `[DONE]` may never come (Perplexity, Writer, GPUStack),
errors come as `event: error` (Groq), as a chunk with `error` (OpenRouter) or as a line
`error: {...}` (llama.cpp, GPUStack), usage may be repeated with every chunk.
"""

from typing import Final, Protocol

import msgspec

from adapters import envelope
from adapters.contract import Call
from adapters.errors import BadCall, Garbled, UpstreamError
from adapters.framing import sse
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Frame
from adapters.openai import errors, wire
from adapters.openai.chunks import ChatChunks, failed
from adapters.openai.text_chunks import TextChunks

DONE: Final = b"data: [DONE]\n\n"


class Chunks(Protocol):
    """Reads the chunks of one stream."""

    def read(self, data: bytes, raw: bytes) -> Frame:
        """One chunk. Raises `UpstreamError`."""
        ...

    def complete(self, n: int) -> bool:
        """Whether every choice came to its end."""
        ...

    def usage_chunk(self) -> bytes:
        """The usage that no chunk showed; empty without."""
        ...


class StreamDecoder:
    """One stream off the wire."""

    __slots__ = ("_call", "_chunks", "_events", "_over")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._events = sse.Splitter()
        self._over = False
        legacy = isinstance(call, ChatCall) and call.dialect == wire.COMPLETIONS
        self._chunks: Chunks = (
            TextChunks(call.model) if legacy else ChatChunks(call.model)
        )

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`; the last one may be `Failed`."""
        return [] if self._over else self._read(data)

    def _read(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        try:
            for event in self._events.feed(data):
                frames.append(self._frame(event))
                if self._over:
                    break
        except UpstreamError as error:
            frames += self._fail(error)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            frames += self._fail(Garbled(f"a chunk cannot be read: {error}"))
        return frames

    def close(self) -> list[Frame]:
        """The last frames; `Failed` when the answer has no end."""
        return [] if self._over else self._rest()

    def _rest(self) -> list[Frame]:
        frames: list[Frame] = []
        try:
            # `extend` keeps what came before an event that raises.
            frames.extend(map(self._frame, map(sse.ended, self._events.close())))
        except UpstreamError as error:
            return frames + self._fail(error)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return frames + self._fail(Garbled(f"a chunk cannot be read: {error}"))
        if self._over:
            return frames
        self._over = True
        if not self._chunks.complete(self._n()):
            return frames + failed(Garbled("the stream ended before the answer did"))
        if usage := self._usage():
            frames.append(Frame(usage))
        return frames

    def _frame(self, event: sse.Event) -> Frame:
        data = event.data
        if data.startswith(b"{") and not event.name:
            return self._chunks.read(data, event.raw)
        if event.name == b"error":
            raise errors.event(event.name, data)
        if not data:
            if event.raw.startswith(b"error:"):
                raise errors.event(b"error", event.raw.partition(b":")[2].strip())
            return Frame(event.raw)
        if data.strip() == b"[DONE]":
            self._over = True
            return Frame(self._usage() + event.raw)
        return self._chunks.read(data, event.raw)

    def _usage(self) -> bytes:
        if isinstance(self._call, ChatCall) and self._call.include_usage:
            return self._chunks.usage_chunk()
        return b""

    def _fail(self, error: UpstreamError) -> list[Frame]:
        self._over = True
        return failed(error)

    def _n(self) -> int:
        """How many choices were asked for."""
        if not isinstance(self._call, ChatCall) or b'"n"' not in self._call.raw:
            return 1
        try:
            asked = envelope.fields(self._call.raw).get("n")
            n = 1 if asked is None else wire.value.decode(asked)
        except (BadCall, msgspec.MsgspecError):
            return 1
        return n if isinstance(n, int) else 1
