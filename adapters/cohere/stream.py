"""The events of a streamed chat (v2) -> frames.

message-start, content-start, -delta and -end, tool-plan-delta, tool-call-start, -delta
and -end, citation-start and -end, message-end; then mostly, not always, `[DONE]`. What
an event is, its data tells as well as its name (which some proxies leave out).
"""

import msgspec
from msgspec import Raw

from adapters.cohere import answer, wire
from adapters.cohere.answer import Call, Piece
from adapters.cohere.wire import FAMILY, NONE, Meta
from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.delta import Delta, Frame
from adapters.openai import errors


class _Message(msgspec.Struct, frozen=True):
    content: Piece | list[Raw] | None = None
    tool_plan: str | None = None
    tool_calls: Call | list[Raw] | None = None
    citations: Raw = NONE


class _Delta(msgspec.Struct, frozen=True):
    message: _Message = _Message()
    finish_reason: str | None = None
    usage: Meta | None = None
    error: str | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    id: str | None = None
    index: int = 0
    delta: _Delta | None = None
    logprobs: Raw = NONE
    message: str | None = None
    """Of an error."""


_event = msgspec.json.Decoder(_Event).decode


class Events(Reading):
    """A decoder for one streamed answer."""

    __slots__ = ("_chars", "_events", "_starts", "_tools", "_unsaid")

    def __init__(self) -> None:
        super().__init__()
        self._events = sse.Splitter()
        self._tools: dict[int, int] = {}
        """Cohere's number of a call -> ours, which counts from 0."""
        self._unsaid: set[int] = set()
        """Calls without arguments so far: null, or nothing at all, is none."""
        self._starts: dict[int, int] = {}
        """Number of a content part -> where its text begins in the answer's."""
        self._chars = 0

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.feed(data)))

    def _finish(self, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.close()))
        if not self._over:
            raise Garbled("the stream ended before message-end")

    def _frame(self, event: sse.Event) -> Frame:
        data = event.data
        if self._over or not data or data.strip() == b"[DONE]":
            return Frame()
        try:
            told = _event(data)
            return Frame(b"", tuple(self._deltas(told, event)))
        except wire.BROKEN as error:
            why = f"an event of the stream cannot be read: {error}"
            raise Garbled(why, body=data) from error

    def _deltas(self, told: _Event, event: sse.Event) -> list[Delta]:
        delta = told.delta or _Delta()
        out: list[Delta] = []
        match told.type or event.name.decode(errors="replace"):
            case "message-start":
                out.append(normal.Begin(told.id or ""))
            case "content-start" | "content-delta":
                out += self._content(told, delta.message)
            case "tool-plan-delta" if delta.message.tool_plan:
                out.append(normal.ThinkDelta(delta.message.tool_plan, family=FAMILY))
            case "tool-call-start" | "tool-call-delta" | "tool-call-end":
                out += self._call(told, delta.message)
            case "citation-start" if delta.message.citations:
                out += self._cited(delta.message.citations)
            case "message-end":
                out += self._end(delta, event.data)
            case "" | "error" if told.message or told.delta is None:
                raise errors.event(b"error", event.data)
        return out

    def _content(self, told: _Event, message: _Message) -> list[Delta]:
        piece = message.content
        if not isinstance(piece, Piece):
            return []
        out: list[Delta] = []
        if piece.thinking:
            out.append(normal.ThinkDelta(piece.thinking, family=FAMILY))
        if piece.text:
            self._starts.setdefault(told.index, self._chars)
            self._chars += len(piece.text)
            out.append(normal.TextDelta(piece.text))
        if told.logprobs:
            out.append(normal.LogprobDelta(answer.logprobs([told.logprobs])))
        return out

    def _call(self, told: _Event, message: _Message) -> list[Delta]:
        call = message.tool_calls
        if told.type == "tool-call-end":
            number = self._tools.get(told.index, -1)
            if number not in self._unsaid:
                return []
            self._unsaid.discard(number)
            return [normal.ToolDelta(number, "{}")]
        if not isinstance(call, Call):
            return []
        out: list[Delta] = []
        if told.index not in self._tools:
            number = self._tools[told.index] = len(self._tools)
            self._unsaid.add(number)
            name = call.function.name or ""
            out.append(normal.ToolStart(number, call.id or f"call_{number}", name))
        number = self._tools[told.index]
        text = call.function.arguments or ""
        if text and not (number in self._unsaid and text.strip() in ("", "null")):
            self._unsaid.discard(number)
            out.append(normal.ToolDelta(number, text))
        return out

    def _cited(self, found: Raw) -> list[Delta]:
        if not answer.says(found):
            return []
        offset = self._starts.get(answer.content_of(found), 0)
        return [normal.CitationDelta(answer.citation(found, offset))]

    def _end(self, delta: _Delta, data: bytes) -> list[Delta]:
        out: list[Delta] = []
        used = wire.usage(delta.usage)
        if used is not None:
            out.append(normal.Used(used))
        word = delta.finish_reason or ""
        reason = answer.stop(word, bool(self._tools), data, delta.error or "")
        self._over = True
        return [*out, normal.Stop(reason, native=word)]
