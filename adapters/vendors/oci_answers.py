"""Answers of Oracle Cloud's Generative AI, whole and streamed."""

from typing import Any

import msgspec

from adapters import kin
from adapters.contract import WireResponse
from adapters.decoding import Reading
from adapters.errors import Garbled
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import ChatResult, Choice, StopReason
from adapters.normal.content import Part, Refusal, Text, Thinking, ToolUse
from adapters.normal.delta import Delta, Frame
from adapters.normal.embed import EmbedResult
from adapters.normal.usage import Usage
from adapters.openai import errors, finish
from adapters.vendors import base


class _Piece(msgspec.Struct, frozen=True):
    type: str = "TEXT"
    text: str | None = None


class _Call(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    content: list[_Piece] | None = None
    tool_calls: list[_Call] | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Counts(msgspec.Struct, frozen=True, rename="camel"):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Choice(msgspec.Struct, frozen=True, rename="camel"):
    """One answer, or an event of a stream."""

    index: int = 0
    message: _Message | None = None
    finish_reason: str | None = None
    usage: _Counts | None = None


class _Response(msgspec.Struct, frozen=True):
    choices: list[_Choice]
    usage: _Counts | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    chat_response: _Response
    model_id: str = ""


class _Vectors(msgspec.Struct, frozen=True, rename="camel"):
    embeddings: list[tuple[float, ...]]
    model_id: str = ""
    usage: _Counts | None = None


_answer = msgspec.json.Decoder(_Answer).decode
_event = msgspec.json.Decoder(_Choice).decode
_vectors = msgspec.json.Decoder(_Vectors).decode


def chat(response: WireResponse) -> ChatResult:
    """A whole answer.

    Raises:
        Garbled: it is none.
    """
    body = response.body
    try:
        told = _answer(body)
    except base.BROKEN as error:
        raise errors.garbled(f"no answer of OCI ({error})", body) from error
    found = told.chat_response
    if not found.choices:
        raise errors.garbled("an answer without choices", body)
    return ChatResult(
        id=kin.made_id(body),
        model=told.model_id,
        usage=_usage(found.usage or found.choices[0].usage),
        choices=tuple(_read(choice) for choice in found.choices),
    )


def vectors(response: WireResponse) -> EmbedResult:
    """Vectors.

    Raises:
        Garbled: there are none.
    """
    try:
        told = _vectors(response.body)
    except base.BROKEN as error:
        raise errors.garbled(f"no vectors ({error})", response.body) from error
    return EmbedResult(
        vectors=tuple(told.embeddings), usage=_usage(told.usage), model=told.model_id
    )


def _read(choice: _Choice) -> Choice:
    message = choice.message or _Message()
    parts: list[Part] = []
    if message.reasoning_content:
        parts.append(Thinking(message.reasoning_content))
    text = "".join(piece.text or "" for piece in message.content or ())
    if text:
        parts.append(Text(text))
    if message.refusal:
        parts.append(Refusal(message.refusal))
    calls = message.tool_calls or []
    parts += [
        ToolUse(call.id or f"call_{at}", call.name or "", call.arguments or "{}")
        for at, call in enumerate(calls)
    ]
    word = choice.finish_reason or ""
    return Choice(choice.index, tuple(parts), _stop(word, bool(calls)), word)


def _stop(word: str, calls: bool) -> StopReason:
    return finish.stop(finish.canonical(word, calls=calls), calls=calls)


def _usage(told: _Counts | None) -> Usage | None:
    if told is None or told.prompt_tokens is None:
        return None
    into = told.prompt_tokens_details or _Details()
    out = told.completion_tokens_details or _Details()
    return Usage(
        input=told.prompt_tokens,
        output=told.completion_tokens or 0,
        cached=into.cached_tokens or 0,
        reasoning=out.reasoning_tokens or 0,
    )


class Events(Reading):
    """A decoder for one streamed answer. Each event is a piece of a choice; there is no
    terminator, but every choice has its end."""

    __slots__ = ("_begun", "_events", "_states")

    def __init__(self) -> None:
        super().__init__()
        self._events = sse.Splitter()
        self._states: dict[int, list[Any]] = {}
        """Choice -> ids of its calls so far, and at last whether it is finished."""
        self._begun = False

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.feed(data)))

    def _finish(self, frames: list[Frame]) -> None:
        frames.extend(map(self._frame, self._events.close()))
        if not self._states or not all(True in s for s in self._states.values()):
            raise Garbled("the stream ended before the answer did")

    def _frame(self, event: sse.Event) -> Frame:
        if not event.data or event.data.strip() == b"[DONE]":
            return Frame()
        try:
            told = _event(event.data)
        except base.BROKEN as error:
            why = f"an event cannot be read: {error}"
            raise Garbled(why, body=event.data) from error
        if told.message is None and told.finish_reason is None and told.usage is None:
            raise errors.event(b"error", event.data)
        out: list[Delta] = []
        if not self._begun:
            self._begun = True
            out.append(normal.Begin(kin.made_id(event.data)))
        if told.message is not None:
            out += self._said(told.message, told.index)
        if (used := _usage(told.usage)) is not None:
            out.append(normal.Used(used))
        if told.finish_reason:
            state = self._states.setdefault(told.index, [])
            if True not in state:
                reason = _stop(told.finish_reason, bool(state))
                out.append(normal.Stop(reason, told.index, told.finish_reason))
                state.append(True)
        return Frame(b"", tuple(out))

    def _said(self, message: _Message, index: int) -> list[Delta]:
        out: list[Delta] = []
        if message.reasoning_content:
            out.append(normal.ThinkDelta(message.reasoning_content, choice=index))
        texts = [piece.text for piece in message.content or () if piece.text]
        out += [normal.TextDelta(text, index) for text in texts]
        calls = self._states.setdefault(index, [])
        for call in message.tool_calls or ():
            if call.name or (call.id and call.id not in calls):
                number = len(calls)
                id_ = call.id or f"call_{number}"
                calls.append(id_)
                out.append(normal.ToolStart(number, id_, call.name or "", index))
            if call.arguments and calls:
                number = len(calls) - 1
                out.append(normal.ToolDelta(number, call.arguments, index))
        return out
