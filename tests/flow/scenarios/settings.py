"""How the model is sampled, limited and made to think: what is asked arrives, or is named
as left out."""

from typing import Any, Final

from tests.flow.scenarios.recorded import Asked
from tests.flow.sdk.heard import Heard

_GENERATION: Final = "generationConfig."
_INFERENCE: Final = "inferenceConfig."
NAMES: Final[dict[str, dict[str, str]]] = {
    "openai": {
        "presence": "presence_penalty",
        "frequency": "frequency_penalty",
        "schema": "response_format",
        "json_mode": "response_format",
        "thinks": "reasoning_effort",
    },
    "responses": {
        "max_tokens": "max_output_tokens",
        "logprobs": "message.output_text.logprobs",
        "schema": "text.format",
        "json_mode": "text.format",
        "thinks": "reasoning.effort",
    },
    "anthropic": {
        "stop": "stop_sequences",
        "thinks": "thinking",
        "schema": "output_config.format",
    },
    "gemini": {
        "max_tokens": _GENERATION + "maxOutputTokens",
        "temperature": _GENERATION + "temperature",
        "top_p": _GENERATION + "topP",
        "top_k": _GENERATION + "topK",
        "presence": _GENERATION + "presencePenalty",
        "frequency": _GENERATION + "frequencyPenalty",
        "stop": _GENERATION + "stopSequences",
        "seed": _GENERATION + "seed",
        "n": _GENERATION + "candidateCount",
        "logprobs": _GENERATION + "responseLogprobs",
        "thinks": _GENERATION + "thinkingConfig",
        "schema": _GENERATION + "responseSchema",
        "json_mode": _GENERATION + "responseMimeType",
    },
    "converse": {
        "max_tokens": _INFERENCE + "maxTokens",
        "temperature": _INFERENCE + "temperature",
        "top_p": _INFERENCE + "topP",
        "stop": _INFERENCE + "stopSequences",
        "thinks": "thinking",
        "schema": "outputConfig",
    },
}
"""Format -> setting -> what its clients call it, when that is not its name here."""
_ACCENT: Final = {"reasoning_effort": "thinking"}
"""The same as some clients of vendors call it."""
SETTINGS: Final = (
    *("max_tokens", "temperature", "top_p", "top_k", "presence", "frequency"),
    *("stop", "seed", "n", "logprobs", "schema", "json_mode", "thinks", "stream"),
)
_ALWAYS: Final = ("openai", "responses")
"""Whose models that think do so unasked."""
NEUTRAL: Final = {
    "temperature": 1.0,
    "top_p": 1.0,
    "presence": 0.0,
    "frequency": 0.0,
    "n": 1,
    "thinks": "none",
}
"""What asks for nothing."""


def differ(
    asked: Asked, told: Heard, format_: str, dropped: set[str]
) -> dict[str, Any]:
    """Settings that are other than asked, and not named as dropped."""
    wrong: dict[str, Any] = {}
    for name in SETTINGS:
        wanted, found = getattr(asked.told, name), getattr(told, name)
        if name == "thinks":
            if wanted == "adaptive" or (wanted == "some" and format_ in _ALWAYS):
                continue  # as the model likes
            wanted, found = _thinks(wanted), _thinks(found)
        if name == "schema" and format_ in ("anthropic", "converse"):
            wanted = _closed(wanted)  # they take no other
        if wanted == found or (_idle(name, wanted) and _idle(name, found)):
            continue
        if name == "max_tokens" and wanted is None and format_ == "anthropic":
            continue  # which must have one
        named = NAMES[asked.format].get(name, name)
        if _idle(name, found) and dropped & {named, _ACCENT.get(named)}:
            continue
        wrong[name] = found
    for name in asked.beyond:
        if name not in dropped:
            wrong[name] = "lost"
    return wrong


def _idle(name: str, value: Any) -> bool:
    return not value or value == NEUTRAL.get(name)


def _thinks(value: Any) -> Any:
    """An effort and a budget have no common measure."""
    return value not in (None, 0, "none", "disabled", False)


def _closed(schema: Any) -> Any:
    """A schema whose objects have no members but those that it names."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: _closed(inner) for name, inner in schema.items()}
    return {**out, "additionalProperties": False} if "properties" in schema else out
