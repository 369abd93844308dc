"""One gateway before scripted providers of seven families, for all classes of bugs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from tests.flow.bug_classes.spoken import ANSWERS
from tests.flow.sdk.clients import KEY, Clients, Got
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.providers import KEYS, KEYS_IN_ENV, Providers
from tests.harness.upstream import Answer as Script
from tests.harness.upstream import Request

MODELS: Final = {
    "openai": "openai/gpt-4.1",
    "openai-thinks": "openai/gpt-5-mini",
    "plain": "plain/gpt-4.1",
    "limited": "plain/gpt-4.1-mini",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "gemini-3": "gemini/gemini-3-pro-preview",
    "bedrock": "bedrock/us.amazon.nova-lite-v1:0",
    "bedrock-claude": "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock-invoked": "bedrock/invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock-arn": (
        "bedrock/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab"
    ),
}
OTHERS: Final = {"cohere": "", "ollama": "", "mistral": "/v1", "azure-like": "/v1"}
"""Providers that only say what a test scripts -> the version in their address."""
PRICE: Final = {"input": 3.0, "output": 15.0, "cached": 0.3, "cache_write": 3.75}


@dataclass
class Scene:
    up: Providers
    gateway: Running
    clients: Clients

    def script(self, family: str, *answers: Script) -> None:
        """What a family answers, for the rest of the test."""
        self.up.on(lambda request: request.path.startswith(f"/{family}/"), *answers)

    def ask(self, dialect: str, model: str, stream: bool = False, **more: Any) -> Got:
        return self.clients.ask(dialect, "sync", stream, asked(dialect, model, **more))

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Without an SDK: what a client sends that the SDKs would not."""
        url = self.gateway.url + path
        bearer = {"authorization": f"Bearer {KEY}", **headers}
        return httpx.post(url, json=body, headers=bearer, **PATIENT)

    @property
    def last(self) -> Request:
        """What was asked of a provider last."""
        return self.up.requests[-1]


def asked(dialect: str, model: str, **more: Any) -> dict[str, Any]:
    """A plain call by an SDK; `text` is what is said."""
    text = more.pop("text", "hi")
    if dialect == "gemini":
        return {"model": model, "contents": text, **more}
    said = {"messages": [{"role": "user", "content": text}]}
    limit = {"max_tokens": 100} if dialect == "anthropic" else {}
    return {"model": model, **said, **limit, **more}


def _config(up: Providers) -> dict[str, Any]:
    models: dict[str, Any] = {
        alias: {"deployments": [{"model": model, "price": PRICE}]}
        for alias, model in MODELS.items()
    }
    for name, version in OTHERS.items():
        place = {"base_url": f"{up.url}/{name}{version}", "api_key": "env:OTHER_KEY"}
        model = f"{'openai' if name == 'azure-like' else name}/m"
        models[name] = {"deployments": [{"model": model, **place, "price": PRICE}]}
    for alias in ("plain", "anthropic", "gemini", "bedrock"):
        models[f"{alias}-then"] = {**models[alias], "fallbacks": ["mistral"]}
    return {
        "keys": {"master": "env:MASTER_KEY"},
        "models": models,
        "providers": {
            **{name: up.place(name) for name in KEYS},
            "plain": up.place("openai"),
        },
        "fetch": {"allow_private": ["127.0.0.2/32"]},
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000},
    }


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    env = {**KEYS_IN_ENV, "MASTER_KEY": KEY, "OTHER_KEY": "sk-of-the-others"}
    folder = tmp_path_factory.mktemp("bug-classes")
    with Providers(ANSWERS) as up, gateway(_config(up), folder, env=env) as server:
        clients = Clients(server.url)
        try:
            yield Scene(up, server, clients)
        finally:
            clients.close()


@pytest.fixture
def scene(running: Scene) -> Iterator[Scene]:
    """The package's, with no script of another test."""
    kept = [*running.up.rules]
    yield running
    running.up.rules[:] = kept
