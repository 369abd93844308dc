"""Answers of the chat and legacy completions APIs, as strict as OpenAI's own types.

An answer that decodes here validates with the official SDK's strict model and may be
relayed as it came; what does not is mended first (`adapters.openai.mend`). Fields that
vendors add are unknown here and stay in the raw bytes; those that mean something to us
are `Raw`, so that no form of theirs makes a body invalid.

Source: openai-python 3.54.0, `openai.types.chat`, `openai.types.completion`.
"""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

CHAT: Final = "openai.chat"
COMPLETIONS: Final = "openai.completions"
EMBEDDINGS: Final = "openai.embeddings"
IMAGES: Final = "openai.images"
SPEECH: Final = "openai.speech"
TRANSCRIPTIONS: Final = "openai.transcriptions"
MODERATIONS: Final = "openai.moderations"
MEDIA: Final = frozenset({IMAGES, SPEECH, TRANSCRIPTIONS, MODERATIONS})
RESPONSES: Final = "openai.responses"
"""A dialect, and the family of what only this API understands."""
FAMILY: Final = "openai"

Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
Tier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
ABSENT: Final = Raw(b"")
_NOTHING: Final = (b"", b"null")


def present(raw: Raw) -> bool:
    """Whether a `Raw` field was sent, and not as null."""
    return raw is not ABSENT and bytes(raw) not in _NOTHING


class _Wire(msgspec.Struct, frozen=True, gc=False):
    """Never part of a reference cycle: nothing for the collector to follow."""


class PromptDetails(_Wire, frozen=True, gc=False):
    """Of the prompt tokens."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None


class CompletionDetails(_Wire, frozen=True, gc=False):
    """Of the completion tokens."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: Raw = ABSENT


class Tokens(_Wire, frozen=True, gc=False):
    """`usage`; the `Raw` fields are vendors'."""

    completion_tokens: int
    prompt_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionDetails | None = None
    prompt_tokens_details: PromptDetails | None = None
    prompt_cache_hit_tokens: Raw = ABSENT
    cached_tokens: Raw = ABSENT
    num_cached_tokens: Raw = ABSENT
    cache_creation_input_tokens: Raw = ABSENT


class TopLogprob(_Wire, frozen=True, gc=False):
    """A token that was likely at a position."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(_Wire, frozen=True, gc=False):
    """A token that was chosen."""

    token: str
    logprob: float
    top_logprobs: list[TopLogprob]
    bytes: list[int] | None = None


class Logprobs(_Wire, frozen=True, gc=False, omit_defaults=True):
    """`logprobs` of a choice."""

    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None


class UrlCitation(_Wire, frozen=True, gc=False):
    """`content` is OpenRouter's: the words that are cited."""

    end_index: int
    start_index: int
    title: str
    url: str
    content: Raw = ABSENT


class Annotation(_Wire, frozen=True, gc=False):
    """The only kind there is."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class Audio(_Wire, frozen=True, gc=False):
    """Spoken answer, whole."""

    id: str
    data: str
    expires_at: int
    transcript: str


class Function(_Wire, frozen=True, gc=False):
    """What is called, with JSON text."""

    name: str
    arguments: str


class Custom(_Wire, frozen=True, gc=False):
    """What is called, with free text."""

    name: str
    input: str


class FunctionCall(_Wire, frozen=True, gc=False, tag_field="type", tag="function"):
    """`extra_content` is Google's: signatures of thoughts."""

    id: str
    function: Function
    extra_content: Raw = ABSENT


class CustomCall(_Wire, frozen=True, gc=False, tag_field="type", tag="custom"):
    """A call of a custom tool."""

    id: str
    custom: Custom


class Reasons(_Wire, frozen=True, gc=False):
    """Where vendors put what their models thought, or drew."""

    reasoning_content: Raw = ABSENT
    reasoning: Raw = ABSENT
    reasoning_details: Raw = ABSENT
    thinking_blocks: Raw = ABSENT
    extra_content: Raw = ABSENT
    images: Raw = ABSENT


class Message(Reasons, frozen=True, gc=False, kw_only=True):
    """What the model said."""

    role: Literal["assistant"]
    content: str | None = None
    refusal: str | None = None
    annotations: list[Annotation] | None = None
    audio: Audio | None = None
    function_call: Function | None = None
    tool_calls: list[FunctionCall | CustomCall] | None = None


class Choice(_Wire, frozen=True, gc=False):
    """One answer."""

    finish_reason: Finish
    index: int
    message: Message
    logprobs: Logprobs | None = None
    error: Raw = ABSENT
    native_finish_reason: Raw = ABSENT
    usage: Raw = ABSENT


