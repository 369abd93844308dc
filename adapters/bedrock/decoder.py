"""The messages of an event stream -> frames.

ConverseStream: messageStart, blocks of contentBlockStart (of tools only), deltas and
contentBlockStop, messageStop, then metadata with the usage. An exception may come
anywhere. InvokeModelWithResponseStream wraps what a vendor streams into `chunk`s;
whose they are, the first one tells: see `adapters.bedrock.chunks`.

* Tools are counted from 0; the block index, which counts text too, is not handed on.
* A call whose arguments never came has an empty object of them.
* A block that only the API understands comes whole, when it stops.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic.wire import FAMILY as CLAUDE
from adapters.bedrock import blocks, chunks, citations, errors, usage
from adapters.bedrock.answer import Names, named, stop_sequence
from adapters.bedrock.wire import (
    BROKEN,
    DIALECT,
    FAMILY,
    NONE,
    STOPS,
    Camel,
    Reasoned,
    Thought,
    Tokens,
    encode,
    given,
)
from adapters.contract import Call
from adapters.decoding import Reading
from adapters.errors import BadCall, Garbled
from adapters.framing.eventstream import Message, Splitter
from adapters.normal import delta as normal
from adapters.normal.content import Image, Opaque, ToolUse
from adapters.normal.delta import Frame

MAX_HELD: Final = 32 * 1024 * 1024
"""Bytes of blocks that come whole that one stream may make us hold."""


class _Use(Camel, frozen=True):
    tool_use_id: str = ""
    name: str = ""
    input: str = ""
    type: str | None = None


class _Source(Camel, frozen=True):
    bytes: str = ""


class _Image(Camel, frozen=True):
    format: str = ""
    source: _Source | None = None


class _Start(Camel, frozen=True):
    tool_use: _Use | None = None
    tool_result: Raw = NONE
    image: _Image | None = None


class _Reasoning(Camel, frozen=True):
    text: str = ""
    signature: str = ""
    redacted_content: str | None = None


class _Delta(Camel, frozen=True):
    text: str = ""
    tool_use: _Use | None = None
    tool_result: Raw = NONE
    reasoning_content: _Reasoning | None = None
    citation: Raw = NONE
    image: _Image | None = None


class Event(Camel, frozen=True):
    """The payload of any event of ConverseStream."""

    content_block_index: int = 0
    start: _Start | None = None
    delta: _Delta | None = None
    stop_reason: str | None = None
    additional_model_response_fields: Raw = NONE
    usage: Tokens | None = None


_event = msgspec.json.Decoder(Event).decode
_Deltas = tuple[normal.Delta, ...]
_NOTHING: Final[_Deltas] = ()


class _Block:
    """A block that is open."""

    __slots__ = ("began", "call", "cited", "pieces", "quiet", "whole")

    def __init__(self, began: int) -> None:
        self.began = began
        """Characters of the answer before it."""
        self.cited: list[Raw] = []
        self.call: _Use | None = None
        self.pieces: list[str] = []
        """Arguments that are handed on when it stops."""
        self.quiet = True
        """A call of which no arguments came yet."""
        self.whole: dict[str, Raw] | None = None
        """What only the API understands."""


class ConverseDecoder(Reading):
    """A decoder for one streamed answer."""

    __slots__ = (
        "_begun",
        "_blocks",
        "_call",
        "_calls",
        "_chars",
        "_inner",
        "_messages",
        "_names",
        "_room",
        "_stopped",
        "_tools",
        "dialect",
    )

    def __init__(self, names: Names, call: Call) -> None:
        super().__init__()
        self.dialect = DIALECT
        """Of the frames' `raw`: known with the first of them."""
        self._messages = Splitter()
        self._names = names
        self._call = call
        self._inner: chunks.Inner | None = None
        self._blocks: dict[int, _Block] = {}
        self._tools: dict[int, int] = {}
        self._calls = 0
        self._chars = 0
        self._room = MAX_HELD
        self._begun = False
        self._stopped = False

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        for message in self._messages.feed(data):
            self._message(message, frames)

    def _finish(self, frames: list[Frame]) -> None:
        self._messages.close()
        if self._inner is not None:
            frames += self._inner.close()
        elif not self._stopped:
            raise Garbled("the stream ended before messageStop")

    def _message(self, message: Message, frames: list[Frame]) -> None:
        kind = message.headers.get(":message-type", "event")
        if kind != "event":
            raise errors.of_message(message)
        name = message.headers.get(":event-type", "")
        if name != "chunk":
            frames.append(Frame(message.raw, self._event(name, message.payload)))
            return
        data = chunks.data(message.payload)
        if self._inner is None:
            self._inner = chunks.inner(data, self._names, self._call, self._event)
            self.dialect = self._inner.dialect
        frames += self._inner.feed(data)

    def _event(self, name: str, payload: bytes) -> _Deltas:
        try:
            event = _event(payload)
            change = event.delta
            if change is not None and change.text:
                self._block(event.content_block_index)
                self._chars += len(change.text)
                return (normal.TextDelta(change.text),)
            payload.decode()  # what is kept as bytes must be text, too
            return self._rare(name, event)
        except BROKEN as error:
            told = f"an event of the stream cannot be read: {error}"
            raise Garbled(told, body=payload[:2000]) from error

    def _rare(self, name: str, event: Event) -> _Deltas:
        index = event.content_block_index
        out: _Deltas = _NOTHING
        match name:
            case "messageStart" if not self._begun:
                self._begun = True
                out = (normal.Begin(),)
            case "contentBlockStart" if event.start is not None:
                out = self._start(index, event.start)
            case "contentBlockDelta" if event.delta is not None:
                out = self._delta(self._block(index), index, event.delta)
            case "contentBlockStop":
                out = self._stop(index)
            case "messageStop":
                out = self._ending(event)
            case "metadata" if event.usage is not None:
                out = (normal.Used(usage.normal(event.usage)),)
        return out

    def _block(self, index: int) -> _Block:
        found = self._blocks.get(index)
        if found is None:
            found = self._blocks[index] = _Block(self._chars)
        return found

    def _start(self, index: int, start: _Start) -> _Deltas:
        block = self._blocks[index] = _Block(self._chars)
        use = start.tool_use
        if use is None:
            if given(start.tool_result):
                block.whole = {"toolResult": start.tool_result.copy()}
            return _NOTHING
        if use.type == "server_tool_use":
            block.whole = {"toolUse": Raw(encode(use))}
            return _NOTHING
        block.call = use
        number = self._tools[index] = self._calls
        self._calls += 1
        name = self._names.of(use.name)
        custom = name in self._names.custom
        return (normal.ToolStart(number, use.tool_use_id, name, custom=custom),)

    def _delta(self, block: _Block, index: int, change: _Delta) -> _Deltas:
        if change.tool_use is not None:
            return self._arguments(block, index, change.tool_use.input)
        if change.reasoning_content is not None:
            return self._think(change.reasoning_content)
        if given(change.citation):
            self._hold(len(bytes(change.citation)))
            block.cited.append(change.citation.copy())
        elif given(change.tool_result) and block.whole is not None:
            self._hold(len(bytes(change.tool_result)))
            block.whole["content"] = change.tool_result.copy()
        elif change.image is not None and change.image.source is not None:
            media = f"image/{change.image.format or 'png'}"
            image = Image(change.image.source.bytes, media)
            return (normal.PartDelta(image),)
        return _NOTHING

    def _arguments(self, block: _Block, index: int, text: str) -> _Deltas:
        if not text:
            return _NOTHING
        block.quiet = False
        if block.call is not None and not self._is_custom(block.call):
            return (normal.ToolDelta(self._tools[index], text),)
        self._hold(len(text))
        block.pieces.append(text)
        return _NOTHING

    def _think(self, told: _Reasoning) -> _Deltas:
        if told.redacted_content is None and not told.signature:
            if not told.text:
                return _NOTHING
            return (normal.ThinkDelta(told.text),)  # whose, a signature tells
        thought = Thought(told.text, told.signature or None)
        part = blocks.thinking(Reasoned(thought, told.redacted_content))
        family = part.family or CLAUDE
        delta = normal.ThinkDelta(part.text, part.signature, part.redacted, 0, family)
        return (delta,)

    def _hold(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Garbled(f"the stream's blocks exceed {MAX_HELD} bytes")

    def _stop(self, index: int) -> _Deltas:
        block = self._blocks.pop(index, None)
        if block is None:
            return _NOTHING
        text = "".join(block.pieces)
        if block.call is not None:
            number = self._tools[index]
            if self._is_custom(block.call):
                told = named(ToolUse("", block.call.name, text or "{}"), self._names)
                return (normal.ToolDelta(number, told.arguments),)
            return (normal.ToolDelta(number, "{}"),) if block.quiet else _NOTHING
        if block.whole is not None:
            return (normal.PartDelta(_whole(block.whole, text)),)
        try:
            return tuple(
                normal.CitationDelta(citations.read(one, block.began, self._chars))
                for one in block.cited
            )
        except BadCall as error:
            raise Garbled(error.message) from error

    def _is_custom(self, use: _Use) -> bool:
        return self._names.of(use.name) in self._names.custom

    def _ending(self, event: Event) -> _Deltas:
        if self._stopped:
            return _NOTHING
        self._stopped = True
        native = event.stop_reason or ""
        sequence = stop_sequence(event.additional_model_response_fields)
        reason = STOPS.get(native, "end")
        return (normal.Stop(reason, native=native, sequence=sequence),)


def _whole(members: dict[str, Raw], text: str) -> Opaque:
    """A server tool's call or result, as it would stand in a whole answer."""
    label = "toolResult" if "toolResult" in members else "toolUse"
    inner = msgspec.json.decode(members[label], type=dict[str, Raw])
    if "content" in members:
        inner["content"] = members["content"]
    if text:
        inner["input"] = Raw(text.encode())
    return Opaque(FAMILY, label, Raw(encode({label: inner})))
