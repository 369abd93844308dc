"""Whole answers: the API's body -> `ChatResult`, and any family's -> the API's body."""

import msgspec

from adapters.anthropic import blocks, citations, errors, usage
from adapters.anthropic.parts import answer_blocks
from adapters.anthropic.wire import (
    DIALECT,
    STOP_WORDS,
    STOPS,
    Answer,
    AnswerBody,
    answer_part,
    encode,
    given,
    message_id,
)
from adapters.contract import WireResponse
from adapters.errors import BadCall, Garbled
from adapters.normal.chat import ChatCall, ChatResult, Choice, StopReason, TokenCount
from adapters.normal.content import Part, Refusal, Text, ToolUse

_answer = msgspec.json.Decoder(Answer)


class _Count(msgspec.Struct, frozen=True):
    input_tokens: int


class _Input(msgspec.Struct, frozen=True):
    input: str


def read(response: WireResponse, custom: frozenset[str]) -> ChatResult:
    """A 2xx answer. `custom`: tools whose arguments are free text.

    Raises:
        UpstreamError: it holds an error, or is no message.
    """
    body = response.body
    try:
        head = _answer.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Garbled(f"not a Messages answer: {error}", body=body) from error
    if head.type == "error" or head.error is not None:
        raise errors.of_event(head.error, body)
    if not given(head.content):
        raise Garbled("the answer has no content", body=body)
    return ChatResult(
        id=head.id,
        model=head.model,
        usage=usage.normal(head.usage) if head.usage is not None else None,
        raw=body,
        dialect=DIALECT,
        read=choices if not custom else lambda raw: choices(raw, custom),
        stops=(STOPS.get(head.stop_reason, "end"),) if head.stop_reason else (),
    )


def choices(body: bytes, custom: frozenset[str] = frozenset()) -> tuple[Choice, ...]:
    """The one answer of a message.

    Raises:
        Garbled: it cannot be read.
    """
    try:
        body.decode()  # so that no piece that is kept as bytes can be broken text
    except UnicodeError as error:
        raise Garbled(f"the answer is not UTF-8: {error}", body=body) from error
    told = answer_part(body, AnswerBody)
    parts: list[Part] = []
    length = 0
    for raw in told.content:
        try:
            part = blocks.part(raw)
        except BadCall as error:
            raise Garbled(f"not a Messages answer: {error}", body=body) from error
        if isinstance(part, Text):
            end = length + len(part.text)
            part = _placed(part, length, end)
            length = end
        elif isinstance(part, ToolUse) and part.name in custom:
            part = unwrapped(part)
        parts.append(part)
    extra = {
        name: raw.copy()
        for name in ("stop_details", "container", "context_management")
        if given(raw := getattr(told, name))
    }
    native = told.stop_reason or ""
    return (
        Choice(
            parts=tuple(parts),
            stop=STOPS.get(native, "end") if native else None,
            native_stop=native,
            stop_sequence=told.stop_sequence,
            extra=extra,
        ),
    )


def _placed(part: Text, start: int, end: int) -> Text:
    """The text, its citations with the stretch of the answer they belong to."""
    if not part.citations:
        return part
    told = tuple(
        citations.read(c.raw, start, end) if c.raw else c for c in part.citations
    )
    return msgspec.structs.replace(part, citations=told)


def unwrapped(part: ToolUse) -> ToolUse:
    """A custom tool's call: its free text, out of the object it was asked in."""
    try:
        text = msgspec.json.decode(part.arguments, type=_Input).input
    except (msgspec.MsgspecError, UnicodeError):
        text = part.arguments
    return msgspec.structs.replace(part, arguments=text, custom=True)


def read_count(response: WireResponse) -> TokenCount:
    """The answer to a token count.

    Raises:
        Garbled: it is none.
    """
    told = answer_part(response.body, _Count)
    return TokenCount(told.input_tokens, raw=response.body, dialect=DIALECT)


def write(result: ChatResult, call: ChatCall) -> bytes:
    """The message for a client of this dialect; the first choice of several."""
    if result.dialect == DIALECT and result.raw:
        return result.raw
    told = result.choices()
    choice = told[0] if told else Choice()
    stop = choice.stop or "end"
    if stop == "end":
        stop = _stop(choice.parts)
    return encode(
        {
            "id": message_id(result.id, result.raw or call.raw),
            "type": "message",
            "role": "assistant",
            "model": result.model or call.model,
            "content": answer_blocks(choice.parts),
            "stop_reason": STOP_WORDS[stop],
            "stop_sequence": choice.stop_sequence,
            "usage": usage.written(result.usage),
        }
    )


def _stop(parts: tuple[Part, ...]) -> StopReason:
    if any(isinstance(part, ToolUse) for part in parts):
        return "tool_use"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "end"


def write_count(count: TokenCount) -> bytes:
    """The token count for a client of this dialect."""
    if count.dialect == DIALECT and count.raw:
        return count.raw
    return encode({"input_tokens": count.input})
