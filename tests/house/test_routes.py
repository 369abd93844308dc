"""The inventory of routes: nothing is served that is not listed here, with who may and
whether it is recorded; and what is listed holds, from outside."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.house import routes_clouds, routes_state

INVENTORY: dict[tuple[str, str], tuple[str, bool]] = {
    # (method, path): (auth, recorded)
    ("POST", "/v1/chat/completions"): ("key", True),
    ("POST", "/v1/completions"): ("key", True),
    ("POST", "/v1/embeddings"): ("key", True),
    ("POST", "/v1/images/generations"): ("key", True),
    ("POST", "/v1/images/edits"): ("key", True),
    ("POST", "/v1/images/variations"): ("key", True),
    ("POST", "/v1/audio/speech"): ("key", True),
    ("POST", "/v1/audio/transcriptions"): ("key", True),
    ("POST", "/v1/audio/translations"): ("key", True),
    ("POST", "/v1/moderations"): ("key", True),
    ("POST", "/v1/responses"): ("key", True),
    ("POST", "/v1/responses/input_tokens"): ("key", True),
    ("POST", "/v1/responses/compact"): ("key", True),
    ("GET", "/v1/responses/{response}"): ("key", False),
    ("DELETE", "/v1/responses/{response}"): ("key", False),
    ("POST", "/v1/responses/{response}/cancel"): ("key", False),
    ("GET", "/v1/responses/{response}/input_items"): ("key", False),
    ("POST", "/v1/conversations"): ("key", False),
    ("GET", "/v1/conversations/{conversation}"): ("key", False),
    ("POST", "/v1/conversations/{conversation}"): ("key", False),
    ("DELETE", "/v1/conversations/{conversation}"): ("key", False),
    ("GET", "/v1/conversations/{conversation}/items"): ("key", False),
    ("POST", "/v1/conversations/{conversation}/items"): ("key", False),
    ("GET", "/v1/conversations/{conversation}/items/{item}"): ("key", False),
    ("DELETE", "/v1/conversations/{conversation}/items/{item}"): ("key", False),
    ("POST", "/v2/rerank"): ("key", True),
    ("POST", "/v2/embed"): ("key", True),
    ("POST", "/v1/messages"): ("key", True),
    ("POST", "/v1/messages/count_tokens"): ("key", True),
    ("POST", "/v1beta/models/{model}:generateContent"): ("key", True),
    ("POST", "/v1beta/models/{model}:streamGenerateContent"): ("key", True),
    ("POST", "/v1beta/models/{model}:countTokens"): ("key", True),
    ("POST", "/v1beta/models/{model}:embedContent"): ("key", True),
    ("POST", "/v1beta/models/{model}:batchEmbedContents"): ("key", True),
    ("POST", "/bedrock/model/{model}/converse"): ("key", True),
    ("POST", "/bedrock/model/{model}/converse-stream"): ("key", True),
    ("POST", "/bedrock/model/{model}/count-tokens"): ("key", True),
    ("POST", "/bedrock/model/{model}/invoke"): ("key", True),
    ("POST", "/bedrock/model/{model}/invoke-with-response-stream"): ("key", True),
    ("GET", "/v1beta/models"): ("key", False),
    ("GET", "/v1beta/models/{model}"): ("key", False),
    ("GET", "/v1/models"): ("key", False),
    ("GET", "/v1/models/{model}"): ("key", False),
    ("POST", "/v1/routing/explain"): ("key", True),
    ("POST", "/v1/routing/reload"): ("master", False),
    ("GET", "/v1/routing/strategies"): ("master", False),
    ("GET", "/v1/routing/strategies/{strategy}"): ("master", False),
    ("PATCH", "/v1/routing/strategies/{strategy}"): ("master", False),
    ("DELETE", "/v1/routing/strategies/{strategy}/subjects"): ("master", False),
    # Feedback is a record itself, in a log of its own.
    ("POST", "/v1/feedback"): ("key", False),
    ("GET", "/health/live"): ("none", False),
    ("GET", "/health/ready"): ("none", False),
    ("GET", "/metrics"): ("metrics", False),
    ("GET", "/openapi.json"): ("none", False),
}
INVENTORY |= routes_state.ALL
INVENTORY |= routes_clouds.ROUTES
CONVERSE: dict[str, object] = {
    "messages": [{"role": "user", "content": [{"text": "hi"}]}]
}
INVOKE: dict[str, object] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}
BODIES: dict[str, dict[str, object]] = {
    **routes_clouds.BODIES,
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/routing/explain": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1/completions": {"prompt": "hi"},
    "/v1/embeddings": {"input": "hi"},
    "/v1/responses": {"input": "hi"},
    "/v1/responses/input_tokens": {"input": "hi"},
    "/v1/responses/compact": {"input": "hi"},
    "/v1/messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "hi"}]},
    "/v1beta/models/{model}:embedContent": {"content": {"parts": [{"text": "hi"}]}},
    "/v1beta/models/{model}:batchEmbedContents": {
        "requests": [{"model": "models/demo", "content": {"parts": [{"text": "hi"}]}}]
    },
    "/v1/images/generations": {"prompt": "hi"},
    "/v1/images/edits": {"prompt": "hi", "images": [{"image_url": "data:,"}]},
    "/v1/audio/speech": {"input": "hi", "voice": "alloy"},
    "/v1/moderations": {"input": "hi"},
    "/bedrock/model/{model}/converse": CONVERSE,
    "/bedrock/model/{model}/converse-stream": CONVERSE,
    "/bedrock/model/{model}/count-tokens": {"input": {"converse": CONVERSE}},
    "/bedrock/model/{model}/invoke": INVOKE,
    "/bedrock/model/{model}/invoke-with-response-stream": INVOKE,
    "/v2/rerank": {"query": "hi", "documents": ["hi", "ho"]},
    "/v2/embed": {"texts": ["hi"], "input_type": "search_query"},
}
FILES = {
    **routes_clouds.FILES,
    # Forms, with the field that holds a file.
    "/v1/images/variations": "image",
    "/v1/audio/transcriptions": "file",
    "/v1/audio/translations": "file",
}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
PARAMETER = re.compile(r"\{\w+\}")
MASTER = "sk-master-0123456789abcdef"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = {
        "keys": {"master": "env:MASTER"},
        "telemetry": {"metrics_key": "env:METRICS"},
    }
    env = {"MASTER": MASTER, "METRICS": "metrics-0123456789"}
    with gateway(config, tmp_path_factory.mktemp("routes"), env=env) as running:
        yield running


def _listed(running: Running) -> dict[tuple[str, str], dict[str, object]]:
    paths = running.get("/openapi.json").json()["paths"]
    return {
        (method.upper(), path): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_every_route_is_in_the_inventory_and_no_other(running: Running) -> None:
    listed = _listed(running)
    assert set(listed) == set(INVENTORY)
    for key, (auth, recorded) in INVENTORY.items():
        open_ = listed[key]["security"] in ([], [{"bearer": []}, {}])
        assert open_ == (auth not in ("key", "master")), key
        assert listed[key].get("x-recorded", False) == recorded, key


def _call(path: str) -> tuple[str, dict[str, object]]:
    body = dict(BODIES.get(path, CONTENTS))
    if "{model}" not in path:
        body["model"] = "demo"
    return PARAMETER.sub("demo", path), body


KEYED = [
    key
    for key, (auth, _) in INVENTORY.items()
    if auth in ("key", "master") and key not in routes_state.SOCKETS
]
RECORDED = [
    key
    for key, (_, recorded) in INVENTORY.items()
    if recorded and key not in routes_state.ALL
]


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer sk-wrong"},
        {"x-api-key": ""},
        {"x-goog-api-key": "x" * 600},
    ],
    ids=["none", "wrong", "empty", "long"],
)
def test_nobody_enters_without_a_key_that_works(
    running: Running, method: str, path: str, headers: dict[str, str]
) -> None:
    url, body = _call(path)
    sent = body if method == "POST" else None
    answer = httpx.request(
        method, running.url + url, json=sent, headers=headers, **PATIENT
    )
    assert answer.status_code == 401
    assert {"error", "__type"} & answer.json().keys()


@pytest.mark.parametrize(("method", "path"), RECORDED)
def test_what_is_said_to_be_recorded_is(
    running: Running, method: str, path: str
) -> None:
    url, body = _call(path)
    headers = {"authorization": f"Bearer {MASTER}"}
    if path in FILES:
        file, form = {FILES[path]: ("hi.wav", b"hi")}, {"model": "demo"}
        answer = running.post(url, files=file, data=form, headers=headers)
    else:
        answer = running.post(url, body, headers=headers)
    assert answer.status_code == 200, answer.text
    id = answer.headers["x-routeiq-id"]
    row = running.record(id)
    assert row["status"] == 200
    assert row["key"] == "master"


@pytest.mark.parametrize(
    "path",
    [
        "//v1/models",
        "/v1/./models",
        "/V1/models",
        "/v1%2fmodels",
        "/v1/models/..%2f..%2fmetrics",
        "/admin",
        "/v1/chat/completions/",
    ],
)
def test_path_tricks_open_nothing(running: Running, path: str) -> None:
    assert running.get(path).status_code in {400, 401, 404, 405}


def test_metrics_want_their_own_key(running: Running) -> None:
    assert running.get("/metrics").status_code == 401
    right = {"authorization": "Bearer metrics-0123456789"}
    page = running.get("/metrics", headers=right)
    assert page.status_code == 200
    assert re.search(r"^routeiq_exchanges_total", page.text, re.MULTILINE)


def test_wrong_methods_and_paths_are_told_in_the_dialect(running: Running) -> None:
    assert (
        running.get("/v1/chat/completions").json()["error"]["code"]
        == "method_not_allowed"
    )
    assert running.get("/v1/messages").json()["type"] == "error"
    missing = running.post("/bedrock/model/demo/nope", {}).json()
    assert missing["__type"] == "ResourceNotFoundException"
    assert (
        running.post("/v1beta/models/demo:nope", {}).json()["error"]["status"]
        == "NOT_FOUND"
    )
