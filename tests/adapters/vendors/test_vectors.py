"""Vendors of vectors and ranks: what they are asked, as recorded and documented."""

import base64
import json
import struct

import pytest

from adapters.contract import Hint, WireRequest, WireResponse
from adapters.errors import Overloaded, Unsupported
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.rerank import RerankResult
from adapters.registry import DIALECTS
from tests.adapters.test_ranks import call as rank_call
from tests.adapters.vendor import Json, target, upstream
from tests.replay import material
from tests.shared import needs_shared

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def embed(dialect: str = "openai.embeddings", **asked: object) -> EmbedCall:
    body = {"model": "alias", **({} if "texts" in asked else {"input": "hi"}), **asked}
    found = DIALECTS[dialect].read_call(json.dumps(body).encode(), Hint())
    assert isinstance(found, EmbedCall)
    return found


def sent(
    provider: str, call: object, model: str = "m", **more: object
) -> tuple[WireRequest, Json]:
    wire = upstream(provider).build_request(
        call,  # type: ignore[arg-type]
        target(provider, model, **more),
    )
    return wire, json.loads(wire.body)


@needs_shared
def test_voyage_is_asked_and_answers_as_recorded() -> None:
    tried = 0
    for recording in material.every("voyage"):
        told = json.loads(recording.body)
        asked = json.loads(recording.request or b"{}")
        inputs = asked.get("input") or ["x"] * len(told["data"])
        call = embed(
            input=inputs,
            encoding_format=asked.get("encoding_format", "float"),
            **{k: v for k, v in asked.items() if k in ("input_type", "truncation")},
        )
        if asked:
            _, body = sent("voyage", call, recording.model)
            said = {k: v for k, v in asked.items() if v is not None}
            assert body == said
        result = recording.upstream.parse_response(recording.response(), call)
        assert isinstance(result, EmbedResult)
        expected = [entry["embedding"] for entry in told["data"]]
        found = [v if isinstance(v, str) else [*v] for v in result.vectors]
        assert found == expected
        assert result.usage is not None
        assert result.usage.input == told["usage"]["total_tokens"]
        tried += 1
    assert tried == 6


def test_voyage_in_its_own_words() -> None:
    wire, body = sent(
        "voyage", embed(dimensions=256, input_type="search_query", user="u")
    )
    assert wire.head.url == "https://api.voyageai.com/v1/embeddings"
    assert body == {
        "model": "m",
        "input": ["hi"],
        "output_dimension": 256,
        "input_type": "query",
    }
    assert wire.dropped == ("user",)
    images = {"texts": [], "images": [PIXEL], "input_type": "search_document"}
    wire, body = sent("voyage", embed("cohere.embed", **images), "voyage-multimodal-3")
    assert wire.head.url.endswith("/multimodalembeddings")
    assert body["inputs"] == [
        {"content": [{"type": "image_base64", "image_base64": PIXEL}]}
    ]
    assert body["input_type"] == "document"
    wire, body = sent("voyage", rank_call(top_n=2, truncation=True))
    assert wire.head.url.endswith("/rerank")
    assert (body["top_k"], body["truncation"]) == (2, True)
    with pytest.raises(Unsupported):
        sent("voyage", embed(input=[1, 2]))


def test_voyage_s_ranks_stand_under_data() -> None:
    body = {
        "object": "list",
        "data": [{"index": 2, "relevance_score": 0.4}],
        "usage": {"total_tokens": 26},
    }
    result = upstream("voyage").parse_response(
        WireResponse(200, (), json.dumps(body).encode()), rank_call()
    )
    assert isinstance(result, RerankResult)
    assert [(r.index, r.score) for r in result.ranked] == [(2, 0.4)]
    assert result.usage is not None
    assert result.usage.input == 26


def test_jina_in_its_own_words() -> None:
    wire, body = sent(
        "jina_ai", embed(input_type="passage", dimensions=8, late_chunking=True)
    )
    assert wire.head.url == "https://api.jina.ai/v1/embeddings"
    assert body == {
        "model": "m",
        "input": ["hi"],
        "task": "retrieval.passage",
        "dimensions": 8,
        "late_chunking": True,
    }
    _, body = sent("jina_ai", embed(encoding_format="base64"))
    assert body["embedding_type"] == "base64"
    images = {"texts": ["a"], "images": [PIXEL], "input_type": "search_query"}
    _, body = sent("jina_ai", embed("cohere.embed", **images))
    assert body["input"] == ["a", {"image": "iVBORw0KGgo="}]
    documents = ["a", {"image": "https://example.com/a.png"}]
    _, body = sent("jina_ai", rank_call(documents=documents, max_tokens_per_doc=9))
    assert body["documents"] == documents
    assert (body["max_doc_length"], body["return_documents"]) == (9, False)


