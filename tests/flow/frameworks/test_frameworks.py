"""Frameworks over the official SDKs, by base URL alone: LangChain and Instructor.

They lag behind the SDKs, so they have a lock and an environment of their own, and are
driven from outside it.
"""

import hashlib
import json
import os
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
from tests.shared import ROOT

pytestmark = pytest.mark.timeout(900)

LOCK: Final = ROOT / "requirements" / "frameworks.txt"
CLIENTS: Final = Path(__file__).parent / "clients.py"
FAMILIES: Final = ("openai", "anthropic", "gemini")
FOUND: Final = {"city": "Paris", "year": 987}
ANSWERS: Final = {
    "hello": Answer((Said("Hello, Grüße! 🙂"),)),
    "tools": Answer((Called("look_up", {"what": "the weather"}),), "tools"),
    "object": Answer((Said(json.dumps(FOUND)),)),
    "called": Answer((Called("Found", FOUND),), "tools"),
}
Heard = dict[str, dict[str, Any]]


def _run(*command: str | Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """A Python that has what is locked, made once for each lock."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = Path(sys.prefix) / "frameworks" / lock
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        _run(sys.executable, "-m", "venv", "--clear", folder)
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        _run(*pip, "install", "--no-compile", "--require-hashes", "-r", LOCK)
        (folder / "done").touch()
    return python


@pytest.fixture(scope="module")
def heard(
    interpreter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Heard]]:
    """What the frameworks heard of a model of each family."""
    with (
        Providers(ANSWERS) as up,
        gateway(config(up), tmp_path_factory.mktemp("chains"), env=ENV) as running,
    ):
        yield {
            family: json.loads(_run(interpreter, CLIENTS, running.url, KEY, family))
            for family in FAMILIES
        }


@pytest.mark.parametrize("family", FAMILIES)
def test_langchain_talks_streams_and_calls_tools(
    heard: dict[str, Heard], family: str
) -> None:
    said = heard[family]["langchain"]
    assert said["answer"] == said["streamed"] == "Hello, Grüße! 🙂"
    assert said["input tokens"] > 0
    assert said["output tokens"] > 0
    assert said["called"] == [["look_up", {"what": "the weather"}]]


@pytest.mark.parametrize("family", FAMILIES)
def test_langchain_reads_structured_output(
    heard: dict[str, Heard], family: str
) -> None:
    assert heard[family]["langchain"]["structured"] == FOUND


@pytest.mark.parametrize("family", FAMILIES)
def test_langchain_goes_by_responses(heard: dict[str, Heard], family: str) -> None:
    assert heard[family]["langchain"]["responses"] == "Hello, Grüße! 🙂"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mode", ["tools", "schema"])
def test_instructor_gets_what_it_asks_for(
    heard: dict[str, Heard], family: str, mode: str
) -> None:
    assert heard[family]["instructor"][mode] == FOUND
