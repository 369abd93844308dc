"""Whole answers: Converse's body -> `ChatResult`, and any family's -> Converse's body.

The body has no id: the request's stands in for it. Its model is not told.
"""

from collections.abc import Mapping
from functools import partial

from msgspec import Raw

from adapters.anthropic.answer import unwrapped
from adapters.bedrock import blocks, citations, parts, usage
from adapters.bedrock.wire import (
    DIALECT,
    NONE,
    STOP_WORDS,
    STOPS,
    Block,
    Camel,
    Tokens,
    answer_part,
    call_part,
    encode,
    given,
)
from adapters.contract import WireResponse
from adapters.errors import BadCall, Garbled
from adapters.normal.chat import ChatResult, Choice, StopReason, TokenCount
from adapters.normal.content import Part, Text, ToolUse


class Names:
    """What was told of the call's tools: whose names the API did not allow, and which
    of them take free text."""

    def __init__(
        self,
        renamed: Mapping[str, str] | None = None,
        custom: frozenset[str] = frozenset(),
    ) -> None:
        self.renamed = renamed or {}
        """The API's name -> the client's."""
        self.custom = custom
        """By the client's name."""

    def of(self, name: str) -> str:
        """The client's name."""
        return self.renamed.get(name, name)


class _Message(Camel, frozen=True):
    content: tuple[Raw, ...] = ()
    role: str = ""


class _Output(Camel, frozen=True):
    message: _Message | None = None


class _Head(Camel, frozen=True):
    output: Raw = NONE
    stop_reason: str | None = None
    usage: Tokens | None = None


class _Extra(Camel, frozen=True):
    stop_sequence: str | None = None


class _Body(Camel, frozen=True):
    output: _Output
    stop_reason: str | None = None
    additional_model_response_fields: Raw = NONE
    trace: Raw = NONE


class _Count(Camel, frozen=True):
    input_tokens: int


def read(response: WireResponse, names: Names) -> ChatResult:
    """A 2xx answer.

    Raises:
        Garbled: it is none.
    """
    body = response.body
    head = answer_part(body, _Head)
    if not given(head.output):
        raise Garbled("the answer has no output", body=body[:2000])
    stop = head.stop_reason
    return ChatResult(
        id=(response.header(b"x-amzn-requestid") or b"").decode("latin-1"),
        usage=usage.normal(head.usage) if head.usage is not None else None,
        raw=body,
        dialect=DIALECT,
        read=partial(choices, names=names),
        stops=(STOPS.get(stop, "end"),) if stop else (),
    )


def choices(body: bytes, names: Names) -> tuple[Choice, ...]:
    """The one answer.

    Raises:
        Garbled: it cannot be read.
    """
    told = answer_part(body, _Body)
    found: list[Part] = []
    length = 0
    for raw in told.output.message.content if told.output.message is not None else ():
        try:
            one = blocks.part(raw, call_part(raw, Block))
        except (BadCall, UnicodeError) as error:
            message = f"not an answer of Bedrock: {error}"
            raise Garbled(message, body=body[:2000]) from error
        if isinstance(one, Text):
            end = length + len(one.text)
            one = _placed(one, length, end)
            length = end
        elif isinstance(one, ToolUse):
            one = named(one, names)
        found.append(one)
    native = told.stop_reason or ""
    extra = {"trace": told.trace.copy()} if given(told.trace) else {}
    return (
        Choice(
            parts=tuple(found),
            stop=STOPS.get(native, "end") if native else None,
            native_stop=native,
            stop_sequence=stop_sequence(told.additional_model_response_fields),
            extra=extra,
        ),
    )


def named(part: ToolUse, names: Names) -> ToolUse:
    """The call under the client's name for its tool, free text out of its object."""
    name = names.of(part.name)
    part = ToolUse(part.id, name, part.arguments)
    return unwrapped(part) if name in names.custom else part


def stop_sequence(fields: Raw) -> str | None:
    """The sequence that stopped the model, where it was asked for and told."""
    if not given(fields):
        return None
    return answer_part(fields, _Extra).stop_sequence


def _placed(part: Text, start: int, end: int) -> Text:
    """The text, its citations with the stretch of the answer they belong to."""
    if not part.citations:
        return part
    told = tuple(citations.read(c.raw, start, end) for c in part.citations)
    return Text(part.text, told)


def read_count(response: WireResponse) -> TokenCount:
    """The answer to a token count.

    Raises:
        Garbled: it is none.
    """
    told = answer_part(response.body, _Count)
    return TokenCount(told.input_tokens, raw=response.body, dialect=DIALECT)


def write(result: ChatResult) -> bytes:
    """The answer for a client of this dialect; the first choice of several.

    `latencyMs` has to be there and is not measured here: it is 0.
    """
    if result.dialect == DIALECT and result.raw:
        return result.raw
    told = result.choices()
    choice = told[0] if told else Choice()
    body: dict[str, object] = {
        "output": {
            "message": {
                "role": "assistant",
                "content": parts.answer_blocks(choice.parts),
            }
        },
        "stopReason": stop_word(choice.stop, choice.parts),
        "usage": usage.written(result.usage),
        "metrics": {"latencyMs": 0},
    }
    if choice.stop_sequence is not None:
        body["additionalModelResponseFields"] = {"stop_sequence": choice.stop_sequence}
    return encode(body)


def stop_word(stop: StopReason | None, said: tuple[Part, ...]) -> str:
    """The API's word; a plain end after a call of a tool is that call's."""
    if stop in (None, "end") and any(isinstance(part, ToolUse) for part in said):
        return "tool_use"
    return STOP_WORDS[stop or "end"]


def write_count(count: TokenCount) -> bytes:
    """The token count for a client of this dialect."""
    if count.dialect == DIALECT and count.raw:
        return count.raw
    return encode({"inputTokens": count.input})
