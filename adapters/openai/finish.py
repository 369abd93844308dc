"""Why a model stopped: OpenAI's five words, its imitators' many, and ours."""

from typing import Final

from adapters.normal.chat import StopReason

STOPS: Final[dict[str, StopReason]] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_use",
    "content_filter": "filtered",
    "function_call": "tool_use",
}
FINISH: Final[dict[StopReason, str]] = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_window": "length",
    "tool_use": "tool_calls",
    "filtered": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "stop",
}
LOSSY: Final = frozenset({"context_window", "refusal", "pause", "error"})
"""Reasons whose own word is told beside OpenAI's, as `native_finish_reason`."""


def _all(words: str, meaning: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), meaning)


_WORDS: Final[dict[str, str]] = {
    **_all(
        "eos eos_token end_turn end complete completed stop_sequence done load unload"
        " stop_token finished",
        "stop",
    ),
    **_all(
        "max_tokens model_length max_length time_limit max_output_tokens token_limit"
        " model_context_window_exceeded max_new_tokens",
        "length",
    ),
    **_all("tool_use tool_call tool tools tool-calls", "tool_calls"),
    **_all(
        "sensitive safety content_filtered content-filter refusal recitation filtered"
        " guardrail_intervened blocklist prohibited_content moderation",
        "content_filter",
    ),
    **_all(
        "error network_error insufficient_system_resource abort aborted failed",
        "error",
    ),
}
"""Seen in recordings or documented by vendors, lower case."""


def canonical(word: str, *, calls: bool = False) -> str:
    """OpenAI's word for a vendor's; `error` when the vendor says that it failed."""
    if word in STOPS:
        return word
    found = _WORDS.get(word.lower(), "")
    if not found and word.lower() in STOPS:
        found = word.lower()
    return found or ("tool_calls" if calls else "stop")


def stop(word: str, native: str = "", *, calls: bool = False) -> StopReason:
    """Our reason for OpenAI's word. Some say `stop` though they call tools."""
    if native == "model_context_window_exceeded":
        return "context_window"
    reason = STOPS.get(word, "end")
    return "tool_use" if reason == "end" and calls else reason
