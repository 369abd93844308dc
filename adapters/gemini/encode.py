"""A stream for Gemini clients: frames of any family -> events, or an array.

A client that asks for `alt=sse` gets events; one that does not, one JSON array whose
elements come one by one. Source: ai.google.dev/api/generate-content,
streamGenerateContent; cloud.google.com, standard query parameters.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from adapters.contract import Told
from adapters.framing.sse import Splitter, one_line
from adapters.gemini import citations, errors, logprobs, parts, reply
from adapters.gemini.stream import LARGEST
from adapters.gemini.wire import encode, is_object
from adapters.normal.chat import StopReason
from adapters.normal.content import Audio, Part, Text, Thinking, ToolUse
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Delta,
    Frame,
    LogprobDelta,
    PartDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage

EVENTS: Final = "text/event-stream"
ARRAY: Final = "application/json; charset=UTF-8"


def wants_events(query: str) -> bool:
    """Whether the query string asks for server-sent events."""
    if "alt" not in query:
        return False
    pairs = (pair.partition("=") for pair in query.lstrip("?").split("&"))
    named = {unquote_plus(k).lstrip("$"): unquote_plus(v) for k, _, v in pairs}
    return named.get("alt", "").partition(";")[0].lower() == "sse"


class Framing:
    """Objects -> the bytes of the stream, in either form."""

    __slots__ = ("_events", "_started", "content_type")

    def __init__(self, query: str) -> None:
        self._events = wants_events(query)
        self._started = False
        self.content_type = EVENTS if self._events else ARRAY

    @property
    def is_events(self) -> bool:
        return self._events

    def one(self, data: bytes) -> bytes:
        """One more object."""
        if self._events:
            return b"data: %b\r\n\r\n" % one_line(data)
        lead, self._started = (b",\r\n" if self._started else b"["), True
        return lead + data

    def close(self) -> bytes:
        """The end."""
        if self._events:
            return b""
        return b"]" if self._started else b"[]"


class Relay:
    """A stream that is Gemini's already: events go on as they came."""

    def __init__(self, query: str) -> None:
        self._framing = Framing(query)
        self.content_type = self._framing.content_type

    def frames(self, frames: Sequence[Frame]) -> bytes:
        if self._framing.is_events:
            return b"".join([frame.raw for frame in frames])
        cut = Splitter(LARGEST)
        events = [*cut.feed(b"".join([frame.raw for frame in frames])), *cut.close()]
        return b"".join([self._framing.one(e.data) for e in events if e.data])

    def close(self) -> bytes:
        return self._framing.close()

    def error(self, told: Told) -> bytes:
        data = encode(errors.status(told))
        return self._framing.one(data) + self._framing.close()


class _Call(msgspec.Struct):
    """A call whose arguments are still coming."""

    start: ToolStart
    arguments: list[str]

    def use(self) -> ToolUse:
        return ToolUse(
            self.start.id,
            self.start.name,
            "".join(self.arguments),
            self.start.signature,
            self.start.custom,
        )


class _Candidate:
    """What is not told yet of one candidate."""

    __slots__ = ("broken", "calls", "refused", "said", "stop")

    def __init__(self) -> None:
        self.calls: dict[int, _Call] = {}
        self.said: list[str] = []
        self.stop: Stop | None = None
        self.broken = ""
        self.refused = False


