"""One gateway, its providers and its clients for a module of tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.flow.sdk.clients import KEY, Clients
from tests.flow.sdk.matrix import FEATURES
from tests.harness.answers import Answer
from tests.harness.gateway import Running, gateway
from tests.harness.providers import FAMILIES, KEYS_IN_ENV, Providers

MODELS: Final = {
    "openai": "openai/gpt-4.1",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "echo": "echo/echo",
    "openai-thinks": "openai/gpt-5-mini",
    "anthropic-thinks": "anthropic/claude-sonnet-4-5",
    "gemini-thinks": "gemini/gemini-2.5-flash",
    "echo-thinks": "echo/echo",
    "gemini-3": "gemini/gemini-3-pro-preview",
    "plain": "plain/gpt-4.1",
    "plain-thinks": "plain/gpt-5-mini",
    "bridged": "openai/responses/gpt-4.1",
    "bridged-thinks": "openai/responses/gpt-5-mini",
    "openai-embeds": "openai/text-embedding-3-small",
    "gemini-embedding-001": "gemini/gemini-embedding-001",
    "openai-legacy": "openai/gpt-3.5-turbo-instruct",
}
"""Aliases: a family by its own name is the model that can do most of what is asked;
`plain` has OpenAI's chat completions but not its Responses API, which is all that
`bridged` is asked by.
Google's SDK looks at the name before it says what to embed how."""

ENV: Final = {"MASTER_KEY": KEY, **KEYS_IN_ENV}


def config(up: Providers) -> dict[str, Any]:
    return {
        "keys": {"master": "env:MASTER_KEY"},
        "models": {
            alias: {"deployments": [{"model": model}]}
            for alias, model in MODELS.items()
        },
        "providers": {
            **{family: up.place(family) for family in FAMILIES},
            "plain": up.place("openai"),
        },
    }


@dataclass
class Scene:
    up: Providers
    gateway: Running
    clients: Clients


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    answers: dict[str, Answer] = {n: f.answer for n, f in FEATURES.items()}
    with Providers(answers) as up:
        yield up


@pytest.fixture(scope="module")
def scene(
    providers: Providers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("gateway")
    with gateway(config(providers), folder, env=ENV) as running:
        clients = Clients(running.url)
        try:
            yield Scene(providers, running, clients)
        finally:
            clients.close()
