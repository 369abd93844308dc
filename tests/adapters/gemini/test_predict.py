"""Embeddings by `:predict`, asked and answered."""

import json
from typing import Any

import pytest

from adapters.contract import Hint, Operation, Target, WireResponse
from adapters.errors import BadCall, Garbled, RateLimited, Unsupported
from adapters.gemini.family import PREDICT, UPSTREAM
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.usage import Usage
from adapters.providers import PROVIDERS
from adapters.registry import DIALECTS

BASE = "https://aiplatform.googleapis.com/v1/projects/p/locations/l"


def target(model: str = "text-embedding-005", **more: Any) -> Target:
    row = PROVIDERS["vertex_ai"]
    return Target(model=model, base_url=BASE, provider=row, heads={}, **more)


def read(body: dict[str, Any]) -> EmbedCall:
    hint = Hint(model="m", operation=Operation.embed)
    return PREDICT.read_call(json.dumps(body).encode(), hint)


def response(body: dict[str, Any]) -> WireResponse:
    return WireResponse(200, (), json.dumps(body).encode())


def prediction(*values: float, tokens: int = 2) -> dict[str, Any]:
    statistics = {"token_count": tokens, "truncated": False}
    return {"embeddings": {"values": [*values], "statistics": statistics}}


def test_what_is_read_is_what_was_asked() -> None:
    call = read(
        {
            "instances": [
                {"content": "a", "task_type": "RETRIEVAL_QUERY", "title": "t"},
                {"content": "b", "taskType": "RETRIEVAL_QUERY", "title": "t"},
            ],
            "parameters": {"outputDimensionality": 8, "autoTruncate": False},
        }
    )
    assert call.inputs == ("a", "b")
    assert (call.task, call.title, call.dimensions) == ("RETRIEVAL_QUERY", "t", 8)
    assert {k: bytes(v) for k, v in call.extra.items()} == {"autoTruncate": b"false"}


def test_instances_that_differ_are_kept_for_who_understands_them() -> None:
    body = {
        "instances": [{"content": "a", "task_type": "CLUSTERING"}, {"content": "b"}]
    }
    call = read(body)
    assert "instances" in call.extra
    assert json.loads(UPSTREAM.build_request(call, target()).body) == body
    gemini = PROVIDERS["gemini"]
    there = Target(model="m", base_url="https://g", provider=gemini, heads={})
    assert UPSTREAM.build_request(call, there).dropped == ("instances",)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "instances"),
        ({"instances": []}, "instances"),
        ({"instances": [{"image": {}}]}, "instances[0]"),
        ({"instances": ["a"]}, "instances[0]"),
    ],
)
def test_what_is_no_call_is_told_where(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadCall) as caught:
        read(body)
    assert caught.value.param == param


def test_a_call_of_openai_is_written_in_instances() -> None:
    asked = {"model": "a", "input": ["x", "y"], "dimensions": 4, "user": "u"}
    call = DIALECTS["openai.embeddings"].read_call(json.dumps(asked).encode(), Hint())
    wire = UPSTREAM.build_request(call, target())
    assert json.loads(wire.body) == {
        "instances": [{"content": "x"}, {"content": "y"}],
        "parameters": {"outputDimensionality": 4},
    }
    assert wire.dropped == ("user",)
    assert wire.head.url.endswith(
        "/publishers/google/models/text-embedding-005:predict"
    )
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(call, target(strict=True))
    several = UPSTREAM.build_request(call, target("multimodalembedding@001"))
    assert json.loads(several.body)["instances"] == [{"text": "x"}, {"text": "y"}]


def test_token_ids_are_refused() -> None:
    asked = json.dumps({"model": "a", "input": [[1, 2]]}).encode()
    call = DIALECTS["openai.embeddings"].read_call(asked, Hint())
    with pytest.raises(Unsupported, match="text alone"):
        UPSTREAM.build_request(call, target())


def test_vectors_and_their_tokens_are_read() -> None:
    call = read({"instances": [{"content": "a"}, {"content": "b"}]})
    told = {"predictions": [prediction(0.5, 1.0), prediction(0.25, 0.0, tokens=3)]}
    result = UPSTREAM.parse_response(response(told), call)
    assert isinstance(result, EmbedResult)
    assert result.vectors == ((0.5, 1.0), (0.25, 0.0))
    assert result.usage == Usage(input=5)
    assert PREDICT.write_result(result, call) == response(told).body


def test_other_vectors_are_told_as_predictions() -> None:
    call = read({"instances": [{"content": "a"}, {"content": "b"}]})
    result = EmbedResult(vectors=((1.0,), (0.5,)), usage=Usage(input=5), model="m")
    told = json.loads(PREDICT.write_result(result, call))
    assert told == {"predictions": [prediction(1.0, tokens=3), prediction(0.5)]}


@pytest.mark.parametrize(
    "body",
    [
        {"predictions": []},
        {"predictions": [{"score": 1}]},
        {"predictions": [prediction(1.0), prediction(1.0)]},
        {"predictions": "x"},
    ],
)
def test_what_is_no_answer_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(response(body), read({"instances": [{"content": "a"}]}))


def test_an_error_inside_is_one() -> None:
    error = {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}
    call = read({"instances": [{"content": "a"}]})
    with pytest.raises(RateLimited):
        UPSTREAM.parse_response(response({"predictions": None, "error": error}), call)
