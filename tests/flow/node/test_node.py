"""Clients from npm, by base URL alone: OpenAI's package and the AI SDK's providers."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.flow.sdk.conftest import ENV, KEY, config
from tests.harness.answers import Answer, Called, Said
from tests.harness.gateway import gateway
from tests.harness.providers import Providers

HERE: Final = Path(__file__).parent
INPUT: Final = {"what": "the weather"}
OBJECT: Final = {"city": "Paris", "year": 987}
ANSWERS: Final = {
    "hello": Answer((Said("Hello, Grüße! 🙂"),)),
    "tools": Answer((Called("look_up", INPUT),), "tools"),
    "object": Answer((Said(json.dumps(OBJECT)),)),
}
PROVIDERS: Final = ("chat", "responses", "compatible", "anthropic", "google")
FAMILIES: Final = ("openai", "anthropic", "gemini")


@pytest.fixture(scope="module")
def packages() -> Path:
    """Where what is locked is installed, once for each lock."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no Node.js here")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            ["npm", "ci", *quiet],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if done.returncode and "EAI_AGAIN" in done.stderr:
            pytest.skip("no package registry can be reached")
        assert done.returncode == 0, done.stderr
        (folder / "done").touch()
    shutil.copy(HERE / "clients.mjs", folder)
    return folder


@pytest.fixture(scope="module")
def heard(
    packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """What the clients heard of a model of each family."""
    with (
        Providers(ANSWERS) as up,
        gateway(config(up), tmp_path_factory.mktemp("node"), env=ENV) as running,
    ):
        found = {}
        for family in FAMILIES:
            done = subprocess.run(
                ["node", "clients.mjs", running.url, KEY, family, "openai-embeds"],
                cwd=packages,
                env={**os.environ, "NO_COLOR": "1"},
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            found[family] = json.loads(done.stdout)
        yield found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_openai_package_hears_every_family(
    heard: dict[str, dict[str, Any]], family: str
) -> None:
    said = heard[family]
    for name in ("openai chat", "openai stream"):
        answer = said[name]
        assert (answer.get("text"), answer.get("finish")) == (
            "Hello, Grüße! 🙂",
            "stop",
        ), answer
        assert answer["prompt_tokens"] > 0
        assert answer["completion_tokens"] > 0
    assert said["openai tools"] == {"name": "look_up", "input": INPUT}
    assert said["openai responses"] == {
        "text": "Hello, Grüße! 🙂",
        "status": "completed",
    }
    assert said["openai error"] == {
        "kind": "NotFoundError",
        "status": 404,
        "code": "model_not_found",
    }


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_ai_sdk_hears_every_family_by_every_provider(
    heard: dict[str, dict[str, Any]], family: str, provider: str
) -> None:
    said = heard[family]
    for way in ("text", "stream"):
        assert said[f"ai {provider} {way}"] == {
            "text": "Hello, Grüße! 🙂",
            "finish": "stop",
            "tokens": True,
        }
    assert said[f"ai {provider} tools"] == {"name": "look_up", "input": INPUT}
    assert said[f"ai {provider} object"] == OBJECT


def test_the_ai_sdk_embeds(heard: dict[str, dict[str, Any]]) -> None:
    assert heard["openai"]["ai embed"]["size"] > 0
