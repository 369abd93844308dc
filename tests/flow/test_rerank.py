"""Reranking and Cohere's embeddings through a running gateway: Cohere's SDK by its base
address alone, other providers' spellings behind it, and what is recorded."""

import asyncio
from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import pytest

from tests.flow.vendors import KEY
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell

DOCUMENTS = [
    "Carson City is in Nevada.",
    "Washington, D.C. is the capital.",
    "Bananas.",
]
QUERY = "What is the capital?"
RESULTS = [
    {"index": 1, "relevance_score": 0.9},
    {"index": 0, "relevance_score": 0.2},
]
TOKENS = {"total_tokens": 30}
PLACES: dict[str, tuple[str, Any, dict[str, int], int]] = {
    # provider: path, answer, tokens in the record, its cost in nano-dollars
    "cohere": (
        "/v2/rerank",
        {
            "id": "r1",
            "results": RESULTS,
            "meta": {
                "api_version": {"version": "2"},
                "billed_units": {"search_units": 1},
            },
        },
        {"searches": 1},
        2_000_000,
    ),
    "openrouter": (
        "/rerank",
        {"id": "r2", "model": "m", "results": RESULTS, "usage": TOKENS},
        {"input": 30},
        60_000,
    ),
    "together_ai": (
        "/rerank",
        {"object": "rerank", "id": "r3", "results": RESULTS, "usage": TOKENS},
        {"input": 30},
        60_000,
    ),
}
every_place = pytest.mark.parametrize("provider", PLACES)


def _answer(request: Request) -> Script:
    provider = request.path.split("/")[1]
    if request.path == f"/{provider}/v2/embed":
        vectors = {"float": [[0.5, -0.25] for _ in request.json()["texts"]]}
        billed = {"billed_units": {"input_tokens": 3}}
        return tell(200, {"id": "e", "embeddings": vectors, "meta": billed})
    path, body, *_ = PLACES[provider]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    if request.path != f"/{provider}{path}":
        return tell(404, {"message": f"no such place: {request.path}"})
    return tell(200, body)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    price = {"input": 2.0, "output": 0.0, "search": 0.002}
    models: dict[str, Any] = {
        provider: {
            "deployments": [
                {
                    "model": f"{provider}/m",
                    "base_url": f"{upstream.url}/{provider}",
                    "api_key": "env:TEST_UPSTREAM_SECRET",
                    "price": price,
                }
            ]
        }
        for provider in PLACES
    }
    models["openai"] = {"deployments": [{"model": "openai/gpt-4o", "api_key": "env:X"}]}
    env = {"TEST_UPSTREAM_SECRET": KEY, "X": "sk-x", "MASTER": "sk-master-0123456789"}
    folder = tmp_path_factory.mktemp("rerank")
    config = {"models": models, "keys": {"master": "env:MASTER"}}
    with gateway(config, folder, env=env) as running:
        yield running


AUTH = {"authorization": "Bearer sk-master-0123456789"}


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[cohere.ClientV2]:
    with httpx.Client(**PATIENT) as http:
        yield cohere.ClientV2(
            api_key="sk-master-0123456789", base_url=running.url, httpx_client=http
        )


@every_place
def test_cohere_s_sdk_ranks_at_any_provider(
    running: Running, upstream: Upstream, client: cohere.ClientV2, provider: str
) -> None:
    raw = client.with_raw_response.rerank(
        model=provider, query=QUERY, documents=DOCUMENTS, top_n=2
    )
    told = raw.data
    assert [(r.index, r.relevance_score) for r in told.results] == [(1, 0.9), (0, 0.2)]
    sent = upstream.requests[-1].json()
    assert sent == {"model": "m", "query": QUERY, "documents": DOCUMENTS, "top_n": 2}
    row = running.record(raw.headers["x-routeiq-id"])
    _, _, tokens, cost = PLACES[provider]
    assert row["tokens"] == tokens
    assert row["cost_nano"] == cost
    assert (row["operation"], row["dialect"]) == ("rerank", "cohere.rerank")


