"""Whole answers of Cohere: chat v2, and chat and generate of v1."""

from typing import Any

import msgspec
from msgspec import Raw

from adapters.cohere import wire
from adapters.cohere.wire import FAILED, FAMILY, NONE, STOPS, Meta
from adapters.contract import WireResponse
from adapters.errors import ServerError, Timeout, UpstreamError
from adapters.normal.chat import ChatResult, Choice, StopReason
from adapters.normal.content import Citation, Part, Text, Thinking, ToolUse
from adapters.openai import errors


class Function(msgspec.Struct, frozen=True):
    """What is called; `arguments` is JSON text."""

    name: str | None = None
    arguments: str | None = None


class Call(msgspec.Struct, frozen=True):
    """A tool call. v1 has `name` and `parameters`, and no id."""

    id: str | None = None
    function: Function = Function()
    name: str | None = None
    parameters: Raw = NONE


class Piece(msgspec.Struct, frozen=True):
    """A part of the content."""

    type: str = "text"
    text: str | None = None
    thinking: str | None = None


class Message(msgspec.Struct, frozen=True):
    """What the model says."""

    content: list[Piece] | None = None
    tool_plan: str | None = None
    tool_calls: list[Call] | None = None
    citations: list[Raw] | None = None


class Generation(msgspec.Struct, frozen=True):
    """An answer of v1's generate."""

    text: str = ""
    finish_reason: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """A whole answer. `text` and what follows it are v1's."""

    id: str | None = None
    message: Message | None = None
    finish_reason: str | None = None
    usage: Meta | None = None
    logprobs: list[Raw] | None = None
    text: str | None = None
    generations: list[Generation] | None = None
    response_id: str | None = None
    tool_calls: list[Call] | None = None
    citations: list[Raw] | None = None
    documents: list[dict[str, Any]] | None = None
    meta: Meta | None = None


class _Cited(msgspec.Struct, frozen=True):
    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[dict[str, Any]] | None = None
    document_ids: list[str] | None = None
    """v1's."""
    content_index: int | None = None
    type: str | None = None


class _Logprob(msgspec.Struct, frozen=True):
    text: str | None = None
    logprobs: list[float] | None = None


_answer = msgspec.json.Decoder(Answer).decode
_cited = msgspec.json.Decoder(_Cited).decode
_logprob = msgspec.json.Decoder(_Logprob).decode


def read(response: WireResponse) -> ChatResult:
    """A 2xx answer.

    Raises:
        UpstreamError: the generation broke off, or it is no answer.
    """
    body = response.body
    try:
        return _read(body)
    except wire.BROKEN as error:
        raise errors.garbled(f"no answer of Cohere ({error})", body) from error


def _read(body: bytes) -> ChatResult:
    told = _answer(body)
    if told.message is not None:
        choices = [_choice(told, told.message, body)]
    elif told.text is not None:
        choices = [_old(told, told.text, body)]
    elif told.generations:
        choices = _generated(told.generations, body)
    else:
        raise errors.garbled("no answer of Cohere", body)
    return ChatResult(
        id=told.id or told.response_id or "",
        usage=wire.usage(told.usage or told.meta),
        choices=tuple(choices),
    )


def _choice(told: Answer, message: Message, body: bytes) -> Choice:
    parts: list[Part] = []
    if message.tool_plan:
        parts.append(Thinking(message.tool_plan, family=FAMILY))
    texts: dict[int, int] = {}
    length = 0
    for at, piece in enumerate(message.content or ()):
        if piece.thinking:
            parts.append(Thinking(piece.thinking, family=FAMILY))
        if piece.text:
            texts[at] = length
            parts.append(Text(piece.text))
            length += len(piece.text)
    parts = _with_sources(parts, message.citations or [], texts)
    calls = message.tool_calls or []
    parts += [_tool(call, at) for at, call in enumerate(calls)]
    return Choice(
        parts=tuple(parts),
        stop=stop(told.finish_reason or "", bool(calls), body),
        native_stop=told.finish_reason or "",
        logprobs=logprobs(told.logprobs),
    )


