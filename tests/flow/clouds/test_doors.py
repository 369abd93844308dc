"""The clouds' own SDKs by their base address alone, and models behind the clouds."""

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import anthropic
import openai
import pytest
from anthropic.lib.foundry import AnthropicFoundry
from google import genai
from google.genai import types as gt
from google.oauth2.credentials import Credentials

from tests.flow.clouds.issuers import EMAIL, HELLO, Clouds
from tests.flow.clouds.test_google import HI, Scene, service_account
from tests.harness.gateway import gateway
from tests.harness.upstream import tell

KEY: Final = "sk-master-for-the-clouds"
SAID: Final = HELLO.parts[0].text  # type: ignore[union-attr]
PLAIN: Final[dict[str, Any]] = {"max_retries": 0, "timeout": 30.0}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("doors")
    with Clouds() as up:
        (folder / "robot.json").write_text(json.dumps(service_account(up.url)))
        names = {
            "gemini": "vertex_ai/gemini-2.5-flash",
            "claude": "vertex_ai/claude-sonnet-4-5@20250929",
            "llama": "vertex_ai/meta/llama-3.3-70b-instruct-maas",
            "mistral": "vertex_ai/mistral-large-2411",
            "gemini-embedding-001": "vertex_ai/gemini-embedding-001",
            "gemini-embedding-2": "vertex_ai/gemini-embedding-2",
            "text-embedding-005": "vertex_ai/text-embedding-005",
            "own": "eu/claude-sonnet-4-5@20250929",
            "gpt": "azure/gpt-4o",
            "gpt-embeds": "azure/text-embedding-3-small",
        }
        models: dict[str, Any]
        models = {a: {"deployments": [{"model": m}]} for a, m in names.items()}
        named = {"model": "azure/my-deployment", "base_model": "azure/gpt-4o"}
        models["named"] = {"deployments": [named]}
        models["nameless"] = {"deployments": [{"model": "azure/my-deployment"}]}
        config = {
            "keys": {"master": "env:MASTER_KEY"},
            "fetch": {"allow_private": ["127.0.0.0/8"]},
            "models": models,
            "providers": {
                "eu": {
                    "family": "vertex_ai",
                    "base_url": up.url,
                    "google": {
                        "credentials": f"file:{folder}/robot.json",
                        "location": "eu",
                    },
                },
                "vertex_ai": {
                    "base_url": up.url,
                    "google": {
                        "credentials": f"file:{folder}/robot.json",
                        "location": "us-east5",
                    },
                },
                "azure": {
                    "base_url": up.url,
                    "api_key": "env:AZURE_KEY",
                    "azure": {"api_version": "2024-10-21"},
                },
            },
        }
        env = {"MASTER_KEY": KEY, "AZURE_KEY": "express-key"}
        with gateway(config, folder, env=env) as running:
            yield Scene(up, running)


ROOT: Final = "/v1/projects/project-of-file/locations/us-east5"


@pytest.mark.parametrize(
    ("model", "whole", "streamed"),
    [
        (
            "gemini",
            "/publishers/google/models/gemini-2.5-flash:generateContent",
            "/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        (
            "claude",
            "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
            "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
        ),
        (
            "llama",
            "/endpoints/openapi/chat/completions",
            "/endpoints/openapi/chat/completions",
        ),
        (
            "mistral",
            "/publishers/mistralai/models/mistral-large-2411:rawPredict",
            "/publishers/mistralai/models/mistral-large-2411:streamRawPredict",
        ),
    ],
)
def test_models_of_every_grammar_on_vertex(
    scene: Scene, model: str, whole: str, streamed: str
) -> None:
    with openai.OpenAI(
        base_url=f"{scene.gateway.url}/v1", api_key=KEY, **PLAIN
    ) as client:
        found = client.chat.completions.create(model=model, messages=HI)  # type: ignore[arg-type]
        assert found.choices[0].message.content == SAID
        sent = scene.up.models()[-1]
        assert sent.target == ROOT + whole
        assert "robot-token" in sent.headers["authorization"]
        if model == "claude":
            assert sent.json()["anthropic_version"] == "vertex-2023-10-16"
            assert "model" not in sent.json()
        if model == "llama":
            assert sent.json()["model"] == "meta/llama-3.3-70b-instruct-maas"
        stream = client.chat.completions.create(
            model=model,
            messages=HI,  # type: ignore[arg-type]
            stream=True,
        )
        text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
        assert text == SAID
        assert scene.up.models()[-1].target == ROOT + streamed


def test_an_own_provider_may_be_like_vertex(scene: Scene) -> None:
    assert recorded(scene, "own")["attempts"][0]["provider"] == "eu"
    path = "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"
    assert scene.up.models()[-1].target == ROOT.replace("us-east5", "eu") + path