def test_a_client_is_given_the_form_it_asked_for() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
    body = {
        "data": [{"index": 0, "embedding": [0.5, -0.25]}],
        "model": "m",
        "usage": {"total_tokens": 3},
    }
    asked = embed(encoding_format="base64")
    for provider in ("voyage", "jina_ai"):
        result = upstream(provider).parse_response(
            WireResponse(200, (), json.dumps(body).encode()), asked
        )
        told = DIALECTS["openai.embeddings"].write_result(result, asked)
        assert isinstance(told, bytes)
        found = json.loads(told)
        assert found["data"][0]["embedding"] == packed
        assert found["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_nomic_in_its_own_words() -> None:
    wire, body = sent("nomic", embed(input_type="search_query", dimensions=64))
    assert wire.head.url == "https://api-atlas.nomic.ai/v1/embedding/text"
    assert body == {
        "model": "m",
        "texts": ["hi"],
        "task_type": "search_query",
        "dimensionality": 64,
    }
    with pytest.raises(Unsupported):
        sent("nomic", rank_call())


def test_hugging_face_by_its_router_and_one_s_own_server() -> None:
    wire, body = sent("huggingface", embed(), "intfloat/e5")
    router = "https://router.huggingface.co/hf-inference/models/intfloat/e5"
    assert wire.head.url == f"{router}/pipeline/feature-extraction"
    assert body == {"inputs": ["hi"]}
    wire, body = sent("tei", embed(dimensions=2, normalize=False))
    assert wire.head.url == "http://localhost:8080/embed"
    assert body == {"inputs": ["hi"], "dimensions": 2, "normalize": False}
    mine = "https://x.endpoints.huggingface.cloud"
    for base_url in (mine, f"{mine}/v1"):
        wire, _ = sent("huggingface", embed(), base_url=base_url)
        assert wire.head.url == f"{mine}/embed"
    wire, body = sent("tei", rank_call(top_n=1, raw_scores=True))
    assert wire.head.url == "http://localhost:8080/rerank"
    assert body == {"query": "q", "texts": ["a", "b", "c"], "raw_scores": True}
    headers = ((b"x-compute-tokens", b"12"),)
    found = b'[{"index":0,"score":0.1},{"index":2,"score":0.9}]'
    ranked = upstream("tei").parse_response(
        WireResponse(200, headers, found), rank_call(top_n=1)
    )
    assert isinstance(ranked, RerankResult)
    assert [(r.index, r.score) for r in ranked.ranked] == [(2, 0.9)]
    assert ranked.usage is not None
    assert ranked.usage.input == 12


def test_a_model_that_is_loading_says_when_it_is_ready() -> None:
    body = b'{"error":"Model m is currently loading","estimated_time":20.5}'
    error = upstream("huggingface").parse_error(WireResponse(503, (), body))
    assert isinstance(error, Overloaded)
    assert error.retry_after == 20.5


@needs_shared
def test_hugging_face_s_plain_words_are_an_error() -> None:
    (recording,) = material.every("huggingface")
    error = upstream("huggingface").parse_error(recording.response())
    assert (error.kind, error.message) == ("not_found", "Not Found")


def test_cloudflare_ranks_by_its_own_api() -> None:
    base_url = "https://api.cloudflare.com/client/v4/accounts/a/ai/v1"
    model = "@cf/baai/bge-reranker-base"
    wire, body = sent("cloudflare", rank_call(top_n=2), model, base_url=base_url)
    assert wire.head.url == base_url.removesuffix("v1") + f"run/{model}"
    contexts = [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert body == {"query": "q", "contexts": contexts, "top_k": 2}
    found = {
        "result": {"response": [{"id": 1, "score": 0.2}, {"id": 0, "score": 0.9}]},
        "success": True,
        "errors": [],
    }
    result = upstream("cloudflare").parse_response(
        WireResponse(200, (), json.dumps(found).encode()), rank_call()
    )
    assert isinstance(result, RerankResult)
    assert [r.index for r in result.ranked] == [0, 1]
