"""The events of a streamed message -> frames.

Source: Messages API, streaming: message_start, blocks of content_block_start, deltas
and content_block_stop, message_delta, message_stop; ping and error anywhere.

* Tools are counted from 0; the block index, which counts text too, is not handed on.
* A block that only the API understands comes whole, when it stops.
* Citations come when their text block stops: only then is its stretch known.
* Counts are cumulative; what an event does not tell stays as it was.
* Blocks that stand in message_start already (code that called a tool) come with it.
* A second message_start, and whatever follows message_stop, is relayed and means
  nothing.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import citations, errors, usage
from adapters.anthropic.answer import unwrapped
from adapters.anthropic.wire import (
    FAMILY,
    STOPS,
    Block,
    Delta,
    Event,
    Tagged,
    Tokens,
    encode,
    given,
)
from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.content import Opaque, ToolUse
from adapters.normal.delta import Frame

MAX_HELD: Final = 32 * 1024 * 1024
"""Bytes of blocks that come whole that one stream may make us hold."""

_event = msgspec.json.Decoder(Event).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_NOTHING: Final[tuple[normal.Delta, ...]] = ()


class _Held:
    """A block that is handed on when it stops."""

    __slots__ = ("json", "label", "members", "tool", "whole")

    def __init__(self, label: str, members: dict[str, Raw], tool: int = -1) -> None:
        self.label = label
        self.members = members
        self.tool = tool
        """The call's number, when it is a custom tool's."""
        self.json: list[str] = []
        self.whole = ""
        """Arguments that came with its start."""


class MessagesDecoder(Reading):
    """A decoder for one streamed message. `custom`: tools that take free text."""

    __slots__ = (
        "_calls",
        "_chars",
        "_cited",
        "_custom",
        "_done",
        "_events",
        "_held",
        "_room",
        "_started",
        "_tokens",
        "_tools",
        "_whole",
    )

    def __init__(self, custom: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._events = sse.Splitter()
        self._custom = custom
        self._tokens = Tokens()
        self._tools: dict[int, int] = {}
        self._whole: dict[int, str] = {}
        """Block index -> arguments that came with its start: they count only when no
        other follow."""
        self._held: dict[int, _Held] = {}
        self._cited: dict[int, tuple[int, list[Raw]]] = {}
        """Block index -> where its text began, and its citations."""
        self._calls = 0
        self._chars = 0
        self._room = MAX_HELD
        self._started = False
        self._done = False

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.feed(data)))

    def _finish(self, frames: list[Frame]) -> None:
        # Half an event is no event (WHATWG), but some proxies eat line ends.
        frames.extend(map(self._frame, map(sse.ended, self._events.close())))
        if not self._done:
            raise Garbled("the stream ended before message_stop")

    def _frame(self, event: sse.Event) -> Frame:
        if not event.data or self._done:
            return Frame(event.raw)
        try:
            wire = _event(event.data)
            change = wire.delta
            if change is not None and change.type == "text_delta":
                self._chars += len(change.text)
                return Frame(event.raw, (normal.TextDelta(change.text),))
            # What is kept as bytes was not looked into: it must be text, too.
            event.data.decode()
        except _UNREADABLE as error:
            told = f"an event of the stream cannot be read: {error}"
            raise Garbled(told, body=event.data) from error
        if wire.type == "content_block_delta" and change is not None:
            return Frame(event.raw, self._delta(wire.index, change))
        kind = wire.type or event.name.decode(errors="replace")
        return Frame(event.raw, self._rare(kind, wire, event.data))

    def _rare(self, kind: str, wire: Event, data: bytes) -> tuple[normal.Delta, ...]:
        match kind:
            case "content_block_start":
                return self._block(wire.content_block, wire.index)
            case "content_block_stop":
                return self._stop(wire.index)
            case "message_start":
                return self._begin(wire)
            case "message_delta":
                return self._changed(wire)
            case "message_stop":
                self._done = True
            case "error":
                raise errors.of_event(wire.error, data)
        return _NOTHING

    def _begin(self, wire: Event) -> tuple[normal.Delta, ...]:
        start = wire.message
        if start is None or self._started:
            return _NOTHING
        self._started = True
        out: list[normal.Delta] = []
        if start.usage is None:
            out.append(normal.Begin(start.id, start.model))
        else:
            self._tokens = start.usage
            used = usage.normal(start.usage)
            out.append(normal.Begin(start.id, start.model, usage=used))
            out.append(normal.Used(used))
        for place, raw in enumerate(start.content or ()):
            # Below the indexes of blocks that may follow.
            out += self._block(raw, -1 - place)
            out += self._stop(-1 - place)
        if start.stop_reason:
            out.append(_stopped(start.stop_reason, start.stop_sequence))
        return tuple(out)

    def _changed(self, wire: Event) -> tuple[normal.Delta, ...]:
        out: list[normal.Delta] = []
        if wire.usage is not None:
            self._tokens = usage.later(self._tokens, wire.usage)
            out.append(normal.Used(usage.normal(self._tokens)))
        change = wire.delta
        if change is not None and change.stop_reason:
            out.append(_stopped(change.stop_reason, change.stop_sequence))
        return tuple(out)

    def _delta(self, index: int, change: Delta) -> tuple[normal.Delta, ...]:
        match change.type:
            case "input_json_delta":
                held = self._held.get(index)
                if held is not None:
                    self._hold(len(change.partial_json))
                    held.json.append(change.partial_json)
                elif index in self._tools and change.partial_json:
                    tool = self._tools[index]
                    self._whole.pop(index, None)
                    return (normal.ToolDelta(tool, change.partial_json),)
            case "thinking_delta":
                return (normal.ThinkDelta(change.thinking, family=FAMILY),)
            case "signature_delta":
                return (normal.ThinkDelta(signature=change.signature, family=FAMILY),)
            case "citations_delta":
                self._hold(len(bytes(change.citation)))
                _, told = self._cited.setdefault(index, (self._chars, []))
                told.append(change.citation.copy())
            case "compaction_delta":
                held = self._held.get(index)
                if held is not None and given(change.content):
                    self._hold(len(bytes(change.content)))
                    held.members["content"] = change.content.copy()
        return _NOTHING

    def _hold(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Garbled(f"the stream's blocks exceed {MAX_HELD} bytes")

    def _block(self, raw: Raw, index: int) -> tuple[normal.Delta, ...]:
        try:
            return self._opened(raw, index)
        except _UNREADABLE as error:
            told = f"a block of the stream cannot be read: {error}"
            raise Garbled(told, body=bytes(raw)) from error

    def _opened(self, raw: Raw, index: int) -> tuple[normal.Delta, ...]:
        kind = msgspec.json.decode(raw, type=Tagged).type
        match kind:
            case "text":
                block = msgspec.json.decode(raw, type=Block)
                told: list[Raw] = []
                if given(block.citations):
                    told = msgspec.json.decode(block.citations, type=list[Raw])
                self._cited[index] = (self._chars, [one.copy() for one in told])
                self._chars += len(block.text)
                return (normal.TextDelta(block.text),) if block.text else _NOTHING
            case "thinking" | "redacted_thinking":
                return _thoughts(msgspec.json.decode(raw, type=Block))
            case "tool_use":
                return self._tool(msgspec.json.decode(raw, type=Block), index)
            case _:
                self._hold(len(bytes(raw)))
                members = msgspec.json.decode(raw, type=dict[str, Raw])
                kept = {name: member.copy() for name, member in members.items()}
                self._held[index] = _Held(kind, kept)
                return _NOTHING

    def _tool(self, block: Block, index: int) -> tuple[normal.Delta, ...]:
        number = self._tools[index] = self._calls
        self._calls += 1
        custom = block.name in self._custom
        start = normal.ToolStart(number, block.id, block.name, custom=custom)
        whole = bytes(block.input) if given(block.input) else b""
        if whole.translate(None, b" \r\n\t") == b"{}":
            whole = b""
        if custom:
            held = self._held[index] = _Held("", {}, number)
            held.whole = whole.decode()
            return (start,)
        if whole:
            self._whole[index] = whole.decode()
        return (start,)

    def _stop(self, index: int) -> tuple[normal.Delta, ...]:
        start, told = self._cited.pop(index, (0, []))
        if told:
            return self._citations(start, told)
        whole = self._whole.pop(index, None)
        if whole is not None:
            return (normal.ToolDelta(self._tools[index], whole),)
        held = self._held.pop(index, None)
        if held is None:
            return _NOTHING
        text = "".join(held.json)
        if held.tool >= 0:
            text = text or held.whole
            bare = unwrapped(ToolUse("", "", text)).arguments
            return (normal.ToolDelta(held.tool, bare),)
        if text:
            held.members["input"] = _checked(text)
        raw = Raw(encode(held.members))
        part = Opaque(FAMILY, held.label, raw)
        return (normal.PartDelta(part),)

    def _citations(self, start: int, told: list[Raw]) -> tuple[normal.Delta, ...]:
        try:
            return tuple(
                normal.CitationDelta(citations.read(one, start, self._chars))
                for one in told
            )
        except _UNREADABLE as error:
            raise Garbled(f"a citation cannot be read: {error}") from error


def _stopped(native: str, sequence: str | None) -> normal.Stop:
    return normal.Stop(STOPS.get(native, "end"), native=native, sequence=sequence)


def _thoughts(block: Block) -> tuple[normal.Delta, ...]:
    if block.data:
        return (normal.ThinkDelta(redacted=block.data, family=FAMILY),)
    if block.thinking or block.signature:
        signature = block.signature or ""
        return (normal.ThinkDelta(block.thinking, signature, family=FAMILY),)
    return _NOTHING


def _checked(text: str) -> Raw:
    """A server tool's input; what is no JSON (a stream cut short) as a string."""
    try:
        return msgspec.json.decode(text, type=Raw).copy()
    except _UNREADABLE:
        return Raw(encode(text))
