"""Ranks as recorded, in every spelling, and what is made of them."""

import json

import pytest

from adapters import ranks
from adapters.contract import Hint, WireResponse
from adapters.errors import BadCall, Garbled, Unsupported
from adapters.normal.rerank import RerankCall, RerankResult
from adapters.registry import DIALECTS
from tests.adapters.vendor import Json, target, upstream
from tests.replay import material
from tests.shared import needs_shared

RECORDED = [r for r in material.every("rerank") if r.request]
DOCUMENTS = ["a", "b", "c"]


def call(**asked: object) -> RerankCall:
    body = {"model": "alias", "query": "q", "documents": DOCUMENTS, **asked}
    found = DIALECTS["cohere.rerank"].read_call(json.dumps(body).encode(), Hint())
    assert isinstance(found, RerankCall)
    return found


def sent(provider: str, asked: RerankCall, **more: object) -> tuple[str, Json]:
    to = target(provider, "m", **more)
    wire = upstream(provider).build_request(asked, to)
    return wire.head.url, json.loads(wire.body)


def ranked(provider: str, asked: RerankCall, body: object) -> RerankResult:
    response = WireResponse(200, (), json.dumps(body).encode())
    result = upstream(provider).parse_response(response, asked)
    assert isinstance(result, RerankResult)
    return result


def told(result: RerankResult, asked: RerankCall) -> Json:
    body = DIALECTS["cohere.rerank"].write_result(result, asked)
    assert isinstance(body, bytes)
    found: Json = json.loads(body)
    return found


@needs_shared
def test_cohere_is_asked_and_answers_as_recorded() -> None:
    for recording in RECORDED:
        asked = DIALECTS["cohere.rerank"].read_call(recording.request, Hint())
        assert isinstance(asked, RerankCall)
        wire = upstream("cohere").build_request(
            asked, target("cohere", recording.model)
        )
        assert json.loads(wire.body) == json.loads(recording.request)
        assert wire.head.url == recording.url
        result = upstream("cohere").parse_response(recording.response(), asked)
        assert isinstance(result, RerankResult)
        assert DIALECTS["cohere.rerank"].write_result(result, asked) == recording.body
        expected = json.loads(recording.body)["results"]
        assert [(r.index, r.score) for r in result.ranked] == [
            (entry["index"], entry["relevance_score"]) for entry in expected
        ]
        assert result.usage is not None
        assert (result.usage.searches, result.usage.total) == (1, 0)
    assert len(RECORDED) == 3


@needs_shared
def test_the_spelling_of_aws_is_read() -> None:
    (recording,) = [r for r in material.every("rerank") if r.provider == "bedrock"]
    asked = call(documents=["x"] * 6)
    result = ranks.read(recording.response(), asked)
    assert [rank.index for rank in result.ranked] == [0, 5]


def test_documents_are_repeated_for_those_who_want_them() -> None:
    documents = [{"text": "a", "page": 1}, {"text": "b"}, "c"]
    asked = call(documents=documents, return_documents=True, top_n=2)
    _, body = sent("cohere", asked)
    assert body["documents"] == DOCUMENTS
    assert "return_documents" not in body
    best = [{"index": 2, "relevance_score": 0.1}, {"index": 0, "relevance_score": 0.9}]
    answer = told(ranked("cohere", asked, {"id": "1", "results": best}), asked)
    assert [(r["index"], r["document"]) for r in answer["results"]] == [
        (0, {"text": "a", "page": 1}),
        (2, {"text": "c"}),
    ]


def test_fields_may_be_chosen() -> None:
    asked = call(documents=[{"title": "T", "body": "B"}], rank_fields=["title", "body"])
    _, body = sent("cohere", asked)
    assert body["documents"] == ["title: T\nbody: B"]


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("openrouter", "https://openrouter.ai/api/v1/rerank"),
        ("together_ai", "https://api.together.xyz/v1/rerank"),
        ("vllm", "http://localhost:8000/v1/rerank"),
    ],
)
def test_those_who_copy_cohere_are_asked_alike(provider: str, url: str) -> None:
    asked = call(top_n=1, max_chunks_per_doc=3, documents=[{"text": "a", "x": 1}])
    found, body = sent(provider, asked)
    assert found == url
    assert body == {
        "model": "m",
        "query": "q",
        "documents": [{"text": "a", "x": 1}],
        "top_n": 1,
        "max_chunks_per_doc": 3,
    }
    best = {"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}
    result = ranked(provider, asked, {"results": [best], "usage": {"total_tokens": 9}})
    assert result.usage is not None
    assert result.usage.input == 9
    assert told(result, asked)["usage"]["total_tokens"] == 9


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"query": None}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "body.documents"),
        ({"documents": [1]}, "documents[0]"),
        ({"top_n": 0}, "top_n"),
        ({"model": ""}, "model"),
        ({"query": {"image": "x"}}, "query"),
    ],
)
def test_what_is_no_call_is_refused_and_says_where(asked: Json, param: str) -> None:
    with pytest.raises(BadCall) as caught:
        call(**asked)
    assert caught.value.param == param


def test_a_picture_is_ranked_by_those_who_can() -> None:
    asked = call(documents=[{"image": "https://example.com/a.png"}])
    with pytest.raises(Unsupported, match="texts only"):
        sent("cohere", asked)
    _, body = sent("openrouter", asked)
    assert body["documents"] == [{"image": "https://example.com/a.png"}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"results": [{"index": 3, "relevance_score": 1}]},
        {"results": [{"index": -1, "relevance_score": 1}]},
        {"results": [{"index": 0}]},
        {"results": {}},
        "x",
    ],
)
def test_what_ranks_nothing_is_garbled(body: object) -> None:
    with pytest.raises(Garbled):
        ranked("cohere", call(), body)
