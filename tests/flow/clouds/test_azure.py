"""Entra's credentials and Azure's addresses, by a running gateway that asks a model."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.flow.clouds.issuers import HELLO, KEY, PEM, Clouds
from tests.flow.clouds.test_google import CHAT, HI, Scene
from tests.harness.gateway import gateway
from tests.harness.upstream import tell

SAID: Final = HELLO.parts[0].text  # type: ignore[union-attr]


def certificate() -> str:
    """A certificate of `KEY`, and the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode() + PEM


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("azure")
    with Clouds() as up:
        url = up.url
        (folder / "both.pem").write_text(certificate())
        (folder / "subject").write_text(up.subject)
        (folder / "tell").write_text("command-token\n")
        up.good.add("command-token")
        who = {
            "tenant_id": "the-tenant",
            "client_id": "the-client",
            "authority": f"{url}/issuer/entra",
        }

        def model(name: str, azure: dict[str, Any], **more: Any) -> dict[str, Any]:
            entry = {"model": name, "base_url": url, "azure": azure, **more}
            return {"deployments": [entry]}

        secret = {**who, "client_secret": "env:ENTRA_SECRET"}
        models = {
            "secret": model("azure/gpt-4o", {**secret, "api_version": "2024-10-21"}),
            "certificate": model(
                "azure/gpt-4o", {**who, "certificate": f"file:{folder}/both.pem"}
            ),
            "workload": model(
                "azure/gpt-4o", {**who, "token_file": f"{folder}/subject"}
            ),
            "managed": model("azure/gpt-4o", {"managed_identity": True}),
            "command": model("azure/gpt-4o", {"token": f"command:cat {folder}/tell"}),
            "foundry": model("azure_ai/grok-4", {"api_version": "2024-05-01-preview"}),
            "claude": model("azure_ai/claude-sonnet-4-5", secret),
            "key": model("azure/gpt-4o", {}, api_key="env:AZURE_KEY"),
            "key-of-command": model(
                "azure/gpt-4o", {}, api_key=f"command:cat {folder}/key"
            ),
        }
        (folder / "key").write_text("express-key\n")
        env = {
            "ENTRA_SECRET": "client-secret-of-entra",
            "AZURE_KEY": "express-key",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": url,
        }
        with gateway({"models": models}, folder, env=env) as running:
            yield Scene(up, running)


V1: Final = "/openai/v1/chat/completions"


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        (
            "secret",
            "secret",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        ),
        ("certificate", "certificate", V1),
        ("workload", "workload", V1),
        ("managed", "managed", V1),
        ("command", "command", V1),
        (
            "foundry",
            "managed",
            "/models/chat/completions?api-version=2024-05-01-preview",
        ),
        ("claude", "secret", "/anthropic/v1/messages"),
    ],
)
def test_a_credential_becomes_a_token(
    scene: Scene, name: str, kind: str, target: str
) -> None:
    answer = scene.ask(name)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == SAID
    sent = scene.up.models()[-1]
    assert sent.target == target
    assert f"{kind}-token" in sent.headers["authorization"]
    assert "api-key" not in sent.headers
    given = scene.up.given
    assert scene.ask(name).status_code == 200
    assert scene.up.given == given


@pytest.mark.parametrize("name", ["key", "key-of-command"])
def test_a_key_goes_in_its_own_header(scene: Scene, name: str) -> None:
    assert scene.ask(name).status_code == 200
    sent = scene.up.models()[-1]
    assert sent.headers["api-key"] == "express-key"
    assert "authorization" not in sent.headers


def test_a_key_that_a_command_told_is_asked_for_again_when_refused(
    scene: Scene,
) -> None:
    assert scene.ask("key-of-command").status_code == 200
    (scene.gateway.folder / "key").write_text("another-key")
    scene.up.keys = {"another-key"}
    answer = scene.ask("key-of-command")
    scene.up.keys.add("express-key")
    assert answer.status_code == 200, answer.text
    assert scene.up.models()[-1].headers["api-key"] == "another-key"


def test_a_revoked_token_is_renewed(scene: Scene) -> None:
    assert scene.ask("secret").status_code == 200
    scene.up.revoke()
    assert scene.ask("secret").status_code == 200


FILTERED: Final = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure "
        "OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"hate": {"filtered": True, "severity": "high"}},
        },
    }
}


def test_a_filtered_prompt_is_told_as_such(scene: Scene) -> None:
    rule = scene.up.on(V1, tell(400, FILTERED))
    try:
        answer = scene.ask("key")
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "content_filter"
        said = scene.gateway.post(
            "/v1/messages", {"model": "key", "max_tokens": 9, "messages": HI}
        )
        assert said.status_code == 400
        assert said.json()["error"]["type"] == "invalid_request_error"
        assert "content management policy" in said.json()["error"]["message"]
    finally:
        scene.up.rules.remove(rule)


def test_an_unknown_deployment_is_not_found(scene: Scene) -> None:
    told = {"error": {"code": "DeploymentNotFound", "message": "does not exist"}}
    rule = scene.up.on(V1, tell(404, told))
    try:
        assert scene.ask("key").status_code == 404
    finally:
        scene.up.rules.remove(rule)


def test_no_secret_is_in_what_was_logged(scene: Scene) -> None:
    scene.ask("workload")
    for _ in range(2):  # the second time in so short a time it is told
        scene.up.revoke()
        answer = scene.ask("workload")
    assert answer.status_code == 502, answer.text
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    assert row["attempts"][-1]["error"] == "unauthorized"
    told = "invalid authentication credentials: [redacted]"
    assert told in json.dumps(row), "the provider said the token again"
    log = scene.gateway.logged("gpt-4o") + answer.text + json.dumps(row)
    for secret in ("secret-", "client-secret-of", "express-key", PEM.splitlines()[1]):
        assert secret not in log, secret


def test_the_service_that_we_run_in_gives_tokens(tmp_path: Path) -> None:
    with Clouds() as up:
        entry = {"model": "azure/gpt-4o", "base_url": up.url}
        env = {
            "IDENTITY_ENDPOINT": f"{up.url}/issuer/app-service",
            "IDENTITY_HEADER": "identity-header-secret",
        }
        config = {"models": {"m": {"deployments": [entry]}}}
        with gateway(config, tmp_path, env=env) as running:
            answer = running.post(CHAT, {"model": "m", "messages": HI})
            assert answer.status_code == 200, answer.text
            assert "secret-service-token" in up.models()[-1].headers["authorization"]


def test_what_is_missing_is_told_before_anything_is_served(tmp_path: Path) -> None:
    entry = {
        "model": "azure/gpt-4o",
        "base_url": "https://resource.openai.azure.com",
        "azure": {"client_secret": "env:ENTRA_SECRET", "client_id": "the-client"},
    }
    config = {"models": {"m": {"deployments": [entry]}}}
    env = {"ENTRA_SECRET": "client-secret-of-entra"}
    with (
        pytest.raises(RuntimeError, match="azure: tenant_id is missing"),
        gateway(config, tmp_path, env=env),
    ):
        pass
