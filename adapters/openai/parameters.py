"""Each parameter of a `Conversation`, and what becomes of it in a chat completion.

`mapped`: said, if need be in other words. `dropped`: left out, and named to the client.
`refused`: the call is not sent. A strict target refuses whatever would be dropped. What
one provider of the family rejects is in its row's quirks. Kept true by a test.
"""

from typing import Final, Literal, NamedTuple

from adapters.names import spoken


class Fate(NamedTuple):
    """What becomes of a parameter."""

    fate: Literal["mapped", "dropped", "refused"]
    how: str
    name: str = ""
    """OpenAI's name for it, when that is not its field's name."""


PARAMETERS: Final[dict[str, Fate]] = {
    "messages": Fate(
        "mapped",
        "messages; images and files in tool results follow in a user message; images, "
        "files and sounds by an address or id that chat completions cannot carry are "
        "refused; parts that only another family understands are dropped",
    ),
    "tools": Fate("mapped", "tools; another family's own tools are dropped"),
    "tool_choice": Fate(
        "mapped",
        "tool_choice; a choice of allowed tools leaves the others out where the "
        "provider does not know allowed_tools",
    ),
    "parallel_tools": Fate(
        "mapped", "parallel_tool_calls, where there are tools", "parallel_tool_calls"
    ),
    "max_tokens": Fate(
        "mapped",
        "max_completion_tokens at OpenAI and Azure, else max_tokens; as the client "
        "wrote it, but for OpenAI's reasoning models",
    ),
    "temperature": Fate("mapped", "temperature; dropped for OpenAI's reasoning models"),
    "top_p": Fate("mapped", "top_p; dropped for OpenAI's reasoning models"),
    "top_k": Fate("dropped", "mapped for providers known to understand it"),
    "stop": Fate(
        "mapped", "stop, at OpenAI the first four; dropped for its reasoning models"
    ),
    "seed": Fate("mapped", "seed"),
    "n": Fate("mapped", "n; dropped where the provider gives one answer"),
    "presence_penalty": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "frequency_penalty": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "logit_bias": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "logprobs": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "top_logprobs": Fate("mapped", "dropped for OpenAI's reasoning models"),
    "response_format": Fate(
        "mapped", "JSON of any form where the provider knows no schema, then named"
    ),
    "reasoning": Fate(
        "mapped",
        "reasoning_effort (a budget becomes an effort), or the provider's spelling; "
        "dropped for OpenAI's models that do not reason; a wish to see the thoughts is "
        "dropped for those that do",
        "reasoning_effort",
    ),
    "user": Fate("mapped", "user"),
    "metadata": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "service_tier": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "verbosity": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "modalities": Fate("mapped", "text alone is not said; dropped but at OpenAI"),
    "audio": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "prediction": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "cache_key": Fate(
        "mapped", "OpenAI and Azure; dropped elsewhere", "prompt_cache_key"
    ),
    "cache_retention": Fate(
        "mapped", "OpenAI and Azure; dropped elsewhere", "prompt_cache_retention"
    ),
    "safety_identifier": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "store": Fate("mapped", "OpenAI and Azure; dropped elsewhere"),
    "extra": Fate("dropped", "put back as written for clients of the same dialect"),
}


def client_name(parameter: str, dialect: str) -> str:
    """What a client of `dialect` calls a parameter."""
    fate = PARAMETERS.get(parameter)
    named = spoken(parameter, dialect)
    if named == parameter and fate is not None and fate.name:
        return spoken(fate.name, dialect)
    return named
