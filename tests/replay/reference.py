"""Usage and cost by the providers' documentation, written apart from the adapters."""

import json
from fractions import Fraction
from typing import Any

from adapters.catalog import Price, Rates
from adapters.normal.usage import Usage
from tests.replay.clients import events
from tests.replay.material import Recording

Json = dict[str, Any]

APART = frozenset({"xai", "openai-compatible"})
"""Providers that tell reasoning beside the completion tokens, not in them (the second
is xAI under another name)."""


def usage(recording: Recording) -> Usage | None:
    """What the provider says was used; `None` when it says nothing."""
    if recording.family == "openai_responses":
        return _responses(recording)
    if recording.family.startswith("openai"):
        return _openai(recording)
    reader = {
        "anthropic": _anthropic,
        "gemini": _gemini,
        "ollama": _ollama,
        "cohere": _cohere,
    }[recording.family.partition("_")[0]]
    return reader(recording)


def objects(recording: Recording) -> list[Json]:
    """The JSON objects of an answer."""
    if recording.form == "events":
        found = []
        for data in events(recording.body):
            if data.strip() != b"[DONE]":
                found.append(json.loads(data))
        return found
    if recording.form == "lines":
        return [json.loads(line) for line in recording.body.splitlines() if line]
    told = json.loads(recording.body)
    return told if isinstance(told, list) else [told]


def _openai(recording: Recording) -> Usage | None:
    told, tier = None, ""
    for body in objects(recording):
        tier = body.get("service_tier") or tier
        inside = [c.get("usage") for c in body.get("choices") or []]
        beside = (body.get("x_groq") or {}).get("usage")
        for found in (body.get("usage"), *inside, beside):
            if found:
                told = found
                break
    if told is None:
        return None
    into = told.get("prompt_tokens_details") or {}
    out = told.get("completion_tokens_details") or {}
    prompt, output = told.get("prompt_tokens") or 0, told.get("completion_tokens") or 0
    thought = out.get("reasoning_tokens") or 0
    if recording.provider in APART:
        output += thought
    audio = into.get("audio_tokens") or 0
    if recording.provider == "mistral" and told["total_tokens"] > prompt + output:
        prompt += audio
    cached = (
        into.get("cached_tokens")
        or told.get("prompt_cache_hit_tokens")
        or told.get("cached_tokens")
        or told.get("num_cached_tokens")
        or 0
    )
    return Usage(
        input=prompt,
        output=output,
        cached=min(cached, prompt),  # Azure AI has told more than the whole
        cache_write=into.get("cache_write_tokens")
        or told.get("cache_creation_input_tokens")
        or 0,
        reasoning=thought,
        audio_input=audio,
        audio_output=out.get("audio_tokens") or 0,
        image_input=into.get("image_tokens") or 0,
        image_output=out.get("image_tokens") or 0,
        predicted=out.get("accepted_prediction_tokens") or 0,
        rejected=out.get("rejected_prediction_tokens") or 0,
        service=tier if tier in ("flex", "priority") else "",
    )


def _responses(recording: Recording) -> Usage | None:
    told, tier = None, ""
    for body in objects(recording):
        response = body.get("response") or body
        told = response.get("usage") or told
        tier = response.get("service_tier") or tier
    if told is None:
        return None
    into = told.get("input_tokens_details") or {}
    out = told.get("output_tokens_details") or {}
    return Usage(
        input=told["input_tokens"],
        output=told["output_tokens"],
        cached=into.get("cached_tokens") or 0,
        cache_write=into.get("cache_write_tokens") or 0,
        reasoning=out.get("reasoning_tokens") or 0,
        service=tier if tier in ("flex", "priority") else "",
    )


def _anthropic(recording: Recording) -> Usage | None:
    told: Json = {}
    for body in objects(recording):
        message = body.get("message") or {}
        found = body.get("usage") or message.get("usage") or {}
        told.update({k: v for k, v in found.items() if v is not None})
        if body.get("type") == "message_stop":
            break  # some recordings hold several messages; the first one counts
    if not told:
        return None
    passes = [i for i in told.get("iterations") or [] if i["type"] == "compaction"]

    def total(name: str) -> int:
        return int((told.get(name) or 0) + sum(i[name] for i in passes))

    read = total("cache_read_input_tokens")
    written = total("cache_creation_input_tokens")
    made = told.get("cache_creation") or {}
    details = told.get("output_tokens_details") or {}
    served = told.get("service_tier")
    return Usage(
        input=total("input_tokens") + read + written,
        output=total("output_tokens"),
        cached=read,
        cache_write=written,
        cache_write_1h=made.get("ephemeral_1h_input_tokens", 0),
        reasoning=details.get("thinking_tokens", 0),
        service=served if served in ("priority", "batch") else "",
    )