def _with_sources(
    parts: list[Part], found: list[Raw], texts: dict[int, int]
) -> list[Part]:
    """The parts, each text with the sources of its stretch. `texts`: number of a
    content part -> where its text begins in the answer's."""
    of: dict[int, list[Citation]] = {}
    first = next(iter(texts), -1)
    for raw in found:
        told = _cited(raw)
        at = first if told.content_index is None else told.content_index
        if at in texts and told.type in (None, "TEXT_CONTENT"):
            of.setdefault(at, []).append(citation(raw, texts[at]))
    order = iter(texts)
    return [
        msgspec.structs.replace(part, citations=tuple(of.get(next(order), ())))
        if isinstance(part, Text)
        else part
        for part in parts
    ]


def citation(raw: Raw, offset: int = 0) -> Citation:
    """A source of a stretch of text; its first one, where there are several."""
    told = _cited(raw)
    source = next(iter(told.sources or ()), {})
    document = source.get("document") or source.get("tool_output")
    if not isinstance(document, dict):
        document = {}
    ids = told.document_ids or [""]
    return Citation(
        url=_text(document.get("url")),
        title=_text(document.get("title")) or _text(source.get("id")) or ids[0],
        quote=told.text or "",
        start=None if told.start is None else told.start + offset,
        end=None if told.end is None else told.end + offset,
        raw=raw.copy(),
        family=FAMILY,
    )


def content_of(raw: Raw) -> int:
    """Number of the content part that a citation is of; -1 when it does not say."""
    at = _cited(raw).content_index
    return -1 if at is None else at


def says(raw: Raw) -> bool:
    """Whether a citation is of the answer's text, not of a plan or thought."""
    return _cited(raw).type in (None, "TEXT_CONTENT")


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _tool(call: Call, at: int) -> ToolUse:
    text = call.function.arguments or ""
    if call.parameters:
        text = bytes(call.parameters).decode()
    name = call.function.name or call.name or ""
    return ToolUse(call.id or f"call_{at}", name, arguments(text))


def arguments(text: str) -> str:
    """JSON of an object; a tool without parameters is called with null (recorded)."""
    return "{}" if text.strip() in ("", "null") else text


def _old(told: Answer, text: str, body: bytes) -> Choice:
    """v1's chat."""
    parts: list[Part] = [Text(text)] if text else []
    parts = _with_sources(parts, told.citations or [], {0: 0} if text else {})
    calls = told.tool_calls or []
    parts += [_tool(call, at) for at, call in enumerate(calls)]
    word = told.finish_reason or ""
    return Choice(
        parts=tuple(parts), stop=stop(word, bool(calls), body), native_stop=word
    )


def _generated(found: list[Generation], body: bytes) -> list[Choice]:
    return [
        Choice(
            index=at,
            parts=(Text(told.text),),
            stop=stop(told.finish_reason or "", False, body),
            native_stop=told.finish_reason or "",
        )
        for at, told in enumerate(found)
    ]


def stop(word: str, calls: bool, body: bytes, message: str = "") -> StopReason:
    """Why it ended.

    Raises:
        UpstreamError: it broke off.
    """
    if word in FAILED:
        raise broken(word, body, message)
    reason = STOPS.get(word, "end")
    return "tool_use" if calls and reason == "end" else reason


def broken(word: str, body: bytes, message: str = "") -> UpstreamError:
    """The error of a generation that broke off."""
    kind = Timeout if word == "TIMEOUT" else ServerError
    return kind(message or "Cohere could not end the answer", code=word, body=body)


def logprobs(found: list[Raw] | None) -> Raw:
    """OpenAI's `logprobs` object: Cohere tells a text, its tokens' numbers together."""
    if not found:
        return Raw(b"")
    entries = []
    for raw in found:
        told = _logprob(raw)
        text = told.text or ""
        entries.append(
            {
                "token": text,
                "logprob": sum(told.logprobs or [0.0]),
                "bytes": list(text.encode()),
                "top_logprobs": [],
            }
        )
    return Raw(wire.encode({"content": entries, "refusal": None}))
