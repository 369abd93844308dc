"""Each parameter of a `Conversation`, and what becomes of it in a Responses request.

`mapped`: said, if need be in other words. `dropped`: left out, and named to the client.
`refused`: the call is not sent. A strict target refuses whatever would be dropped. Kept
true by a test.
"""

from typing import Final

from adapters.openai.parameters import Fate

PARAMETERS: Final[dict[str, Fate]] = {
    "messages": Fate(
        "mapped",
        "input; thoughts of other families, names and cache markers are dropped, "
        "sounds are refused",
    ),
    "tools": Fate("mapped", "tools; another family's own tools are dropped"),
    "tool_choice": Fate("mapped", "tool_choice, allowed_tools included"),
    "parallel_tools": Fate(
        "mapped", "parallel_tool_calls, where there are tools", "parallel_tool_calls"
    ),
    "max_tokens": Fate("mapped", "max_output_tokens"),
    "temperature": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "top_p": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "top_k": Fate("dropped", "no word for it"),
    "stop": Fate("dropped", "no word for it"),
    "seed": Fate("dropped", "no word for it"),
    "n": Fate("refused", "one answer per request"),
    "presence_penalty": Fate("dropped", "no word for it"),
    "frequency_penalty": Fate("dropped", "no word for it"),
    "logit_bias": Fate("dropped", "no word for it"),
    "logprobs": Fate("mapped", "include; dropped for OpenAI's reasoning models"),
    "top_logprobs": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "response_format": Fate("mapped", "text.format"),
    "reasoning": Fate(
        "mapped",
        "reasoning (a budget becomes an effort); dropped for OpenAI's models that do "
        "not reason",
    ),
    "user": Fate("mapped", "user"),
    "metadata": Fate("mapped", "metadata"),
    "service_tier": Fate("mapped", "service_tier"),
    "verbosity": Fate("mapped", "text.verbosity"),
    "modalities": Fate("dropped", "text only; text alone is not said"),
    "audio": Fate("dropped", "text only"),
    "prediction": Fate("dropped", "no word for it"),
    "cache_key": Fate("mapped", "prompt_cache_key", "prompt_cache_key"),
    "cache_retention": Fate(
        "mapped", "prompt_cache_retention", "prompt_cache_retention"
    ),
    "safety_identifier": Fate("mapped", "safety_identifier"),
    "store": Fate("mapped", "store; false where the client did not say, as in chat"),
    "extra": Fate("dropped", "put back as written for clients of the same dialect"),
}

NO_WORD: Final = tuple(
    name
    for name, fate in PARAMETERS.items()
    if fate.fate == "dropped" and name not in ("extra", "modalities")
)
"""What is dropped as soon as it asks for anything."""
