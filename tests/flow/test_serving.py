"""From a file to a server: what `routeiq` makes of configurations, good and bad, and
how it starts, serves and stops."""

import gzip
import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.flow.provider import (
    CHAT,
    ENV,
    SECRET,
    call,
    command,
    deployment,
    pieces,
    refused,
    said,
    streamed,
    whole,
)
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import (
    Request,
    Script,
    Upstream,
    chunk,
    end,
    head,
    wait_for,
)

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
LITELLM = """\
model_list:
  - model_name: gpt
    litellm_params:
      model: openai/gpt-4o-mini
      api_base: {url}/first
      api_key: os.environ/UPSTREAM_KEY
      rpm: 1000
      weight: 1
  - model_name: backup
    litellm_params:
      model: openai/gpt-4o
      api_base: {url}/second
      api_key: os.environ/UPSTREAM_KEY
      temperature: 0.5
  - model_name: "any/*"
    litellm_params:
      model: openai/*
      api_base: {url}/third
      api_key: os.environ/UPSTREAM_KEY
router_settings:
  routing_strategy: simple-shuffle
  num_retries: 1
  fallbacks:
    - gpt: [backup]
litellm_settings:
  drop_params: true
  request_timeout: 60
  success_callback: [langfuse]
general_settings:
  master_key: os.environ/MASTER
"""
MISTAKES = """\
server:
  prot: 4000
keys:
  master: sk-in-the-open
models:
  fast:
    stratgy: latency
    deployments:
      - model: openai/gpt-4o
        weight: heavy
      - modle: openai/gpt-4o
  slow:
    fallbacks: [fats]
    deployments: []
recrods:
  enabled: true
"""


@pytest.fixture(scope="module")
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture(scope="module")
def upstream(gate: threading.Event) -> Iterator[Upstream]:
    def answer(request: Request) -> Script:
        if request.json().get("stream"):
            return streamed("fi", "ne")
        return whole(request.json()["model"])

    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}")

    with Upstream() as up:
        up.on(None, answer)
        up.on(at("first"), refused(500, "ill"))
        words = pieces("one ", "two ")
        held = head(200, [("content-type", "text/event-stream")])
        for piece in words[:2]:
            held += chunk(piece)
        held += wait_for(gate)
        for piece in words[2:]:
            held += chunk(piece)
        up.on(at("held"), held + end())
        yield up


def _config(up: Upstream, **more: Any) -> dict[str, Any]:
    models = {
        "m": {"deployments": [deployment(up, "plain")]},
        "held": {"deployments": [deployment(up, "held")]},
    }
    return {"models": models, **more}


# --- configurations ------------------------------------------------------------------


def test_litellms_file_serves_as_it_is(upstream: Upstream, tmp_path: Path) -> None:
    env = {**ENV, "MASTER": MASTER}
    text = LITELLM.format(url=upstream.url)
    with gateway(text, tmp_path, env=env) as running:
        assert running.post(CHAT, call("gpt")).status_code == 401
        answer = running.post(CHAT, call("gpt"), headers=BEARER)
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == "gpt-4o"
        sent = upstream.requests[-1]
        assert sent.path == "/second/chat/completions"
        assert sent.headers["authorization"] == f"Bearer {SECRET}"
        assert sent.json()["temperature"] == 0.5
        answer = running.post(CHAT, call("any/thing"), headers=BEARER)
        assert answer.json()["choices"][0]["message"]["content"] == "thing"
        listed = running.get("/v1/models", headers=BEARER).json()["data"]
        assert {m["id"] for m in listed} >= {"gpt", "backup", "any/*"}
        told = "".join(running.lines)
    assert "LiteLLM's configuration" in told
    assert "success_callback" in told, "what is not understood is named"


