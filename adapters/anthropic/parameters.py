"""Each parameter of a `Conversation`, and what becomes of it in a Messages request.

`mapped`: said, if need be in other words. `dropped`: left out, and named to the client.
`refused`: the call is not sent. A parameter at a value that asks for nothing (a penalty
of 0, one choice) is left out and not named. Kept true by a test.
"""

from typing import Final, Literal, NamedTuple


class Fate(NamedTuple):
    """What becomes of a parameter."""

    fate: Literal["mapped", "dropped", "refused"]
    how: str
    name: str = ""
    """How clients call it, when that is not its field's name."""


PARAMETERS: Final[dict[str, Fate]] = {
    "messages": Fate("mapped", "system and messages; audio is refused"),
    "tools": Fate("mapped", "tools; a custom one gets a schema with one `input`"),
    "tool_choice": Fate(
        "mapped", "tool_choice; auto where the model must not be forced"
    ),
    "parallel_tools": Fate(
        "mapped", "tool_choice.disable_parallel_tool_use", "parallel_tool_calls"
    ),
    "max_tokens": Fate("mapped", "max_tokens, at most the model's; a default without"),
    "temperature": Fate("mapped", "temperature, at most 1; dropped while thinking"),
    "top_p": Fate("mapped", "top_p; dropped where temperature excludes it"),
    "top_k": Fate("mapped", "top_k; dropped while thinking"),
    "stop": Fate("mapped", "stop_sequences; those of white space only are dropped"),
    "seed": Fate("dropped", "no word for it"),
    "n": Fate("refused", "one answer per request"),
    "presence_penalty": Fate("dropped", "no word for it"),
    "frequency_penalty": Fate("dropped", "no word for it"),
    "logit_bias": Fate("dropped", "no word for it"),
    "logprobs": Fate("dropped", "no word for it"),
    "top_logprobs": Fate("dropped", "no word for it"),
    "response_format": Fate(
        "mapped",
        "output_config.format for a schema that can be closed; else, and for JSON of "
        "any form, an instruction at the end of the system prompt (a schema that is "
        "only instructed is named as dropped)",
    ),
    "reasoning": Fate(
        "mapped", "thinking and output_config.effort", "reasoning_effort"
    ),
    "user": Fate("mapped", "metadata.user_id; an e-mail address is dropped"),
    "metadata": Fate("dropped", "metadata holds a user_id only"),
    "service_tier": Fate("mapped", "auto, standard_only; others are dropped"),
    "verbosity": Fate("dropped", "no word for it"),
    "modalities": Fate("refused", "text only"),
    "audio": Fate("refused", "text only"),
    "prediction": Fate("dropped", "no word for it"),
    "cache_key": Fate("dropped", "caching is asked by markers", "prompt_cache_key"),
    "cache_retention": Fate(
        "dropped", "caching is asked by markers", "prompt_cache_retention"
    ),
    "safety_identifier": Fate("mapped", "metadata.user_id, when there is no user"),
    "store": Fate("dropped", "nothing is stored"),
    "extra": Fate("mapped", "members the API has, as they are; others are dropped"),
}

MEMBERS: Final = frozenset(
    {
        "cache_control",
        "container",
        "context_management",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "speed",
        "thinking",
        "top_k",
    }
)
"""Members of a Messages request that a client of another dialect may send beside its
own; they go through as they are."""

THINKING: Final = frozenset({"type", "budget_tokens", "display"})
"""Members of its `thinking`."""

COUNTED: Final = frozenset(
    {
        "messages",
        "model",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "context_management",
        "mcp_servers",
        "speed",
    }
)
"""Members that a token count takes."""


def client_name(field: str) -> str:
    """How a client calls a field of the conversation."""
    return PARAMETERS[field].name or field
