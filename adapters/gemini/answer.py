"""An answer of generateContent: its wire form, usage, finish reasons, and choices.

Source: ai.google.dev/api/generate-content, GenerateContentResponse, Candidate,
UsageMetadata. Numbers stand for words where a client asked for `enum-encoding=int`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Raw

from adapters.gemini import citations, logprobs, media, signature
from adapters.gemini.ids import in_answer
from adapters.gemini.wire import EMPTY, FAMILY, NONE, answer, given, text_of
from adapters.normal.chat import Choice, StopReason
from adapters.normal.content import Citation, Opaque, Part, Text, ToolUse
from adapters.normal.usage import Usage

FINISH: Final[dict[str, StopReason]] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "SAFETY": "filtered",
    "RECITATION": "filtered",
    "LANGUAGE": "filtered",
    "BLOCKLIST": "filtered",
    "PROHIBITED_CONTENT": "filtered",
    "SPII": "filtered",
    "IMAGE_SAFETY": "filtered",
    "IMAGE_PROHIBITED_CONTENT": "filtered",
    "IMAGE_RECITATION": "filtered",
    "MODEL_ARMOR": "filtered",
    "PUP_LIMITED_DISABLED": "filtered",
    "ESCALATION": "filtered",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "CONTINUATION": "pause",
    "OTHER": "end",
}
"""Finish reasons; an unknown one ends the answer like any other."""

NUMBERED: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
)
"""Finish reasons by number. Source: googleapis, generative_service.proto."""


class Partial(msgspec.Struct, frozen=True, rename="camel"):
    """One step of arguments that come in pieces."""

    json_path: str = ""
    string_value: str | None = None
    number_value: Raw = NONE
    bool_value: bool | None = None
    will_continue: bool | None = None


class Call(msgspec.Struct, frozen=True, rename="camel"):
    """`functionCall`."""

    name: str | None = None
    id: str | None = None
    args: Raw = NONE
    partial_args: list[Partial] | None = None
    will_continue: bool | None = None


class Blob(msgspec.Struct, frozen=True, rename="camel"):
    """`inlineData`."""

    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class Piece(msgspec.Struct, frozen=True, rename="camel"):
    """A part; one without any of these is only Gemini's."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None
    inline_data: Blob | None = None


class Content(msgspec.Struct, frozen=True):
    """What a candidate says."""

    parts: list[Piece] | None = None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One answer, or what a chunk adds to it."""

    content: Content | None = None
    finish_reason: str | int | None = None
    index: int | None = None
    citation_metadata: Raw = NONE
    grounding_metadata: Raw = NONE
    logprobs_result: Raw = NONE


class Count(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens of one modality."""

    modality: str | int | None = None
    token_count: int | None = None


class Tokens(msgspec.Struct, frozen=True, rename="camel"):
    """`usageMetadata`."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[Count] | None = None
    candidates_tokens_details: list[Count] | None = None
    tool_use_prompt_tokens_details: list[Count] | None = None


class Feedback(msgspec.Struct, frozen=True, rename="camel"):
    """`promptFeedback`."""

    block_reason: str | int | None = None


class Chunk(msgspec.Struct, frozen=True, rename="camel"):
    """One event of a stream."""

    candidates: list[Candidate] | None = None
    usage_metadata: Tokens | None = None
    model_version: str | None = None
    response_id: str | None = None
    prompt_feedback: Feedback | None = None
    error: Raw = NONE


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """A whole answer but for its candidates."""

    candidates: Raw = NONE
    usage_metadata: Tokens | None = None
    model_version: str | None = None
    response_id: str | None = None
    prompt_feedback: Feedback | None = None
    error: Raw = NONE


class _RawContent(msgspec.Struct, frozen=True):
    parts: list[Raw] | None = None


class _RawCandidate(msgspec.Struct, frozen=True):
    content: _RawContent | None = None


class _RawChunk(msgspec.Struct, frozen=True):
    candidates: list[_RawCandidate] | None = None


class _Whole(msgspec.Struct, frozen=True, rename="camel"):
    candidates: list[dict[str, Raw]] | None = None
    prompt_feedback: Feedback | None = None
    response_id: str | None = None


head = msgspec.json.Decoder(Head)
_chunk = msgspec.json.Decoder(Chunk)
_whole = msgspec.json.Decoder(_Whole)
_candidate = msgspec.json.Decoder(Candidate)
_raw_content = msgspec.json.Decoder(_RawContent)
_raw_chunk = msgspec.json.Decoder(_RawChunk)
chunk = _chunk.decode

_KNOWN: Final = frozenset({"content", "finishReason", "index", "logprobsResult"})
_AUDIO: Final = ("AUDIO", 4)
_IMAGE: Final = ("IMAGE", 2)


def usage(told: Tokens) -> Usage:
    """All tokens: thoughts count as output, results of Google's tools as input."""
    tools = told.tool_use_prompt_token_count or 0
    thoughts = told.thoughts_token_count or 0
    spent = Usage(
        (told.prompt_token_count or 0) + tools,
        (told.candidates_token_count or 0) + thoughts,
        told.cached_content_token_count or 0,
        0,
        0,
        thoughts,
        0,
        0,
        0,
        0,
        tools,
    )
    into, out = told.prompt_tokens_details, told.candidates_tokens_details
    more = told.tool_use_prompt_tokens_details
    if _is_text(into) and _is_text(out) and _is_text(more):
        return spent
    return msgspec.structs.replace(
        spent,
        audio_input=_of(into, _AUDIO) + _of(more, _AUDIO),
        image_input=_of(into, _IMAGE) + _of(more, _IMAGE),
        audio_output=_of(out, _AUDIO),
        image_output=_of(out, _IMAGE),
    )


