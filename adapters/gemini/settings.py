"""`generationConfig` <-> the parameters of a conversation.

What has no common word (`speechConfig`, `mediaResolution`, `imageConfig`, ...) is kept
under `generationConfig.<name>` among the conversation's extra fields.
Source: ai.google.dev/api/generate-content, GenerationConfig.
"""

from typing import Any, Final

from msgspec import Raw

from adapters.errors import Unsupported
from adapters.gemini import thinking
from adapters.gemini.schema import json_schema
from adapters.gemini.wire import encode, members, plain, pop
from adapters.normal.chat import Conversation
from adapters.normal.content import ResponseFormat

WHERE: Final = "generationConfig"
JSON: Final = "application/json"
TEXT: Final = "text/plain"
STOPS: Final = 5
"""Stop sequences at most."""

NUMBERS: Final[tuple[tuple[str, str, type], ...]] = (
    ("maxOutputTokens", "max_tokens", int),
    ("temperature", "temperature", float),
    ("topP", "top_p", float),
    ("topK", "top_k", int),
    ("candidateCount", "n", int),
    ("seed", "seed", int),
    ("presencePenalty", "presence_penalty", float),
    ("frequencyPenalty", "frequency_penalty", float),
    ("responseLogprobs", "logprobs", bool),
    ("logprobs", "top_logprobs", int),
)
"""Gemini's word, ours, and the type."""

_MODALITIES: Final = ("TEXT", "IMAGE", "AUDIO", "VIDEO")


def read(raw: Raw) -> tuple[dict[str, Any], dict[str, Raw]]:
    """Fields of a `Conversation`, and extra ones."""
    source = members(raw, WHERE)
    fields: dict[str, Any] = {}
    for name, field, kind in NUMBERS:
        number = pop(source, name, kind, WHERE)
        if number is not None:
            fields[field] = number
    if stop := pop(source, "stopSequences", list[str], WHERE):
        fields["stop"] = tuple(stop)
    if modes := pop(source, "responseModalities", list[str | int], WHERE):
        fields["modalities"] = tuple(
            str(mode).lower() for mode in modes if str(mode).upper() in _MODALITIES
        )
    extra: dict[str, Raw] = {}
    if (config := source.pop("thinkingConfig", None)) is not None:
        ask, left = thinking.read(config, f"{WHERE}.thinkingConfig")
        fields["reasoning"] = ask
        if left:
            extra[f"{WHERE}.thinkingConfig"] = Raw(encode(left))
    form = _read_format(source)
    if form is not None:
        fields["response_format"] = form
    extra |= {f"{WHERE}.{name}": inner for name, inner in source.items()}
    return fields, extra


def _read_format(source: dict[str, Raw]) -> ResponseFormat | None:
    kind = source.get("responseMimeType")
    mime = pop(source, "responseMimeType", str, WHERE)
    schema = source.get("responseJsonSchema", source.get("_responseJsonSchema"))
    if mime not in (None, JSON, TEXT) and kind is not None:
        source["responseMimeType"] = kind  # text/x.enum and others: Gemini's alone
        return None
    if schema is not None:
        for name in ("responseJsonSchema", "_responseJsonSchema", "responseSchema"):
            source.pop(name, None)
        return ResponseFormat("schema", schema=schema)
    if (own := source.pop("responseSchema", None)) is not None:
        return ResponseFormat("schema", schema=json_schema(own, "responseSchema"))
    if mime is None:
        return None
    return ResponseFormat("json" if mime == JSON else "text")


def write(
    talk: Conversation, model: str, limit: int | None, dropped: set[str]
) -> dict[str, object]:
    """`generationConfig`; `limit` is the most output tokens the model can make.

    Raises:
        Unsupported: more stop sequences than Gemini takes.
    """
    asked = ((name, getattr(talk, field)) for name, field, _ in NUMBERS)
    config: dict[str, object] = {k: v for k, v in asked if v is not None}
    if talk.max_tokens is not None and limit is not None:
        config["maxOutputTokens"] = min(talk.max_tokens, limit)
    if len(talk.stop) > STOPS:
        raise Unsupported(f"gemini takes at most {STOPS} stop sequences", "stop")
    if talk.stop:
        config["stopSequences"] = list(talk.stop)
    if talk.modalities:
        config["responseModalities"] = [mode.upper() for mode in talk.modalities]
    if talk.response_format is not None:
        config |= _format(talk.response_format)
    if talk.reasoning is not None:
        ask = thinking.write(talk.reasoning, model)
        if ask is None:
            dropped.add("reasoning")
        elif ask:
            config["thinkingConfig"] = ask
    return config


def _format(form: ResponseFormat) -> dict[str, object]:
    if form.mode == "text":
        return {}
    config: dict[str, object] = {"responseMimeType": JSON}
    if form.mode == "schema" and form.schema:
        schema: object = form.schema
        if form.description:
            top: dict[str, object] = dict(plain(form.schema))
            schema = {"description": form.description, **top}
        config["responseJsonSchema"] = schema
    return config


def restore(config: dict[str, object], name: str, left: Raw) -> None:
    """Put a kept member back; one that is partly told already is completed."""
    told = config.get(name)
    if isinstance(told, dict):
        told |= members(left, f"{WHERE}.{name}")
    else:
        config[name] = left
