"""Streams of the Responses API -> frames, for any cut of the bytes.

The events of the API are many; those that add to the answer become deltas, all others
are handed on to clients that speak it. A provider that tells an item only when it is
done (no pieces before) is understood, too.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Call
from adapters.errors import Garbled, UpstreamError
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.content import Image, Opaque, Part, Refusal, Text, Thinking
from adapters.normal.delta import Delta, Frame
from adapters.openai import errors
from adapters.openai.chunks import failed
from adapters.openai.responses import answer, usage
from adapters.openai.usage import served
from adapters.openai.wire import ABSENT, RESPONSES, present

_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_SPOKEN: Final = _CALLS | {"message", "reasoning"}
"""Items that speak by their pieces; any other speaks as soon as it begins."""
_ENDS: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed"}
)


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    delta: Raw = ABSENT
    item_id: str = ""
    output_index: int = 0
    summary_index: int = 0
    item: Raw = ABSENT
    response: Raw = ABSENT
    annotation: answer.Note | None = None
    logprobs: Raw = ABSENT
    part: Raw = ABSENT
    error: Raw = ABSENT


_event: Final = msgspec.json.Decoder(_Event)
_text: Final = msgspec.json.Decoder(str)


class ResponsesDecoder:
    """One stream off the wire."""

    __slots__ = ("_calls", "_ended", "_events", "_failed", "_keeps", "_told")

    def __init__(self, call: Call) -> None:
        self._events = sse.Splitter()
        self._keeps = call.dialect == RESPONSES
        """The client speaks this API: frames keep their bytes."""
        self._ended = self._failed = False
        self._calls: dict[int, int] = {}
        """Output index -> number of the tool call."""
        self._told: set[int] = set()
        """Output indexes of items that were told in pieces."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`; the last one may be `Failed`."""
        return [] if self._failed else self._frames(self._events.feed(data))

    def close(self) -> list[Frame]:
        """The last frames; `Failed` when the answer has no end."""
        if self._failed:
            return []
        frames = self._frames(map(sse.ended, self._events.close()))
        if not self._ended and not self._failed:
            self._failed = True
            frames += failed(Garbled("the stream ended before the answer did"))
        return frames

    def _frames(self, events: Any) -> list[Frame]:
        frames: list[Frame] = []
        try:
            # `extend` keeps what came before an event that raises.
            frames.extend(map(self._frame, events))
        except UpstreamError as error:
            self._failed = True
            frames += failed(error)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            self._failed = True
            frames += failed(Garbled(f"an event cannot be read: {error}"))
        return frames

    def _frame(self, event: sse.Event) -> Frame:
        raw = event.raw if self._keeps else b""
        data = event.data
        if not data or self._ended or data.strip() == b"[DONE]":
            return Frame(raw)
        if not data.startswith(b"{"):
            raise errors.event(event.name, data)
        told = _event.decode(data)
        kind = told.type or event.name.decode(errors="replace")
        if kind == "error" or (not kind and present(told.error)):
            raise errors.event(b"error", data)
        out: list[Delta] = []
        self._read(kind, told, data, out)
        return Frame(raw, tuple(out))

    def _read(self, kind: str, told: _Event, data: bytes, out: list[Delta]) -> None:
        match kind:
            case "response.created":
                out.append(_begin(told))
            case "response.output_item.added":
                self._added(told, out)
            case "response.output_item.done":
                self._done(told, out)
            case "response.output_text.annotation.added":
                cited = answer.citation(told.annotation) if told.annotation else None
                if cited is not None:
                    out.append(normal.CitationDelta(cited))
            case "response.reasoning_summary_part.added":
                if told.summary_index:
                    out.append(_thought(told, "\n\n"))
            case _ if kind in _ENDS:
                self._end(told, data, out)
            case _ if present(told.delta):
                self._more(kind, told, out)

    def _more(self, kind: str, told: _Event, out: list[Delta]) -> None:
        """A piece of an item."""
        match kind:
            case "response.output_text.delta":
                out.append(normal.TextDelta(_text.decode(told.delta)))
                likely = answer.chat_logprobs(answer.likely(told.logprobs))
                if likely:
                    out.append(normal.LogprobDelta(likely))
            case "response.refusal.delta":
                out.append(normal.RefusalDelta(_text.decode(told.delta)))
            case (
                "response.reasoning_summary_text.delta"
                | "response.reasoning_text.delta"
            ):
                out.append(_thought(told, _text.decode(told.delta)))
            case (
                "response.function_call_arguments.delta"
                | "response.custom_tool_call_input.delta"
            ):
                number = self._calls.get(told.output_index, 0)
                out.append(normal.ToolDelta(number, _text.decode(told.delta)))
            case _:
                return
        self._told.add(told.output_index)

    def _added(self, told: _Event, out: list[Delta]) -> None:
        found = answer.item(told.item)
        if found.type not in _SPOKEN:
            if self._keeps:  # a search may take long: the client is told of it at once
                out.append(normal.TextDelta(""))
        elif found.type in _CALLS:
            self._start(told, found, out)
            text = found.arguments or found.input or ""
            if text:
                self._told.add(told.output_index)
                number = self._calls[told.output_index]
                out.append(normal.ToolDelta(number, text))

    def _start(self, told: _Event, found: answer.Item, out: list[Delta]) -> None:
        number = self._calls[told.output_index] = len(self._calls)
        custom = found.type == "custom_tool_call"
        out.append(normal.ToolStart(number, found.call_id, found.name, custom=custom))

    def _done(self, told: _Event, out: list[Delta]) -> None:
        """What was not told in pieces."""
        found = answer.item(told.item)
        index = told.output_index
        known = index in self._told
        if found.type in _CALLS:
            if index not in self._calls:
                self._start(told, found, out)
            text = found.arguments or found.input or ""
            if text and not known:
                out.append(normal.ToolDelta(self._calls[index], text))
            return
        for part in answer.parts_of(told.item):
            if not known or _comes_last(part):
                out += _deltas(part)

    def _end(self, told: _Event, data: bytes, out: list[Delta]) -> None:
        response = answer.response.decode(told.response)
        if response.usage is not None:
            counted = usage.read(response.usage)
            out.append(normal.Used(served(counted, response.service_tier)))
        answer.raise_failed(response, data)
        self._ended = True
        stop = answer.stopped(response, calls=bool(self._calls)) or "end"
        details = response.incomplete_details
        native = details.reason if details else response.status or ""
        out.append(normal.Stop(stop, native=native))


def _comes_last(part: Part) -> bool:
    """Whether no piece ever tells it."""
    if isinstance(part, Thinking):
        return bool(part.redacted)
    return isinstance(part, Opaque | Image)


def _deltas(part: Part) -> list[Delta]:
    """A part that comes whole."""
    match part:
        case Thinking():
            thought = normal.ThinkDelta(
                part.text, redacted=part.redacted, family=RESPONSES, id=part.id
            )
            return [thought]
        case Text():
            return [
                normal.TextDelta(part.text),
                *(normal.CitationDelta(cited) for cited in part.citations),
            ]
        case Refusal():
            return [normal.RefusalDelta(part.text)]
    return [normal.PartDelta(part)]


def _begin(told: _Event) -> normal.Begin:
    response = answer.response.decode(told.response)
    return normal.Begin(response.id, response.model, int(response.created_at))


def _thought(told: _Event, text: str) -> normal.ThinkDelta:
    return normal.ThinkDelta(text, family=RESPONSES, id=told.item_id)
