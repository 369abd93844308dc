"""How much a model should think: `thinkingConfig` <-> `Reasoning`.

Gemini 3 takes a level, Gemini 2.5 a budget of tokens, earlier models neither:

    effort      3 Flash   3 Pro   3.1 Pro   2.5 Flash   2.5 Pro
    none        MINIMAL   LOW     LOW       0           128
    minimal     MINIMAL   LOW     LOW       1,024       1,024
    low         LOW       LOW     LOW       1,024       1,024
    medium      MEDIUM    HIGH    MEDIUM    8,192       8,192
    high        HIGH      HIGH    HIGH      24,576      24,576
    xhigh, max  HIGH      HIGH    HIGH      24,576      32,768

A budget the client names goes as it is, down to what the model takes. Source:
ai.google.dev/gemini-api/docs/openai, Thinking; docs/thinking, levels and budgets.
"""

import re
from typing import Final

from msgspec import Raw

from adapters.gemini.wire import members, pop
from adapters.normal.content import Reasoning

LEVELS: Final = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
BUDGETS: Final = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 32768,
}
MOST: Final = 24576
MOST_PRO: Final = 32768
LEAST_PRO: Final = 128
"""Thinking tokens: 2.5 Pro always thinks, and may think longest."""

_VERSION: Final = re.compile(r"gemini-(?:[a-z]+-)*?(\d+)(?:\.(\d+))?(?!\d)")
_NEWEST: Final = (3, 1)


def generation(model: str) -> tuple[int, int]:
    """Version of a Gemini model by its name; (0, 0) for any other model.

    `gemini-flash-latest` and the like count as the newest.
    """
    name = model.rpartition("/")[2]
    if not name.startswith("gemini"):
        return (0, 0)
    match = _VERSION.match(name)
    return (int(match[1]), int(match[2] or 0)) if match else _NEWEST


def is_new(model: str) -> bool:
    """Whether it is of Gemini 3 or later."""
    return generation(model) >= (3, 0)


def read(raw: Raw, where: str) -> tuple[Reasoning, dict[str, Raw]]:
    """The meaning of `thinkingConfig`, and members it does not cover."""
    source = members(raw, where)
    show = pop(source, "includeThoughts", bool, where)
    budget = pop(source, "thinkingBudget", int, where)
    level = pop(source, "thinkingLevel", str, where) or ""
    effort = level.lower() if level.lower() in LEVELS else ""
    if budget == 0:
        return Reasoning(enabled=False, effort=effort, show=show), source
    enabled = None if budget is None else True
    return Reasoning(enabled, effort, budget, show), source


def write(ask: Reasoning, model: str) -> dict[str, object] | None:
    """`thinkingConfig`; `None` when the model cannot be told what was asked."""
    version = generation(model)
    is_off = ask.enabled is False or ask.effort == "none" or ask.budget == 0
    if version < (2, 5):
        return {} if is_off and not ask.show else None
    config: dict[str, object] = {}
    if ask.show is not None:
        config["includeThoughts"] = ask.show
    is_pro = "pro" in model
    if version < (3, 0):
        budget = _budget(ask, is_off, is_pro)
        if budget is not None:
            config["thinkingBudget"] = budget
    elif is_off or ask.effort:
        config["thinkingLevel"] = _level(
            "none" if is_off else ask.effort, version, model
        )
    elif ask.budget is not None:
        config["thinkingBudget"] = _bounded(ask.budget, is_pro)
    return config


def _budget(ask: Reasoning, is_off: bool, is_pro: bool) -> int | None:
    if is_off:
        return LEAST_PRO if is_pro else 0
    if ask.budget is not None:
        return _bounded(ask.budget, is_pro)
    if ask.effort:
        return _bounded(BUDGETS.get(ask.effort, -1), is_pro)
    return -1 if ask.enabled else None


def _bounded(budget: int, is_pro: bool) -> int:
    if budget < 0:
        return -1
    if is_pro:
        return min(max(budget, LEAST_PRO), MOST_PRO)
    return min(budget, MOST)


def _level(effort: str, version: tuple[int, int], model: str) -> str:
    level = LEVELS.get(effort, "HIGH")
    if "pro" not in model:
        return level
    if level == "MINIMAL":
        return "LOW"
    return "HIGH" if level == "MEDIUM" and version < (3, 1) else level
