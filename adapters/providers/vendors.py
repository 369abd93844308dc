"""Rows of vendors with a grammar of their own."""

from typing import Final

from adapters.contract import Quirks
from adapters.providers.row import row, words

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
)
