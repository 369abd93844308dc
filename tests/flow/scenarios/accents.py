"""What recorded clients said that the official types do not know: the accents of vendors
who copy OpenAI, and of its own older SDKs."""

from typing import Any, Final

Json = dict[str, Any]

THOUGHTS: Final = ("reasoning", "reasoning_content", "reasoning_details")
"""In earlier answers; no scenario is told apart by them."""
_ASK_TO_THINK: Final = ("reasoning", "thinking", "enable_thinking")
_TOP: Final = frozenset(
    {
        *("usage", "provider", "preset", "safe_prompt", "random_seed", "min_p"),
        *("reasoning_format", "include_reasoning", "repetition_penalty"),
        "clear_thinking",
    }
)
"""Fields of vendors, which another family cannot be asked for."""
_READ: Final = frozenset({*_ASK_TO_THINK, "thinking_budget", "top_k"})
"""Those which it can."""
_OF_MESSAGES: Final = frozenset({"annotations", "prefix", "cache_control", *THOUGHTS})


def plain(body: Json) -> tuple[Json, list[str]]:
    """The request without its accents, and its fields that have no meaning elsewhere."""
    beyond = sorted(body.keys() & _TOP)
    kept = {n: value for n, value in body.items() if n not in _TOP | _READ}
    kept["messages"] = [_message(one) for one in body["messages"]]
    if "tools" in body:
        kept["tools"] = [
            {name: value for name, value in tool.items() if name != "cache_control"}
            for tool in body["tools"]
        ]
    if kept.get("tool_choice") == "any":
        kept["tool_choice"] = "required"
    if kept.get("response_format", 0) is None:
        del kept["response_format"]
    if kept.get("service_tier") == "on_demand":  # Groq's
        beyond.append("service_tier")
        del kept["service_tier"]
    if "clear_thinking" in (body.get("thinking") or {}):  # Zhipu's
        beyond.append("thinking")
    return kept, beyond


def thinks(body: Json) -> Any:
    """How much the model is to think, where not in OpenAI's words; else `None`."""
    for name in _ASK_TO_THINK:
        asked = body.get(name)
        if isinstance(asked, dict):
            if asked.get("type") == "disabled" or asked.get("enabled") is False:
                return "none"
            budget = asked.get("max_tokens") or asked.get("budget_tokens")
            says = {"enabled", "type"} & asked.keys()
            return asked.get("effort") or budget or ("some" if says else None)
        if asked is not None:
            return "some" if asked else "none"
    return None


def _message(message: Json) -> Json:
    out = {n: value for n, value in message.items() if n not in _OF_MESSAGES}
    for name in ("name", "tool_calls"):
        if out.get(name, 0) is None:
            del out[name]
    if out["role"] == "tool":
        out.pop("name", None)
    if isinstance(out.get("content"), list):
        out["content"] = [
            {name: value for name, value in part.items() if name != "cache_control"}
            if isinstance(part, dict)
            else part
            for part in out["content"]
        ]
    if out.get("tool_calls"):
        out["tool_calls"] = [
            {n: v for n, v in call.items() if n not in ("index", "cache_control")}
            for call in out["tool_calls"]
        ]
    return out