@pytest.mark.parametrize(
    ("model", "verb"),
    [
        ("gemini-embedding-001", "predict"),
        ("text-embedding-005", "predict"),
        ("gemini-embedding-2", "batchEmbedContents"),
    ],
)
def test_embeddings_on_vertex(scene: Scene, model: str, verb: str) -> None:
    with openai.OpenAI(
        base_url=f"{scene.gateway.url}/v1", api_key=KEY, **PLAIN
    ) as client:
        found = client.embeddings.create(model=model, input=["one two", "three"])
        assert len(found.data) == 2
        assert len(found.data[0].embedding) == 8
    sent = scene.up.models()[-1]
    assert sent.target == f"{ROOT}/publishers/google/models/{model}:{verb}"
    if verb == "predict":
        assert sent.json() == {
            "instances": [{"content": "one two"}, {"content": "three"}]
        }
        assert found.usage.prompt_tokens == 3
    else:
        assert "model" not in sent.json()["requests"][0]


def test_tokens_are_counted_on_vertex(scene: Scene) -> None:
    with anthropic.Anthropic(
        base_url=scene.gateway.url, api_key=KEY, **PLAIN
    ) as client:
        counted = client.messages.count_tokens(model="claude", messages=HI)  # type: ignore[arg-type]
        assert counted.input_tokens == 42
        path = "/publishers/anthropic/models/count-tokens:rawPredict"
        assert scene.up.models()[-1].target == ROOT + path
        assert scene.up.models()[-1].json()["model"] == "claude-sonnet-4-5@20250929"
        counted = client.messages.count_tokens(model="gemini", messages=HI)  # type: ignore[arg-type]
        assert counted.input_tokens == 42
        assert set(scene.up.models()[-1].json()) <= {"contents", "generationConfig"}


def test_beta_flags_that_vertex_does_not_know_are_named(scene: Scene) -> None:
    flags = "context-1m-2025-08-07,files-api-2025-04-14"
    answer = scene.gateway.post(
        "/v1/messages",
        {
            "model": "claude",
            "max_tokens": 9,
            "messages": HI,
            "service_tier": "auto",
            "unknown_field": 1,
        },
        headers={"x-api-key": KEY, "anthropic-beta": flags},
    )
    assert answer.status_code == 200, answer.text
    sent = scene.up.models()[-1]
    assert sent.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert sent.json()["unknown_field"] == 1
    dropped = answer.headers["x-routeiq-dropped"]
    assert "anthropic-beta: files-api-2025-04-14" in dropped
    assert "service_tier" in dropped


@pytest.mark.parametrize("there", [True, False])
def test_pictures_by_address_are_fetched_for_vertex(scene: Scene, there: bool) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(16)
    scene.up.on("/cat.png", tell(200, picture, {"content-type": "image/png"}))
    source = {"type": "url", "url": f"{scene.up.url}/{'cat' if there else 'dog'}.png"}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what?"}]
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    answer = scene.gateway.post(
        "/v1/messages", {"model": "claude", **asked}, headers={"x-api-key": KEY}
    )
    if not there:
        assert answer.status_code == 400
        assert "dog.png cannot be fetched" in answer.json()["error"]["message"]
        return
    assert answer.status_code == 200, answer.text
    sent = scene.up.models()[-1].json()["messages"][0]["content"][0]
    assert sent["source"]["data"] == base64.b64encode(picture).decode()
    assert sent["source"]["media_type"] == "image/png"


@pytest.mark.parametrize("base", ["", "/azure"])
def test_the_azure_client_of_openai(scene: Scene, base: str) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=scene.gateway.url + base,
        api_key=KEY,
        api_version="2024-10-21",
        **PLAIN,
    ) as client:
        found = client.chat.completions.create(model="gpt", messages=HI)  # type: ignore[arg-type]
        assert found.choices[0].message.content == SAID
        sent = scene.up.models()[-1]
        path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        assert sent.target == path
        assert sent.json()["model"] == "gpt-4o"
        stream = client.chat.completions.create(
            model="claude",
            messages=HI,  # type: ignore[arg-type]
            stream=True,
        )
        text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
        assert text == SAID
        legacy = client.completions.create(model="gpt", prompt="hi")
        assert legacy.choices[0].text == SAID
        vectors = client.embeddings.create(model="gpt-embeds", input="hi")
        assert vectors.data[0].embedding
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nobody", messages=HI)  # type: ignore[arg-type]


def test_the_deployment_of_azures_path_stands(scene: Scene) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=scene.gateway.url,
        azure_deployment="gpt",
        azure_ad_token=KEY,
        api_version="2024-10-21",
        **PLAIN,
    ) as client:
        found = client.chat.completions.create(model="whatever", messages=HI)  # type: ignore[arg-type]
        assert found.choices[0].message.content == SAID
    assert scene.up.models()[-1].json()["model"] == "gpt-4o"


