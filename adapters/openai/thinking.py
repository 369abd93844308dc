"""How much a model should think: one meaning, four spellings."""

from collections.abc import Container
from typing import Final

from adapters.normal.content import Reasoning
from adapters.openai.compose import Json
from adapters.openai.words import Words

_LOW: Final = 4096
"""Thinking tokens below which a budget is a low effort."""
_HIGH: Final = 16_384
"""Thinking tokens from which on it is a high one."""
_USUAL: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
"""OpenAI's efforts that its imitators do not know."""


def ask(
    asked: Reasoning, extra: Container[str], said: Words, drop: list[str], body: Json
) -> None:
    """Adds the target's own words for it to the body."""
    if said.own and ("reasoning" in extra or "thinking" in extra):
        if asked.effort:  # the rest goes as the client wrote it
            body["reasoning_effort"] = asked.effort
        return
    if said.own and asked.effort and said.effort != "reasoning":
        body["reasoning_effort"] = asked.effort
        return
    match said.effort:
        case "reasoning":
            body["reasoning"] = _openrouter(asked)
        case "thinking":
            body["thinking"] = _anthropic(asked)
        case "enable_thinking":
            body["enable_thinking"] = enabled(asked)
            if asked.budget is not None and asked.budget > 0:
                body["thinking_budget"] = asked.budget
        case "reasoning_effort":
            _openai(asked, said, drop, body)
        case _ if enabled(asked):
            drop.append("reasoning")


def enabled(asked: Reasoning) -> bool:
    """Whether the model should think at all."""
    if asked.enabled is not None:
        return asked.enabled
    return asked.effort != "none" and asked.budget != 0


def _openai(asked: Reasoning, said: Words, drop: list[str], body: Json) -> None:
    if said.official and not said.reasons:
        if enabled(asked):
            drop.append("reasoning")
        return
    if effort := _effort(asked, said):
        body["reasoning_effort"] = effort
    if said.official and asked.show and enabled(asked):
        drop.append("show")  # they are counted, and never told


def _effort(asked: Reasoning, said: Words) -> str:
    """Empty when the model thinks as it likes."""
    if not enabled(asked):
        return said.least
    effort = asked.effort
    if not effort and asked.budget is not None and asked.budget > 0:
        effort = "low" if asked.budget < _LOW else "medium"
        effort = "high" if asked.budget >= _HIGH else effort
    return effort if said.official else _USUAL.get(effort, effort)


def _openrouter(asked: Reasoning) -> Json:
    out: Json = {}
    budget = asked.budget is not None and asked.budget > 0
    if asked.effort and not budget:
        out["effort"] = asked.effort
    if budget:
        out["max_tokens"] = asked.budget
    if asked.enabled is not None and asked.effort != "none":
        out["enabled"] = asked.enabled
    if asked.show is not None:
        out["exclude"] = not asked.show
    return out or {"enabled": enabled(asked)}


def _anthropic(asked: Reasoning) -> Json:
    out: Json = {"type": "enabled" if enabled(asked) else "disabled"}
    if asked.budget is not None and asked.budget > 0 and enabled(asked):
        out["budget_tokens"] = asked.budget
    return out