class Writer:
    """A stream of another family, in Gemini's words.

    Calls of functions are held until they are whole; finish reasons and usage until the
    end, so that both come once, in the last object.
    """

    def __init__(self, query: str) -> None:
        self._framing = Framing(query)
        self.content_type = self._framing.content_type
        self._candidates: dict[int, _Candidate] = {}
        self._chunk: dict[int, dict[str, object]] = {}
        self._id = ""
        self._model = ""
        self._usage: Usage | None = None

    def frames(self, frames: Sequence[Frame]) -> bytes:
        out: list[bytes] = []
        for frame in frames:
            for delta in frame.deltas:
                self._take(delta)
            if self._chunk:
                out.append(self._flush({}))
        return b"".join(out)

    def close(self) -> bytes:
        for index, known in sorted(self._candidates.items()):
            self._tell_calls(index, known)
            if known.stop is not None or known.broken:
                self._finish(index, known)
        last: dict[str, object] = {}
        if self._usage is not None:
            last["usageMetadata"] = reply.usage(self._usage)
        out = self._flush(last) if self._chunk or last else b""
        return out + self._framing.close()

    def error(self, told: Told) -> bytes:
        data = encode(errors.status(told))
        return self._framing.one(data) + self._framing.close()

    def _flush(self, more: dict[str, object]) -> bytes:
        chunk = reply.envelope(self._chunk.values(), self._id, self._model) | more
        self._chunk = {}
        return self._framing.one(encode(chunk))

    def _known(self, index: int) -> _Candidate:
        known = self._candidates.get(index)
        if known is None:
            known = self._candidates[index] = _Candidate()
        return known

    def _open(self, index: int) -> dict[str, object]:
        """The candidate of the chunk that is being made."""
        made = self._chunk.get(index)
        if made is None:
            content: dict[str, object] = {"parts": [], "role": "model"}
            made = self._chunk[index] = {"content": content, "index": index}
        return made

    def _add(self, index: int, part: parts.Piece | None) -> None:
        if part is not None:
            content = self._open(index)["content"]
            if isinstance(content, dict):
                content["parts"].append(part)

    def _take(self, delta: Delta) -> None:
        match delta:
            case TextDelta() | RefusalDelta() | ThinkDelta() | AudioDelta():
                self._content(delta)
            case PartDelta():
                self._say(delta.choice, delta.part)
            case ToolStart():
                known = self._known(delta.choice)
                known.calls[delta.tool] = _Call(delta, [])
            case ToolDelta():
                call = self._known(delta.choice).calls.get(delta.tool)
                if call is not None:
                    call.arguments.append(delta.arguments)
            case Stop():
                self._known(delta.choice).stop = delta
            case Used():
                self._usage = delta.usage
            case Begin():
                self._id = delta.id or self._id
                self._model = delta.model or self._model
                self._usage = delta.usage or self._usage
            case LogprobDelta() | CitationDelta():
                self._metadata(delta)

    def _content(
        self, delta: TextDelta | RefusalDelta | ThinkDelta | AudioDelta
    ) -> None:
        index = delta.choice
        match delta:
            case TextDelta():
                self._known(index).said.append(delta.text)
                self._say(index, Text(delta.text, signature=delta.signature))
            case RefusalDelta():
                self._known(index).refused = True
                self._say(index, Text(delta.text))
            case ThinkDelta():
                family = delta.family
                self._say(
                    index,
                    Thinking(delta.text, delta.signature, delta.redacted, family),
                )
            case AudioDelta():
                if delta.data:
                    self._say(index, Audio(data=delta.data, format="pcm16"))
                if delta.transcript:
                    self._say(index, Text(delta.transcript))

    def _say(self, index: int, part: Part) -> None:
        """A part that comes whole: the calls before it must be whole by now."""
        known = self._known(index)
        if known.calls:
            self._tell_calls(index, known, whole_only=True)
        self._add(index, reply.part(part))

    def _tell_calls(
        self, index: int, known: _Candidate, whole_only: bool = False
    ) -> None:
        for number in sorted(known.calls):
            use = known.calls[number].use()
            if whole_only and not (use.custom or is_object(use.arguments)):
                return
            del known.calls[number]
            made = reply.call(use)
            if made is None:
                known.broken = known.broken or reply.malformed(use)
            self._add(index, made)

    def _metadata(self, delta: LogprobDelta | CitationDelta) -> None:
        index = delta.choice
        if isinstance(delta, LogprobDelta):
            if found := logprobs.write(delta.logprobs):
                self._open(index)["logprobsResult"] = found
            return
        text = "".join(self._known(index).said)
        found = citations.write((delta.citation,), text)
        if found:
            told = self._open(index).setdefault("citationMetadata", found)
            if told is not found and isinstance(told, dict):
                told["citationSources"] += found["citationSources"]

    def _finish(self, index: int, known: _Candidate) -> None:
        made = self._open(index)
        if known.broken:
            made["finishReason"] = reply.MALFORMED
            made["finishMessage"] = known.broken
        elif known.stop is not None:
            reason: StopReason = known.stop.reason
            if reason == "end" and known.refused:
                reason = "refusal"
            made["finishReason"] = reply.finish(reason, known.stop.native)