def test_the_azure_client_beyond_words(scene: Scene) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=scene.gateway.url,
        api_key=KEY,
        api_version="2024-10-21",
        **PLAIN,
    ) as client:

        def asked() -> str:
            target = scene.up.models()[-1].target
            assert target.endswith("?api-version=2024-10-21")
            return target.removesuffix("?api-version=2024-10-21")

        picture = client.images.generate(model="gpt", prompt="a cat")
        assert picture.data
        assert picture.data[0].b64_json == "cGljdHVyZQ=="
        assert asked() == "/openai/deployments/gpt-4o/images/generations"
        client.images.edit(model="gpt", prompt="a hat", image=("a.png", b"picture"))
        assert asked() == "/openai/deployments/gpt-4o/images/edits"
        sound = client.audio.speech.create(model="gpt", voice="alloy", input="hi")
        assert sound.content == b"sound"
        assert asked() == "/openai/deployments/gpt-4o/audio/speech"
        for surface in (client.audio.transcriptions, client.audio.translations):
            heard = surface.create(model="gpt", file=("a.wav", b"sound"))
            assert heard.text == SAID
        assert asked() == "/openai/deployments/gpt-4o/audio/translations"
        said = client.responses.create(model="gpt", input="hi")
        assert said.output_text == SAID
        assert asked() == "/openai/responses"


@pytest.mark.parametrize("base", ["", "/vertex_ai"])
@pytest.mark.parametrize("express", [False, True], ids=["project", "express"])
def test_googles_sdk_in_vertex_mode(scene: Scene, base: str, express: bool) -> None:
    options = gt.HttpOptions(base_url=scene.gateway.url + base, timeout=30_000)
    who: dict[str, Any] = {"api_key": KEY}
    if not express:
        credentials = Credentials(token=KEY)  # type: ignore[no-untyped-call]
        who = {"project": "p", "location": "l", "credentials": credentials}
    client = genai.Client(vertexai=True, http_options=options, **who)
    try:
        said = client.models.generate_content(model="gemini", contents="hi")
        assert said.text == SAID
        pieces = client.models.generate_content_stream(model="gpt", contents="hi")
        assert "".join(p.text or "" for p in pieces) == SAID
        counted = client.models.count_tokens(model="gemini", contents="hi")
        assert counted.total_tokens == 42
        for model in ("text-embedding-005", "gemini-embedding-2", "gpt-embeds"):
            found = client.models.embed_content(model=model, contents=["a b", "c"])
            assert found.embeddings is not None
            # The SDK takes what it knows as multimodal for one content of two parts.
            count = 1 if model == "gemini-embedding-2" else 2
            assert len(found.embeddings) == count, model
        config = gt.EmbedContentConfig(
            task_type="RETRIEVAL_QUERY", output_dimensionality=8
        )
        one = client.models.embed_content(
            model="gemini-embedding-2", contents="a b", config=config
        )
        assert one.embeddings is not None
        sent = scene.up.models()[-1]
        assert sent.json()["embedContentConfig"] == {
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 8,
        }
    finally:
        client.close()


@pytest.mark.parametrize("base", ["", "/v1", "/vertex_ai/v1"])
def test_anthropics_sdk_for_vertex(scene: Scene, base: str) -> None:
    with anthropic.AnthropicVertex(
        base_url=scene.gateway.url + base,
        project_id="p",
        region="l",
        access_token=KEY,
        **PLAIN,
    ) as client:
        for model in ("claude", "gemini", "gpt"):
            said = client.messages.create(model=model, max_tokens=9, messages=HI)  # type: ignore[arg-type]
            assert said.content[0].type == "text"
            assert said.content[0].text == SAID
            with client.messages.stream(
                model=model,
                max_tokens=9,
                messages=HI,  # type: ignore[arg-type]
            ) as stream:
                assert stream.get_final_text() == SAID
        counted = client.messages.count_tokens(model="claude", messages=HI)  # type: ignore[arg-type]
        assert counted.input_tokens == 42


def test_anthropics_sdk_for_foundry(scene: Scene) -> None:
    with AnthropicFoundry(
        base_url=f"{scene.gateway.url}/anthropic/", api_key=KEY, **PLAIN
    ) as client:
        said = client.messages.create(model="claude", max_tokens=9, messages=HI)  # type: ignore[arg-type]
        assert said.content[0].type == "text"
        assert said.content[0].text == SAID


def recorded(scene: Scene, model: str) -> dict[str, Any]:
    answer = scene.gateway.post(
        "/v1/chat/completions",
        {"model": model, "messages": HI},
        headers={"authorization": f"Bearer {KEY}"},
    )
    assert answer.status_code == 200, answer.text
    return scene.gateway.record(answer.headers["x-routeiq-id"])


def test_a_deployment_costs_what_its_base_model_does(scene: Scene) -> None:
    assert recorded(scene, "named")["cost_nano"] == recorded(scene, "gpt")["cost_nano"]
    assert recorded(scene, "named")["cost_nano"]
    assert recorded(scene, "nameless")["cost_nano"] is None


def test_what_was_asked_on_vertex_is_recorded_with_its_cost(scene: Scene) -> None:
    row = recorded(scene, "gemini")
    assert row["attempts"][0]["provider"] == "vertex_ai"
    assert row["tokens"]["input"] == HELLO.tokens.input
    assert row["cost_nano"] is not None
    assert EMAIL not in json.dumps(row)
