"""Names -> families and dialects.

A new family is a folder beside this file and a row here.
"""

from collections.abc import Mapping
from typing import Final

from adapters import deepgram, elevenlabs, sagemaker, stability
from adapters.anthropic import family as anthropic
from adapters.anthropic import hosted
from adapters.bedrock import family as bedrock
from adapters.cohere import family as cohere
from adapters.contract import Dialect, Upstream
from adapters.echo import family as echo
from adapters.gemini import family as gemini
from adapters.ollama import family as ollama
from adapters.openai import family as openai
from adapters.openai import inline
from adapters.openai.media import family as media
from adapters.vendors import (
    bfl,
    cloudflare,
    fal,
    huggingface,
    jina,
    nomic,
    oci,
    replicate,
    voyage,
    watsonx,
)

UPSTREAMS: Final[Mapping[str, Upstream]] = {
    "openai": openai.UPSTREAM,
    "anthropic": anthropic.UPSTREAM,
    "anthropic_vertex": hosted.ON_VERTEX,
    "gemini": gemini.UPSTREAM,
    "cohere": cohere.UPSTREAM,
    "ollama": ollama.UPSTREAM,
    "voyage": voyage.UPSTREAM,
    "jina": jina.UPSTREAM,
    "nomic": nomic.UPSTREAM,
    "oci": oci.UPSTREAM,
    "huggingface": huggingface.UPSTREAM,
    "watsonx": watsonx.UPSTREAM,
    "cloudflare": cloudflare.UPSTREAM,
    "replicate": replicate.UPSTREAM,
    "bedrock": bedrock.UPSTREAM,
    "sagemaker": sagemaker.UPSTREAM,
    "deepgram": deepgram.UPSTREAM,
    "elevenlabs": elevenlabs.UPSTREAM,
    "stability": stability.UPSTREAM,
    "bfl": bfl.UPSTREAM,
    "fal": fal.UPSTREAM,
    "echo": echo.UPSTREAM,
}
"""By `Provider.family`."""

RESPONSES: Final[Upstream] = openai.RESPONSES_UPSTREAM
"""OpenAI's family where nothing but its Responses API is spoken."""

INLINE: Final[Upstream] = inline.INLINE
"""OpenAI's family where thoughts stand in the text."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        openai.CHAT,
        openai.COMPLETIONS,
        openai.EMBEDDINGS,
        media.IMAGES,
        media.SPEECH,
        media.TRANSCRIPTIONS,
        media.MODERATIONS,
        openai.RESPONSES,
        anthropic.MESSAGES,
        gemini.GENERATE,
        gemini.EMBED,
        cohere.EMBED_DIALECT,
        bedrock.CONVERSE,
        bedrock.MESSAGES_INVOKED,
        gemini.PREDICT,
        cohere.RERANK_DIALECT,
    )
}
"""By `Dialect.name`."""
