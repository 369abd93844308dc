"""The matrix: every feature, and what of it cannot be said where.

`UNASKABLE`: the client's dialect has no words for the feature. `CANNOT`: the provider's
family has none; what the gateway does then, to be asserted to the letter: `dropped:`
and the names in `x-routeiq-dropped`, or `400:` and the parameter of the error. A cell
that stands in neither table works, and drops nothing.
"""

from typing import Final

from tests.flow.sdk import features_forms as forms
from tests.flow.sdk import features_thinking as thinking
from tests.flow.sdk import features_tools as tools
from tests.flow.sdk import features_words as words
from tests.flow.sdk.features import Feature

FEATURES: Final[dict[str, Feature]] = {
    feature.name: feature
    for feature in (
        words.TEXT,
        words.SYSTEM,
        words.DEVELOPER,
        words.TURNS,
        words.STOP,
        words.LENGTH,
        words.FILTERED,
        words.REFUSAL,
        words.CITATIONS,
        forms.IMAGE_URL,
        forms.IMAGE_DATA,
        forms.DOCUMENT,
        forms.AUDIO,
        forms.SCHEMA,
        forms.JSON_MODE,
        forms.SEVERAL,
        forms.LOGPROBS,
        forms.SEED,
        tools.TOOLS,
        tools.PARALLEL,
        tools.SAME_TOOL,
        tools.ONE_AT_A_TIME,
        tools.TEXT_AND_TOOL,
        tools.CHOICE_AUTO,
        tools.CHOICE_NONE,
        tools.CHOICE_REQUIRED,
        tools.CHOICE_NAMED,
        tools.TOOL_RESULT,
        tools.TOOL_RESULT_IMAGE,
        tools.TOOL_ERROR,
        thinking.THINKING,
        thinking.CACHE_KEY,
        thinking.CACHE_MARKER,
        thinking.CACHED_CONTENT,
    )
}

UNASKABLE: Final[dict[tuple[str, str], str]] = {
    ("openai", "tool_result_image"): "results are text",
    ("openai", "tool_error"): "results cannot be marked as errors",
    ("openai", "cache_marker"): "OpenAI caches by itself",
    ("openai", "cached_content"): "OpenAI caches by itself",
    ("anthropic", "developer"): "there is one system prompt",
    ("anthropic", "audio"): "Anthropic's models do not listen",
    ("anthropic", "json_mode"): "only a schema can be asked for",
    ("anthropic", "several"): "one answer per request",
    ("anthropic", "logprobs"): "none are given",
    ("anthropic", "seed"): "none is taken",
    ("anthropic", "cache_key"): "caching is asked by markers",
    ("anthropic", "cached_content"): "caching is asked by markers",
    ("gemini", "developer"): "there is one system instruction",
    ("gemini", "one_at_a_time"): "the model decides",
    ("gemini", "cache_key"): "a cache is named, or implicit",
    ("gemini", "cache_marker"): "a cache is named, or implicit",
}

CANNOT: Final[dict[tuple[str, str, str], str]] = {
    ("openai", "anthropic", "audio"): "400: input_audio",
    ("openai", "anthropic", "several"): "400: n",
    ("openai", "anthropic", "logprobs"): "dropped: logprobs, top_logprobs",
    ("openai", "anthropic", "seed"): "dropped: seed",
    ("openai", "anthropic", "cache_key"): "dropped: prompt_cache_key",
    ("openai", "gemini", "one_at_a_time"): "dropped: parallel_tool_calls",
    ("openai", "gemini", "cache_key"): "dropped: prompt_cache_key",
    ("anthropic", "openai", "tool_error"): "dropped: tool_result.is_error",
    ("anthropic", "openai", "cache_marker"): "dropped: cache_control",
    (
        "anthropic",
        "gemini",
        "one_at_a_time",
    ): "dropped: tool_choice.disable_parallel_tool_use",
    ("anthropic", "gemini", "cache_marker"): "dropped: cache_control",
    (
        "gemini",
        "openai",
        "thinking",
    ): "dropped: generationConfig.thinkingConfig.includeThoughts",
    ("gemini", "openai", "tool_error"): "dropped: functionResponse.response.error",
    ("gemini", "openai", "cached_content"): "dropped: cachedContent",
    ("gemini", "anthropic", "audio"): "400: contents.parts",
    ("gemini", "anthropic", "several"): "400: generationConfig.candidateCount",
    (
        "gemini",
        "anthropic",
        "logprobs",
    ): "dropped: generationConfig.logprobs, generationConfig.responseLogprobs",
    ("gemini", "anthropic", "seed"): "dropped: generationConfig.seed",
    ("gemini", "anthropic", "cached_content"): "dropped: cachedContent",
    ("gemini", "echo", "cached_content"): "dropped: cachedContent",
}
"""(dialect, family, feature) -> what happens. Anthropic's errors have no place for a
parameter: there the message says it."""
