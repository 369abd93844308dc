"""Frames -> the events of a streamed message.

`Relay` hands the bytes of the API's own streams on. `MessagesEncoder` words any other
family's deltas: one message_start, blocks one after the other, and at the end (when
the usage is known) one message_delta and message_stop. Of several choices the first is
told.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from adapters.anthropic import citations, errors, parts, usage
from adapters.anthropic.parts import Json
from adapters.anthropic.wire import (
    FAMILY,
    NONE,
    STOP_WORDS,
    answer_part,
    encode,
    given,
    message_id,
    sign,
    tool_id,
)
from adapters.contract import Told
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall, StopReason
from adapters.normal.content import Opaque, Part, Thinking, ToolUse
from adapters.normal.delta import Delta, Frame
from adapters.normal.usage import Usage

_STREAM: Final = "text/event-stream; charset=utf-8"
_EMPTY: Final = Raw(b"{}")
_NULL: Final = Raw(b"null")
_MARKS: Final = re.compile(r'["\\{}\[\]]')


class Relay:
    """The encoder for streams that are in this dialect already."""

    content_type = _STREAM

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """Their bytes as they came."""
        if len(frames) == 1:
            return frames[0].raw
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """Nothing: message_stop was relayed."""
        return b""

    def error(self, told: Told) -> bytes:
        """An error event, after which nothing follows."""
        return sse.write(errors.write(told), b"error")


class _Tool:
    """An open tool block; it knows when its arguments are a complete object."""

    __slots__ = ("_depth", "_escaped", "_quoted", "custom", "number", "started")

    def __init__(self, number: int, custom: bool) -> None:
        self.number = number
        self.custom = custom
        self.started = False
        self._depth = 0
        self._quoted = False
        self._escaped = False
        """The last piece ended in the backslash of an escape."""

    def feed(self, text: str) -> None:
        if self.custom or not text:
            return
        skip = 0 if self._escaped else -1
        for match in _MARKS.finditer(text):
            at, mark = match.start(), match[0]
            if at == skip:
                continue
            if mark == "\\":
                skip = at + 1
            elif mark == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self.started = True
                self._depth += 1 if mark in "{[" else -1
        self._escaped = skip == len(text)

    @property
    def complete(self) -> bool:
        return self.started and self._depth <= 0 and not self._quoted


class MessagesEncoder:
    """The encoder for streams of other families; see the module."""

    content_type = _STREAM

    def __init__(self, call: ChatCall) -> None:
        self._call = call
        self._out: list[bytes] = []
        self._begun = False
        self._open = ""
        """The kind of the open block; empty when none is."""
        self._index = -1
        self._tool: _Tool | None = None
        self._held: list[Delta] = []
        """What came while a tool's arguments were unfinished, and is not part of
        them: blocks may not overlap, so it waits."""
        self._usage: Usage | None = None
        self._stop: normal.Stop | None = None
        self._used_tool = False
        self._refused = False
        self._ended = False

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The events for these frames."""
        for frame in frames:
            for delta in frame.deltas:
                self._take(delta)
        return self._flush()

    def close(self) -> bytes:
        """The end of the last block, message_delta and message_stop."""
        if self._ended:
            return b""
        self._ended = True
        self._begin(normal.Begin())
        self._release()
        self._shut()
        stop = self._stop
        reason: StopReason = stop.reason if stop is not None else "end"
        if reason == "end" and self._used_tool:
            reason = "tool_use"
        elif reason == "end" and self._refused:
            reason = "refusal"
        sequence = stop.sequence if stop is not None else None
        told = {"stop_reason": STOP_WORDS[reason], "stop_sequence": sequence}
        used = usage.written(self._usage)
        del used["cache_creation"]
        self._event("message_delta", {"delta": told, "usage": used})
        self._event("message_stop", {})
        return self._flush()

    def error(self, told: Told) -> bytes:
        """An error event; the blocks stay open, so that nothing looks finished."""
        self._ended = True
        return self._flush() + sse.write(errors.write(told), b"error")

    def _take(self, delta: Delta) -> None:
        match delta:
            case normal.Used():
                self._usage = delta.usage
            case normal.Begin():
                self._begin(delta)
            case normal.Failed() | normal.LogprobDelta():
                pass
            case _ if delta.choice != 0:
                pass
            case normal.Stop():
                self._stop = delta
                self._release()
            case _:
                self._begin(normal.Begin())
                if self._waits(delta):
                    self._held.append(delta)
                else:
                    self._say(delta)
                    self._drain(force=False)

    def _waits(self, delta: Delta) -> bool:
        tool = self._tool
        if tool is None:
            return False
        if isinstance(delta, normal.ToolDelta) and delta.tool == tool.number:
            return False
        return bool(self._held) or not tool.complete

    def _drain(self, *, force: bool) -> None:
        """Say what waits, one tool after the other, as far as it goes."""
        while self._held:
            if self._tool is not None and not (force or self._tool.complete):
                return
            first = self._held.pop(0)
            self._say(first)
            if isinstance(first, normal.ToolStart):
                number, rest = first.tool, []
                for delta in self._held:
                    if isinstance(delta, normal.ToolDelta) and delta.tool == number:
                        self._say(delta)
                    else:
                        rest.append(delta)
                self._held = rest

    def _release(self) -> None:
        self._drain(force=True)

    def _say(self, delta: Delta) -> None:
        match delta:
            case normal.TextDelta():
                self._text(delta.text)
            case normal.RefusalDelta():
                self._refused = True
                self._text(delta.text)
            case normal.ThinkDelta():
                self._think(delta)
            case normal.ToolStart():
                self._start_tool(delta)
            case normal.ToolDelta():
                self._arguments(delta)
            case normal.CitationDelta():
                self._need("text", {"type": "text", "text": ""})
                told = citations.write(delta.citation)
                self._change({"type": "citations_delta", "citation": told})
            case normal.AudioDelta():
                self._text(delta.transcript)
            case normal.PartDelta():
                self._part(delta.part)
            case _:
                pass

    def _text(self, text: str) -> None:
        if text:
            self._need("text", {"type": "text", "text": ""})
            self._change({"type": "text_delta", "text": text})

    def _think(self, delta: normal.ThinkDelta) -> None:
        if delta.redacted:
            redacted = Thinking(redacted=delta.redacted, family=delta.family)
            self._whole(parts.thinking(redacted))
            return
        if not (delta.text or delta.signature):
            return
        empty: Json = {"type": "thinking", "thinking": "", "signature": ""}
        self._need("thinking", empty)
        if delta.text:
            self._change({"type": "thinking_delta", "thinking": delta.text})
        if delta.signature:
            signature = sign(delta.signature, delta.family)
            self._change({"type": "signature_delta", "signature": signature})
            self._shut()

    def _start_tool(self, delta: normal.ToolStart) -> None:
        self._shut()
        if delta.signature:
            self._whole(parts.carrier(delta.signature))
        block: Json = {
            "type": "tool_use",
            "id": tool_id(delta.id or f"toolu_{delta.tool}"),
            "name": delta.name,
            "input": {},
        }
        self._need("tool_use", block)
        self._tool = _Tool(delta.tool, delta.custom)
        self._used_tool = True
        if delta.custom:
            self._change({"type": "input_json_delta", "partial_json": '{"input":"'})

    def _arguments(self, delta: normal.ToolDelta) -> None:
        tool = self._tool
        if tool is None or tool.number != delta.tool or not delta.arguments:
            return
        tool.feed(delta.arguments)
        text = delta.arguments
        if tool.custom:
            text = encode(text).decode()[1:-1]
        self._change({"type": "input_json_delta", "partial_json": text})

    def _part(self, part: Part) -> None:
        match part:
            case Opaque():
                if part.family == FAMILY:
                    self._whole_raw(part)
            case ToolUse():
                self._start_tool(normal.ToolStart(-1, part.id, part.name))
                text = bytes(parts.arguments(part)).decode()
                self._arguments(normal.ToolDelta(-1, text))
                self._shut()
            case _:
                for block in parts.answer_blocks((part,)):
                    if isinstance(block, dict) and block["type"] == "text":
                        self._text(str(block["text"]))

    def _whole_raw(self, part: Opaque) -> None:
        """A block of the API's own, in the steps in which the API sends it."""
        members = answer_part(part.raw, dict[str, Raw])
        delta: Json | None = None
        if part.label.endswith("tool_use") and members.get("input"):
            text = bytes(members["input"]).decode()
            delta = {"type": "input_json_delta", "partial_json": text}
            members["input"] = _EMPTY
        elif part.label == "compaction" and given(members.get("content", NONE)):
            delta = {"type": "compaction_delta", "content": members["content"]}
            members["content"] = _NULL
        self._need(part.label, dict(members), fresh=True)
        if delta is not None:
            self._change(delta)
        self._shut()

    def _whole(self, block: Json) -> None:
        self._need(str(block["type"]), block, fresh=True)
        self._shut()

    def _need(self, kind: str, empty: Json, *, fresh: bool = False) -> None:
        """Open a block of a kind, unless one is."""
        if self._open == kind and not fresh:
            return
        self._shut()
        self._index += 1
        self._open = kind
        self._event(
            "content_block_start", {"index": self._index, "content_block": empty}
        )

    def _shut(self) -> None:
        if not self._open:
            return
        if self._tool is not None and self._tool.custom:
            self._change({"type": "input_json_delta", "partial_json": '"}'})
        self._tool = None
        self._open = ""
        self._event("content_block_stop", {"index": self._index})

    def _change(self, delta: Json) -> None:
        self._event("content_block_delta", {"index": self._index, "delta": delta})

    def _begin(self, begin: normal.Begin) -> None:
        if self._begun:
            return
        self._begun = True
        self._usage = self._usage or begin.usage
        message: Json = {
            "id": message_id(begin.id, self._call.raw),
            "type": "message",
            "role": "assistant",
            "model": begin.model or self._call.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage.written(begin.usage),
        }
        self._event("message_start", {"message": message})

    def _event(self, kind: str, members: Json) -> None:
        self._out.append(sse.write(encode({"type": kind, **members}), kind.encode()))

    def _flush(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)