class ModerationResult(_Wire, frozen=True, gc=False):
    """Of one model, for one text."""

    categories: dict[str, bool]
    category_applied_input_types: dict[str, list[Literal["text", "image"]]]
    category_scores: dict[str, float]
    flagged: bool
    model: str
    type: Literal["moderation_result"]


class ModerationResults(
    _Wire, frozen=True, gc=False, tag_field="type", tag="moderation_results"
):
    """Moderation that worked."""

    model: str
    results: list[ModerationResult]


class ModerationError(_Wire, frozen=True, gc=False, tag_field="type", tag="error"):
    """Moderation that did not."""

    code: str
    message: str


class Moderation(_Wire, frozen=True, gc=False):
    """Of what went in and what came out."""

    input: ModerationResults | ModerationError
    output: ModerationResults | ModerationError


class Completion(_Wire, frozen=True, gc=False):
    """`chat.completion`."""

    id: str
    choices: list[Choice]
    created: int
    model: str
    object: Literal["chat.completion"]
    metadata: dict[str, str] | None = None
    moderation: Moderation | None = None
    service_tier: Tier | None = None
    system_fingerprint: str | None = None
    usage: Tokens | None = None
    error: Raw = ABSENT
    x_groq: Raw = ABSENT
    citations: Raw = ABSENT


class AudioDelta(_Wire, frozen=True, gc=False):
    """A piece of a spoken answer."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class FunctionDelta(_Wire, frozen=True, gc=False):
    """A piece of a call."""

    arguments: str | None = None
    name: str | None = None


class CustomDelta(_Wire, frozen=True, gc=False):
    """A piece of a call of a custom tool."""

    input: str | None = None
    name: str | None = None


class ToolDelta(_Wire, frozen=True, gc=False):
    """A piece of a tool call. The SDK's own type does not know `custom` yet."""

    index: int
    id: str | None = None
    function: FunctionDelta | None = None
    type: Literal["function", "custom"] | UnsetType | None = UNSET
    """A null makes the official SDK's accumulator forget the type."""
    custom: CustomDelta | None = None
    extra_content: Raw = ABSENT


class Delta(Reasons, frozen=True, gc=False, kw_only=True):
    """A piece of what the model says."""

    audio: AudioDelta | None = None
    content: str | None = None
    function_call: FunctionDelta | None = None
    refusal: str | None = None
    role: Literal["developer", "system", "user", "assistant", "tool"] | None = None
    tool_calls: list[ToolDelta] | None = None
    annotations: Raw = ABSENT


class ChunkChoice(_Wire, frozen=True, gc=False):
    """A piece of one answer."""

    delta: Delta
    index: int
    finish_reason: Finish | None = None
    logprobs: Logprobs | None = None
    error: Raw = ABSENT
    native_finish_reason: Raw = ABSENT
    usage: Raw = ABSENT


class Chunk(_Wire, frozen=True, gc=False):
    """`chat.completion.chunk`."""

    id: str
    choices: list[ChunkChoice]
    created: int
    model: str
    object: Literal["chat.completion.chunk"]
    moderation: Moderation | None = None
    obfuscation: str | None = None
    service_tier: Tier | None = None
    system_fingerprint: str | None = None
    usage: Tokens | None = None
    error: Raw = ABSENT
    x_groq: Raw = ABSENT
    citations: Raw = ABSENT


class TextLogprobs(_Wire, frozen=True, gc=False):
    """`logprobs` of a legacy completion. With `echo` the first token has none: the
    SDK's type forbids that null, the API sends it."""

    text_offset: list[int] | None = None
    token_logprobs: list[float | None] | None = None
    tokens: list[str] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class TextChoice(_Wire, frozen=True, gc=False):
    """One answer of a legacy completion. Null finish reasons come in streams: again
    the SDK's type, which serves both, forbids what the API sends."""

    index: int
    text: str
    finish_reason: Literal["stop", "length", "content_filter"] | None
    logprobs: TextLogprobs | None = None


class TextCompletion(_Wire, frozen=True, gc=False):
    """`text_completion`, whole or a chunk."""

    id: str
    choices: list[TextChoice]
    created: int
    model: str
    object: Literal["text_completion"]
    system_fingerprint: str | None = None
    usage: Tokens | None = None
    error: Raw = ABSENT


completion = msgspec.json.Decoder(Completion)
chunk = msgspec.json.Decoder(Chunk)
text_completion = msgspec.json.Decoder(TextCompletion)
value = msgspec.json.Decoder()
encode = msgspec.json.Encoder().encode