def _is_text(details: list[Count] | None) -> bool:
    return not details or (len(details) == 1 and details[0].modality == "TEXT")


def counts(told: Tokens) -> bool:
    """Whether it counts anything yet; early chunks name only the kind of traffic."""
    return told.prompt_token_count is not None or told.total_token_count is not None


def _of(details: list[Count] | None, kind: tuple[str, int]) -> int:
    if not details:
        return 0
    return sum(d.token_count or 0 for d in details if d.modality in kind)


def word(reason: str | int | None) -> str:
    """A finish or block reason as a word; empty while there is none."""
    if isinstance(reason, int):
        reason = NUMBERED[reason] if 0 <= reason < len(NUMBERED) else str(reason)
    return "" if reason is None or reason == NUMBERED[0] else reason


def stop(native: str, has_call: bool) -> StopReason:
    """Why the model stopped; a call of a function anywhere in the answer makes its
    plain end one."""
    reason = FINISH.get(native, "end")
    return "tool_use" if reason == "end" and has_call and native == "STOP" else reason


def choices(body: bytes) -> tuple[Choice, ...]:
    """The choices of a whole answer; a blocked prompt is one that was filtered.

    Raises:
        Garbled: it does not follow the documentation.
    """
    told = answer(_whole, body, "the answer")
    if told.candidates:
        found = enumerate(told.candidates)
        return tuple(_choice(raw, at, told.response_id or "") for at, raw in found)
    feedback = told.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return (Choice(0, (), "filtered", word(feedback.block_reason)),)
    return ()


def _choice(source: dict[str, Raw], at: int, id: str) -> Choice:
    told = answer(_candidate, _joined(source), f"candidates[{at}]")
    index = at if told.index is None else told.index
    native = word(told.finish_reason)
    pieces = (told.content.parts if told.content is not None else None) or []
    raws: list[Raw] = []
    if any(is_odd(piece) for piece in pieces):
        inner = answer(_raw_content, source["content"], f"candidates[{at}].content")
        raws = inner.parts or []
    parts = list(_parts(pieces, raws, id, index))
    has_call = any(isinstance(part, ToolUse) for part in parts)
    said = "".join(part.text for part in parts if isinstance(part, Text))
    cited = citations.read(told.citation_metadata, told.grounding_metadata, said)
    return Choice(
        index=index,
        parts=tuple(_cited(parts, cited)),
        stop=stop(native, has_call) if native else None,
        native_stop=native,
        logprobs=logprobs.read(told.logprobs_result),
        extra={k: v for k, v in source.items() if k not in _KNOWN},
    )


def _joined(source: dict[str, Raw]) -> bytes:
    return msgspec.json.encode(source)


def is_odd(piece: Piece) -> bool:
    """Whether a part is only Gemini's, or media that are thoughts."""
    if piece.text is not None or piece.function_call is not None:
        return False
    if piece.inline_data is not None:
        return bool(piece.thought) or piece.inline_data.mime_type.startswith("video/")
    return not piece.thought_signature


def odd(body: bytes, candidate: int, part: int) -> Raw:
    """The bytes of one part of a chunk."""
    told = answer(_raw_chunk, body, "the event")
    content = told.candidates[candidate].content if told.candidates else None
    return content.parts[part] if content is not None and content.parts else EMPTY


def _parts(
    pieces: Iterable[Piece], raws: list[Raw], id: str, index: int
) -> Iterator[Part]:
    calls = 0
    for at, piece in enumerate(pieces):
        if (call := piece.function_call) is not None:
            yield tool(call, piece.thought_signature, id, index, calls)
            calls += 1
        elif is_odd(piece):
            yield opaque(raws[at])
        else:
            yield plain_part(piece, raws[at] if raws else EMPTY)


def plain_part(piece: Piece, raw: Raw) -> Part:
    """Text, a thought, or media."""
    signed = piece.thought_signature or ""
    if (blob := piece.inline_data) is not None:
        return media.inline(
            blob.mime_type, blob.data, blob.display_name or "", raw, signed
        )
    if piece.thought:
        return signature.unwrap(piece.text or "", signed)
    return Text(piece.text or "", signature=signed)


def tool(call: Call, signed: str | None, id: str, index: int, number: int) -> ToolUse:
    """A whole call, under its own id or one that is made for it."""
    name = call.name or ""
    arguments = text_of(call.args) if given(call.args) else "{}"
    seed = id or f"{name}{arguments}"
    made = call.id or in_answer(seed, index, number)
    return ToolUse(made, name, arguments, signed or "")


def opaque(raw: Raw) -> Opaque:
    """A part that only Gemini understands."""
    source = msgspec.json.decode(raw, type=dict[str, Raw])
    if "thought" in source:
        return Opaque(FAMILY, "thought", raw)
    label = next((name for name in source if name != "thoughtSignature"), "part")
    return Opaque(FAMILY, "video" if label == "inlineData" else label, raw)


def _cited(parts: list[Part], cited: tuple[Citation, ...]) -> list[Part]:
    """The citations belong to the last text."""
    if not cited:
        return parts
    for at in range(len(parts) - 1, -1, -1):
        part = parts[at]
        if isinstance(part, Text):
            parts[at] = msgspec.structs.replace(part, citations=cited)
            break
    return parts
