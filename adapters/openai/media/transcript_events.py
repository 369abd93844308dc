"""Streamed transcripts: text as it is understood, segments as they end."""

from typing import Final

from msgspec import Raw

from adapters.errors import Garbled
from adapters.normal.audio import Segment, TranscribeCall
from adapters.normal.delta import (
    Delta,
    Failed,
    Frame,
    LogprobDelta,
    SegmentDelta,
    TextDelta,
    Used,
)
from adapters.normal.usage import Usage
from adapters.openai import wire
from adapters.openai.media import used
from adapters.openai.media.events import EventDecoder, EventEncoder, Json, Read, event
from adapters.openai.media.transcripts import length, segment

_EVENTS: Final = (b"data:", b"event:", b":", b"id:", b"retry:", b"\n", b"\r\n")
"""How a stream of events begins."""
_LONGEST: Final = max(map(len, _EVENTS))
MAX_TEXT: Final = 16 * 1024 * 1024
"""Bytes of a transcript that is not streamed after all."""


class TranscriptDecoder:
    """One stream off the wire. Whisper ignores `stream` and answers whole: JSON, which
    whoever reads the type hears of, or plain text, which is told apart here."""

    __slots__ = ("_call", "_events", "_head", "_is_text")

    def __init__(self, call: TranscribeCall) -> None:
        self._call = call
        self._events = EventDecoder(_reader())
        self._head = b""
        self._is_text: bool | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`."""
        if self._is_text is False:
            return self._events.feed(data)
        self._head += data
        if self._is_text is None:
            head = self._head.removeprefix(b"\xef\xbb\xbf")
            if len(head) < _LONGEST and any(e.startswith(head) for e in _EVENTS):
                return []
            self._is_text = not head.startswith(_EVENTS)
        if not self._is_text:
            head, self._head = self._head, b""
            return self._events.feed(head)
        if len(self._head) > MAX_TEXT:
            self._is_text = False
            self._head = b""
            return [Frame(deltas=(Failed(Garbled("the transcript has no end")),))]
        return []

    def close(self) -> list[Frame]:
        """The last frames."""
        if not self._is_text or not self._head.strip():
            return self._events.close()
        deltas: list[Delta] = [TextDelta(self._head.decode("utf-8", "replace"))]
        usage = length(self._call, None)
        if usage is not None:
            deltas.append(Used(usage))
        out = TranscriptEncoder(self._call, relay=False)
        raw = b"".join(map(out.write, deltas)) + out.end()
        return [Frame(raw, tuple(deltas))]


def _reader() -> Read:
    said = False

    def read(kind: str, body: Json) -> tuple[tuple[Delta, ...], bool]:
        nonlocal said
        if kind == "transcript.text.delta":
            said = True
            return (TextDelta(str(body["delta"])), *_logprobs(body)), False
        if kind == "transcript.text.segment":
            return (SegmentDelta(segment(body)),), False
        if kind != "transcript.text.done":
            return (), False
        usage = used.read(body.get("usage"))
        last: tuple[Delta, ...] = () if said else (TextDelta(str(body["text"])),)
        return ((*last, Used(usage)) if usage is not None else last), True

    return read


def _logprobs(body: Json) -> tuple[Delta, ...]:
    found = body.get("logprobs")
    return (LogprobDelta(Raw(wire.encode(found))),) if found else ()


class TranscriptEncoder(EventEncoder):
    """A transcript as events; segments where the client wants to know who spoke."""

    def __init__(self, call: TranscribeCall, *, relay: bool) -> None:
        super().__init__(relay=relay)
        self._diarized = call.format == "diarized_json"
        self._text: list[str] = []
        self._segments = 0
        self._usage: Usage | None = None

    def write(self, delta: Delta) -> bytes:
        """One delta."""
        match delta:
            case TextDelta():
                self._text.append(delta.text)
                return event("transcript.text.delta", delta=delta.text)
            case SegmentDelta() if self._diarized:
                return self._segment(delta.segment)
            case Used():
                self._usage = delta.usage
        return b""

    def _segment(self, told: Segment) -> bytes:
        at, self._segments = self._segments, self._segments + 1
        return event(
            "transcript.text.segment",
            id=told.id or f"seg_{at}",
            start=told.start,
            end=told.end,
            text=told.text,
            speaker=told.speaker or "A",
        )

    def end(self) -> bytes:
        """The whole text, and what it cost."""
        members: Json = {"text": "".join(self._text)}
        if self._usage is not None and self._usage.total:
            members["usage"] = used.of_speech(self._usage)
        return event("transcript.text.done", **members)
