"""Addresses, keys and both servers, as the SDKs use them."""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as gemini_errors
from google.genai import types as gt

from tests.flow.sdk.clients import DIALECTS, KEY, Clients
from tests.flow.sdk.conftest import ENV, MODELS, Scene, config
from tests.flow.sdk.features import ask, chat, generate
from tests.harness.gateway import gateway
from tests.harness.providers import KEYS, Providers

ASKS = {"openai": chat("Hi"), "anthropic": ask("Hi"), "gemini": generate("Hi")}
PLAIN: dict[str, Any] = {"max_retries": 0, "timeout": 30.0}


def by_openai(url: str, key: str) -> str:
    with openai.OpenAI(base_url=url, api_key=key, **PLAIN) as client:
        found = client.chat.completions.create(model="openai", **ASKS["openai"])
        return found.choices[0].message.content or ""


def by_anthropic(url: str, key: str) -> str:
    with anthropic.Anthropic(base_url=url, api_key=key, **PLAIN) as client:
        found = client.messages.create(model="anthropic", **ASKS["anthropic"])
        assert found.content[0].type == "text"
        return found.content[0].text


def by_anthropic_token(url: str, key: str) -> str:
    """With `Authorization: Bearer`, as Claude Code may."""
    with anthropic.Anthropic(base_url=url, auth_token=key, **PLAIN) as client:
        found = client.messages.create(model="anthropic", **ASKS["anthropic"])
        assert found.content[0].type == "text"
        return found.content[0].text


def by_gemini(url: str, key: str) -> str:
    options = gt.HttpOptions(base_url=url, timeout=30_000)
    client = genai.Client(api_key=key, http_options=options)
    try:
        return (
            client.models.generate_content(model="gemini", **ASKS["gemini"]).text or ""
        )
    finally:
        client.close()


@pytest.mark.parametrize(
    ("ask_", "base"),
    [
        (by_openai, "/openai/v1"),
        (by_openai, "/openai"),
        (by_openai, "/v1"),
        (by_openai, ""),
        (by_anthropic, "/anthropic"),
        (by_anthropic, ""),
        (by_anthropic_token, "/anthropic"),
        (by_gemini, "/genai"),
        (by_gemini, "/gemini"),
        (by_gemini, ""),
    ],
)
def test_every_base_address_works(
    scene: Scene, ask_: Callable[[str, str], str], base: str
) -> None:
    assert ask_(scene.gateway.url + base, KEY) == "Grüße! 🙂"


def test_the_clients_key_stays_and_the_providers_key_goes_out(scene: Scene) -> None:
    for dialect in DIALECTS:
        for family in ("openai", "anthropic", "gemini"):
            before = len(scene.up.requests)
            scene.clients.ask(
                dialect, "sync", False, {**ASKS[dialect], "model": family}
            )
            (request,) = scene.up.requests[before:]
            assert KEY not in request.head.decode()
            assert request.head.decode().count(KEYS[family]) == 1


@pytest.mark.parametrize("key", ["sk-wrong", KEY + "x", KEY[:-1]])
def test_a_wrong_key_is_the_sdks_own_authentication_error(
    scene: Scene, key: str
) -> None:
    url = scene.gateway.url
    before = len(scene.up.requests)
    with pytest.raises(openai.AuthenticationError) as told:
        by_openai(url + "/openai", key)
    assert told.value.code == "invalid_api_key"
    with pytest.raises(anthropic.AuthenticationError) as said:
        by_anthropic(url + "/anthropic", key)
    assert isinstance(said.value.body, dict)
    assert said.value.body["error"]["type"] == "authentication_error"
    with pytest.raises(gemini_errors.ClientError) as heard_:
        by_gemini(url + "/genai", key)
    assert (heard_.value.code, heard_.value.status) == (401, "UNAUTHENTICATED")
    assert len(scene.up.requests) == before


def test_an_unknown_model_is_the_sdks_own_not_found_error(scene: Scene) -> None:
    clients = scene.clients
    with pytest.raises(openai.NotFoundError) as told:
        clients.ask("openai", "sync", False, {**ASKS["openai"], "model": "nobody"})
    assert told.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError):
        clients.ask(
            "anthropic", "async", True, {**ASKS["anthropic"], "model": "nobody"}
        )
    with pytest.raises(gemini_errors.ClientError) as said:
        clients.ask("gemini", "async", True, {**ASKS["gemini"], "model": "nobody"})
    assert (said.value.code, said.value.status) == (404, "NOT_FOUND")


def test_openai_lists_the_aliases(scene: Scene) -> None:
    names = {model.id for model in scene.clients.openai.models.list()}
    assert names >= MODELS.keys()
    assert scene.clients.openai.models.retrieve("gemini-3").id == "gemini-3"


@pytest.fixture(scope="module", params=["fast", "hypercorn"])
def clients(
    request: pytest.FixtureRequest,
    providers: Providers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Clients]:
    folder = tmp_path_factory.mktemp(request.param)
    with gateway(config(providers), folder, env=ENV, http=request.param) as running:
        made = Clients(running.url)
        try:
            yield made
        finally:
            made.close()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("family", ["openai", "anthropic", "gemini", "echo"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_both_servers_serve_all_of_them(
    clients: Clients, dialect: str, family: str, how: str, stream: bool
) -> None:
    got = clients.ask(dialect, how, stream, {**ASKS[dialect], "model": family})
    assert got.text == ("Hi" if family == "echo" else "Grüße! 🙂")
    assert got.headers["x-request-id"]
    assert got.headers["x-routeiq-attempts"] == "1"
