"""The Messages API's token counts <-> `Usage`.

The API tells input without what was read from or written to the prompt cache, and
leaves the tokens of a compaction pass out of its totals (they are billed).
"""

from typing import Final

from adapters.anthropic.wire import CacheCreation, OutputDetails, Tokens
from adapters.normal.usage import Usage

_SERVICES: Final = frozenset({"priority", "batch"})
"""Service tiers with rates of their own."""
_NO_CACHE: Final = CacheCreation()
_NO_DETAILS: Final = OutputDetails()


def normal(tokens: Tokens) -> Usage:
    """All of what was used, cached input included."""
    fresh = tokens.input_tokens or 0
    read = tokens.cache_read_input_tokens or 0
    made = tokens.cache_creation or _NO_CACHE
    written = tokens.cache_creation_input_tokens
    if written is None:
        written = made.ephemeral_5m_input_tokens + made.ephemeral_1h_input_tokens
    output = tokens.output_tokens or 0
    for turn in tokens.iterations or ():
        if turn.type == "compaction":
            fresh += turn.input_tokens or 0
            read += turn.cache_read_input_tokens or 0
            written += turn.cache_creation_input_tokens or 0
            output += turn.output_tokens or 0
    details = tokens.output_tokens_details or _NO_DETAILS
    return Usage(
        input=fresh + read + written,
        output=output,
        cached=read,
        cache_write=written,
        cache_write_1h=min(made.ephemeral_1h_input_tokens, written),
        reasoning=details.thinking_tokens or 0,
        service=tokens.service_tier if tokens.service_tier in _SERVICES else "",
    )


def later(before: Tokens, now: Tokens) -> Tokens:
    """Cumulative counts: what an event does not tell stays as it was."""
    return Tokens(
        _first(now.input_tokens, before.input_tokens),
        _first(now.output_tokens, before.output_tokens),
        _first(now.cache_read_input_tokens, before.cache_read_input_tokens),
        _first(now.cache_creation_input_tokens, before.cache_creation_input_tokens),
        now.cache_creation or before.cache_creation,
        now.output_tokens_details or before.output_tokens_details,
        now.iterations or before.iterations,
        now.service_tier or before.service_tier,
    )


def _first(now: int | None, before: int | None) -> int | None:
    return before if now is None else now


def written(usage: Usage | None) -> dict[str, object]:
    """The `usage` object for a client."""
    usage = usage or Usage()
    told: dict[str, object] = {
        "input_tokens": max(usage.input - usage.cached - usage.cache_write, 0),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write - usage.cache_write_1h,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.service in _SERVICES:
        told["service_tier"] = usage.service
    return told
