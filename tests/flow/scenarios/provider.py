"""A gateway's configuration before providers of every format, and their answers."""

import json
from collections.abc import Callable
from typing import Any, Final

from tests.flow.scenarios import converse, kin
from tests.flow.sdk import responses
from tests.flow.sdk.heard import Heard, heard
from tests.harness.providers import KEYS, KEYS_IN_ENV, Providers
from tests.harness.upstream import Request, Script, events, tell

Json = dict[str, Any]

KEY: Final = "sk-master-for-scenarios"
CLAUDE: Final = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MODELS: Final = {
    "openai": "openai/gpt-4.1",
    "openai-thinks": "openai/gpt-5-mini",
    "plain": "plain/gpt-4.1",
    "responses": "openai/responses/gpt-4.1",
    "responses-thinks": "openai/responses/gpt-5-mini",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "converse": f"bedrock/converse/{CLAUDE}",
    "cohere": "cohere/command-a-reasoning-08-2025",
    "ollama": "ollama/qwen3",
}
DOORS: Final = ("openai", "responses", "anthropic", "gemini", "converse")
"""Formats in which clients speak to us."""
READERS: Final[dict[str, Callable[[Request], Heard]]] = {
    "openai": lambda sent: heard("openai", sent),
    "responses": responses.heard,
    "anthropic": lambda sent: heard("anthropic", sent),
    "gemini": lambda sent: heard("gemini", sent),
    "converse": converse.heard,
    "cohere": kin.cohere,
    "ollama": kin.ollama,
}
ENV: Final = {
    "MASTER_KEY": KEY,
    "OTHER_KEY": "sk-of-the-others",
    **KEYS_IN_ENV,
}


class Every(Providers):
    """Beside those of `Providers`, Cohere and Ollama."""

    def __init__(self) -> None:
        super().__init__({})
        self.on("/cohere/v2/chat", _cohere)
        self.on("/ollama/api/chat", _ollama)


def config(up: Providers) -> Json:
    other: Json = {"api_key": "env:OTHER_KEY"}
    return {
        "keys": {"master": "env:MASTER_KEY"},
        "models": {
            alias: {"deployments": [{"model": model}]}
            for alias, model in MODELS.items()
        },
        "providers": {
            **{name: up.place(name) for name in KEYS},
            "plain": up.place("openai"),
            "cohere": {**other, "base_url": f"{up.url}/cohere"},
            "ollama": {**other, "base_url": f"{up.url}/ollama"},
        },
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000},
    }


def _cohere(request: Request) -> Script:
    usage = {"tokens": {"input_tokens": 1, "output_tokens": 1}}
    if not request.json().get("stream"):
        message = {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}
        told = {"id": "c1", "finish_reason": "COMPLETE", "message": message}
        return tell(200, {**told, "usage": usage})
    message = {"message": {"role": "assistant"}}
    end = {"finish_reason": "COMPLETE", "usage": usage}
    told = [
        {"type": "message-start", "id": "c1", "delta": message},
        {"type": "message-end", "delta": end},
    ]
    return events([f"data: {json.dumps(one)}\n\n".encode() for one in told])


def _ollama(request: Request) -> Script:
    told = {
        "model": "m",
        "created_at": "2026-01-02T03:04:05Z",
        "message": {"role": "assistant", "content": "ok"},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 1,
        "eval_count": 1,
    }
    if not request.json().get("stream"):
        return tell(200, told)
    kind = {"content-type": "application/x-ndjson"}
    return events([json.dumps(told).encode() + b"\n"], headers=kind)
