"""What clients call the parameters of a call, each in the words of its dialect.

Families name what they drop or refuse by OpenAI's words, by ours (the fields of
`normal.chat.Conversation`), or by the client's own already; a client must find in its
code what it is told of.
"""

import re
from typing import Final

_CONVERSE: Final = "inferenceConfig"
_GENERATE: Final = "generationConfig"
_ANTHROPIC: Final = {
    "max_completion_tokens": "max_tokens",
    "stop": "stop_sequences",
    "reasoning": "thinking",
    "reasoning_effort": "thinking",
    "show": "thinking.display",
    "user": "metadata.user_id",
    "safety_identifier": "metadata.user_id",
    "response_format": "output_config.format",
    "response_format.json_schema": "output_config.format",
    "cache": "cache_control",
    "parallel_tools": "tool_choice.disable_parallel_tool_use",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "is_error": "tool_result.is_error",
    "image_url": "image",
    "documents": "document",
}
_NAMES: Final[dict[str, dict[str, str]]] = {
    "anthropic.messages": _ANTHROPIC,
    "bedrock.invoke": _ANTHROPIC,
    "gemini.generate": {
        "messages": "contents",
        "system": "systemInstruction",
        "max_tokens": f"{_GENERATE}.maxOutputTokens",
        "max_completion_tokens": f"{_GENERATE}.maxOutputTokens",
        "top_k": f"{_GENERATE}.topK",
        "top_p": f"{_GENERATE}.topP",
        "temperature": f"{_GENERATE}.temperature",
        "stop": f"{_GENERATE}.stopSequences",
        "reasoning": f"{_GENERATE}.thinkingConfig",
        "reasoning_effort": f"{_GENERATE}.thinkingConfig",
        "thinking": f"{_GENERATE}.thinkingConfig",
        "show": f"{_GENERATE}.thinkingConfig.includeThoughts",
        "response_format": f"{_GENERATE}.responseSchema",
        "response_format.json_schema": f"{_GENERATE}.responseSchema",
        "seed": f"{_GENERATE}.seed",
        "n": f"{_GENERATE}.candidateCount",
        "logprobs": f"{_GENERATE}.responseLogprobs",
        "top_logprobs": f"{_GENERATE}.logprobs",
        "presence_penalty": f"{_GENERATE}.presencePenalty",
        "frequency_penalty": f"{_GENERATE}.frequencyPenalty",
        "modalities": f"{_GENERATE}.responseModalities",
        "audio": f"{_GENERATE}.speechConfig",
        "detail": f"{_GENERATE}.mediaResolution",
        "metadata": "labels",
        "service_tier": "serviceTier",
        "tool_choice": "toolConfig.functionCallingConfig",
        "is_error": "functionResponse.response.error",
        "tool_result.is_error": "functionResponse.response.error",
        "input_audio": "contents.parts",
        "image_url": "contents.parts",
        "document": "contents.parts",
        "file": "contents.parts",
    },
    "openai.responses": {
        "messages": "input",
        "max_tokens": "max_output_tokens",
        "max_completion_tokens": "max_output_tokens",
        "reasoning_effort": "reasoning.effort",
        "reasoning_content": "reasoning",
        "show": "reasoning.summary",
        "response_format": "text.format",
        "response_format.json_schema": "text.format",
        "verbosity": "text.verbosity",
        "logprobs": "message.output_text.logprobs",
        "image_url": "input_image",
        "file": "input_file",
        "document": "input_file",
    },
    "bedrock.converse": {
        "max_tokens": f"{_CONVERSE}.maxTokens",
        "max_completion_tokens": f"{_CONVERSE}.maxTokens",
        "temperature": f"{_CONVERSE}.temperature",
        "top_p": f"{_CONVERSE}.topP",
        "stop": f"{_CONVERSE}.stopSequences",
        "tools": "toolConfig.tools",
        "tool_choice": "toolConfig.toolChoice",
        "metadata": "requestMetadata",
        "service_tier": "serviceTier",
        "cache": "cachePoint",
        "cache_control": "cachePoint",
        "is_error": "toolResult.status",
        "tool_result.is_error": "toolResult.status",
    },
}
"""Dialect -> OpenAI's or our word -> its own. What is missing is called the same, or
cannot be asked."""

_head: Final = re.compile(r"\w+").match


def spoken(parameter: str, dialect: str) -> str:
    """What a client of `dialect` calls a parameter, or a path below one; a name that is
    the client's own already stays."""
    known = _NAMES.get(dialect)
    if known is None:
        return parameter
    if parameter in known:
        return known[parameter]
    head = _head(parameter)
    if head is not None and head[0] in known:
        return known[head[0]] + parameter[head.end() :]
    return parameter
