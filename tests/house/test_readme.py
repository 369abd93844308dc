"""Nothing in the README is only said: its blocks are run, its words looked up."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anthropic
import cohere
import httpx
import msgspec
import openai
import pytest
from google import genai

from gateway.config.load import loads
from gateway.config.schema import Config
from gateway.spine import dispatch
from routing.strategies.table import STRATEGIES
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, tell
from tests.house.readme import (
    ADDRESS,
    KEYS,
    README,
    Block,
    Sandbox,
    blocks,
    commands,
    serves,
    spans,
)
from tests.shared import ROOT

TEXT: Final = README.read_text(encoding="utf-8")
BLOCKS: Final = blocks(TEXT)
RUN: Final = {"sh", "python", "yaml", "text"}
"""Languages of blocks; each has a test below that takes every block of it."""
HELLO: Final = [{"role": "user", "content": "Hi"}]


def of(language: str) -> list[Any]:
    found = [b for b in BLOCKS if b.language == language]
    assert found, f"no {language} block is left: take its test away"
    return [pytest.param(b, id=b.id) for b in found]


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` serves."""
    minimal = (ROOT / "configs" / "minimal.yaml").read_text()
    with gateway(minimal, tmp_path_factory.mktemp("keyless")) as running:
        yield running


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    (configuration,) = (b.text for b in BLOCKS if b.language == "yaml")
    return Sandbox(tmp_path, configuration)


def test_every_block_says_in_which_language_it_is_run() -> None:
    assert {b.language for b in BLOCKS} <= RUN
    assert TEXT.count("```") == 2 * len(BLOCKS)
    assert not re.search(r"\n\n(?: {4}|\t)\S", TEXT), "an indented block is not run"


def test_it_can_be_read_in_one_sitting() -> None:
    assert TEXT.count("\n") < 250


@pytest.mark.parametrize("block", of("sh"))
def test_commands_work(block: Block, sandbox: Sandbox, keyless: Running) -> None:
    if "curl" in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    for command in commands(block):
        if "-o routeiq.yaml" in command:
            (sandbox.folder / "routeiq.yaml").unlink()
        if not serves(command):
            _is_no_error(sandbox.run(command.replace(ADDRESS, keyless.url)))
            continue
        with sandbox.serve(command) as served:
            assert httpx.get(served.url + "/health/ready", **PATIENT).status_code == 200
            told = "".join(served.lines)
        if "OPENAI_API_KEY=" in command:
            assert "OPENAI_API_KEY" in told
        said = "".join(served.lines)
        assert "Traceback" not in said
        with pytest.raises(httpx.ConnectError):
            httpx.get(served.url + "/health/live", **PATIENT)


def _is_no_error(printed: str) -> None:
    if printed.startswith("{"):
        assert "error" not in json.loads(printed), printed


