"""Frames -> an event stream of ConverseStream, or of InvokeModelWithResponseStream.

`Relay` hands the bytes of Bedrock's own streams on. `ConverseEncoder` words any other
family's deltas: Converse's events are those of Messages under other names, so the order
of blocks, and what waits for what, is `MessagesEncoder`'s. `ChunkEncoder` wraps the
events of Messages into chunks, as Claude's clients on Bedrock read them.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final

from adapters.anthropic.encoder import MessagesEncoder
from adapters.anthropic.parts import Json, sniff
from adapters.anthropic.wire import FAMILY as CLAUDE
from adapters.anthropic.wire import unsign
from adapters.bedrock import citations, errors, usage
from adapters.bedrock.wire import encode, tool_id, tool_name, wrapped
from adapters.contract import Encoder, Told
from adapters.framing import eventstream, sse
from adapters.framing.eventstream import CONTENT_TYPE
from adapters.normal import delta as normal
from adapters.normal.content import Image, Opaque, Part
from adapters.normal.delta import Delta, Frame

_STOPS: Final = {"refusal": "content_filtered", "pause_turn": "end_turn"}
"""Words of Messages that are others here."""


def event(kind: str, payload: Json) -> bytes:
    """One event."""
    return eventstream.write(
        {
            ":event-type": kind,
            ":content-type": "application/json",
            ":message-type": "event",
        },
        encode(payload),
    )


class Relay:
    """The encoder for streams that are in this dialect already."""

    content_type = CONTENT_TYPE

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """Their bytes as they came."""
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """Nothing: the last message was relayed."""
        return b""

    def error(self, told: Told) -> bytes:
        """An exception, after which nothing follows."""
        return errors.event(told)


class ConverseEncoder(MessagesEncoder):
    """The encoder for streams of other families; see the module."""

    content_type = CONTENT_TYPE

    def error(self, told: Told) -> bytes:
        """An exception; the blocks stay open, so that nothing looks finished."""
        self._ended = True
        return self._flush() + errors.event(told)

    def _say(self, delta: Delta) -> None:
        if isinstance(delta, normal.CitationDelta):
            self._need("text", {"type": "text"})
            self._change({"citation": citations.write(delta.citation)})
        else:
            super()._say(delta)

    def _part(self, part: Part) -> None:
        if isinstance(part, Image) and part.data:
            media = sniff(part.data, part.media_type).partition("/")[2]
            self._need("image", {"type": "image", "format": media}, fresh=True)
            self._change({"image": {"source": {"bytes": part.data}}})
            self._shut()
        elif not isinstance(part, Opaque):
            super()._part(part)

    def _event(self, kind: str, members: Json) -> None:
        """An event of Messages, as the ones of Converse that mean it."""
        self._out += [event(name, told) for name, told in _WORDS[kind](members)]
        if kind == "message_stop":
            told = {"usage": usage.written(self._usage), "metrics": {"latencyMs": 0}}
            self._out.append(event("metadata", told))


_Events = list[tuple[str, Json]]


def _begin(_: Json) -> _Events:
    return [("messageStart", {"role": "assistant"})]


def _start(members: Any) -> _Events:
    index, block = members["index"], members["content_block"]
    start: Json
    match block["type"]:
        case "tool_use":
            name = tool_name(block["name"])
            start = {"toolUse": {"toolUseId": tool_id(block["id"]), "name": name}}
        case "image":
            start = {"image": {"format": block["format"]}}
        case "redacted_thinking":
            data = block["data"]
            if unsign(data)[1] != CLAUDE:
                data = wrapped(data)
            return _delta(index, {"reasoningContent": {"redactedContent": data}})
        case _:
            return []
    return [("contentBlockStart", {"start": start, "contentBlockIndex": index})]


def _change(members: Any) -> _Events:
    index, change = members["index"], members["delta"]
    match change.get("type"):
        case "text_delta":
            return _delta(index, {"text": change["text"]})
        case "input_json_delta":
            return _delta(index, {"toolUse": {"input": change["partial_json"]}})
        case "thinking_delta":
            return _delta(index, {"reasoningContent": {"text": change["thinking"]}})
        case "signature_delta":
            signed = {"signature": change["signature"]}
            return _delta(index, {"reasoningContent": signed})
        case _:
            return _delta(index, change)


def _delta(index: int, change: Json) -> _Events:
    return [("contentBlockDelta", {"delta": change, "contentBlockIndex": index})]


def _stop(members: Json) -> _Events:
    return [("contentBlockStop", {"contentBlockIndex": members["index"]})]


def _end(members: Any) -> _Events:
    told = members["delta"]
    word = told["stop_reason"]
    out: Json = {"stopReason": _STOPS.get(word, word)}
    if told["stop_sequence"] is not None:
        fields = {"stop_sequence": told["stop_sequence"]}
        out["additionalModelResponseFields"] = fields
    return [("messageStop", out)]


_WORDS: Final[dict[str, Callable[[Json], _Events]]] = {
    "message_start": _begin,
    "content_block_start": _start,
    "content_block_delta": _change,
    "content_block_stop": _stop,
    "message_delta": _end,
    "message_stop": lambda _: [],
}


class ChunkEncoder:
    """The events of Messages, each in a chunk; errors as Bedrock tells them."""

    content_type = CONTENT_TYPE

    def __init__(self, inner: Encoder) -> None:
        self._inner = inner
        self._events = sse.Splitter()

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The chunks for these frames."""
        return self._wrapped(self._inner.frames(frames))

    def close(self) -> bytes:
        """What of the message's end is not told yet."""
        return self._wrapped(self._inner.close())

    def error(self, told: Told) -> bytes:
        """An exception, after which nothing follows."""
        return errors.event(told)

    def _wrapped(self, data: bytes) -> bytes:
        return b"".join(
            event("chunk", {"bytes": base64.b64encode(one.data).decode()})
            for one in self._events.feed(data)
            if one.data
        )
