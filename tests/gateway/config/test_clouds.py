"""Addresses made of a project and location, or of a resource and version."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.providers import PROVIDERS, serving
from gateway.config import clouds
from gateway.config.load import loads
from gateway.config.schema import Azure, Deployment, Google, ProviderRow
from gateway.config.secrets import SecretError, Secrets
from gateway.deployer import origins

NOBODY: dict[str, str] = {"HOME": "/nonexistent"}


def vertex(model: str, url: str = "", key: str = "", **said: Any) -> str:
    environ = said.pop("environ", NOBODY)
    row = serving(PROVIDERS["vertex_ai"], model)
    google = Google(**said)
    return clouds.vertex(url, row, google, Secrets(environ), key)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("a/../b", "a%2F..%2Fb-aiplatform.googleapis.com"),
    ],
)
def test_a_location_has_its_host(location: str, host: str) -> None:
    assert clouds.vertex_host(location) == host


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("gemini-2.5-pro", ""),
        ("claude-sonnet-4-5@20250929", ""),
        ("meta/llama-4-scout-17b-16e-instruct-maas", "/endpoints/openapi"),
        ("openai/gpt-oss-120b-maas", "/endpoints/openapi"),
        ("mistral-medium-3", "/publishers/mistralai/models/{model}"),
    ],
)
def test_a_model_stands_below_its_project(model: str, end: str) -> None:
    root = "https://aiplatform.googleapis.com/v1/projects/p/locations/global"
    assert vertex(model, project="p") == root + end
    there = "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l"
    assert vertex(model, project="p", location="l") == there + end
    assert vertex(model, url=there + end) == there + end
    assert vertex(model, url="https://psc.example.com", project="p", location="l") == (
        f"https://psc.example.com/v1/projects/p/locations/l{end}"
    )


def test_the_project_comes_from_wherever_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"project_id": "of-file"}))
    named = {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    assert "/projects/of-file/" in vertex("gemini", environ=named)
    assert "/projects/of-file/" in vertex("gemini", credentials=f"file:{file}")
    variable = {"KEY": file.read_text()}
    assert "/of-file/" in vertex("gemini", credentials="env:KEY", environ=variable)
    path = {"KEY": f"{file}"}
    assert "/of-file/" in vertex("gemini", credentials="env:KEY", environ=path)
    said = {**named, "VERTEXAI_PROJECT": "of-env"}
    assert "/projects/of-env/" in vertex("gemini", environ=said)
    assert "/projects/own/" in vertex("gemini", environ=said, project="own")
    gcloud = tmp_path / "application_default_credentials.json"
    gcloud.write_text(json.dumps({"quota_project_id": "of-gcloud"}))
    found = vertex("gemini", environ={"CLOUDSDK_CONFIG": str(tmp_path)})
    assert "/projects/of-gcloud/" in found


def test_without_any_the_machine_is_asked() -> None:
    assert f"/projects/{clouds.PLACEHOLDER}/locations/global" in vertex("gemini")
    with pytest.raises(SecretError, match="project is not known"):
        vertex("gemini", token="env:TOKEN")


def test_express_mode_needs_no_project() -> None:
    root = "https://aiplatform.googleapis.com/v1"
    assert vertex("gemini", key="k") == root
    assert vertex("gemini", key="k", project="p").startswith(f"{root}/projects/p/")


@pytest.mark.parametrize(
    ("provider", "url", "version", "found"),
    [
        ("azure", "https://r.openai.azure.com", "", "/openai/v1"),
        ("azure", "https://r.openai.azure.com", "v1", "/openai/v1"),
        (
            "azure",
            "https://r.openai.azure.com",
            "preview",
            "/openai/v1?api-version=preview",
        ),
        (
            "azure",
            "https://r.openai.azure.com",
            "2024-10-21",
            "/openai/deployments/{model}?api-version=2024-10-21",
        ),
        (
            "azure_ai",
            "https://r.services.ai.azure.com",
            "2024-05-01-preview",
            "/models?api-version=2024-05-01-preview",
        ),
        ("azure_ai", "https://r.services.ai.azure.com", "", "/openai/v1"),
        ("azure_ai", "https://m.eastus.models.ai.azure.com", "2024", "/v1"),
        (
            "azure_anthropic",
            "https://r.services.ai.azure.com",
            "2024",
            "/anthropic/v1",
        ),
    ],
)
def test_a_resource_s_api(provider: str, url: str, version: str, found: str) -> None:
    row, said = PROVIDERS[provider], Azure(api_version=version)
    assert clouds.azure_address(url, row, said, Secrets({})) == url + found
    for half in ("/openai", "/anthropic", "/models"):
        assert clouds.azure_address(url + half, row, said, Secrets({})) == url + found
    whole = url + "/openai/v1"
    assert clouds.azure_address(whole, row, said, Secrets({})) == whole


def test_the_version_may_be_of_the_environment() -> None:
    secrets = Secrets({"AZURE_API_VERSION": "2024-10-21"})
    url = clouds.azure_address("https://h", PROVIDERS["azure"], Azure(), secrets)
    assert url.endswith("?api-version=2024-10-21")
    assert clouds.above_models(url) == "https://h/openai/v1"


def test_hosts_of_vertex_may_be_private() -> None:
    text = """
providers: {vertex_ai: {google: {project: p, location: eu}}}
models:
  a: {deployments: [{model: vertex_ai/g, google: {location: us-east5}}]}
"""
    config = loads(text, "c.yaml", NOBODY).config
    assert ("us-east5-aiplatform.googleapis.com", 443) in origins(config, Secrets({}))
    assert clouds.vertex_hosts(
        config, Secrets({"VERTEXAI_LOCATION": "asia-east1"})
    ) == [
        "asia-east1-aiplatform.googleapis.com",
        "aiplatform.eu.rep.googleapis.com",
        "aiplatform.googleapis.com",
        "us-east5-aiplatform.googleapis.com",
    ]


def test_who_asks_azure_is_told_or_warned_of() -> None:
    text = "models: {a: {deployments: [{model: azure/d, base_url: 'https://r'}]}}"

    def warnings(environ: dict[str, str]) -> list[str]:
        return [n.message for n in loads(text, "c.yaml", environ).notes]

    assert any("managed identity" in said for said in warnings(NOBODY))
    assert not warnings({"AZURE_API_KEY": "k"})
    assert not warnings({"AZURE_CLIENT_SECRET": "s"})


def test_commands_are_not_run_to_look_at_a_file(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"keys: {{master: 'command:touch {mark}'}}"
    loads(text, "c.yaml", NOBODY, demand=False)
    assert not mark.exists()


def test_an_own_provider_may_be_like_vertex() -> None:
    text = """
providers: {eu: {family: vertex_ai, google: {project: p, location: eu}}}
models: {a: {deployments: [{model: eu/claude-sonnet-4-5}]}}
"""
    assert loads(text, "c.yaml", NOBODY).config.providers["eu"].family == "vertex_ai"


def test_a_deployment_says_what_differs_from_its_provider() -> None:
    own = ProviderRow(google=Google(project="p", location="l", token="env:T"))
    entry = Deployment(model="m", google=Google(location="eu"))
    assert clouds.google(own, entry) == Google(
        project="p", location="eu", token="env:T"
    )
    assert clouds.google(None, Deployment(model="m")) == Google()
