"""The table of providers: where each family is spoken, and how they deviate from it.

One row each; an OpenAI-compatible provider needs no code. Ids are the prefixes of
LiteLLM's model names, aliases the other prefixes in use. Sources: the vendors' API
references, LiteLLM 1.109 and models.dev as of 2026-11, and recorded traffic.

Rules of the table:

* `base_url` is what the family's paths are appended to. It is empty where it holds an
  account, a region or a resource of the user's own.
* An environment variable belongs to one row, so that a key found in the environment
  means one provider. Address variables of the vendors' SDKs (`OPENAI_BASE_URL`,
  `ANTHROPIC_BASE_URL`) are not read: whoever sets them usually means this gateway.
* `drop` names only what a provider is known to refuse; what it ignores may go.
* One table in one file, however long: rows are compared with their neighbours.
"""

from typing import Final

from adapters.contract import Provider, Quirks


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MAX_TOKENS: Final = {"max_completion_tokens": "max_tokens"}
_PLAIN: Final = Quirks(rename=_MAX_TOKENS, system_role="system")
"""The API as it was before reasoning models: most of the compatible providers."""
_GLM: Final = Quirks(
    rename=_MAX_TOKENS,
    system_role="system",
    n=False,
)
_MISTRAL: Final = Quirks(
    # Unknown fields are answered with 422 (recorded).
    drop=_words(
        "audio logit_bias logprobs modalities prompt_cache_key "
        "prompt_cache_retention safety_identifier service_tier store stream_options "
        "top_logprobs user verbosity"
    ),
    rename=_MAX_TOKENS | {"seed": "random_seed"},
    system_role="system",
    stream_usage=False,
    tool_ids="alnum9",
    tool_choice={"required": "any"},
)


def _row(
    id: str,
    title: str,
    base_url: str,
    env: str = "",
    *,
    can: str = "chat",
    aliases: str = "",
    quirks: Quirks = _PLAIN,
    family: str = "openai",
    auth: str = "bearer",
    base_url_env: str = "",
) -> Provider:
    """A row; lists are words with spaces between."""
    return Provider(
        id=id,
        title=title,
        family=family,
        base_url=base_url,
        env=tuple(env.split()),
        base_url_env=tuple(base_url_env.split()),
        auth=auth,
        quirks=quirks,
        aliases=tuple(aliases.split()),
        operations=frozenset(can.split()),
    )


