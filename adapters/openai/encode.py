"""Streams for OpenAI's clients: relayed where they are OpenAI's already, else written.

A frame with `raw` goes as it came, one without (another family's, or one that a guard
has changed) is written from its deltas; both may follow each other in one stream.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Told
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall
from adapters.normal.content import Image
from adapters.normal.delta import Delta, Frame
from adapters.normal.usage import Usage
from adapters.openai import errors, finish, reasoning, replies, usage, wire

DONE: Final = b"data: [DONE]\n\n"
EVENT_STREAM: Final = "text/event-stream"
_says_done: Final = re.compile(rb"(?:\A|[\r\n])data: ?\[DONE\]").search
"""Comments and other fields may stand before it."""
_fields = msgspec.json.Decoder(dict[str, Raw])


class _Choice:
    """What a client knows of one choice."""

    __slots__ = ("chars", "custom", "images", "notes", "opened", "thoughts", "tools")

    def __init__(self) -> None:
        self.opened = False
        self.tools = 0
        self.custom: set[int] = set()
        self.chars = 0
        self.notes = 0
        self.images = 0
        self.thoughts = reasoning.Pieces()


class ChatEncoder:
    """One stream of chat completion chunks."""

    content_type = EVENT_STREAM
    __slots__ = (
        "_asked",
        "_choices",
        "_created",
        "_done",
        "_id",
        "_kind",
        "_legacy",
        "_model",
        "_relay",
        "_shown",
        "_usage",
    )

    def __init__(
        self, call: ChatCall, *, relay: bool, kind: str = "chat.completion.chunk"
    ) -> None:
        self._kind = kind
        self._asked = call.include_usage
        self._relay = relay
        self._model = call.model
        self._id, self._created = "chatcmpl-0", call.received
        self._legacy = not relay and replies.wants_functions(call)
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._shown = False
        self._done = False

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The chunks for these frames."""
        out: list[bytes] = []
        for frame in frames:
            if frame.raw and self._relay:
                out.append(self._relayed(frame))
            elif frame.deltas:
                out.append(self._written(frame.deltas))
        return b"".join(out)

    def close(self) -> bytes:
        """The usage, if the client asked and was not told yet, and `[DONE]`."""
        if self._done:
            return b""
        self._done = True
        return self._last_usage() + DONE

    def error(self, told: Told) -> bytes:
        """The error as a chunk, and `[DONE]`."""
        self._done = True
        return sse.write(errors.write(told)) + DONE

    def _relayed(self, frame: Frame) -> bytes:
        raw = frame.raw
        if not frame.deltas:
            if b"[DONE]" in raw and _says_done(raw) and not self._done:
                self._done = True
                return self._last_usage() + raw
            return raw
        for delta in frame.deltas:
            kind = type(delta)
            if kind is normal.Used:
                if not self._asked:
                    return without_usage(raw, alone=_alone(frame))
                self._shown = True  # the decoder sees to it
            elif kind is normal.Begin:
                self._begin(delta)  # type: ignore[arg-type]
        return raw

    def _last_usage(self) -> bytes:
        if not self._asked or self._shown or self._usage is None:
            return b""
        self._shown = True
        body = self._envelope([])
        body["usage"] = usage.write(self._usage)
        body |= usage.tier(self._usage)
        return sse.write(wire.encode(body))

    def _begin(self, begin: normal.Begin) -> None:
        self._id = begin.id or self._id
        self._model = begin.model or self._model
        self._created = begin.created or self._created
        self._usage = begin.usage or self._usage

    def _written(self, deltas: tuple[Delta, ...]) -> bytes:
        """One chunk for what is said of a choice, one more for its end."""
        out: list[bytes] = []
        said: dict[int, dict[str, Any]] = {}
        logprobs: dict[int, Raw] = {}
        for delta in deltas:
            if isinstance(delta, normal.Begin):
                self._begin(delta)
            elif isinstance(delta, normal.Used):
                self._usage = delta.usage
            elif isinstance(delta, normal.LogprobDelta):
                logprobs[delta.choice] = delta.logprobs
                said.setdefault(delta.choice, {})
            elif isinstance(delta, normal.Stop):
                out += self._said(said, logprobs)
                out.append(self._stop(delta))
            elif not isinstance(delta, normal.Failed):
                state = self._state(delta.choice)
                _merge(said.setdefault(delta.choice, {}), self._fields(delta, state))
        out += self._said(said, logprobs)
        return b"".join(out)

    def _said(
        self, said: dict[int, dict[str, Any]], logprobs: dict[int, Raw]
    ) -> list[bytes]:
        out = []
        for index, more in said.items():
            state = self._state(index)
            if not more and index not in logprobs:
                continue
            fields = more
            if not state.opened:
                state.opened = True
                content = None if "tool_calls" in more else ""
                fields = {"role": "assistant", "content": content, **more}
            out.append(self._chunk(index, fields, None, logprobs.get(index)))
        said.clear()
        logprobs.clear()
        return out

    def _state(self, index: int) -> _Choice:
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice()
        return state

    def _stop(self, stop: normal.Stop) -> bytes:
        state = self._state(stop.choice)
        word = finish.FINISH[stop.reason]
        if stop.reason == "end" and state.tools and not self._legacy:
            word = "tool_calls"
        if word == "tool_calls" and self._legacy:
            word = "function_call"
        fields: dict[str, Any] = {}
        if not state.opened:
            state.opened = True
            fields = {"role": "assistant", "content": ""}
        native = stop.native or stop.reason if stop.reason in finish.LOSSY else ""
        return self._chunk(stop.choice, fields, word, None, native)

    def _chunk(
        self,
        index: int,
        fields: dict[str, Any],
        word: str | None,
        logprobs: Raw | None = None,
        native: str = "",
    ) -> bytes:
        choice: dict[str, Any] = {
            "index": index,
            "delta": fields,
            "logprobs": logprobs,
            "finish_reason": word,
        }
        if native:
            choice["native_finish_reason"] = native
        body = self._envelope([choice])
        if self._asked:
            body["usage"] = None
        return sse.write(wire.encode(body))

    def _envelope(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": self._kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _fields(self, delta: Delta, state: _Choice) -> dict[str, Any]:
        """What a delta adds to `choices[].delta`."""
        if isinstance(delta, normal.ThinkDelta):
            return state.thoughts.write(delta)
        state.thoughts.close()
        match delta:
            case normal.TextDelta():
                state.chars += len(delta.text)
                fields: dict[str, Any] = {"content": delta.text} if delta.text else {}
                if delta.signature:
                    fields |= reasoning.signed(delta.signature)
                return fields
            case normal.RefusalDelta():
                return {"refusal": delta.text} if delta.text else {}
            case normal.ToolStart() | normal.ToolDelta():
                return self._tool(delta, state)
        return _attached(delta, state)

    def _tool(
        self, delta: normal.ToolStart | normal.ToolDelta, state: _Choice
    ) -> dict[str, Any]:
        if self._legacy:
            return _function_call(delta)
        if isinstance(delta, normal.ToolDelta):
            text = delta.arguments
            piece: dict[str, Any] = {"index": delta.tool}
            if delta.tool in state.custom:
                piece["custom"] = {"input": text}
            else:
                piece["function"] = {"arguments": text}
            return {"tool_calls": [piece]}
        state.tools += 1
        piece = {"index": delta.tool, "id": delta.id}
        if delta.custom:
            state.custom.add(delta.tool)
            piece |= {"type": "custom", "custom": {"name": delta.name, "input": ""}}
        else:
            function = {"name": delta.name, "arguments": ""}
            piece |= {"type": "function", "function": function}
        if delta.signature:
            piece |= reasoning.signed(delta.signature)
        return {"tool_calls": [piece]}


def _function_call(delta: normal.ToolStart | normal.ToolDelta) -> dict[str, Any]:
    """Before there were tools there was one call at most."""
    if delta.tool != 0:
        return {}
    if isinstance(delta, normal.ToolDelta):
        return {"function_call": {"arguments": delta.arguments}}
    return {"function_call": {"name": delta.name, "arguments": ""}}


def _attached(delta: Delta, state: _Choice) -> dict[str, Any]:
    """Sources, sounds and pictures."""
    match delta:
        case normal.CitationDelta():
            note = replies.annotation(delta.citation, state.chars)
            note["index"] = state.notes
            state.notes += 1
            return {"annotations": [note]}
        case normal.AudioDelta():
            told = {
                "id": delta.id,
                "data": delta.data,
                "transcript": delta.transcript,
                "expires_at": delta.expires_at,
            }
            return {"audio": {name: value for name, value in told.items() if value}}
        case normal.PartDelta(part=Image() as image):
            state.images += 1
            return {"images": [replies.picture(image, state.images - 1)]}
    return {}


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if name not in into:
            into[name] = value
        elif name == "tool_calls":
            _merge_calls(into[name], value)
        elif isinstance(value, str | list):
            into[name] += value
        elif isinstance(value, dict):
            _merge(into[name], value)


def _merge_calls(into: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    """One entry for each call: some of OpenAI's own clients (3.3) take a second one of
    the same index for another call."""
    for piece in more:
        known = next((p for p in into if p["index"] == piece["index"]), None)
        if known is None:
            into.append(piece)
        else:
            _merge(known, piece)


def _alone(frame: Frame) -> bool:
    """Nothing but usage is in the frame."""
    return all(isinstance(d, normal.Used | normal.Begin) for d in frame.deltas)


def without_usage(raw: bytes, *, alone: bool = False) -> bytes:
    """An event without its usage; nothing, when it was made for it."""
    data = raw.partition(b"data:")[2].strip()
    try:
        fields = _fields.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return raw
    if "usage" not in fields:
        return raw
    del fields["usage"]
    if alone and bytes(fields.get("choices", Raw(b"[]"))).strip() == b"[]":
        return b""
    return sse.write(wire.encode(fields))


class TextEncoder:
    """One stream of legacy completion chunks."""

    content_type = EVENT_STREAM
    __slots__ = ("_chat", "_created", "_id", "_model", "_relay")

    def __init__(self, call: ChatCall, *, relay: bool) -> None:
        self._relay = relay
        self._chat = ChatEncoder(call, relay=relay, kind="text_completion")
        self._id, self._created, self._model = "cmpl-0", call.received, call.model

    def frames(self, frames: Sequence[Frame]) -> bytes:
        """The chunks for these frames."""
        out: list[bytes] = []
        for frame in frames:
            if frame.raw and self._relay:
                out.append(self._chat.frames((frame,)))
            elif frame.deltas:
                self._chat.frames((Frame(b"", _counts(frame.deltas)),))
                out += [self._written(delta) for delta in frame.deltas]
        return b"".join(out)

    def close(self) -> bytes:
        """The usage, if the client asked and was not told yet, and `[DONE]`."""
        return self._chat.close()

    def error(self, told: Told) -> bytes:
        """The error as a chunk, and `[DONE]`."""
        return self._chat.error(told)

    def _written(self, delta: Delta) -> bytes:
        if isinstance(delta, normal.Begin):
            self._id = delta.id or self._id
            self._created = delta.created or self._created
            self._model = delta.model or self._model
        if isinstance(delta, normal.TextDelta) and delta.text:
            return self._chunk(delta.choice, delta.text, None)
        if isinstance(delta, normal.Stop):
            return self._chunk(delta.choice, "", replies.text_finish(delta.reason))
        return b""

    def _chunk(self, index: int, text: str, word: str | None) -> bytes:
        choice = {
            "text": text,
            "index": index,
            "logprobs": None,
            "finish_reason": word,
        }
        body = {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
        }
        return sse.write(wire.encode(body))


def _counts(deltas: tuple[Delta, ...]) -> tuple[Delta, ...]:
    return tuple(d for d in deltas if isinstance(d, normal.Used | normal.Begin))