@pytest.mark.parametrize(
    "path", ["/v1/rerank", "/v2/rerank", "/rerank", "/cohere/v1/rerank"]
)
def test_every_path_ranks_and_repeats_documents(running: Running, path: str) -> None:
    asked = {"model": "openrouter", "query": QUERY, "documents": DOCUMENTS}
    body = {**asked, "return_documents": True}
    told = running.post(path, body, headers=AUTH).json()
    assert [r["document"]["text"] for r in told["results"]] == [
        DOCUMENTS[1],
        DOCUMENTS[0],
    ]
    assert told["usage"]["total_tokens"] == 30


def test_cohere_s_first_sdk_ranks_too(running: Running) -> None:
    with httpx.Client(**PATIENT) as http:
        old = cohere.Client(
            api_key="sk-master-0123456789", base_url=running.url, httpx_client=http
        )
        told = old.rerank(model="cohere", query=QUERY, documents=DOCUMENTS)
    assert [r.index for r in told.results] == [1, 0]


def test_the_demo_ranks_by_shared_words(client: cohere.ClientV2) -> None:
    told = client.rerank(model="demo", query="the capital", documents=DOCUMENTS)
    assert told.results[0].index == 1
    assert len(told.results) == 3


def test_cohere_s_sdk_embeds_at_cohere_and_elsewhere(
    running: Running, client: cohere.ClientV2
) -> None:
    def ask(model: str, kinds: list[str]) -> cohere.EmbedByTypeResponse:
        return client.embed(
            model=model,
            texts=["a", "b"],
            input_type="search_document",
            embedding_types=kinds,
        )

    assert ask("cohere", ["float"]).embeddings.float_ == [[0.5, -0.25]] * 2
    told = ask("demo", ["float", "base64"])
    assert told.embeddings.float_ is not None
    assert told.embeddings.base64 is not None
    assert len(told.embeddings.float_) == len(told.embeddings.base64) == 2
    assert told.texts == ["a", "b"]
    asyncio.run(_embed_async(running))


async def _embed_async(running: Running) -> None:
    base = f"{running.url}/cohere"
    async with httpx.AsyncClient(**PATIENT) as http:
        client = cohere.AsyncClientV2(
            api_key="sk-master-0123456789", base_url=base, httpx_client=http
        )
        told = await client.embed(
            model="cohere", texts=["a"], input_type="search_query"
        )
    assert told.embeddings.float_ == [[0.5, -0.25]]


def test_openai_s_vectors_come_from_cohere(
    running: Running, upstream: Upstream
) -> None:
    asked = {"model": "cohere", "input": "hi", "input_type": "search_query"}
    told = running.post("/v1/embeddings", asked, headers=AUTH)
    assert told.json()["data"][0]["embedding"] == [0.5, -0.25]
    assert told.json()["usage"]["prompt_tokens"] == 3
    sent = upstream.requests[-1].json()
    assert sent == {
        "model": "m",
        "texts": ["hi"],
        "input_type": "search_query",
        "embedding_types": ["float"],
    }


def test_errors_are_cohere_s(running: Running, client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.NotFoundError) as caught:
        client.rerank(model="nobody", query="q", documents=["a"])
    assert "does not exist" in caught.value.body["message"]
    with pytest.raises(cohere.BadRequestError) as bad:
        client.rerank(model="cohere", query="q", documents=[])
    assert bad.value.body["message"].startswith("documents: missing or empty")
    with httpx.Client(**PATIENT) as http:
        stranger = cohere.ClientV2(
            api_key="sk-wrong", base_url=running.url, httpx_client=http
        )
        with pytest.raises(cohere.UnauthorizedError):
            stranger.rerank(model="cohere", query="q", documents=["a"])


def test_who_cannot_rank_is_not_asked(running: Running) -> None:
    asked = {"model": "openai", "query": "q", "documents": ["a"]}
    told = running.post("/v1/rerank", asked, headers=AUTH)
    assert told.status_code == 400, told.text
    assert told.json()["error"]["code"] == "unsupported_operation"
