"""Rows of makers and hosts of models that deviate from their grammar."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import GLM, KIMI, MAX_TOKENS, MISTRAL, row, words

ROWS: Final = (
    row(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        can="chat complete embed images_generate images_edit images_vary speech "
        "transcribe translate_audio moderate responses count_tokens compact files "
        "batches",
        aliases="text-completion-openai",
        quirks=Quirks(),
    ),
    row(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        can="chat count_tokens files batches",
        family="anthropic",
        auth="x-api-key",
        quirks=Quirks(),
    ),
    row(
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
    row(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        can="chat complete embed rerank images_generate speech transcribe responses",
        quirks=Quirks(),
    ),
    row(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        can="chat embed speech transcribe moderate files batches",
        aliases="mistralai",
        quirks=MISTRAL,
    ),
    row(
        "codestral",
        "Codestral",
        "https://codestral.mistral.ai/v1",
        "CODESTRAL_API_KEY",
        aliases="text-completion-codestral",
        quirks=MISTRAL,
    ),
    row(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        can="chat embed speech transcribe translate_audio responses files batches",
        quirks=Quirks(
            drop=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
            system_role="system",
            n=False,
            names=False,
        ),
    ),
    row(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        quirks=Quirks(
            rename=MAX_TOKENS,
            system_role="system",
            n=False,
            json="object",  # a schema is refused (recorded)
        ),
    ),
    row(
        "xai",
        "xAI",
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        can="chat images_generate speech transcribe responses files batches",
        quirks=Quirks(system_role="system"),
    ),
    row(
        "together_ai",
        "Together AI",
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY TOGETHER_API_KEY TOGETHER_AI_API_KEY",
        can="chat complete embed rerank images_generate speech transcribe batches",
        aliases="together togetherai",
    ),
    row(
        "perplexity",
        "Perplexity",
        "https://api.perplexity.ai",
        "PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY",
        can="chat embed",
        quirks=Quirks(
            drop=words(
                "tools tool_choice parallel_tool_calls logprobs top_logprobs "
                "logit_bias stop seed"
            ),
            rename=MAX_TOKENS,
            system_role="system",
            stream_usage=False,
            n=False,
            alternate=True,
        ),
    ),
    row(
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
    row(
        "sambanova",
        "SambaNova",
        "https://api.sambanova.ai/v1",
        "SAMBANOVA_API_KEY",
        can="chat embed transcribe",
        quirks=Quirks(
            drop=words(
                "logprobs top_logprobs logit_bias seed presence_penalty "
                "frequency_penalty"
            ),
            rename=MAX_TOKENS,
            system_role="system",
            n=False,
            think=True,
        ),
    ),
    row(
        "nvidia_nim",
        "NVIDIA NIM",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_NIM_API_KEY NVIDIA_API_KEY",
        can="chat complete embed",
        aliases="nvidia",
        # Retrieval models want to be told which side a text is on.
        quirks=Quirks(
            rename=MAX_TOKENS, system_role="system", extra={"task": "input_type"}
        ),
    ),
    row(
        "moonshot",
        "Moonshot AI",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        can="chat files",
        aliases="moonshotai",
        quirks=KIMI,
    ),
    row(
        "moonshot_cn",
        "Moonshot AI (China)",
        "https://api.moonshot.cn/v1",
        "MOONSHOT_API_KEY",
        can="chat files",
        aliases="moonshotai-cn",
        quirks=KIMI,
    ),
    row(
        "zhipuai",
        "Zhipu BigModel",
        "https://open.bigmodel.cn/api/paas/v4",
        "ZHIPU_API_KEY BIGMODEL_API_KEY",
        can="chat embed images_generate",
        aliases="bigmodel",
        quirks=GLM,
    ),
    row(
        "zai",
        "Z.AI",
        "https://api.z.ai/api/paas/v4",
        "ZAI_API_KEY ZHIPU_API_KEY",
        can="chat embed images_generate",
        quirks=GLM,
    ),
    row(
        "zai_coding_plan",
        "Z.AI Coding Plan",
        "https://api.z.ai/api/coding/paas/v4",
        "ZAI_API_KEY ZHIPU_API_KEY",
        quirks=GLM,
    ),
    row(
        "zhipuai_coding_plan",
        "Zhipu AI Coding Plan",
        "https://open.bigmodel.cn/api/coding/paas/v4",
        "ZHIPU_API_KEY BIGMODEL_API_KEY",
        quirks=GLM,
    ),
    row(
        "dashscope",
        "Alibaba Model Studio",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        can="chat embed responses",
        aliases="alibaba",
    ),
    row(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/v1",
        "MINIMAX_API_KEY",
        # Else thoughts stand in the text, between <think> and </think>.
        quirks=Quirks(
            rename=MAX_TOKENS, system_role="system", add={"reasoning_split": True}
        ),
    ),
    row(
        "vercel_ai_gateway",
        "Vercel AI Gateway",
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY VERCEL_AI_GATEWAY_API_KEY VERCEL_OIDC_TOKEN",
        can="chat embed images_generate responses",
        aliases="vercel",
        quirks=Quirks(),
    ),
    row(
        "portkey",
        "Portkey",
        "https://api.portkey.ai/v1",
        "PORTKEY_API_KEY",
        can="chat complete embed",
        auth="x-portkey-api-key",
        quirks=Quirks(think=True),
    ),
    row(
        "writer",
        "Writer",
        "https://api.writer.com/v1",
        "WRITER_API_KEY",
        # Its chat path is short (recorded).
        quirks=Quirks(
            rename=MAX_TOKENS,
            system_role="system",
            extra={"path.chat": "/chat"},
        ),
        can="chat complete",
    ),
    row(
        "parasail",
        "Parasail",
        "https://api.parasail.io/v1",
        "PARASAIL_API_KEY",
        can="chat responses",
        base_url_env="PARASAIL_API_BASE",
        # It refuses to keep answers, and keeps them unless told not to.
        quirks=Quirks(rename=MAX_TOKENS, system_role="system", add={"store": False}),
    ),
    row(
        "publicai",
        "PublicAI",
        "https://api.publicai.co/v1",
        "PUBLICAI_API_KEY",
        can="chat complete",
        base_url_env="PUBLICAI_API_BASE",
        quirks=Quirks(rename=MAX_TOKENS, system_role="system", text_parts=False),
    ),
    row(
        "sarvam",
        "Sarvam",
        "https://api.sarvam.ai/v1",
        "SARVAM_API_KEY",
        auth="api-subscription-key",
    ),
    row(
        "streamlake",
        "StreamLake",
        "https://vanchin.streamlake.ai/api/gateway/v1/endpoints",
        "STREAMLAKE_API_KEY",
        can="chat complete",
        base_url_env="STREAMLAKE_API_BASE",
        quirks=Quirks(
            rename={"max_tokens": "max_completion_tokens"}, extra={"cache": "yes"}
        ),
    ),
)
