"""Rows of providers in clouds, where tokens stand for keys and one place speaks several
grammars. Their addresses are made of a project and location, or of a resource
(`gateway.config.clouds`); `path` in `extra` is what comes after that.

Sources: cloud.google.com/vertex-ai/generative-ai/docs (Gemini, partner models, model as
a service), learn.microsoft.com/azure/ai-foundry, the SDKs' own Vertex and Foundry
clients, LiteLLM 1.109 for names; as of 2026-11.
"""

from typing import Final

from adapters.contract import Provider, Quirks

_VERTEX_URL: Final = ("VERTEXAI_API_BASE", "VERTEX_API_BASE")
_VERTEX_KEY: Final = ("VERTEX_API_KEY", "VERTEXAI_API_KEY")
"""Of express mode. `GOOGLE_API_KEY` is the Gemini API's."""
_RAW: Final = {"path.chat": ":rawPredict", "path.chat.stream": ":streamRawPredict"}

ROWS: Final = (
    Provider(
        id="vertex_ai",
        title="Google Vertex AI",
        family="gemini",
        base_url="",
        base_url_env=_VERTEX_URL,
        env=_VERTEX_KEY,
        auth="x-goog-api-key",
        signer="google",
        operations=frozenset({"chat", "embed", "count_tokens"}),
        aliases=("vertex", "vertex_ai_beta", "google_vertex", "google-vertex"),
        quirks=Quirks(
            extra={
                "root": "publishers/google/models/",
                "count_tokens": "flat",
                "embed": "predict",
            }
        ),
        hosts={
            "claude-*": "vertex_ai_anthropic",
            "anthropic/*": "vertex_ai_anthropic",
            "mistral-*": "vertex_ai_mistral",
            "codestral-*": "vertex_ai_mistral",
            "mistralai/*": "vertex_ai_mistral",
            **dict.fromkeys(
                (
                    *("meta/*", "openai/*", "deepseek-ai/*", "qwen/*"),
                    *("moonshotai/*", "minimaxai/*", "zai-org/*", "*-maas"),
                ),
                "vertex_ai_openai",
            ),
        },
    ),
    Provider(
        id="vertex_ai_anthropic",
        title="Anthropic on Vertex AI",
        family="anthropic_vertex",
        base_url="",
        base_url_env=("ANTHROPIC_VERTEX_BASE_URL", *_VERTEX_URL),
        auth="x-goog-api-key",
        signer="google",
        operations=frozenset({"chat", "count_tokens"}),
        aliases=("vertex_anthropic", "anthropic_vertex", "google-vertex-anthropic"),
    ),
    Provider(
        id="vertex_ai_openai",
        title="Open models on Vertex AI",
        family="openai",
        base_url="",
        base_url_env=_VERTEX_URL,
        auth="x-goog-api-key",
        signer="google",
        aliases=("vertex_openai", "vertex_ai_maas"),
        quirks=Quirks(
            rename={"max_completion_tokens": "max_tokens"},
            system_role="system",
            extra={"path": "/endpoints/openapi"},
        ),
    ),
    Provider(
        id="vertex_ai_mistral",
        title="Mistral on Vertex AI",
        family="openai",
        base_url="",
        base_url_env=_VERTEX_URL,
        auth="x-goog-api-key",
        signer="google",
        aliases=("vertex_mistral",),
        quirks=Quirks(
            drop=frozenset({"stream_options", "user", "logprobs", "store"}),
            rename={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
            system_role="system",
            stream_usage=False,
            tool_ids="alnum9",
            tool_choice={"required": "any"},
            extra={"path": "/publishers/mistralai/models/{model}", **_RAW},
        ),
    ),
    Provider(
        id="azure",
        title="Azure OpenAI",
        # https://RESOURCE.openai.azure.com; the model is the deployment.
        family="openai",
        base_url="",
        base_url_env=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        env=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        auth="api-key",
        signer="azure",
        operations=frozenset(
            (
                *("chat", "complete", "embed", "responses", "count_tokens", "compact"),
                *("images_generate", "images_edit", "images_vary", "speech"),
                *("transcribe", "translate_audio", "files", "batches"),
            )
        ),
        aliases=("azure_openai",),
        hosts={"claude-*": "azure_anthropic"},
    ),
    Provider(
        id="azure_ai",
        title="Azure AI Foundry",
        # https://RESOURCE.services.ai.azure.com
        family="openai",
        base_url="",
        base_url_env=("AZURE_AI_API_BASE", "AZURE_AI_ENDPOINT"),
        env=("AZURE_AI_API_KEY",),
        auth="api-key",
        signer="azure",
        operations=frozenset({"chat", "embed", "responses"}),
        aliases=("azure_foundry",),
        quirks=Quirks(extra={"path": "/models"}),
        hosts={"claude-*": "azure_anthropic"},
    ),
    Provider(
        id="azure_anthropic",
        title="Anthropic in Azure AI Foundry",
        # https://RESOURCE.services.ai.azure.com
        family="anthropic",
        base_url="",
        base_url_env=("ANTHROPIC_FOUNDRY_BASE_URL",),
        env=("AZURE_ANTHROPIC_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY"),
        auth="x-api-key",
        signer="azure",
        operations=frozenset({"chat", "count_tokens"}),
        aliases=("anthropic_foundry",),
        quirks=Quirks(extra={"path": "/anthropic/v1"}),
    ),
)
