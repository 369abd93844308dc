"""A provider's own API through a running gateway: everything goes both ways as it is,
the client's key never goes on, and no path leads out of the provider's address."""

import hashlib
import http.client
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.provider import ENV, SECRET, refused, usage
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import (
    Request,
    Script,
    Upstream,
    chunk,
    echo,
    end,
    head,
    lie,
    stall,
    tell,
    wait_for,
)

MASTER = "sk-master-canary-0123456789"
HEADERS = {"authorization": f"Bearer {MASTER}"}
ROOT = "/passthrough/vendor"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def own(family: str, **more: Any) -> dict[str, Any]:
        place = {"base_url": f"{upstream.url}/base", "api_key": "env:UPSTREAM_KEY"}
        return {"family": family, **place, **more}

    config = {
        "keys": {"master": "env:MASTER"},
        "providers": {
            "vendor": own("openai", passthrough=True, headers={"x-team": "search"}),
            "claude": own("anthropic", passthrough=True, auth="x-api-key"),
            "closed": own("openai"),
            "gpt": own("openai", passthrough=True),
        },
    }
    env = {**ENV, "MASTER": MASTER}
    with gateway(config, tmp_path_factory.mktemp("pass"), env=env) as running:
        yield running


def _ask(running: Running, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {**HEADERS, **more.pop("headers", {})}
    return httpx.request(method, running.url + path, headers=headers, **PATIENT, **more)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_goes_on_as_it_is(
    running: Running, upstream: Upstream, method: str
) -> None:
    upstream.on(None, echo)
    body = b"" if method in {"GET", "OPTIONS"} else b'{"a":  1.50}'
    answer = _ask(
        running,
        method,
        f"{ROOT}/v9/things/a%20b?x=1&y=%2F&key=sk-other",
        content=body,
        headers={"x-custom": "kept", "cookie": "a=b", "content-type": "text/odd"},
    )
    assert answer.status_code == 200
    said = answer.json()
    assert said["method"] == method
    assert said["target"] == "/base/v9/things/a%20b?x=1&y=%2F"
    assert said["body"] == body.decode()
    sent = dict(said["headers"])
    assert sent["authorization"] == f"Bearer {SECRET}"
    assert sent["x-custom"] == "kept"
    assert sent["x-team"] == "search"
    assert sent["content-type"] == "text/odd"
    assert "cookie" not in sent
    assert MASTER not in answer.text
    row = running.record(answer.headers["x-routeiq-id"])
    assert (row["operation"], row["status"]) == ("passthrough", 200)
    assert (row["provider"], row["key"]) == ("vendor", "master")
    assert row["response_bytes"] == len(answer.content)
    # Reading is free; what a call costs that tells no usage is not known.
    free = method in {"GET", "OPTIONS", "DELETE"}
    assert row["cost_nano"] == (0 if free else None)


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-goog-api-key"])
def test_the_clients_key_never_goes_on(
    running: Running, upstream: Upstream, name: str
) -> None:
    upstream.on(None, echo)
    value = f"Bearer {MASTER}" if name == "authorization" else MASTER
    answer = httpx.post(
        f"{running.url}{ROOT}/x?also={MASTER}",
        headers={name: value, "x-note": f"my key is {MASTER}"},
        json={},
        **PATIENT,
    )
    assert answer.status_code == 200
    assert MASTER not in answer.text
    by_query = httpx.get(f"{running.url}{ROOT}/x?key={MASTER}&z=1", **PATIENT)
    assert by_query.json()["target"] == "/base/x?z=1"
    assert MASTER not in by_query.text


def test_bytes_go_both_ways_in_pieces(running: Running, upstream: Upstream) -> None:
    data = os.urandom(3_000_000)
    got: list[Request] = []

    def answer(request: Request) -> Script:
        got.append(request)
        return tell(201, request.body[::-1], {"content-type": "audio/pcm"})

    upstream.on(None, answer)

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(data), 65_536):
            yield data[at : at + 65_536]

    for content in (data, pieces()):
        heard = _ask(running, "POST", f"{ROOT}/audio", content=content)
        assert heard.status_code == 201
        assert heard.headers["content-type"] == "audio/pcm"
        assert heard.headers["content-length"] == str(len(data))
        assert hashlib.sha256(heard.content).digest() == (
            hashlib.sha256(data[::-1]).digest()
        )
    assert "chunked" in got[-1].headers["transfer-encoding"]
    assert got[0].headers["content-length"] == str(len(data))


def test_an_upload_reaches_the_provider_before_its_end(
    running: Running, upstream: Upstream
) -> None:
    upstream.answers_early = True
    upstream.on(None, tell(413, {"error": {"message": "too much"}}))
    asked = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"begin"
        # The second piece is only made once the provider was asked.
        upstream.until(lambda: bool(upstream.requests), 20)
        asked.set()
        yield b"end"

    upstream.requests.clear()
    try:
        answer = _ask(running, "POST", f"{ROOT}/files", content=pieces())
    finally:
        upstream.answers_early = False
    assert asked.is_set()
    assert answer.status_code == 413