def _gemini(recording: Recording) -> Usage | None:
    found = [o["usageMetadata"] for o in objects(recording) if "usageMetadata" in o]
    if recording.streams:  # early events name only the kind of traffic
        found = [u for u in found if {"promptTokenCount", "totalTokenCount"} & set(u)]
    if not found:
        return None
    told = found[-1]

    def of(name: str, modality: tuple[Any, ...]) -> int:
        return sum(
            item.get("tokenCount", 0)
            for item in told.get(name, [])
            if item["modality"] in modality
        )

    thoughts = told.get("thoughtsTokenCount", 0)
    tools = told.get("toolUsePromptTokenCount", 0)
    images, sounds = ("IMAGE", 2), ("AUDIO", 4)
    return Usage(
        input=told.get("promptTokenCount", 0) + tools,
        output=told.get("candidatesTokenCount", 0) + thoughts,
        cached=told.get("cachedContentTokenCount", 0),
        reasoning=thoughts,
        tool_input=tools,
        audio_input=of("promptTokensDetails", sounds)
        + of("toolUsePromptTokensDetails", sounds),
        image_input=of("promptTokensDetails", images)
        + of("toolUsePromptTokensDetails", images),
        audio_output=of("candidatesTokensDetails", sounds),
        image_output=of("candidatesTokensDetails", images),
    )


def _ollama(recording: Recording) -> Usage | None:
    told = objects(recording)[-1]
    if "eval_count" not in told:
        return None
    return Usage(
        input=told.get("prompt_eval_count", 0), output=told.get("eval_count", 0)
    )


def _cohere(recording: Recording) -> Usage | None:
    """Its own hidden prompt is read and not billed; images are counted apart."""
    for body in objects(recording):
        told = body.get("usage") or body.get("meta")
        told = told or (body.get("delta") or {}).get("usage")
        if not told:
            continue
        tokens, billed = told["tokens"], told["billed_units"]
        images = tokens.get("image_tokens", 0)
        return Usage(
            input=tokens["input_tokens"] + images,
            output=tokens["output_tokens"],
            cached=told.get("cached_tokens", 0),
            reasoning=tokens.get("reasoning_tokens", 0),
            image_input=images,
            paid=(billed["input_tokens"], billed["output_tokens"]),
        )
    return None


def cost(usage: Usage, price: Price) -> int | None:
    """Nano-dollars, in fractions of a dollar until the last step."""
    if usage.service and price.services:
        if usage.service not in price.services:
            return None
        price = price.services[usage.service]
    if usage.paid is not None:
        usage = Usage(input=usage.paid[0], output=usage.paid[1])
    rates: Rates = price
    for tier in price.tiers:
        if usage.input > tier.above:
            rates = tier
    hour = min(usage.cache_write_1h, usage.cache_write)
    write = rates.input if rates.cache_write is None else rates.cache_write
    long = write if rates.cache_write_1h is None else rates.cache_write_1h
    kinds = [
        (usage.cached, rates.cached, rates.input),
        (hour, long, None),
        (usage.cache_write - hour, write, None),
        (usage.audio_input, rates.audio_input, rates.input),
        (usage.image_input, rates.image_input, rates.input),
    ]
    bill = _sum(usage.input, kinds, rates.input)
    kinds = [
        (usage.reasoning, rates.reasoning, rates.output),
        (usage.audio_output, rates.audio_output, rates.output),
        (usage.image_output, rates.image_output, rates.output),
    ]
    rest = _sum(usage.output, kinds, rates.output)
    if bill is None or rest is None:
        return None
    dollars = bill + rest + Fraction(price.request, 10**12)
    return int(dollars * 10**9 + Fraction(1, 2))


def _sum(
    total: int, kinds: list[tuple[int, int | None, int | None]], plain: int | None
) -> Fraction | None:
    dollars, left = Fraction(0), total
    for counted, own, other in [*kinds, (total, plain, None)]:
        tokens = min(counted, left)
        left -= tokens
        rate = other if own is None else own
        if tokens and rate is None:
            return None
        dollars += Fraction(tokens * (rate or 0), 10**12)
    return dollars
