"""How much a model should think: `Reasoning` -> `thinking` and `output_config.effort`.

Three generations of models are asked in three ways: not at all, by a budget of tokens
(`enabled`), or by an effort with the amount left to the model (`adaptive`). A budget
must be at least 1,024 and less than `max_tokens`, which it counts against:

* without a `max_tokens` of the client's, the budget is added to our default;
* with one, the budget gives way, so that a quarter of `max_tokens` is left for the
  answer where 1,024 permits; under 1,025 there is no thinking, and it is named.
"""

from typing import Final

import msgspec

from adapters.anthropic.models import Powers
from adapters.normal.content import Reasoning

LEAST: Final = 1024
BUDGETS: Final = {
    "minimal": 1024,
    "low": 1024,
    "medium": 4096,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
"""Thinking tokens for an effort, where the model wants a budget."""

_NEAREST: Final = {
    "minimal": ("low",),
    "low": ("low",),
    "medium": ("medium",),
    "high": ("high",),
    "xhigh": ("xhigh", "max", "high"),
    "max": ("max", "xhigh", "high"),
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the request says of thinking."""

    thinking: dict[str, object] | None = None
    effort: str = ""
    budget: int = 0
    """To be added to `max_tokens` when the client named none."""
    dropped: bool = False
    """The wish could not be said."""

    @property
    def on(self) -> bool:
        """Whether the model will think, as far as the request says."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def verbatim(asked: Reasoning | None) -> Plan:
    """The plan for a call in this dialect: what the client wrote."""
    if asked is None:
        return Plan()
    thinking: dict[str, object] | None = None
    if asked.enabled is False:
        thinking = {"type": "disabled"}
    elif asked.enabled and asked.budget is not None and asked.budget >= 0:
        thinking = {"type": "enabled", "budget_tokens": asked.budget}
    elif asked.enabled:
        thinking = {"type": "adaptive"}
    if thinking is not None and asked.show is not None:
        thinking["display"] = "summarized" if asked.show else "omitted"
    return Plan(thinking=thinking, effort=asked.effort)


def plan(
    asked: Reasoning | None, powers: Powers, max_tokens: int | None, free: bool
) -> Plan:
    """The plan for a call of another dialect.

    `free` is false in the middle of a tool turn whose thoughts are gone: a model with a
    budget refuses to go on thinking there, so it goes on without.
    """
    if asked is None:
        return Plan()
    if asked.enabled is False or asked.effort == "none" or asked.budget == 0:
        return Plan(thinking={"type": "disabled"} if powers.adaptive else None)
    if not (asked.enabled or asked.effort or asked.budget):
        return Plan()
    if powers.adaptive and not (powers.budget and (asked.budget or 0) > 0):
        return _adaptive(asked, powers)
    if powers.budget and free:
        return _budget(asked, max_tokens)
    return Plan(dropped=True)


def _adaptive(asked: Reasoning, powers: Powers) -> Plan:
    thinking: dict[str, object] = {"type": "adaptive"}
    if asked.show is not None:
        thinking["display"] = "summarized" if asked.show else "omitted"
    effort = asked.effort
    if not effort and asked.budget is not None and asked.budget > 0:
        effort = _effort(asked.budget)
    for level in _NEAREST.get(effort, ()):
        if level in powers.efforts:
            return Plan(thinking=thinking, effort=level)
    return Plan(thinking=thinking, dropped=bool(effort))


def _budget(asked: Reasoning, max_tokens: int | None) -> Plan:
    if asked.budget is not None and asked.budget > 0:
        budget = max(asked.budget, LEAST)
    else:
        budget = BUDGETS.get(asked.effort, BUDGETS["medium"])
    if max_tokens is None:
        return Plan(thinking=_enabled(budget), budget=budget)
    if max_tokens <= LEAST:
        return Plan(dropped=True)
    budget = max(LEAST, min(budget, max_tokens - max_tokens // 4))
    return Plan(thinking=_enabled(budget))


def _enabled(budget: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": budget}


def _effort(budget: int) -> str:
    for level in ("low", "medium", "high"):
        if budget <= BUDGETS[level]:
            return level
    return "xhigh"
