"""`usage` <-> `Usage`: OpenAI's, and what its imitators make of it.

Seen (2026): DeepSeek, Moonshot, Together and Mistral tell cached tokens under names of
their own, Vercel the cache writes; xAI leaves reasoning out of the completion tokens,
Mistral audio out of the prompt tokens, and the total gives both away; Groq's streams
tell usage under `x_groq`, Moonshot's inside the choice.
"""

from typing import Any

import msgspec
from msgspec import Raw

from adapters.normal.usage import Usage
from adapters.openai.wire import (
    ABSENT,
    CompletionDetails,
    PromptDetails,
    Tokens,
    present,
    value,
)

_SERVICES = frozenset({"flex", "priority"})
_tokens = msgspec.json.Decoder(Tokens)
_NO_PROMPT = PromptDetails()
_NO_COMPLETION = CompletionDetails()


def read(told: Tokens) -> Usage:
    """All counts, totals with their parts."""
    prompt = told.prompt_tokens_details or _NO_PROMPT
    output = told.completion_tokens_details or _NO_COMPLETION
    reasoning = output.reasoning_tokens or 0
    audio = prompt.audio_tokens or 0
    total_in, total_out = _totals(told, reasoning, audio)
    cached = prompt.cached_tokens
    if not cached:
        cached = (
            _int(told.prompt_cache_hit_tokens)
            or _int(told.cached_tokens)
            or _int(told.num_cached_tokens)
        )
    written = prompt.cache_write_tokens or _int(told.cache_creation_input_tokens)
    cached = min(cached, total_in)
    return Usage(
        input=total_in,
        output=total_out,
        cached=cached,
        cache_write=min(written, total_in - cached),
        reasoning=reasoning,
        audio_input=audio,
        audio_output=output.audio_tokens or 0,
        image_input=prompt.image_tokens or 0,
        image_output=_int(output.image_tokens),
        predicted=output.accepted_prediction_tokens or 0,
        rejected=output.rejected_prediction_tokens or 0,
    )


def served(usage: Usage, tier: str | None) -> Usage:
    """The same, with the service tier that answered, where it has rates of its own."""
    if tier not in _SERVICES:
        return usage
    return msgspec.structs.replace(usage, service=tier)


def tier(usage: Usage) -> dict[str, str]:
    """`service_tier`, beside the usage, where it was not the usual one."""
    return {"service_tier": usage.service} if usage.service in _SERVICES else {}


def _totals(told: Tokens, reasoning: int, audio: int) -> tuple[int, int]:
    """Input and output, with what the vendor left out of them."""
    prompt, output = told.prompt_tokens, told.completion_tokens
    missing = told.total_tokens - prompt - output
    if missing <= 0:
        return prompt, output
    if missing == reasoning:
        return prompt, output + reasoning
    if missing == audio:
        return prompt + audio, output
    if missing == reasoning + audio:
        return prompt + audio, output + reasoning
    return prompt, output


def elsewhere(x_groq: Raw, of_choices: list[Raw]) -> Usage | None:
    """Usage that stands where only one vendor puts it."""
    candidates = [raw for raw in of_choices if present(raw)]
    if present(x_groq):
        inner = value.decode(x_groq)
        if isinstance(inner, dict) and isinstance(inner.get("usage"), dict):
            candidates.append(Raw(msgspec.json.encode(inner["usage"])))
    for raw in candidates:
        try:
            return read(_tokens.decode(raw))
        except msgspec.MsgspecError:
            continue
    return None


def write(usage: Usage) -> dict[str, Any]:
    """`usage` as OpenAI tells it."""
    prompt = {"cached_tokens": usage.cached, "audio_tokens": usage.audio_input}
    if usage.cache_write:
        prompt["cache_write_tokens"] = usage.cache_write
    if usage.image_input:
        prompt["image_tokens"] = usage.image_input
    output = {
        "reasoning_tokens": usage.reasoning,
        "audio_tokens": usage.audio_output,
        "accepted_prediction_tokens": usage.predicted,
        "rejected_prediction_tokens": usage.rejected,
    }
    if usage.image_output:
        output["image_tokens"] = usage.image_output
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": output,
    }


def _int(raw: Raw) -> int:
    if raw is ABSENT or not present(raw):
        return 0
    number = value.decode(raw)
    return number if isinstance(number, int) and number > 0 else 0
