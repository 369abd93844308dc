"""Each parameter of a `Conversation`, and what becomes of it in a Converse request.

`mapped`: said, if need be in other words. `dropped`: left out, and named to the client.
`refused`: the call is not sent. Kept true by a test.
"""

from typing import Final, Literal, NamedTuple


class Fate(NamedTuple):
    """What becomes of a parameter."""

    fate: Literal["mapped", "dropped", "refused"]
    how: str = ""
    name: str = ""
    """How clients call it, when that is not its field's name."""


_NO_WORD: Final = Fate("dropped", "no word for it")

PARAMETERS: Final[dict[str, Fate]] = {
    "messages": Fate("mapped", "system and messages; images by their data only"),
    "tools": Fate("mapped", "toolConfig; a custom one gets a schema with one `input`"),
    "tool_choice": Fate(
        "mapped", "toolConfig.toolChoice; auto where the model cannot be forced"
    ),
    "parallel_tools": Fate(
        "dropped",
        "false: the model decides; true is the default",
        "parallel_tool_calls",
    ),
    "max_tokens": Fate("mapped", "inferenceConfig, at most what the model can make"),
    "temperature": Fate("mapped", "inferenceConfig, at most 1; dropped while thinking"),
    "top_p": Fate("mapped", "inferenceConfig; dropped where temperature excludes it"),
    "top_k": Fate("mapped", "additionalModelRequestFields of Claude, Nova, Mistral"),
    "stop": Fate("mapped", "inferenceConfig; those of white space only are dropped"),
    "seed": _NO_WORD,
    "n": Fate("refused", "one answer per request"),
    "presence_penalty": _NO_WORD,
    "frequency_penalty": _NO_WORD,
    "logit_bias": _NO_WORD,
    "logprobs": _NO_WORD,
    "top_logprobs": _NO_WORD,
    "response_format": Fate(
        "mapped",
        "outputConfig for a schema, where the model takes one; else, and for JSON of "
        "any form, an instruction in the system prompt (a schema that is only "
        "instructed is named as dropped)",
    ),
    "reasoning": Fate(
        "mapped",
        "additionalModelRequestFields, in the vendor's words",
        "reasoning_effort",
    ),
    "user": Fate("dropped", "nobody is told who asks"),
    "metadata": Fate("mapped", "requestMetadata, as far as its letters are allowed"),
    "service_tier": Fate("mapped", "serviceTier; unknown tiers are dropped"),
    "verbosity": _NO_WORD,
    "modalities": Fate("refused", "text only"),
    "audio": Fate("refused", "text only"),
    "prediction": _NO_WORD,
    "cache_key": Fate("dropped", "caching is asked by markers", "prompt_cache_key"),
    "cache_retention": Fate(
        "dropped", "caching is asked by markers", "prompt_cache_retention"
    ),
    "safety_identifier": Fate("dropped", "nobody is told who asks"),
    "store": Fate("dropped", "nothing is stored"),
    "extra": Fate("mapped", "members the API has, as they are; others are dropped"),
}

MEMBERS: Final = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "outputConfig",
        "performanceConfig",
        "projectIdentifier",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
    }
)
"""Members of a Converse request that a client of another dialect may send beside its
own; they go through as they are."""

COUNTED: Final = frozenset(
    {"messages", "system", "toolConfig", "additionalModelRequestFields"}
)
"""Members that a token count takes."""

TIERS: Final = {
    "default": "default",
    "standard": "default",
    "standard_only": "default",
    "flex": "flex",
    "priority": "priority",
    "reserved": "reserved",
}
"""Service tiers of OpenAI and Anthropic -> Bedrock's; `auto` is not saying any."""


def client_name(field: str) -> str:
    """How a client calls a field of the conversation."""
    return PARAMETERS[field].name or field
