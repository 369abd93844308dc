"""`usage` of a response <-> `Usage`."""

from typing import Any

import msgspec

from adapters.normal.usage import Usage


class InputDetails(msgspec.Struct, frozen=True):
    """Of the input tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct, frozen=True):
    """Of the output tokens."""

    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """`usage`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


def read(told: Tokens) -> Usage:
    """All counts. xAI has told reasoning beside the output tokens (2026): the total
    gives it away."""
    into = told.input_tokens_details or InputDetails()
    out = told.output_tokens_details or OutputDetails()
    total_in, total_out = told.input_tokens or 0, told.output_tokens or 0
    reasoning = out.reasoning_tokens or 0
    if reasoning and (told.total_tokens or 0) - total_in - total_out == reasoning:
        total_out += reasoning
    cached = min(into.cached_tokens or 0, total_in)
    return Usage(
        input=total_in,
        output=total_out,
        cached=cached,
        cache_write=min(into.cache_write_tokens or 0, total_in - cached),
        reasoning=reasoning,
    )


def write(usage: Usage) -> dict[str, Any]:
    """`usage` as OpenAI tells it: both details, whatever is known of them."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
