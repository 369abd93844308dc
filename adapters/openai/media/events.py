"""Streams of media: events that name their own type, in and out.

OpenAI's events of pictures, speech and transcripts all are JSON with a `type`; the last
kind of event of each grammar is its terminator, `[DONE]` may follow.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from adapters.contract import Told
from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing import sse
from adapters.normal.delta import Delta, Frame
from adapters.openai import errors, wire

MAX_EVENT: Final = 64 * 1024 * 1024
"""Bytes of one event: it may hold a picture."""

Json = dict[str, Any]
Read = Callable[[str, Json], tuple[tuple[Delta, ...], bool]]
"""(type, event) -> what it means, and whether an answer is complete with it."""


class EventDecoder(Reading):
    """One stream off the wire."""

    __slots__ = ("_complete", "_events", "_read")

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self._events = sse.Splitter(MAX_EVENT)
        self._complete = False

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.feed(data)))

    def _finish(self, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, map(sse.ended, self._events.close())))
        if not self._complete:
            raise Garbled("the stream ended before the answer did")

    def _frame(self, event: sse.Event) -> Frame:
        data = event.data
        if not data or data.strip() == b"[DONE]":
            return Frame(event.raw)
        if event.name == b"error":
            raise errors.event(event.name, data)
        try:
            body = wire.value.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise Garbled(f"an event cannot be read: {error}") from error
        if told := errors.inside(body, data):
            raise told
        if not isinstance(body, dict):
            return Frame(event.raw)
        kind = body.get("type")
        try:
            deltas, ends = self._read(kind if isinstance(kind, str) else "", body)
        except (TypeError, ValueError, KeyError) as error:
            raise Garbled(f"an event of {kind} cannot be read: {error}") from error
        self._complete = self._complete or ends
        return Frame(event.raw, deltas)


class EventEncoder(ABC):
    """Frames -> a stream. A subclass writes what has no bytes of its own."""

    content_type = "text/event-stream"

    def __init__(self, *, relay: bool) -> None:
        self._relay = relay

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The bytes for these frames."""
        if self._relay:
            return b"".join([frame.raw for frame in frames])
        return b"".join(self.write(d) for frame in frames for d in frame.deltas)

    @abstractmethod
    def write(self, delta: Delta) -> bytes:
        """One delta."""

    @abstractmethod
    def end(self) -> bytes:
        """The last event."""

    def close(self) -> bytes:
        """The proper end."""
        return b"" if self._relay else self.end()

    def error(self, told: Told) -> bytes:
        """An error event; nothing follows."""
        return sse.write(errors.write(told), b"error")


def event(kind: str, **members: Any) -> bytes:
    """One event, named after its type, as OpenAI sends them."""
    return sse.write(wire.encode({"type": kind, **members}), kind.encode())
