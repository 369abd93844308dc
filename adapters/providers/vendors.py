"""Rows of vendors with a grammar of their own."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import MAX_TOKENS, row, words

_OLLAMA: Final = Quirks(
    # Where an option stands, for clients and configurations that name it alone.
    rename={
        name: f"options.{name}"
        for name in words(
            "num_ctx num_keep num_batch num_gpu main_gpu num_thread use_mmap numa "
            "min_p typical_p repeat_last_n repeat_penalty mirostat mirostat_eta "
            "mirostat_tau temperature top_p top_k seed stop presence_penalty "
            "frequency_penalty num_predict"
        )
    }
    | {"max_tokens": "options.num_predict"},
)

ROWS: Final = (
    row(
        "cohere",
        "Cohere",
        "https://api.cohere.com",
        "COHERE_API_KEY CO_API_KEY",
        can="chat embed rerank",
        aliases="cohere_chat",
        family="cohere",
        quirks=Quirks(),
    ),
    row(
        "voyage",
        "Voyage AI",
        "https://api.voyageai.com/v1",
        "VOYAGE_API_KEY",
        can="embed rerank",
        aliases="voyageai",
        family="voyage",
        quirks=Quirks(),
    ),
    row(
        "jina_ai",
        "Jina AI",
        "https://api.jina.ai/v1",
        "JINA_API_KEY JINA_AI_API_KEY",
        can="embed rerank",
        aliases="jina",
        family="jina",
        quirks=Quirks(),
    ),
    row(
        "nomic",
        "Nomic Atlas",
        "https://api-atlas.nomic.ai/v1",
        "NOMIC_API_KEY",
        can="embed",
        family="nomic",
        quirks=Quirks(),
    ),
    row(
        "huggingface",
        "Hugging Face Inference Providers",
        "https://router.huggingface.co/v1",
        "HF_TOKEN HUGGINGFACE_API_KEY",
        # Ranks at one's own address only.
        can="chat embed",
        family="huggingface",
    ),
    row(
        "tei",
        "Text Embeddings Inference",
        "http://localhost:8080",
        can="embed rerank",
        aliases="text_embeddings_inference",
        family="huggingface",
    ),
    row(
        "watsonx",
        "IBM watsonx.ai",
        # The host is REGION.ml.cloud.ibm.com.
        "https://{host}/projects/{project}",
        "WATSONX_API_KEY WATSONX_APIKEY",
        can="chat complete embed rerank",
        aliases="watsonx_text",
        family="watsonx",
        signer="ibm",
        variables={"host": "WATSONX_URL", "project": "WATSONX_PROJECT_ID"},
        quirks=Quirks(
            drop=words(
                "store metadata prediction modalities audio service_tier user "
                "verbosity prompt_cache_key prompt_cache_retention safety_identifier "
                "parallel_tool_calls reasoning_effort"
            ),
            rename=MAX_TOKENS,
            system_role="system",
            stream_usage=False,
        ),
    ),
    row(
        "oci",
        "Oracle Cloud Generative AI",
        "https://inference.generativeai.{region}.oci.oraclecloud.com/20231130"
        "/compartments/{compartment}",
        can="chat embed",
        family="oci",
        signer="oci",
        auth="none",
        variables={"region": "OCI_REGION", "compartment": "OCI_COMPARTMENT_ID"},
        quirks=Quirks(),
    ),
    row(
        "gigachat",
        "GigaChat",
        "https://gigachat.devices.sberbank.ru/api/v1",
        "GIGACHAT_CREDENTIALS GIGACHAT_API_KEY",
        can="chat embed",
        signer="gigachat",
        # It knows functions of its own kind only.
        quirks=Quirks(
            drop=words("tools tool_choice parallel_tool_calls response_format"),
            rename=MAX_TOKENS,
            system_role="system",
            n=False,
        ),
    ),
    row(
        "replicate",
        "Replicate",
        "https://api.replicate.com/v1",
        "REPLICATE_API_TOKEN REPLICATE_API_KEY",
        family="replicate",
        quirks=Quirks(),
    ),
    row(
        "ollama",
        "Ollama",
        "http://localhost:11434",
        can="chat complete embed",
        aliases="ollama_chat",
        family="ollama",
        base_url_env="OLLAMA_API_BASE",
        quirks=_OLLAMA,
    ),
    row(
        "deepgram",
        "Deepgram",
        "https://api.deepgram.com/v1",
        "DEEPGRAM_API_KEY",
        can="speech transcribe",
        family="deepgram",
        auth="authorization: Token",
        base_url_env="DEEPGRAM_API_BASE",
        quirks=Quirks(),
    ),
    row(
        "elevenlabs",
        "ElevenLabs",
        "https://api.elevenlabs.io/v1",
        "ELEVENLABS_API_KEY",
        can="speech transcribe",
        family="elevenlabs",
        auth="xi-api-key",
        base_url_env="ELEVENLABS_API_BASE",
        quirks=Quirks(),
    ),
    row(
        "stability",
        "Stability AI",
        "https://api.stability.ai",
        "STABILITY_API_KEY",
        can="images_generate",
        family="stability",
        base_url_env="STABILITY_API_BASE",
        quirks=Quirks(),
    ),
    row(
        "black_forest_labs",
        "Black Forest Labs",
        "https://api.bfl.ai/v1",
        "BFL_API_KEY",
        can="images_generate images_edit",
        aliases="bfl",
        family="bfl",
        auth="x-key",
        quirks=Quirks(),
    ),
    row(
        "fal_ai",
        "fal",
        "https://fal.run",
        "FAL_KEY FAL_AI_API_KEY",
        can="images_generate images_edit",
        aliases="fal",
        family="fal",
        auth="authorization: Key",
        quirks=Quirks(),
    ),
)
