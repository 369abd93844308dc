"""What becomes of each parameter of a conversation on its way to Gemini.

`mapped`: Gemini has a word for it; `dropped`: it has none, and the answer names it;
`refused`: it has none, and leaving it out would mislead. A test holds the table true.
"""

from typing import Final, Literal

Fate = Literal["mapped", "dropped", "refused"]

PARAMETERS: Final[dict[str, tuple[Fate, str]]] = {
    "messages": ("mapped", "contents, systemInstruction"),
    "tools": ("mapped", "tools; custom tools are refused, tools.strict is dropped"),
    "tool_choice": ("mapped", "toolConfig.functionCallingConfig"),
    "parallel_tools": ("dropped", "false: the model decides; true is the default"),
    "max_tokens": ("mapped", "maxOutputTokens, at most what the model can make"),
    "temperature": ("mapped", "temperature"),
    "top_p": ("mapped", "topP"),
    "top_k": ("mapped", "topK"),
    "stop": ("mapped", "stopSequences; more than five are refused"),
    "seed": ("mapped", "seed"),
    "n": ("mapped", "candidateCount"),
    "presence_penalty": ("mapped", "presencePenalty"),
    "frequency_penalty": ("mapped", "frequencyPenalty"),
    "logit_bias": ("dropped", ""),
    "logprobs": ("mapped", "responseLogprobs"),
    "top_logprobs": ("mapped", "logprobs"),
    "response_format": ("mapped", "responseMimeType, responseJsonSchema"),
    "reasoning": ("mapped", "thinkingConfig; dropped before Gemini 2.5"),
    "user": ("dropped", ""),
    "metadata": ("dropped", ""),
    "service_tier": ("mapped", "serviceTier; unknown tiers are dropped"),
    "verbosity": ("dropped", ""),
    "modalities": ("mapped", "responseModalities"),
    "audio": ("dropped", "the voices differ"),
    "prediction": ("dropped", ""),
    "cache_key": ("dropped", "Gemini caches by itself"),
    "cache_retention": ("dropped", "Gemini caches by itself"),
    "safety_identifier": ("dropped", ""),
    "store": ("mapped", "store"),
    "extra": ("dropped", "but for Gemini's own fields"),
}

NAMES: Final = {
    "parallel_tools": "parallel_tool_calls",
    "cache_key": "prompt_cache_key",
    "cache_retention": "prompt_cache_retention",
}
"""What clients call it, where that is another word."""

TIERS: Final = {
    "default": "standard",
    "standard": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
}
"""OpenAI's and Anthropic's service tiers -> Gemini's; `auto` is not saying any."""
