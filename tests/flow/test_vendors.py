"""Every vendor's own grammar through a running gateway: to chat clients of every
dialect, whole and streamed, in the strict types of their SDKs; and what is recorded."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.providers import PROVIDERS
from tests.flow.provider import command
from tests.flow.vendors import (
    ARGUMENTS,
    KEY,
    SIGNED,
    TEXT,
    THOUGHT,
    TOKEN,
    TOOL,
    VENDORS,
    Vendor,
)
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, events, tell
from tests.replay import clients, converse
from tests.replay.converse import CONVERSE
from tests.replay.material import CHAT, CLIENTS, MESSAGES, RESPONSES, call_of
from tests.replay.meaning import Said

PRICE = {"input": 2.0, "output": 10.0}
CONFIG: dict[str, Any] = {
    "retries": {"attempts": 1},
    "cooldown": {"failures": 1000, "max_s": 0},
}
PLACES = {
    **dict.fromkeys(VENDORS, ""),
    "huggingface": "/v1",
    "cloudflare": "/v1",
    "watsonx": "/projects/p1",
    "oci": "/20231130/compartments/ocid1.c",
}
DIALECTS = (*CLIENTS, RESPONSES, CONVERSE)
every_vendor = pytest.mark.parametrize("provider", VENDORS)


def _answer(request: Request) -> Script:
    """Whole or streamed, as that vendor is asked for it."""
    if request.path == "/identity/token":
        assert parse_qs(request.body.decode())["apikey"] == [KEY]
        return tell(200, {"access_token": TOKEN, "expires_in": 3600})
    if request.path == "/oauth":
        assert request.headers["authorization"] == f"Basic {KEY}"
        assert len(request.headers["rquid"]) == 36
        assert request.body == b"scope=GIGACHAT_API_CORP"
        ends = 1000 * (time.time() + 1800)
        return tell(200, {"access_token": TOKEN, "expires_at": ends})
    vendor = VENDORS[request.path.split("/")[1]]
    streams = request.json().get("stream") or request.path.endswith("_stream")
    if request.path.removesuffix("_stream") != f"/{vendor.provider}{vendor.path}":
        return tell(404, {"error": f"no such place: {request.path}"})
    if vendor.auth[1] == SIGNED:
        streams = bool(request.json()["chatRequest"].get("isStream"))
        _check_signature(request)
    elif request.headers.get(vendor.auth[0]) != vendor.auth[1]:
        return tell(401, {"error": "the key is invalid"})
    if streams:
        return events(vendor.stream, headers={"content-type": vendor.kind})
    return tell(200, vendor.whole)


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
OCI = {
    "OCI_TENANCY": "ocid1.tenancy",
    "OCI_USER": "ocid1.user",
    "OCI_FINGERPRINT": "aa:bb",
}


def _check_signature(request: Request) -> None:
    """As Oracle would: what was signed is what came."""
    line = request.headers["authorization"]
    told = dict(re.findall(r'(\w+)="([^"]*)"', line))
    assert told["keyId"] == "ocid1.tenancy/ocid1.user/aa:bb"
    assert (told["version"], told["algorithm"]) == ("1", "rsa-sha256")
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    assert request.headers["x-content-sha256"] == digest
    known = {**request.headers, "(request-target)": f"post {request.target}"}
    said = "\n".join(f"{name}: {known[name]}" for name in told["headers"].split())
    signature = base64.b64decode(told["signature"])
    RSA.public_key().verify(
        signature, said.encode(), padding.PKCS1v15(), hashes.SHA256()
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    models = {
        provider: {
            "deployments": [
                {
                    "model": f"{vendor.provider}/m",
                    "base_url": f"{upstream.url}/{vendor.provider}{PLACES[provider]}",
                    "api_key": "env:TEST_UPSTREAM_SECRET",
                    "price": PRICE,
                }
            ]
        }
        for provider, vendor in VENDORS.items()
    }
    options = {"num_ctx": 4096, "temperature": 0.5, "keep_alive": "1m"}
    models["tuned"] = {
        "deployments": [
            {
                "model": "ollama/m",
                "base_url": f"{upstream.url}/ollama/v1",
                "api_key": "env:TEST_UPSTREAM_SECRET",
                "params": options,
            }
        ]
    }
    del models["oci"]["deployments"][0]["api_key"]
    folder = tmp_path_factory.mktemp("vendors")
    (folder / "oci.pem").write_text(PEM)
    env = {
        "TEST_UPSTREAM_SECRET": KEY,
        "WATSONX_IAM_URL": f"{upstream.url}/identity/token",
        **OCI,
        "OCI_KEY_FILE": str(folder / "oci.pem"),
        "GIGACHAT_AUTH_URL": f"{upstream.url}/oauth",
        "GIGACHAT_SCOPE": "GIGACHAT_API_CORP",
    }
    with gateway({"models": models, **CONFIG}, folder, env=env) as running:
        yield running


def _ask(running: Running, client: str, alias: str, *, stream: bool) -> httpx.Response:
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    path = {
        CHAT: "/v1/chat/completions",
        MESSAGES: "/v1/messages",
        RESPONSES: "/v1/responses",
    }.get(client, f"/v1beta/models/{alias}:{verb}")
    if client == CONVERSE:
        verb = "converse-stream" if stream else "converse"
        url = f"{running.url}/bedrock/model/{alias}/{verb}"
        said = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
        return httpx.post(url, json=said, **PATIENT)
    body = call_of(client, stream=stream).raw.replace(b'"alias"', f'"{alias}"'.encode())
    return httpx.post(running.url + path, content=body, **PATIENT)


def _dialects(provider: str) -> list[str]:
    """Those in which it is asked for a chat: who speaks the Responses API is asked in
    that by its clients."""
    own = "responses" in PROVIDERS[provider].operations
    return [client for client in DIALECTS if client != RESPONSES or not own]


def _said() -> Said:
    arguments = json.dumps(TOOL[1], sort_keys=True)
    return Said(TEXT, THOUGHT, ((TOOL[0], arguments),), "tool")


def _checked_record(running: Running, vendor: Vendor, answer: httpx.Response) -> None:
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["status"] == 200
    tokens = row["tokens"]
    assert {k: tokens.get(k) for k in vendor.tokens} == vendor.tokens
    into, out = tokens.get("paid") or (tokens["input"], tokens["output"])
    assert row["cost_nano"] == into * 2000 + out * 10_000


@every_vendor
def test_a_whole_answer_reaches_every_client(running: Running, provider: str) -> None:
    for client in _dialects(provider):
        answer = _ask(running, client, provider, stream=False)
        assert answer.status_code == 200, answer.text
        hear = converse.hear if client == CONVERSE else partial(clients.hear, client)
        assert hear(answer.content).meaning == {0: _said()}, client
        _checked_record(running, VENDORS[provider], answer)


@every_vendor
def test_a_stream_reaches_every_client(running: Running, provider: str) -> None:
    for client in _dialects(provider):
        answer = _ask(running, client, provider, stream=True)
        assert answer.status_code == 200, answer.text
        if client == CONVERSE:
            heard = converse.hear_stream(answer.content)
        else:
            heard = clients.hear_stream(client, answer.content)
        assert heard.meaning == {0: _said()}, client
        assert heard.counts is not None
        _checked_record(running, VENDORS[provider], answer)


@every_vendor
def test_the_second_turn_says_what_the_first_one_did(
    running: Running, upstream: Upstream, provider: str
) -> None:
    answer = _ask(running, CHAT, provider, stream=False)
    turn = answer.json()["choices"][0]["message"]
    (call,) = turn["tool_calls"]
    vendor = VENDORS[provider]
    assert call["id"] == vendor.id or not vendor.id
    messages = [
        {"role": "user", "content": "hi"},
        turn,
        {"role": "tool", "tool_call_id": call["id"], "content": "Sunny"},
    ]
    again = running.post(
        "/v1/chat/completions", {"model": provider, "messages": messages}
    )
    assert again.status_code == 200, again.text
    sent = upstream.requests[-1].body.decode()
    dropped = again.headers.get("x-routeiq-dropped", "")
    assert dropped == ("messages.thinking" if provider == "oci" else "")
    told = json.loads(sent)
    spelt = json.dumps(told, ensure_ascii=False)
    thought = THOUGHT if not dropped else TEXT
    for word in (TEXT, thought, TOOL[0], "Sunny", call["id"]):
        assert word in spelt
    assert (
        ARGUMENTS in spelt
        or json.dumps(TOOL[1], ensure_ascii=False) in spelt
        or (json.dumps(ARGUMENTS)[1:-1] in spelt)
    )


def test_parameters_of_the_configuration_stand_inside_the_options(
    running: Running, upstream: Upstream
) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    answer = running.post("/v1/chat/completions", {"model": "tuned", **asked})
    assert answer.status_code == 200, answer.text
    sent = upstream.requests[-1].json()
    assert sent["options"] == {"num_predict": 9, "num_ctx": 4096, "temperature": 0.5}
    assert sent["keep_alive"] == "1m"
    own = {"temperature": 0.1, "num_ctx": 1, **asked}
    running.post("/v1/chat/completions", {"model": "tuned", **own})
    sent = upstream.requests[-1].json()
    assert sent["options"] == {"num_predict": 9, "num_ctx": 1, "temperature": 0.1}


def test_a_key_is_exchanged_once_for_all_and_never_sent(
    running: Running, upstream: Upstream
) -> None:
    for stream in (False, True):
        assert _ask(running, CHAT, "watsonx", stream=stream).status_code == 200
    exchanged = [r for r in upstream.requests if r.path == "/identity/token"]
    assert len(exchanged) == 1
    asked = [r for r in upstream.requests if r.path.startswith("/watsonx/")]
    assert asked[-1].json()["project_id"] == "p1"
    assert "version=" in asked[-1].query
    assert not any(KEY in str(r.fields) for r in asked)


def test_a_key_to_be_exchanged_must_be_there(tmp_path: Path) -> None:
    entry = {"model": "watsonx/m", "base_url": "https://h/projects/p"}
    config = {"models": {"a": {"deployments": [entry]}}}
    file = tmp_path / "routeiq.yaml"
    file.write_text(json.dumps(config))
    said = command(tmp_path, "check", str(file))
    assert said.returncode != 0
    assert "WATSONX_API_KEY is not set" in said.stdout + said.stderr


def test_oracle_s_profile_is_read_where_nothing_is_in_the_environment(
    upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    lines = [f"{name.lower()[4:]}={value}" for name, value in OCI.items()]
    key = f"key_file={tmp_path / 'key.pem'}"
    profile = "\n".join(["[DEFAULT]", "user=nobody", "[MINE]", *lines, key])
    (tmp_path / "oci").write_text(profile)
    place = f"{upstream.url}/oci{PLACES['oci']}"
    entry = {"model": "oci/m", "base_url": place}
    env = {"OCI_CONFIG_FILE": str(tmp_path / "oci"), "OCI_CONFIG_PROFILE": "MINE"}
    config = {"models": {"oci": {"deployments": [entry]}}}
    with gateway(config, tmp_path, env=env) as running:
        assert _ask(running, CHAT, "oci", stream=False).status_code == 200