_ROWS: Final = (
    _row(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        can="chat complete embed",
        aliases="text-completion-openai",
        quirks=Quirks(),
    ),
    _row(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        can="chat count_tokens",
        family="anthropic",
        auth="x-api-key",
        quirks=Quirks(),
    ),
    _row(
        "gemini",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY GOOGLE_API_KEY",
        can="chat embed count_tokens",
        aliases="google google_ai_studio",
        family="gemini",
        auth="x-goog-api-key",
        quirks=Quirks(),
    ),
    _row(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        can="chat complete embed",
        quirks=Quirks(),
    ),
    _row(
        "azure",
        "Azure OpenAI",
        # https://RESOURCE.openai.azure.com/openai/v1; the model is the deployment.
        "",
        "AZURE_API_KEY AZURE_OPENAI_API_KEY",
        can="chat complete embed",
        aliases="azure_openai",
        auth="api-key",
        quirks=Quirks(),
    ),
    _row(
        "azure_ai",
        "Azure AI Foundry",
        # https://RESOURCE.services.ai.azure.com/openai/v1
        "",
        "AZURE_AI_API_KEY",
        can="chat embed",
        auth="api-key",
        quirks=Quirks(),
    ),
    _row(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        can="chat embed",
        aliases="mistralai",
        quirks=_MISTRAL,
    ),
    _row(
        "codestral",
        "Codestral",
        "https://codestral.mistral.ai/v1",
        "CODESTRAL_API_KEY",
        quirks=_MISTRAL,
    ),
    _row(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        quirks=Quirks(
            drop=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
            system_role="system",
            n=False,
        ),
    ),
    _row(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        quirks=Quirks(
            rename=_MAX_TOKENS,
            system_role="system",
            n=False,
            # Refused, unlike `json_object` (recorded).
            extra={"json_schema": "no"},
        ),
    ),
    _row(
        "xai",
        "xAI",
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        quirks=Quirks(system_role="system"),
    ),
    _row(
        "together_ai",
        "Together AI",
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY TOGETHER_API_KEY TOGETHER_AI_API_KEY",
        can="chat complete embed",
        aliases="together togetherai",
    ),
    _row(
        "fireworks_ai",
        "Fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY FIREWORKS_AI_API_KEY",
        can="chat complete embed",
        aliases="fireworks fireworks-ai",
    ),
    _row(
        "perplexity",
        "Perplexity",
        "https://api.perplexity.ai",
        "PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY",
        quirks=Quirks(
            drop=_words(
                "tools tool_choice parallel_tool_calls logprobs top_logprobs "
                "logit_bias stop seed"
            ),
            rename=_MAX_TOKENS,
            system_role="system",
            stream_usage=False,
            n=False,
        ),
    ),
    _row(
        "cerebras",
        "Cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        can="chat complete",
        quirks=Quirks(
            drop=frozenset({"frequency_penalty", "presence_penalty", "logit_bias"}),
            system_role="system",
            n=False,
        ),
    ),
    _row(
        "sambanova",
        "SambaNova",
        "https://api.sambanova.ai/v1",
        "SAMBANOVA_API_KEY",
        can="chat embed",
        quirks=Quirks(
            drop=_words(
                "logprobs top_logprobs logit_bias seed presence_penalty "
                "frequency_penalty"
            ),
            rename=_MAX_TOKENS,
            system_role="system",
            n=False,
        ),
    ),
    _row(
        "nvidia_nim",
        "NVIDIA NIM",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_NIM_API_KEY NVIDIA_API_KEY",
        can="chat complete embed",
        aliases="nvidia",
        # Retrieval models want to be told which side a text is on.
        quirks=Quirks(
            rename=_MAX_TOKENS, system_role="system", extra={"task": "input_type"}
        ),
    ),
    _row(
        "moonshot",
        "Moonshot AI",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        aliases="moonshotai",
    ),
    _row("zai", "Z.AI", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", quirks=_GLM),
    _row(
        "zhipuai",
        "Zhipu BigModel",
        "https://open.bigmodel.cn/api/paas/v4",
        "ZHIPU_API_KEY BIGMODEL_API_KEY",
        can="chat embed",
        quirks=_GLM,
    ),
    _row(
        "dashscope",
        "Alibaba Model Studio",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        can="chat embed",
        aliases="alibaba",
    ),
    _row(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/v1",
        "MINIMAX_API_KEY",
    ),
    _row(
        "huggingface",
        "Hugging Face Inference Providers",
        "https://router.huggingface.co/v1",
        "HF_TOKEN HUGGINGFACE_API_KEY",
    ),
    _row(
        "deepinfra",
        "DeepInfra",
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_API_KEY",
        can="chat complete embed",
    ),
    _row(
        "hyperbolic",
        "Hyperbolic",
        "https://api.hyperbolic.xyz/v1",
        "HYPERBOLIC_API_KEY",
        can="chat complete",
    ),
    _row(
        "novita",
        "Novita AI",
        "https://api.novita.ai/v3/openai",
        "NOVITA_API_KEY",
        can="chat complete embed",
        aliases="novita-ai",
    ),
    _row(
        "nebius",
        "Nebius AI Studio",
        "https://api.studio.nebius.ai/v1",
        "NEBIUS_API_KEY",
        can="chat complete embed",
    ),
    _row(
        "cohere",
        "Cohere",
        "https://api.cohere.ai/compatibility/v1",
        "COHERE_API_KEY CO_API_KEY",
        can="chat embed",
        aliases="cohere_chat",
        quirks=Quirks(
            drop=_words(
                "store metadata logit_bias top_logprobs modalities prediction audio "
                "service_tier parallel_tool_calls"
            ),
            rename=_MAX_TOKENS,
            n=False,
        ),
    ),
    _row(
        "ai21",
        "AI21",
        "https://api.ai21.com/studio/v1",
        "AI21_API_KEY",
        aliases="ai21_chat",
    ),
    _row(
        "github_models",
        "GitHub Models",
        "https://models.github.ai/inference",
        "GITHUB_API_KEY GITHUB_TOKEN",
        can="chat embed",
        aliases="github",
        quirks=Quirks(),
    ),
    _row(
        "vercel_ai_gateway",
        "Vercel AI Gateway",
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY VERCEL_AI_GATEWAY_API_KEY VERCEL_OIDC_TOKEN",
        can="chat embed",
        aliases="vercel",
        quirks=Quirks(),
    ),
    _row(
        "cloudflare",
        "Cloudflare Workers AI",
        # https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1
        "",
        "CLOUDFLARE_API_KEY CLOUDFLARE_API_TOKEN",
        can="chat embed",
    ),
    _row(
        "databricks",
        "Databricks",
        # https://WORKSPACE/serving-endpoints
        "",
        "DATABRICKS_API_KEY DATABRICKS_TOKEN",
        can="chat complete embed",
        base_url_env="DATABRICKS_API_BASE",
    ),
    _row(
        "snowflake",
        "Snowflake Cortex",
        # https://ACCOUNT.snowflakecomputing.com/api/v2/cortex/v1
        "",
        "SNOWFLAKE_PAT SNOWFLAKE_JWT SNOWFLAKE_CORTEX_PAT",
        can="chat embed",
        quirks=Quirks(system_role="system"),
    ),
    _row(
        "baseten",
        "Baseten",
        "https://inference.baseten.co/v1",
        "BASETEN_API_KEY",
        can="chat complete",
    ),
    _row(
        "lambda_ai",
        "Lambda AI",
        "https://api.lambda.ai/v1",
        "LAMBDA_API_KEY",
        can="chat complete",
    ),
    _row(
        "friendliai",
        "FriendliAI",
        "https://api.friendli.ai/serverless/v1",
        "FRIENDLI_TOKEN",
        can="chat complete",
        aliases="friendli",
    ),
    _row(
        "featherless_ai",
        "Featherless AI",
        "https://api.featherless.ai/v1",
        "FEATHERLESS_AI_API_KEY",
        can="chat complete",
    ),
    _row(
        "writer",
        "Writer",
        "https://api.writer.com/v1",
        "WRITER_API_KEY",
        # Its chat path is short (recorded).
        quirks=Quirks(
            rename=_MAX_TOKENS,
            system_role="system",
            extra={"path.chat": "/chat"},
        ),
        can="chat complete",
    ),
    _row(
        "volcengine",
        "Volcengine Ark",
        "https://ark.cn-beijing.volces.com/api/v3",
        "ARK_API_KEY VOLCENGINE_API_KEY",
        can="chat embed",
    ),
    _row(
        "meta_llama",
        "Meta Llama API",
        "https://api.llama.com/compat/v1",
        "LLAMA_API_KEY",
        can="chat complete",
    ),
    _row(
        "scaleway",
        "Scaleway",
        "https://api.scaleway.ai/v1",
        "SCW_SECRET_KEY SCALEWAY_API_KEY",
        can="chat complete embed",
    ),
    _row(
        "siliconflow",
        "SiliconFlow",
        "https://api.siliconflow.com/v1",
        "SILICONFLOW_API_KEY",
        can="chat embed",
    ),
    _row(
        "nscale",
        "Nscale",
        "https://inference.api.nscale.com/v1",
        "NSCALE_API_KEY",
        can="chat complete",
    ),
    _row(
        "ovhcloud",
        "OVHcloud AI Endpoints",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "OVHCLOUD_API_KEY",
        can="chat complete",
    ),
    _row(
        "wandb",
        "W&B Inference",
        "https://api.inference.wandb.ai/v1",
        "WANDB_API_KEY",
        can="chat complete",
    ),
    _row(
        "amazon_nova",
        "Amazon Nova API",
        "https://api.nova.amazon.com/v1",
        "AMAZON_NOVA_API_KEY NOVA_API_KEY",
        aliases="nova",
    ),
    _row(
        "ollama_cloud",
        "Ollama Cloud",
        "https://ollama.com/v1",
        "OLLAMA_API_KEY",
        aliases="ollama-cloud",
    ),
    _row(
        "ollama",
        "Ollama",
        "http://localhost:11434/v1",
        can="chat complete embed",
        aliases="ollama_chat",
        quirks=Quirks(rename=_MAX_TOKENS, system_role="system", n=False),
    ),
    _row(
        "vllm",
        "vLLM",
        "http://localhost:8000/v1",
        "VLLM_API_KEY HOSTED_VLLM_API_KEY",
        can="chat complete embed",
        aliases="hosted_vllm",
        base_url_env="HOSTED_VLLM_API_BASE",
    ),
    _row(
        "sglang",
        "SGLang",
        "http://localhost:30000/v1",
        can="chat complete embed",
    ),
    _row(
        "lm_studio",
        "LM Studio",
        "http://localhost:1234/v1",
        "LM_STUDIO_API_KEY",
        can="chat complete embed",
        aliases="lmstudio",
        base_url_env="LM_STUDIO_API_BASE",
    ),
    _row(
        "llama_cpp",
        "llama.cpp server",
        "http://localhost:8080/v1",
        can="chat complete embed",
        aliases="llamafile",
    ),
    _row(
        "litellm_proxy",
        "LiteLLM proxy",
        # Its own default, port 4000, is this gateway's too.
        "",
        "LITELLM_PROXY_API_KEY",
        can="chat complete embed",
        base_url_env="LITELLM_PROXY_API_BASE",
        quirks=Quirks(),
    ),
    _row(
        "openai_compatible",
        "Any OpenAI-compatible server",
        "",
        can="chat complete embed",
        aliases="custom_openai openai_like openai-compatible",
    ),
    _row(
        "echo",
        "Built-in demo",
        "echo:",
        can="chat complete embed count_tokens",
        family="echo",
        auth="none",
        quirks=Quirks(),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {row.id: row for row in _ROWS}
"""By id; first the ones most people mean."""

_BY_NAME: Final = {name: row for row in _ROWS for name in (row.id, *row.aliases)}


def find(name: str) -> Provider | None:
    """The provider of that id or alias."""
    return _BY_NAME.get(name)
