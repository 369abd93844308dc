"""How a provider of this family wants to be asked what its siblings spell otherwise.

The tables say it for providers that are known by name; a row of `adapters.providers`
overrides them in `quirks.extra`, under the key that stands beside each field below.
Sources: the vendors' API references and the recordings (2026-11).
"""

import re
from typing import Final, Literal

import msgspec

from adapters.contract import Provider, Target
from adapters.openai import wire

Thoughts = Literal[
    "", "all", "reasoning_content", "reasoning", "reasoning_details", "list"
]
Effort = Literal["", "reasoning_effort", "reasoning", "thinking", "enable_thinking"]

_OFFICIAL: Final = frozenset({"openai", "azure_openai", "azure"})
_REASONING: Final = re.compile(r"(?:^|/)(?:o[134]|gpt-[5-9]|codex)(?![0-9])(?!.*-chat)")
_RESTLESS: Final = (
    (re.compile(r"(?:^|/)o[134](?:-|$)"), "low"),
    (re.compile(r"(?:^|/)gpt-5(?:-|$)"), "minimal"),
)
"""Models that cannot be asked not to think at all, and their least effort."""

_THOUGHTS: Final[dict[str, Thoughts]] = {
    "openrouter": "reasoning_details",
    "vercel_ai_gateway": "reasoning_details",
    "minimax": "reasoning_details",
    "litellm_proxy": "all",
    "deepseek": "reasoning_content",
    "moonshot": "reasoning_content",
    "zai": "reasoning_content",
    "zhipuai": "reasoning_content",
    "dashscope": "reasoning_content",
    "xai": "reasoning_content",
    "llama_cpp": "reasoning_content",
    "sglang": "reasoning_content",
    "gpustack": "reasoning_content",
    "groq": "reasoning",
    "cerebras": "reasoning",
    "ollama_openai": "reasoning",
    "ollama_cloud": "reasoning",
    "vllm": "reasoning",
    "mistral": "list",
}
_EFFORTS: Final[dict[str, Effort]] = {
    "openrouter": "reasoning",
    "vercel_ai_gateway": "reasoning",
    "deepseek": "thinking",
    "moonshot": "thinking",
    "zai": "thinking",
    "zhipuai": "thinking",
    "volcengine": "thinking",
    "dashscope": "enable_thinking",
    "perplexity": "reasoning_effort",
}
_CACHE: Final = frozenset(
    {"openrouter", "vercel_ai_gateway", "litellm_proxy", "databricks", "requesty"}
)
_TOP_K: Final = frozenset(
    {
        "openrouter",
        "vercel_ai_gateway",
        "litellm_proxy",
        "together_ai",
        "fireworks_ai",
        "vllm",
        "sglang",
        "llama_cpp",
        "lm_studio",
        "deepinfra",
        "novita",
        "nebius",
        "dashscope",
        "sambanova",
        "gpustack",
        "minimax",
        "perplexity",
    }
)
_FILES: Final = {
    "mistral": "document_url",
    "openrouter": "file_data",
    "perplexity": "file_url",
}
DATA_ONLY: Final = frozenset(
    {"lm_studio", "moonshot", "moonshot_cn", "ollama_cloud", "ollama_openai"}
)
"""They see pictures by their data only, says each vendor's documentation."""
_GOOGLE: Final = frozenset({"gemini_openai", "google_openai", "litellm_proxy"})


class Words(msgspec.Struct, frozen=True):
    """How to write for one target."""

    own: bool
    """The client wrote in this dialect: what it said in its own words may be said."""
    official: bool
    """OpenAI's own models, behind OpenAI or Azure."""
    reasons: bool
    """An OpenAI model that reasons: it refuses to be sampled."""
    least: str
    """The least effort it can be asked for."""
    limit: str
    """`max_tokens` or `max_completion_tokens` (`limit`)."""
    thoughts: Thoughts
    """Where the model's earlier thoughts stand in messages; empty: nowhere
    (`thoughts`)."""
    effort: Effort
    """How thinking is asked for (`effort`)."""
    cache: bool
    """Whether `cache_control` is understood (`cache`: `yes` or `no`)."""
    top_k: bool
    """(`top_k`: `yes` or `no`)"""
    schema: bool
    """Whether the answer's JSON Schema can be given."""
    file_url: str
    """Where a document's address stands: `file_url`, `document_url` (Mistral),
    `file_data` (OpenRouter); empty: nowhere (`file_url`)."""
    data_only: bool
    """Whether pictures are taken by their data only."""
    google: bool
    """Whether `extra_content.google` is understood (`google`: `yes` or `no`)."""


def words(target: Target, dialect: str) -> Words:
    """How to write for the target what a client of `dialect` asked."""
    provider = target.provider
    own = dialect == wire.CHAT
    real = official(provider, target.base_url)
    model = target.model.lower()
    extra = provider.quirks.extra
    thoughts: str = "all" if own and not real else ""
    limit = "max_completion_tokens" if real else "max_tokens"
    return Words(
        own=own,
        official=real,
        reasons=reasons(target),
        least=next((e for p, e in _RESTLESS if real and p.search(model)), "none"),
        limit=extra.get("limit", limit),
        thoughts=extra.get("thoughts", _THOUGHTS.get(provider.id, thoughts)),  # type: ignore[arg-type]
        effort=extra.get("effort", _EFFORTS.get(provider.id, "reasoning_effort")),  # type: ignore[arg-type]
        cache=_flag(extra, "cache", provider.id in _CACHE or (own and not real)),
        top_k=_flag(extra, "top_k", provider.id in _TOP_K or own),
        schema=provider.quirks.json != "object",
        file_url=extra.get(
            "file_url", _FILES.get(provider.id, "file_url" if own else "")
        ),
        data_only=provider.id in DATA_ONLY,
        google=_flag(extra, "google", provider.id in _GOOGLE or (own and not real)),
    )


def official(provider: Provider, base_url: str) -> bool:
    """Whether OpenAI's own models are behind it."""
    return provider.id in _OFFICIAL or "//api.openai.com" in base_url


def reasons(target: Target) -> bool:
    """Whether it is an OpenAI model that reasons."""
    return official(target.provider, target.base_url) and (
        "reasoning" in target.abilities
        or _REASONING.search(target.model.lower()) is not None
    )


def _flag(extra: dict[str, str], name: str, known: bool) -> bool:
    return extra[name] == "yes" if name in extra else known
