"""What is read of Cohere's API: its structs and words.

Source: docs.cohere.com/reference (v2, and v1 where it differs), cohere-python 7.3, and
recordings of 2024 to 2026.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.normal.chat import StopReason
from adapters.normal.usage import Usage

TITLE: Final = "Cohere"
FAMILY: Final = "cohere"
CHAT: Final = "cohere.chat"
EMBED: Final = "cohere.embed"
RERANK: Final = "cohere.rerank"
NONE: Final = Raw(b"")
BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

STOPS: Final[dict[str, StopReason]] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_use",
    "ERROR_LIMIT": "context_window",
    "ERROR_TOXIC": "filtered",
    "USER_CANCEL": "end",
}
"""A word that is not here counts as `end`, and is kept as the native one."""
FAILED: Final = frozenset({"ERROR", "TIMEOUT"})
"""The words for a generation that broke off: no end, whatever was said before."""

encode: Final = msgspec.json.Encoder().encode


class Tokens(msgspec.Struct, frozen=True):
    """What the model read and wrote, its hidden prompt included."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    image_tokens: float | None = None
    """Beside the input tokens, not in them (recorded)."""
    reasoning_tokens: float | None = None


class Billed(msgspec.Struct, frozen=True):
    """What is paid for."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    image_tokens: float | None = None
    search_units: float | None = None


class Meta(msgspec.Struct, frozen=True):
    """`usage` of a chat, `meta` of everything else."""

    tokens: Tokens | None = None
    billed_units: Billed | None = None
    cached_tokens: float | None = None


def usage(told: Meta | None) -> Usage | None:
    """The counts. The hidden prompt is read and not paid for."""
    if told is None:
        return None
    billed = told.billed_units
    tokens = told.tokens
    if tokens is None:
        tokens = Tokens(billed.input_tokens, billed.output_tokens) if billed else None
    if tokens is None:
        return None
    images = int(tokens.image_tokens or 0)
    input_ = int(tokens.input_tokens or 0) + images
    output = int(tokens.output_tokens or 0)
    paid = None
    if billed is not None:
        paid = int(billed.input_tokens or 0), int(billed.output_tokens or 0)
    return Usage(
        input=input_,
        output=output,
        cached=min(int(told.cached_tokens or 0), input_),
        image_input=images,
        reasoning=min(int(tokens.reasoning_tokens or 0), output),
        paid=paid,
    )
