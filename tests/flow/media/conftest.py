"""One gateway, one scripted provider, for every test of pictures, sound, moderation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import openai
import pytest

from tests.flow.media.recorded import recorded_models
from tests.harness.gateway import PATIENT, Running, gateway
from tests.harness.upstream import Request, Upstream

KEY: Final = "sk-media-0123456789abcdef"
UPSTREAM_KEY: Final = "sk-upstream-secret"
PRICE: Final = {
    "input": 5.0,
    "output": 40.0,
    "audio_input": 6.0,
    "image": 0.04,
    "character": 15.0,
    "audio_minute": 0.006,
}
PAIRS: Final = 8
"""Aliases of two deployments: one for each test that cools some down."""
VENDORS: Final = {
    "imagen": "google/imagen-4.0-generate-001",
    "drawer": "google/gemini-2.5-flash-image",
    "speaker": "google/gemini-2.5-flash-preview-tts",
    "listener": "google/gemini-2.5-flash",
    "nova": "dg/nova-3-general",
    "aura": "dg/aura-2",
    "reader": "eleven/eleven_flash_v2_5",
    "scribe": "eleven/scribe_v1",
    "ultra": "stable/stable-image-ultra",
    "sd": "stable/sd3.5-large",
    "flux": "forest/flux-2-pro",
    "kontext": "forest/flux-kontext-pro",
    "fal-flux": "falls/fal-ai/flux/dev",
    "fal-edit": "falls/fal-ai/nano-banana/edit",
}
LONG: Final = {"total_s": 60.0, "first_token_s": 60.0, "idle_s": 60.0}


def provider(up: Upstream, family: str = "openai", path: str = "/v1") -> dict[str, Any]:
    return {
        "family": family,
        "base_url": up.url + path,
        "api_key": "env:UPSTREAM_KEY",
    }


@dataclass
class Scene:
    up: Upstream
    spare: Upstream
    gateway: Running
    sent: list[bytes]
    """Bodies of the SDK's requests, in order."""
    client: openai.OpenAI

    def async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=self.gateway.url + "/v1", api_key=KEY, max_retries=0, timeout=30
        )

    @property
    def asked(self) -> Request:
        return self.up.requests[-1]

    def row(self) -> dict[str, Any]:
        return self.gateway.record(self.id)

    @property
    def id(self) -> str:
        return self.ids[-1]

    ids: list[str]


def config(up: Upstream, spare: Upstream) -> dict[str, Any]:
    one = {"deployments": [{"model": "main/real-model", "price": PRICE}]}
    two = {"deployments": [{"model": "main/first"}, {"model": "spare/second"}]}
    return {
        "keys": {"master": "env:MASTER_KEY"},
        "records": {"content": True},
        "timeouts": LONG,
        "cooldown": {"failures": 1000},
        "providers": {
            "main": provider(up),
            "spare": provider(spare),
            "google": provider(up, "gemini", "/v1beta"),
            "dg": provider(up, "deepgram"),
            "eleven": provider(up, "elevenlabs"),
            "stable": provider(up, "stability", ""),
            "forest": provider(up, "bfl"),
            "falls": provider(up, "fal", ""),
        },
        "models": {
            **{
                name: {"deployments": [{"model": f"main/{name}"}]}
                for name in recorded_models()
            },
            "omni-moderation-latest": {
                "deployments": [{"model": "main/omni-moderation-latest"}]
            },
            "alias": one,
            "unpriced": {"deployments": [{"model": "main/real-model"}]},
            **{f"pair-{at}": {**two, "strategy": "ordered"} for at in range(PAIRS)},
            "talker": {
                "deployments": [
                    {"model": "anthropic/claude", "api_key": "env:UPSTREAM_KEY"}
                ]
            },
            "mute": {
                "deployments": [{"model": "groq/llama", "api_key": "env:UPSTREAM_KEY"}]
            },
            **{
                name: {"deployments": [{"model": model}]}
                for name, model in VENDORS.items()
            },
            "flux-in-a-hurry": {
                "deployments": [{"model": "forest/flux-2-pro"}],
                "timeouts": {"total_s": 1.2},
            },
            "nova-set": {
                "deployments": [
                    {
                        "model": "dg/nova-3-general",
                        "params": {"redact": "pci", "language": "de"},
                        "drop": ["utterances", "language"],
                    }
                ]
            },
            "set": {
                "deployments": [
                    {
                        "model": "main/real-model",
                        "params": {"language": "de", "temperature": 0},
                        "drop": ["prompt", "style"],
                    }
                ]
            },
        },
    }


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    env = {"MASTER_KEY": KEY, "UPSTREAM_KEY": UPSTREAM_KEY}
    with (
        Upstream() as up,
        Upstream() as spare,
        gateway(config(up, spare), tmp_path_factory.mktemp("media"), env=env) as run,
    ):
        sent: list[bytes] = []
        ids: list[str] = []
        http = httpx.Client(
            event_hooks={
                "request": [lambda request: sent.append(request.read())],
                "response": [lambda r: ids.append(r.headers["x-routeiq-id"])],
            },
            timeout=PATIENT["timeout"],
        )
        with openai.OpenAI(
            base_url=run.url + "/v1", api_key=KEY, max_retries=0, http_client=http
        ) as client:
            yield Scene(up, spare, run, sent, client, ids)