def test_a_stream_comes_as_it_is_said(running: Running, upstream: Upstream) -> None:
    go = threading.Event()
    last = {"choices": [], "model": "gpt-4o-mini", "usage": usage(1000, 100)}
    upstream.on(
        None,
        head(200, {"content-type": "text/event-stream"})
        + chunk(b"data: {}\n\n")
        + wait_for(go)
        + chunk(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")
        + end(),
    )
    with httpx.stream(
        "POST", f"{running.url}{ROOT}/chat", headers=HEADERS, json={}, **PATIENT
    ) as answer:
        raw = answer.iter_raw()
        assert next(raw) == b"data: {}\n\n"
        go.set()
        rest = b"".join(raw)
    assert rest.endswith(b"data: [DONE]\n\n")
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["tokens"] == {"input": 1000, "output": 100}
    assert row["model"] == "gpt-4o-mini"
    assert row["chunks"] >= 2
    assert row["cost_nano"] is None  # nobody knows a price of a provider of one's own


def test_usage_of_any_known_shape_is_recorded(
    running: Running, upstream: Upstream
) -> None:
    shapes = [
        {"usage": {"input_tokens": 7, "output_tokens": 3}},
        {
            "usage": {
                "input_tokens": 5,
                "cache_read_input_tokens": 2,
                "output_tokens": 3,
            }
        },
        {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}},
        {"usage": {"inputTokens": 7, "outputTokens": 3}},
        {"usage": usage(7, 3)},
    ]
    for shape in shapes:
        upstream.on(None, tell(200, {"model": "m", **shape}))
        answer = _ask(running, "POST", f"{ROOT}/any", json={})
        tokens = running.record(answer.headers["x-routeiq-id"])["tokens"]
        assert (tokens["input"], tokens["output"]) == (7, 3), shape


def test_errors_keep_their_words_but_no_secret(
    running: Running, upstream: Upstream
) -> None:
    upstream.on(None, refused(404, f"no such thing for {SECRET}", "nope"))
    answer = _ask(running, "GET", f"{ROOT}/gone")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "nope"
    assert "no such thing for [redacted]" in answer.text
    row = running.record(answer.headers["x-routeiq-id"])
    assert (row["status"], row["error"]) == (404, "not_found")
    assert SECRET not in json.dumps(row)


def test_a_refused_credential_is_the_operators_affair(
    running: Running, upstream: Upstream
) -> None:
    upstream.on(None, refused(401, f"bad key {SECRET[:12]}"))
    answer = _ask(running, "GET", f"{ROOT}/x")
    assert answer.status_code == 502
    assert SECRET[:12] not in answer.text
    spoken = _ask(running, "GET", "/passthrough/claude/x")
    assert spoken.json()["type"] == "error"


def test_it_is_off_until_it_is_said(running: Running, upstream: Upstream) -> None:
    upstream.requests.clear()
    for name in ("closed", "openai", "nobody"):
        answer = _ask(running, "POST", f"/passthrough/{name}/chat", json={})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "passthrough_off"
    assert not upstream.requests


def test_a_key_needs_the_whole_provider(running: Running, upstream: Upstream) -> None:
    upstream.on(None, tell(200, {}))
    for models, status in (
        (None, 200),
        (["vendor/*"], 200),
        (["vendor/gpt-*"], 403),
        (["gpt"], 403),
        ([], 403),
    ):
        key = mint(running, "k", models)
        answer = _ask(
            running, "GET", f"{ROOT}/x", headers={"authorization": f"Bearer {key}"}
        )
        assert answer.status_code == status, models
    assert httpx.get(f"{running.url}{ROOT}/x", **PATIENT).status_code == 401


TRICKS = [
    "../admin",
    "a/../../admin",
    "a/..",
    "./a",
    "%2e%2e/admin",
    "%2E./admin",
    "a/%2e%2e%2fadmin",
    "..%2fadmin",
    "..%5cadmin",
    "%252e%252e/admin",
    "%25252e%25252e/admin",
    "a%2fb",
    "a%252fb",
    "/evil.example",
    "//evil.example/x",
    "http://evil.example/x",
    "a//b",
    "..;/admin",
    "%2e%2e;x=1/admin",
    "a/%00/b",
    "a/%0d%0ahost:%20evil",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_path_leads_out_of_the_provider(
    running: Running, upstream: Upstream, trick: str
) -> None:
    upstream.on(None, tell(200, {}))
    upstream.requests.clear()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.putrequest("GET", f"{ROOT}/{trick}", skip_accept_encoding=True)
    connection.putheader("authorization", HEADERS["authorization"])
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    assert status in {400, 404}
    assert not upstream.requests


def test_an_odd_path_stays_below_the_base(running: Running, upstream: Upstream) -> None:
    upstream.on(None, echo)
    for path in ("user@evil.example/x", "a:80/b", "%40evil", "a...b/..c", ""):
        said = _ask(running, "GET", f"{ROOT}/{path}").json()
        assert said["target"] == f"/base/{path}"


def test_a_redirect_is_the_clients_to_follow(
    running: Running, upstream: Upstream
) -> None:
    inside = f"{upstream.url}/base/v1/next?x=1"
    for place, told in (
        (inside, f"{ROOT}/v1/next?x=1"),
        ("https://cdn.example/file", "https://cdn.example/file"),
    ):
        upstream.on(None, tell(302, b"", {"location": place}))
        answer = _ask(running, "GET", f"{ROOT}/old")
        assert (answer.status_code, answer.headers["location"]) == (302, told)


def test_a_client_that_leaves_ends_it(running: Running, upstream: Upstream) -> None:
    upstream.on(
        None,
        head(200, {"content-type": "text/event-stream"})
        + chunk(b"data: {}\n\n")
        + stall(),
    )
    with httpx.stream(
        "POST", f"{running.url}{ROOT}/slow", headers=HEADERS, json={}, **PATIENT
    ) as answer:
        next(answer.iter_raw())
        id = answer.headers["x-routeiq-id"]
    connection = upstream.requests[-1].connection
    assert upstream.until(lambda: connection in upstream.closed_at, 20)
    row = running.record(id)
    assert (row["status"], row["error"]) == (499, "client_hung_up")


def test_an_answer_that_breaks_is_cut(running: Running, upstream: Upstream) -> None:
    upstream.on(None, lie(10, b"half"))
    with pytest.raises(httpx.RemoteProtocolError):
        _ask(running, "GET", f"{ROOT}/half")
