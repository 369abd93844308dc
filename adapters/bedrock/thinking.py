"""How much a model should think: `Reasoning` -> `additionalModelRequestFields`.

Each vendor has words of its own: Claude those of Messages, Nova 2 `reasoningConfig`,
gpt-oss an effort. Others think as they are made; asking them for it is dropped.
Source: docs.aws.amazon.com, "Extended thinking" of Claude, Nova and gpt-oss.
"""

from typing import Final

from adapters.anthropic import thinking as claude
from adapters.anthropic.models import Powers
from adapters.bedrock.models import Model
from adapters.normal.chat import Conversation

_LEVELS: Final = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_BUDGETS: Final = ((2048, "low"), (8192, "medium"))
"""Thinking tokens up to which an effort is meant."""

Fields = dict[str, object]


def plan(
    asked: Conversation, model: Model, powers: Powers, free: bool
) -> tuple[Fields, bool, bool]:
    """The fields; whether the model will think by them; whether a wish was dropped."""
    wish = asked.reasoning
    if wish is None:
        return {}, False, False
    if model.vendor in {"", "anthropic"}:
        found = claude.plan(wish, powers, asked.max_tokens, free)
        fields: Fields = {}
        if found.thinking is not None:
            fields["thinking"] = found.thinking
        if found.effort:
            fields["output_config"] = {"effort": found.effort}
        return fields, found.on, found.dropped
    off = wish.enabled is False or wish.effort == "none" or wish.budget == 0
    level = _LEVELS.get(wish.effort) or _level(wish.budget)
    if model.nova >= 2:
        if off:
            return {"reasoningConfig": {"type": "disabled"}}, False, False
        if level == "high" and asked.max_tokens is not None:
            # The highest effort takes no limit of tokens.
            level = "medium"
        told = {"type": "enabled", "maxReasoningEffort": level}
        return {"reasoningConfig": told}, True, False
    if model.bare.startswith("openai."):
        return ({}, True, True) if off else ({"reasoning_effort": level}, True, False)
    return {}, False, not off


def _level(budget: int | None) -> str:
    if budget is None or budget < 0:
        return "medium"
    return next((word for most, word in _BUDGETS if budget <= most), "high")