def test_an_imported_file_serves_the_same(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(LITELLM.format(url=upstream.url))
    env = {**ENV, "MASTER": MASTER}
    done = command(
        tmp_path, "import", "litellm", "litellm.yaml", "-o", "ours.yaml", **env
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "ours.yaml").read_text()
    assert SECRET not in text
    assert MASTER not in text
    with gateway(text, tmp_path, env=env) as running:
        answer = running.post(CHAT, call("gpt"), headers=BEARER)
        assert answer.json()["choices"][0]["message"]["content"] == "gpt-4o"
        assert running.post(CHAT, call("gpt")).status_code == 401


def test_check_says_every_mistake_at_once_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(MISTAKES)
    done = command(tmp_path, "check", "bad.yaml")
    assert done.returncode == 1
    told = done.stdout + done.stderr
    for place, words in {
        "bad.yaml:2:3": ("prot", "did you mean", "port"),
        "bad.yaml:4": ("master", "env:"),
        "bad.yaml:7:5": ("stratgy", "strategy"),
        "bad.yaml:10": ("weight",),
        "bad.yaml:11:9": ("modle", "model"),
        "bad.yaml:13": ("fats", "fast"),
        "bad.yaml:14": ("deployments",),
        "bad.yaml:15:1": ("recrods", "records"),
    }.items():
        assert place in told, (place, told)
        for word in words:
            assert word in told
    assert "sk-in-the-open" not in told, "a secret in the wrong place is still one"
    assert "Traceback" not in told
    served = command(tmp_path, "serve", "bad.yaml", "--port", "0")
    assert served.returncode == 1
    assert "did you mean" in served.stderr


def test_a_good_file_is_good(upstream: Upstream, tmp_path: Path) -> None:
    text = "models:\n  m:\n    deployments:\n      - model: echo/demo\n"
    (tmp_path / "good.yaml").write_text(text)
    assert command(tmp_path, "check", "good.yaml").returncode == 0


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("server: {port: 70000}", 1, "port"),
        ("keys: {master: env:NOT_SET_ANYWHERE}", 1, "NOT_SET_ANYWHERE"),
        ("store: {url: 'sqlite:////proc/no/such/place.db'}", 1, "/proc/no/such"),
        ("store: {url: 'sqlite:///routeiq.yaml'}", 3, "routeiq.yaml"),
        ("server: {host: 203.0.113.7}\nkeys: {open: true}", 3, "203.0.113.7"),
        ("{{{", 1, "1:"),
        ("[]", 1, ""),
    ],
)
def test_what_cannot_start_says_why_and_how_it_ended(
    tmp_path: Path, text: str, code: int, word: str
) -> None:
    (tmp_path / "routeiq.yaml").write_text(text)
    done = command(tmp_path, "serve", "routeiq.yaml", "--port", "0")
    if "70000" in text:
        done = command(tmp_path, "serve", "routeiq.yaml")
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert "Traceback (most recent call last):\n" not in done.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        (tmp_path / "routeiq.yaml").write_text("demo: true\n")
        done = command(tmp_path, "serve", "routeiq.yaml", "--port", port)
    assert done.returncode == 3
    assert port in done.stderr


def test_the_other_commands_answer(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "routeiq.yaml").write_text(
        "models:\n  m:\n    deployments:\n      - model: openai/gpt-4o-mini\n"
    )
    listed = command(tmp_path, "models", "--json", "routeiq.yaml")
    assert '"m"' in listed.stdout
    known = command(tmp_path, "providers", "--json")
    assert len(json.loads(known.stdout)) >= 30
    assert command(tmp_path, "version").stdout.strip()
    assert json.loads(command(tmp_path, "schema").stdout)["$schema"]
    assert command(tmp_path, "nonsense").returncode == 2
    for name in ("serve", "check", "keys", "import"):
        assert "exit codes" in command(tmp_path, name, "--help").stdout


# --- serving -------------------------------------------------------------------------


@pytest.mark.parametrize("http", ["fast", "hypercorn"])
def test_either_server_serves(upstream: Upstream, tmp_path: Path, http: str) -> None:
    with gateway(_config(upstream), tmp_path, env=ENV, http=http) as running:
        answer = running.post(CHAT, call("m"))
        assert answer.json()["choices"][0]["message"]["content"] == "m"
        answer = running.post(CHAT, call("m", stream=True))
        assert said(answer.text) == "fine"
        assert answer.text.rstrip().endswith("data: [DONE]")
        assert running.post(CHAT, call("nowhere")).status_code == 404
        assert running.get("/v1/models/m").status_code == 200
        assert running.get("/health/live").json() == {"status": "ok"}
        packed = gzip.compress(json.dumps(call("m")).encode())
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        answer = running.post(CHAT, content=packed, headers=headers)
        assert answer.status_code == 200
        assert upstream.requests[-1].json()["messages"] == call("m")["messages"]
        assert "content-encoding" not in upstream.requests[-1].headers
        bomb = gzip.compress(bytes(50_000_000))
        answer = running.post(CHAT, content=bomb, headers=headers)
        assert answer.status_code == 413
        assert running.post(CHAT, call("m")).status_code == 200
        assert running.stop() == 0


