"""Google's credentials, each by a running gateway that asks a model with them."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.flow.clouds.issuers import EMAIL, HELLO, PEM, Clouds
from tests.harness.gateway import Running, gateway

CHAT: Final = "/v1/chat/completions"
HI: Final = [{"role": "user", "content": "hi"}]
SAID: Final = HELLO.parts[0].text  # type: ignore[union-attr]


def service_account(url: str) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "project-of-file",
        "private_key_id": "key-1",
        "private_key": PEM,
        "client_email": EMAIL,
        "token_uri": f"{url}/issuer/google/token",
    }


def person(url: str) -> dict[str, Any]:
    return {
        "type": "authorized_user",
        "client_id": "client-of-gcloud",
        "client_secret": "client-secret-of-gcloud",
        "refresh_token": "refresh-token-of-a-person",
        "quota_project_id": "project-that-pays",
        "token_uri": f"{url}/issuer/google/token",
    }


def federated(url: str, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{url}/issuer/sts",
        "credential_source": source,
        **more,
    }


@dataclass
class Scene:
    up: Clouds
    gateway: Running

    def ask(self, model: str, **more: Any) -> httpx.Response:
        return self.gateway.post(CHAT, {"model": model, "messages": HI, **more})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("google")
    with Clouds() as up:
        url = up.url
        names = f"{url}/issuer/iam/{EMAIL}:generateAccessToken"
        subject = folder / "subject"
        subject.write_text(f"{up.subject}\n")
        served = {
            "id_token": {"type": "json", "subject_token_field_name": "id_token"},
        }
        files = {
            "robot": service_account(url),
            "person": person(url),
            "file": federated(url, {"file": str(subject)}),
            "url": federated(
                url,
                {
                    "url": f"{url}/issuer/subject",
                    "headers": {"X-From": "cluster"},
                    "format": served["id_token"],
                },
                service_account_impersonation_url=names,
            ),
            "delegated": {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": names,
                "source_credentials": person(url),
            },
        }
        for name, info in files.items():
            (folder / f"{name}.json").write_text(json.dumps(info))
        for name in ("tell", "fleeting"):
            (folder / name).write_text("command-token\n")
        up.good.add("command-token")

        def model(credentials: str = "", **google: Any) -> dict[str, Any]:
            if credentials:
                google["credentials"] = f"file:{folder}/{credentials}.json"
            return {
                "deployments": [
                    {
                        "model": "vertex_ai/gemini-2.5-flash",
                        "base_url": url,
                        "google": {"project": "mine", "location": "l", **google},
                    }
                ]
            }

        models = {name: model(name) for name in files}
        models |= {
            "machine": model(),
            "command": model(token=f"command:ttl=60 cat {folder}/tell"),
            "no-command": model(token=f"command:cat {folder}/fleeting"),
        }
        models["machine"]["deployments"][0]["google"].pop("project")
        models["robot"]["deployments"][0]["google"].pop("project")
        models["express"] = {
            "deployments": [
                {
                    "model": "vertex_ai/gemini-2.5-flash",
                    "base_url": url,
                    "api_key": "env:EXPRESS",
                }
            ]
        }
        env = {
            "GCE_METADATA_HOST": url.removeprefix("http://"),
            "EXPRESS": "express-key",
            "HOME": str(folder),
            "GOOGLE_APPLICATION_CREDENTIALS": "",
        }
        with gateway({"models": models}, folder, env=env) as running:
            yield Scene(up, running)


ROOT: Final = "/v1/projects/mine/locations/l/publishers/google/models/"


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("robot", "robot", ROOT.replace("mine", "project-of-file")),
        ("person", "person", ROOT),
        ("file", "federated", ROOT),
        ("url", "impersonated", ROOT),
        ("delegated", "impersonated", ROOT),
        ("machine", "machine", ROOT.replace("mine", "project-of-machine")),
        ("command", "command", ROOT),
    ],
)
def test_a_credential_becomes_a_token(
    scene: Scene, name: str, kind: str, path: str
) -> None:
    answer = scene.ask(name)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == SAID
    sent = scene.up.models()[-1]
    token = sent.headers["authorization"].removeprefix("Bearer ")
    assert kind in token
    assert sent.path == f"{path}gemini-2.5-flash:generateContent"
    payer = sent.headers.get("x-goog-user-project")
    assert payer == ("project-that-pays" if name in ("person", "delegated") else None)
    given = scene.up.given
    assert scene.ask(name).status_code == 200
    assert scene.up.given == given, "a token is kept"


def test_express_mode_sends_its_key_and_no_project(scene: Scene) -> None:
    assert scene.ask("express").status_code == 200
    sent = scene.up.models()[-1]
    path = "/v1/publishers/google/models/gemini-2.5-flash:generateContent"
    assert sent.path == path
    assert sent.headers["x-goog-api-key"] == "express-key"
    assert "authorization" not in sent.headers


def test_a_refused_token_is_renewed_once_for_all(scene: Scene) -> None:
    assert scene.ask("person").status_code == 200
    given = scene.up.given
    scene.up.revoke()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scene.ask("person"), range(16)))
    assert {a.status_code for a in answers} == {200}
    assert scene.up.given == given + 1
    streamed = scene.ask("person", stream=True)
    assert "Wolke" in streamed.text


def test_a_stream_whose_token_was_refused_is_asked_again(scene: Scene) -> None:
    given = scene.up.given
    scene.up.revoke()  # among others the one of the test above
    streamed = scene.ask("robot", stream=True)
    assert scene.up.given == given + 1
    assert streamed.status_code == 200, streamed.text
    assert "Wolke" in streamed.text
    assert "[DONE]" in streamed.text


def test_a_command_that_fails_is_named_and_its_arguments_are_not(scene: Scene) -> None:
    (scene.gateway.folder / "fleeting").unlink()
    answer = scene.ask("no-command")
    assert answer.status_code >= 500
    message = answer.json()["error"]["message"]
    assert message.endswith("tell its operator")
    told = "the command `cat` failed with status 1"
    assert "fleeting" not in scene.gateway.logged(told)


def test_no_secret_is_in_what_was_logged(scene: Scene) -> None:
    scene.ask("robot")
    scene.ask("file")
    log = scene.gateway.logged("vertex_ai")
    for secret in (
        "secret-",
        "command-token",
        "express-key",
        scene.up.subject,
        "refresh-token-of",
        "client-secret-of",
        PEM.splitlines()[1],
    ):
        assert secret not in log, secret


# --- a gateway whose issuer is not what it should be -----------------------------------


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One alias of a service account alone, one that may fall back to a key."""
    folder = tmp_path_factory.mktemp("ill")
    with Clouds() as up:
        (folder / "robot.json").write_text(json.dumps(service_account(up.url)))
        robot = {
            "model": "vertex_ai/gemini-2.5-flash",
            "base_url": up.url,
            "google": {"credentials": f"file:{folder}/robot.json", "location": "l"},
        }
        (folder / "person.json").write_text(json.dumps(person(up.url)))
        of_person = {"credentials": f"file:{folder}/person.json", "location": "l"}
        person_ = {**robot, "google": of_person}
        spare = {
            "model": "vertex_ai/gemini-2.5-flash",
            "base_url": up.url,
            "api_key": "env:EXPRESS",
            "order": 2,
        }
        config = {
            "models": {
                "alone": {"deployments": [robot]},
                "spared": {"deployments": [robot, spare]},
                "spared-too": {"deployments": [person_, spare]},
            },
            "retries": {"attempts": 2, "backoff_s": 0},
            "cooldown": {"failures": 1000},
        }
        env = {"EXPRESS": "express-key", "HOME": str(folder)}
        with gateway(config, folder, env=env) as running:
            yield Scene(up, running)


