"""Answers for Gemini clients: choices, usage and stop reasons in Gemini's words.

Source: ai.google.dev/api/generate-content, GenerateContentResponse.
"""

from collections.abc import Iterable
from typing import Final

from adapters.errors import Unsupported
from adapters.gemini import citations, logprobs, parts, signature
from adapters.gemini.answer import FINISH
from adapters.gemini.wire import FAMILY, encode, is_object
from adapters.normal.chat import ChatResult, Choice, StopReason
from adapters.normal.content import (
    Audio,
    Citation,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from adapters.normal.usage import Usage

REASONS: Final[dict[StopReason, str]] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "tool_use": "STOP",
    "filtered": "SAFETY",
    "refusal": "SAFETY",
    "pause": "OTHER",
    "error": "OTHER",
}
MALFORMED: Final = "MALFORMED_FUNCTION_CALL"
"""What Gemini calls it when arguments are no JSON object."""


def usage(spent: Usage) -> dict[str, object]:
    """`usageMetadata`; its total is the sum of its parts."""
    told: dict[str, object] = {
        "promptTokenCount": spent.input - spent.tool_input,
        "candidatesTokenCount": spent.output - spent.reasoning,
        "totalTokenCount": spent.total,
    }
    if spent.reasoning:
        told["thoughtsTokenCount"] = spent.reasoning
    if spent.cached:
        told["cachedContentTokenCount"] = spent.cached
    if spent.tool_input:
        told["toolUsePromptTokenCount"] = spent.tool_input
    into = spent.input - spent.tool_input
    if spent.audio_input or spent.image_input:
        told["promptTokensDetails"] = _details(
            into, spent.audio_input, spent.image_input
        )
    if spent.audio_output or spent.image_output:
        out = spent.output - spent.reasoning
        told["candidatesTokensDetails"] = _details(
            out, spent.audio_output, spent.image_output
        )
    return told


def _details(total: int, audio: int, image: int) -> list[dict[str, object]]:
    counts = {"TEXT": total - audio - image, "AUDIO": audio, "IMAGE": image}
    return [{"modality": k, "tokenCount": n} for k, n in counts.items() if n > 0]


def finish(reason: StopReason, native: str) -> str:
    """The finish reason; Gemini's own word where it was one."""
    return native if native in FINISH else REASONS[reason]


def part(said: Part) -> parts.Piece | None:
    """One part of an answer; `None` for what a Gemini client could not read."""
    match said:
        case Thinking():
            return thought(said)
        case Opaque() if said.family != FAMILY:
            return None
        case Image() | Audio() | Document():
            try:
                return parts.write(said, "", set())
            except Unsupported:
                return None  # a file of another provider, which no client can fetch
        case _:
            return parts.write(said, "", set())


def thought(said: Thinking) -> dict[str, object]:
    """A thought, whoever thought it; its signature comes back with the next call."""
    out: dict[str, object] = {"text": said.text, "thought": True}
    if signed := signature.wrap(said):
        out["thoughtSignature"] = signed
    return out


def call(said: ToolUse) -> dict[str, object] | None:
    """A call of a function; `None` when its arguments are no object."""
    text = said.arguments.strip().encode(errors="replace")
    if text and not said.custom and text != b"null" and not is_object(text):
        return None
    out: dict[str, object] = {"functionCall": parts.write_call(said)}
    if said.id:
        out["functionCall"] = {"id": said.id, **parts.write_call(said)}
    if said.signature:
        out["thoughtSignature"] = said.signature
    return out


def malformed(said: ToolUse) -> str:
    """`finishMessage` for a call that cannot be told."""
    return f"Malformed function call: {said.name}({said.arguments})"


def candidate(choice: Choice) -> dict[str, object]:
    """One choice as a candidate."""
    said: list[parts.Piece] = []
    broken = ""
    for piece in choice.parts:
        made = call(piece) if isinstance(piece, ToolUse) else part(piece)
        if made is not None:
            said.append(made)
        elif isinstance(piece, ToolUse):
            broken = broken or malformed(piece)
        if isinstance(piece, Audio) and piece.transcript:
            said.append({"text": piece.transcript})
    out: dict[str, object] = {
        "content": {"parts": said, "role": "model"},
        "index": choice.index,
    }
    if choice.stop is not None or broken:
        stop = choice.stop or "error"
        if stop == "end" and any(isinstance(piece, Refusal) for piece in choice.parts):
            stop = "refusal"
        reason = finish(stop, choice.native_stop)
        out["finishReason"] = MALFORMED if broken else reason
    if broken:
        out["finishMessage"] = broken
    if found := logprobs.write(choice.logprobs):
        out["logprobsResult"] = found
    out |= _metadata(choice)
    return out


def _metadata(choice: Choice) -> dict[str, object]:
    """Gemini's own fields of the choice, or its citations in Gemini's words."""
    text = "".join(p.text for p in choice.parts if isinstance(p, Text))
    cited: list[Citation] = []
    for piece in choice.parts:
        if isinstance(piece, Text):
            cited += piece.citations
    own = choice.native_stop in FINISH
    kept = dict(choice.extra) if own else {}
    if "citationMetadata" in kept or "groundingMetadata" in kept:
        cited = [c for c in cited if c.family != FAMILY]
    if "citationMetadata" not in kept and (found := citations.write(cited, text)):
        return {**kept, "citationMetadata": found}
    return dict(kept)


def write(result: ChatResult) -> bytes:
    """GenerateContentResponse."""
    return encode(
        envelope([candidate(c) for c in result.choices()], result.id, result.model)
        | ({"usageMetadata": usage(result.usage)} if result.usage is not None else {})
    )


def envelope(
    candidates: Iterable[dict[str, object]], id: str, model: str
) -> dict[str, object]:
    """An answer, or a chunk of one, around its candidates."""
    out: dict[str, object] = {"candidates": list(candidates)}
    if model:
        out["modelVersion"] = model
    if id:
        out["responseId"] = id
    return out
