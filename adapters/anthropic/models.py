"""What a Claude model takes, as far as a request must be worded differently for it.

The catalogue's abilities decide where they are known; else the version in the name.
Source: the capability flags of the public model catalogues (November 2026): manual
thinking budgets came with 3.7 and ended with Opus 4.7, adaptive thinking came with 4.6;
models that think adaptively only take no sampling parameters.
"""

import re
from typing import Final

import msgspec

_NAME: Final = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?![0-9])")
_UNFORCED: Final = re.compile(r"claude-(?:sonnet-5-5|opus-5-5|fable-5-1|mythos-5-1)")
"""Models that cannot be made to use a tool."""
_BOTH: Final = (4, 1)
"""From this version on, temperature and top_p exclude each other."""


class Powers(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is asked."""

    budget: bool = False
    """Takes `thinking: enabled` with a budget."""
    adaptive: bool = False
    """Takes `thinking: adaptive`."""
    efforts: tuple[str, ...] = ()
    """Levels of `output_config.effort` it takes."""
    schema: bool = False
    """Takes `output_config.format`."""
    sampling: bool = True
    """Takes temperature, top_p and top_k."""
    both: bool = True
    """Takes temperature and top_p at once."""
    forced: bool = True
    """Can be made to use a tool."""


def powers(model: str, abilities: frozenset[str]) -> Powers:
    """What the model takes."""
    version = _version(model)
    both = version is not None and version < _BOTH
    forced = not _UNFORCED.search(model)
    if abilities:
        adaptive = "adaptive_thinking" in abilities
        legacy = "legacy_thinking" in abilities
        reasons = "reasoning" in abilities
        return Powers(
            budget=reasons and (legacy or not adaptive),
            adaptive=adaptive,
            efforts=_efforts(
                "output_config" in abilities,
                "xhigh_reasoning_effort" in abilities,
                "max_reasoning_effort" in abilities,
            ),
            schema="native_structured_output" in abilities,
            sampling=legacy or not adaptive,
            both=both,
            forced=forced,
        )
    return _by_version(model, version, both, forced)


def _by_version(
    model: str, version: tuple[int, int] | None, both: bool, forced: bool
) -> Powers:
    if version is None:
        # Another vendor's model behind this grammar, or a name we do not know.
        return Powers(budget=True)
    adaptive = version >= (4, 6)
    only = version >= (4, 7)
    structured = version >= (4, 5) or (version == (4, 1) and "opus" in model)
    effort = adaptive or (version == (4, 5) and "opus" in model)
    return Powers(
        budget=version >= (3, 7) and not only,
        adaptive=adaptive,
        efforts=_efforts(effort, only, adaptive),
        schema=structured,
        sampling=not only,
        both=both,
        forced=forced,
    )


def _version(model: str) -> tuple[int, int] | None:
    match = _NAME.search(model)
    if match is None:
        return None
    return int(match[1]), int(match[2] or 0)


def _efforts(some: bool, xhigh: bool, top: bool) -> tuple[str, ...]:
    if not some:
        return ()
    more = ("xhigh",) if xhigh else ()
    return ("low", "medium", "high", *more, *(("max",) if top else ()))