def test_tls_is_served(upstream: Upstream, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for index, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(str(tmp_path / "cert.pem"), append=index > 0)
    tls = {"cert": "cert.pem", "key": "key.pem"}
    with gateway(_config(upstream, server={"tls": tls}), tmp_path, env=ENV) as running:
        assert running.url.startswith("https://")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with httpx.Client(verify=context, base_url=running.url, timeout=60) as client:
            assert client.post(CHAT, json=call("m")).status_code == 200
            streaming = client.post(CHAT, json=call("m", stream=True))
            assert said(streaming.text) == "fine"
        with pytest.raises(httpx.ConnectError):  # nobody vouches for it
            httpx.get(running.url + "/health/live", timeout=60)


def test_a_stop_lets_a_stream_finish_and_turns_readiness_off(
    upstream: Upstream, gate: threading.Event, tmp_path: Path
) -> None:
    gate.clear()
    heard: list[str] = []
    begun = threading.Event()
    with gateway(_config(upstream), tmp_path, env=ENV) as running:

        def listen() -> None:
            asked = call("held", stream=True)
            client = httpx.Client(base_url=running.url, **PATIENT)
            with client, client.stream("POST", CHAT, json=asked) as answer:
                for text in answer.iter_text():
                    heard.append(text)
                    begun.set()

        listener = threading.Thread(target=listen)
        listener.start()
        assert begun.wait(10)
        with httpx.Client(base_url=running.url, **PATIENT) as client:
            assert client.get("/health/ready").json()["status"] == "ok"
            running.process.send_signal(signal.SIGTERM)
            status = _until_draining(client)
        time.sleep(0.2)
        assert running.process.poll() is None, "it waits for the stream"
        with pytest.raises(httpx.TransportError):
            running.get("/health/live")
        gate.set()
        listener.join(10)
        assert running.process.wait(10) == 0
    assert status in {503, 0}
    text = "".join(heard)
    assert said(text) == "one two "
    assert text.rstrip().endswith("data: [DONE]")
    row = running.records(1)[0]
    assert (row["status"], row.get("error", "")) == (200, "")


def _until_draining(client: httpx.Client) -> int:
    """The status of the readiness once it is no more 200; 0: nobody is heard."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            status = client.get("/health/ready").status_code
        except httpx.TransportError:
            return 0
        if status != 200:
            return status
        time.sleep(0.01)
    return 200


def test_readiness_tells_of_models_that_are_out_and_stays(
    upstream: Upstream, tmp_path: Path
) -> None:
    config = {
        "models": {
            "ill": {"deployments": [deployment(upstream, "first")]},
            "well": {"deployments": [deployment(upstream, "plain")]},
        },
        "cooldown": {"failures": 1, "open_s": 60},
    }
    with gateway(config, tmp_path, env=ENV) as running:
        running.post(CHAT, call("ill"))
        ready = running.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert ready.json()["models_out"] == 1
        assert running.post(CHAT, call("well")).status_code == 200


def test_the_banner_tells_newcomers_what_to_do(running_demo: Running) -> None:
    told = "".join(running_demo.lines)
    assert running_demo.url in told
    assert "curl" in told
    assert "demo" in told


@pytest.fixture
def running_demo(tmp_path: Path) -> Iterator[Running]:
    with gateway("demo: true\n", tmp_path) as running:
        running.get("/health/live")
        time.sleep(0.3)
        yield running


def test_without_a_model_the_demo_answers_and_providers_are_found(
    upstream: Upstream, tmp_path: Path
) -> None:
    env = {"OPENAI_API_KEY": SECRET}
    config = {"providers": {"openai": {"base_url": f"{upstream.url}/found"}}}
    with gateway(config, tmp_path, env=env) as running:
        answer = running.post(CHAT, call("demo"))
        assert "hello there" in answer.json()["choices"][0]["message"]["content"]
        assert running.post(CHAT, call("openai/some-model")).status_code == 200
        sent = upstream.requests[-1]
        assert sent.path == "/found/chat/completions"
        assert sent.headers["authorization"] == f"Bearer {SECRET}"
        assert sent.json()["model"] == "some-model"
