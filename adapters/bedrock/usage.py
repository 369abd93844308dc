"""Bedrock's token counts <-> `Usage`.

The input is told without what was read from or written to the prompt cache.
"""

from adapters.bedrock.wire import Tokens
from adapters.normal.usage import Usage


def normal(tokens: Tokens) -> Usage:
    """All of what was used, cached input included."""
    read = tokens.cache_read_input_tokens
    written = tokens.cache_write_input_tokens
    if read is None:
        read = tokens.cache_read_input_token_count or 0
    if written is None:
        written = tokens.cache_write_input_token_count or 0
    hour = sum(
        detail.input_tokens
        for detail in tokens.cache_details or ()
        if detail.ttl == "1h"
    )
    return Usage(
        input=(tokens.input_tokens or 0) + read + written,
        output=tokens.output_tokens or 0,
        cached=read,
        cache_write=written,
        cache_write_1h=min(hour, written),
    )


def written(usage: Usage | None) -> dict[str, object]:
    """The `usage` object for a client."""
    usage = usage or Usage()
    told: dict[str, object] = {
        "inputTokens": max(usage.input - usage.cached - usage.cache_write, 0),
        "outputTokens": usage.output,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cached,
        "cacheWriteInputTokens": usage.cache_write,
    }
    if usage.cache_write_1h:
        told["cacheDetails"] = [
            {"ttl": "1h", "inputTokens": usage.cache_write_1h},
            {"ttl": "5m", "inputTokens": usage.cache_write - usage.cache_write_1h},
        ]
    return told