def test_an_issuer_that_is_down_is_told_and_another_deployment_serves(
    ill: Scene,
) -> None:
    ill.up.down = True
    alone = ill.ask("alone")
    assert alone.status_code in (502, 503), alone.text
    assert "127.0.0.1 gives no token (503)" in alone.json()["error"]["message"]
    spared = ill.ask("spared")
    assert spared.status_code == 200, spared.text
    assert ill.up.models()[-1].headers["x-goog-api-key"] == "express-key"
    ill.up.down = False
    assert ill.up.until(lambda: ill.ask("alone").status_code == 200, 30.0)


def test_a_burst_without_a_token_asks_for_one(ill: Scene) -> None:
    assert ill.up.until(lambda: ill.ask("alone").status_code == 200, 30.0)
    ill.up.revoke()
    ill.up.gate.clear()
    before = len(ill.up.asked)
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(ill.ask, "alone") for _ in range(12)]
        assert ill.up.until(lambda: len(ill.up.asked) > before, 20.0)
        timer = threading.Timer(0.3, ill.up.gate.set)
        timer.start()
        codes = {w.result().status_code for w in waiting}
        timer.join()
    assert codes == {200}
    assert len(ill.up.asked) == before + 1


def test_a_token_is_renewed_ahead_while_requests_go_on(tmp_path: Path) -> None:
    with Clouds() as up:
        up.lives_s = 4
        (tmp_path / "robot.json").write_text(json.dumps(service_account(up.url)))
        deployment = {
            "model": "vertex_ai/gemini-2.5-flash",
            "base_url": up.url,
            "google": {"credentials": f"file:{tmp_path}/robot.json"},
        }
        models = {"m": {"deployments": [deployment]}}
        with gateway({"models": models}, tmp_path) as running:
            scene = Scene(up, running)

            def served_twice() -> bool:
                assert scene.ask("m").status_code == 200
                return up.given >= 3

            assert up.until(served_twice, 60.0)
            tokens = [r.headers["authorization"] for r in up.models()]
            assert len(set(tokens)) >= 2
            assert sorted(set(tokens)) == list(dict.fromkeys(tokens)), "no way back"


def test_an_issuer_that_refuses_is_told_with_its_own_words(ill: Scene) -> None:
    ill.up.refusing = True
    assert ill.ask("spared-too").status_code == 200
    assert ill.up.models()[-1].headers["x-goog-api-key"] == "express-key"
    told = "invalid_grant: account disabled"
    ill.gateway.logged(told)
    assert "secret-" not in ill.gateway.logged("credential not renewed")
