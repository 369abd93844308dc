"""Rows of servers that one runs oneself, and of our own."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import MAX_TOKENS, row

ROWS: Final = (
    row(
        "ollama_openai",
        "Ollama, as OpenAI's API",
        "http://localhost:11434/v1",
        can="chat complete embed",
        quirks=Quirks(rename=MAX_TOKENS, system_role="system", n=False),
    ),
    row(
        "lm_studio",
        "LM Studio",
        "http://localhost:1234/v1",
        "LM_STUDIO_API_KEY",
        can="chat complete embed responses",
        aliases="lmstudio",
        base_url_env="LM_STUDIO_API_BASE",
        quirks=Quirks(rename=MAX_TOKENS, system_role="system", json="schema"),
    ),
    row(
        "llama_cpp",
        "llama.cpp server",
        "http://localhost:8080/v1",
        can="chat complete embed rerank",
    ),
    row(
        "litellm_proxy",
        "LiteLLM proxy",
        # Its own default, port 4000, is this gateway's too.
        "",
        "LITELLM_PROXY_API_KEY",
        can="chat complete embed rerank",
        base_url_env="LITELLM_PROXY_API_BASE",
        quirks=Quirks(),
    ),
    row(
        "openai_compatible",
        "Any OpenAI-compatible server",
        "",
        can="chat complete embed rerank",
        aliases="custom_openai openai_like openai-compatible",
    ),
    row(
        "echo",
        "Built-in demo",
        "echo:",
        can="chat complete embed count_tokens",
        family="echo",
        auth="none",
        quirks=Quirks(),
    ),
)
