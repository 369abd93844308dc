"""Vendors of vectors and ranks through a running gateway, each in its own words, to
OpenAI's and Cohere's clients; Replicate's predictions; what is recorded."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import openai
import pytest

from tests.flow.vendors import KEY
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell

VECTORS = [[0.5, -0.25], [1.0, 0.0]]
RANKS = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]
DATA = {
    "object": "list",
    "data": [{"index": at, "embedding": v} for at, v in enumerate(VECTORS)],
    "model": "m",
    "usage": {"total_tokens": 6},
}
COMPUTED = {"x-compute-tokens": "6"}


class Place(NamedTuple):
    provider: str
    base: str
    embed: tuple[str, Any] | None
    """Path and answer."""
    rank: tuple[str, Any] | None
    counted: bool = True
    """Whether ranks tell their tokens."""


PLACES = {
    place.provider: place
    for place in (
        Place(
            "voyage",
            "",
            ("/embeddings", DATA),
            ("/rerank", {"data": RANKS, "usage": {"total_tokens": 6}}),
        ),
        Place(
            "jina_ai",
            "",
            ("/embeddings", DATA),
            ("/rerank", {"results": RANKS, "usage": {"total_tokens": 6}}),
        ),
        Place(
            "nomic",
            "",
            (
                "/embedding/text",
                {"embeddings": VECTORS, "usage": {"prompt_tokens": 6}, "model": "m"},
            ),
            None,
        ),
        Place(
            "tei",
            "",
            ("/embed", VECTORS),
            ("/rerank", [{"index": 0, "score": 0.2}, {"index": 1, "score": 0.9}]),
        ),
        Place(
            "huggingface",
            "/v1",
            ("/hf-inference/models/m/pipeline/feature-extraction", VECTORS),
            None,
        ),
        Place(
            "cloudflare",
            "/ai/v1",
            ("/ai/v1/embeddings", DATA),
            (
                "/ai/run/m",
                {
                    "success": True,
                    "result": {
                        "response": [{"id": 1, "score": 0.9}, {"id": 0, "score": 0.2}]
                    },
                },
            ),
            counted=False,
        ),
        Place(
            "ollama",
            "",
            (
                "/api/embed",
                {"model": "m", "embeddings": VECTORS, "prompt_eval_count": 6},
            ),
            None,
        ),
    )
}


def _answer(request: Request) -> Script:
    assert request.headers["authorization"] == f"Bearer {KEY}"
    _, provider, *rest = request.path.split("/")
    path = "/" + "/".join(rest)
    if provider == "replicate":
        return _predicted(request, path)
    place = PLACES[provider]
    for known in (place.embed, place.rank):
        if known is not None and known[0] == path:
            headers = COMPUTED if provider in ("tei", "huggingface") else {}
            return tell(200, json.dumps(known[1]).encode(), headers)
    return tell(404, {"detail": f"no such place: {path}"})


def _predicted(request: Request, path: str) -> Script:
    assert request.headers["prefer"] == "wait=60"
    assert path == "/models/meta/llama/predictions"
    told = {"id": "p1", "model": "meta/llama", "input": request.json()["input"]}
    if "slow" in request.json()["input"]["prompt"]:
        return tell(201, {**told, "status": "processing", "output": None})
    counts = {"input_token_count": 3, "output_token_count": 2}
    done = {"status": "succeeded", "output": ["Hel", "lo"], "metrics": counts}
    return tell(201, {**told, **done})


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def deployment(provider: str, base: str, model: str = "m") -> dict[str, Any]:
        return {
            "model": f"{provider}/{model}",
            "base_url": f"{upstream.url}/{provider}{base}",
            "api_key": "env:TEST_UPSTREAM_SECRET",
            "price": {"input": 2.0, "output": 4.0},
        }

    models = {
        place.provider: {"deployments": [deployment(place.provider, place.base)]}
        for place in PLACES.values()
    }
    predicted = deployment("replicate", "", "meta/llama")
    models["replicate"] = {"deployments": [predicted]}
    config = {"models": models, "retries": {"attempts": 1}}
    folder = tmp_path_factory.mktemp("vectors")
    env = {"TEST_UPSTREAM_SECRET": KEY}
    with gateway(config, folder, env=env) as running:
        yield running


@pytest.mark.parametrize("provider", PLACES)
def test_openai_s_sdk_is_given_vectors(running: Running, provider: str) -> None:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="any") as client:
        raw = client.embeddings.with_raw_response.create(
            model=provider, input=["a", "b"]
        )
    told = raw.parse()
    assert [entry.embedding for entry in told.data] == VECTORS
    assert told.usage.prompt_tokens == 6
    row = running.record(raw.headers["x-routeiq-id"])
    assert (row["tokens"], row["cost_nano"]) == ({"input": 6}, 12_000)


RANKED = [place.provider for place in PLACES.values() if place.rank]


@pytest.mark.parametrize("provider", RANKED)
def test_documents_are_ranked(running: Running, provider: str) -> None:
    body = {"model": provider, "query": "q", "documents": ["a", "b"], "top_n": 2}
    answer = running.post("/v1/rerank", {**body, "return_documents": True})
    assert answer.status_code == 200, answer.text
    found = [(r["index"], r["document"]) for r in answer.json()["results"]]
    assert found == [(1, {"text": "b"}), (0, {"text": "a"})]
    row = running.record(answer.headers["x-routeiq-id"])
    if PLACES[provider].counted:
        assert (row["tokens"], row["cost_nano"]) == ({"input": 6}, 12_000)


def _chat(running: Running, words: str, *, stream: bool = False) -> httpx.Response:
    messages = [{"role": "user", "content": words}]
    body = {"model": "replicate", "messages": messages, "stream": stream}
    return running.post("/v1/chat/completions", body)


def test_a_prediction_is_a_chat(running: Running) -> None:
    whole = _chat(running, "hi")
    assert whole.json()["choices"][0]["message"]["content"] == "Hello"
    row = running.record(whole.headers["x-routeiq-id"])
    assert row["cost_nano"] == 3 * 2000 + 2 * 4000
    streamed = _chat(running, "hi", stream=True)
    assert '"content":"Hello"' in streamed.text
    assert streamed.text.endswith("data: [DONE]\n\n")


def test_a_prediction_that_is_not_ready_is_late(running: Running) -> None:
    answer = _chat(running, "be slow")
    assert answer.status_code == 504
    assert "is processing" in answer.json()["error"]["message"]
