"""Answers of Ollama, whole and by lines."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from adapters import kin
from adapters.contract import WireResponse
from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing import ndjson
from adapters.normal import delta as normal
from adapters.normal.chat import ChatResult, Choice, StopReason
from adapters.normal.content import Part, Text, Thinking, ToolUse
from adapters.normal.delta import Delta, Frame
from adapters.ollama import wire
from adapters.ollama.wire import Answer, Call
from adapters.openai import errors


def read(response: WireResponse) -> ChatResult:
    """A 2xx answer.

    Raises:
        UpstreamError: it holds an error, or is no answer.
    """
    told = _decoded(response.body)
    message = told.message
    if message is None and told.response is None:
        raise errors.garbled("no answer of Ollama", response.body)
    parts = _words(told)
    calls = (message.tool_calls if message is not None else None) or []
    parts += [_tool(told, call, at) for at, call in enumerate(calls)]
    choice = Choice(
        parts=tuple(parts),
        stop=stop(told, calls=bool(calls)),
        native_stop=told.done_reason or "",
        logprobs=logprobs(told.logprobs),
    )
    return ChatResult(
        id=kin.made_id(told.created_at.encode()),
        model=told.model,
        created=created(told.created_at),
        usage=wire.usage(told),
        choices=(choice,),
    )


def _decoded(body: bytes) -> Answer:
    try:
        told = wire.answer(body)
    except wire.BROKEN as error:
        raise errors.garbled(f"no answer of Ollama ({error})", body) from error
    if told.error:
        found = errors.inside(msgspec.json.decode(body), body)
        raise found or Garbled("Ollama reports a failure", body=body)
    return told


def _words(told: Answer) -> list[Part]:
    message = told.message
    thoughts = message.thinking if message is not None else told.thinking
    text = message.content if message is not None else told.response
    parts: list[Part] = []
    if thoughts:
        parts.append(Thinking(thoughts))
    if text:
        parts.append(Text(text))
    return parts


def _tool(told: Answer, call: Call, at: int) -> ToolUse:
    return ToolUse(call_id(told, call, at), call.function.name, arguments(call))


def arguments(call: Call) -> str:
    """JSON text of an object."""
    raw = bytes(call.function.arguments)
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return raw.decode() if raw not in (b"", b"null") else "{}"


def call_id(told: Answer, call: Call, at: int) -> str:
    """The call's id, or one made of what it says and when."""
    if call.id:
        return call.id
    said = f"{told.created_at}|{at}|{call.function.name}|{arguments(call)}"
    return f"call_{hashlib.blake2b(said.encode(), digest_size=12).hexdigest()}"


def stop(told: Answer, *, calls: bool) -> StopReason:
    """Why it ended; Ollama says `stop` when it calls tools, too."""
    reason = wire.STOPS.get(told.done_reason or "", "end")
    return "tool_use" if calls and reason == "end" else reason


def created(stamp: str) -> int:
    """Unix seconds of an RFC 3339 instant; 0 for anything else."""
    try:
        return int(datetime.fromisoformat(stamp).timestamp())
    except (ValueError, OverflowError):
        return 0


def logprobs(found: list[Raw] | None) -> Raw:
    """OpenAI's `logprobs` object of them, whose entries are the same."""
    if not found:
        return Raw(b"")
    entries: list[Any] = []
    for raw in found:
        entry = msgspec.json.decode(raw)
        token = str(entry.get("token", ""))
        full = {"token": token, "bytes": list(token.encode()), "top_logprobs": []}
        entries.append({**full, **{k: v for k, v in entry.items() if v is not None}})
    return Raw(wire.encode({"content": entries, "refusal": None}))


class Lines(Reading):
    """A decoder for one streamed answer: a line each, the last one `done`."""

    __slots__ = ("_begun", "_calls", "_lines")

    def __init__(self) -> None:
        super().__init__()
        self._lines = ndjson.Splitter()
        self._calls = 0
        self._begun = False

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._lines.feed(data)))

    def _finish(self, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._lines.close()))
        if not self._over:
            raise Garbled("the stream ended before it was done")

    def _frame(self, line: bytes) -> Frame:
        if self._over:
            return Frame()
        told = _decoded(line)
        out: list[Delta] = []
        if not self._begun:
            self._begun = True
            id_ = kin.made_id(told.created_at.encode())
            out.append(normal.Begin(id_, told.model, created(told.created_at)))
        for part in _words(told):
            if isinstance(part, Thinking):
                out.append(normal.ThinkDelta(part.text))
            elif isinstance(part, Text):
                out.append(normal.TextDelta(part.text))
        if told.logprobs:
            out.append(normal.LogprobDelta(logprobs(told.logprobs)))
        for call in (told.message.tool_calls if told.message else None) or ():
            use = _tool(told, call, self._calls)
            out.append(normal.ToolStart(self._calls, use.id, use.name))
            out.append(normal.ToolDelta(self._calls, use.arguments))
            self._calls += 1
        if told.done:
            self._over = True
            if (used := wire.usage(told)) is not None:
                out.append(normal.Used(used))
            reason = stop(told, calls=self._calls > 0)
            out.append(normal.Stop(reason, native=told.done_reason or ""))
        return Frame(b"", tuple(out))