@pytest.mark.parametrize("block", of("python"))
def test_programs_print_an_answer(block: Block, keyless: Running) -> None:
    assert ADDRESS in block.text
    done = subprocess.run(
        [sys.executable, "-c", block.text.replace(ADDRESS, keyless.url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Hi" in done.stdout


@pytest.mark.parametrize("block", of("yaml"))
def test_the_configuration_serves_what_it_names(block: Block, tmp_path: Path) -> None:
    with Upstream() as up:
        up.on(lambda r: r.path.endswith("/chat/completions"), tell(200, OPENAI))
        up.on(lambda r: r.path.endswith("/messages"), tell(200, ANTHROPIC))
        rows = {name: {"base_url": up.url} for name in ("openai", "groq", "anthropic")}
        told = block.text + "providers: " + json.dumps(rows)
        assert set(loads(told, "routeiq.yaml", demand=False).config.models) == MODELS
        with gateway(told, tmp_path, env=KEYS) as running:
            headers: set[str] = set()
            for model in ("fast", "careful", "openai/gpt-4o"):
                answer = _ask(running, model)
                said = answer.json()["choices"][0]["message"]["content"]
                assert said == "Hello!", model
                headers |= set(answer.headers)
            dropped = _ask(running, "careful", logit_bias={"50256": -100})
            assert "logit_bias" in dropped.headers["x-routeiq-dropped"]
            headers |= set(dropped.headers)
            assert _ask(running, "unknown").status_code == 404
            assert running.post("/v1/chat/completions", {}).status_code == 401
    assert headers >= set(re.findall(r"`(x-routeiq-[a-z-]+|x-request-id)`", TEXT))


MODELS: Final = {"fast", "careful", "openai/*"}
OPENAI: Final = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_764_000_000,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello!"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
ANTHROPIC: Final = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hello!"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}


def _ask(running: Running, model: str, **more: Any) -> httpx.Response:
    key = {"authorization": f"Bearer {KEYS['ROUTEIQ_MASTER_KEY']}"}
    body = {"model": model, "messages": HELLO, **more}
    return running.post("/v1/chat/completions", body, headers=key)


@pytest.mark.parametrize("block", of("text"))
def test_the_way_is_the_one_in_the_code(block: Block) -> None:
    steps = re.compile(r"^ *(\w+)  ", re.MULTILINE)
    assert dispatch.__doc__ is not None
    assert steps.findall(block.text) == steps.findall(dispatch.__doc__)


# --- what is said in a line --------------------------------------------------------


def test_every_path_it_names_is_served(keyless: Running) -> None:
    served = set(keyless.get("/openapi.json").json()["paths"])
    named = {s.removeprefix("POST ").removeprefix("GET ") for s in spans(TEXT)}
    named = {n for n in named if re.match(r"[/:][a-zA-Z]", n)}
    assert len(named) > 10
    for name in named:
        if name.startswith(":"):
            assert any(path.endswith(name) for path in served), name
        else:
            assert any(
                (path + "/").startswith(name + "/") for path in served | BASES
            ), name


BASES: Final = {"/v1", "/openai", "/anthropic", "/genai", "/cohere"}


def test_every_base_url_it_names_is_one(keyless: Running) -> None:
    url = keyless.url
    for base in ("/v1", "/openai"):
        with openai.OpenAI(base_url=url + base, api_key="any") as client:
            chat = client.chat.completions.create(
                model="demo", messages=[{"role": "user", "content": "Hi"}]
            )
            assert chat.choices[0].message.content
            assert "demo" in [m.id for m in client.models.list()]
    for base in ("", "/anthropic"):
        with anthropic.Anthropic(base_url=url + base, api_key="any") as claude:
            message = claude.messages.create(
                model="demo",
                max_tokens=9,
                messages=[{"role": "user", "content": "Hi"}],
            )
            assert message.content
    for base in ("", "/genai"):
        with genai.Client(api_key="any", http_options={"base_url": url + base}) as g:
            assert g.models.generate_content(model="demo", contents="Hi").text
    for base in ("", "/cohere"):
        with httpx.Client(timeout=60) as http:
            ranker = cohere.ClientV2(
                api_key="any", base_url=url + base, httpx_client=http
            )
            told = ranker.rerank(model="demo", query="Hi", documents=["Ho", "Hi"])
            assert told.results[0].index == 1


def test_every_setting_it_names_is_one() -> None:
    named = [s.partition(":")[0] for s in spans(TEXT)]
    dotted = [n for n in named if re.fullmatch(r"[a-z_]+\.[a-z_]+", n)]
    settings = [n for n in dotted if not n.endswith((".md", ".yaml", ".json"))]
    assert len(settings) >= 4
    for name in [*settings, "on_unsupported"]:
        value: Any = Config
        for part in name.split("."):
            fields = {f.encode_name: f.type for f in msgspec.structs.fields(value)}
            value = fields[part]


def test_every_strategy_is_named() -> None:
    assert set(STRATEGIES) <= set(spans(TEXT))


DOCUMENTS: Final = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("*/*/*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(d.relative_to(ROOT)) for d in DOCUMENTS]
)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    for link in links:
        assert (document.parent / link).exists(), link
