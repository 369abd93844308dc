"""Embeddings: one and many, ours and other families', as they were recorded."""

import base64
import json
import struct
from typing import Any

import pytest
from msgspec import Raw

from adapters.contract import Hint, Operation
from adapters.errors import BadCall, Garbled, NotFound, Unsupported
from adapters.gemini.family import EMBED, UPSTREAM
from adapters.normal.content import Image, Text
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.usage import Usage
from tests.adapters.gemini import recordings
from tests.adapters.gemini.recordings import BASE, Recording, names, response, target
from tests.shared import needs_shared

HINT = Hint(model="alias", operation=Operation.embed)
EVERY = list(recordings.every("gemini_embeddings"))
ASKED = [r for r in EVERY if r.request]


def read(body: dict[str, Any]) -> EmbedCall:
    return EMBED.read_call(json.dumps(body).encode(), HINT)


def embedding(**more: Any) -> EmbedCall:
    fields = {"model": "alias", "dialect": "openai.embeddings", "inputs": ("a",)} | more
    return EmbedCall(**fields)


@needs_shared
@pytest.mark.parametrize("recording", ASKED, ids=names(ASKED))
def test_a_recorded_call_goes_up_as_it_came(recording: Recording) -> None:
    assert recording.request is not None
    asked = json.dumps(recording.request).encode()
    call = EMBED.read_call(asked, HINT)
    same = UPSTREAM.build_request(call, target(recording.model))
    assert same.body == asked
    verb = recording.url.rpartition(":")[2]
    assert same.head.url == f"{BASE}/models/{recording.model}:{verb}"
    other = UPSTREAM.build_request(call, target("gemini-embedding-9"))
    renamed = json.loads(other.body)
    for request, before in zip(
        renamed["requests"], recording.request["requests"], strict=True
    ):
        assert request == {**before, "model": "models/gemini-embedding-9"}
    foreign = EmbedCall(
        model=call.model,
        dialect=call.dialect,
        inputs=call.inputs,
        single=call.single,
        dimensions=call.dimensions,
        task=call.task,
        extra=call.extra,
    )
    written = UPSTREAM.build_request(foreign, target(recording.model))
    assert json.loads(written.body) == _canon(recording.request)


def _canon(body: dict[str, Any]) -> dict[str, Any]:
    for request in body["requests"]:
        request["content"].pop("role", None)
        for part in request["content"]["parts"]:
            if "inline_data" in part:
                blob = part.pop("inline_data")
                part["inlineData"] = {
                    "mimeType": blob["mime_type"],
                    "data": blob["data"],
                }
    return body


@needs_shared
@pytest.mark.parametrize("recording", EVERY, ids=names(EVERY))
def test_a_recorded_answer_comes_back_as_it_went(recording: Recording) -> None:
    if recording.status != 200:
        error = UPSTREAM.parse_error(response(recording.body, recording.status))
        assert isinstance(error, NotFound)
        return
    told = json.loads(recording.body)
    vectors = told.get("embeddings", [told.get("embedding")])
    call = embedding(dialect="gemini.embed", inputs=("a",) * len(vectors))
    result = UPSTREAM.parse_response(response(recording.body), call)
    assert isinstance(result, EmbedResult)
    assert [list(v) for v in result.vectors] == [v["values"] for v in vectors]
    assert EMBED.write_result(result, call) == recording.body
    if "usageMetadata" in told:
        assert result.usage == Usage(input=told["usageMetadata"]["promptTokenCount"])
    else:
        assert result.usage is None


def test_one_input_goes_alone_and_several_as_a_batch() -> None:
    one = UPSTREAM.build_request(embedding(single=True, dimensions=8), target("m"))
    assert one.head.url == f"{BASE}/models/m:embedContent"
    assert json.loads(one.body) == {
        "model": "models/m",
        "outputDimensionality": 8,
        "content": {"parts": [{"text": "a"}]},
    }
    many = UPSTREAM.build_request(embedding(inputs=("a", "b")), target("m"))
    assert many.head.url == f"{BASE}/models/m:batchEmbedContents"
    requests = json.loads(many.body)["requests"]
    assert [r["content"]["parts"][0]["text"] for r in requests] == ["a", "b"]


@pytest.mark.parametrize(
    ("task", "expected", "dropped"),
    [
        ("search_query", "RETRIEVAL_QUERY", ()),
        ("passage", "RETRIEVAL_DOCUMENT", ()),
        ("semantic_similarity", "SEMANTIC_SIMILARITY", ()),
        ("RETRIEVAL_QUERY", "RETRIEVAL_QUERY", ()),
        ("image", None, ("input_type",)),
        ("", None, ()),
    ],
)
def test_a_task_is_googles_or_named(
    task: str, expected: str | None, dropped: tuple[str, ...]
) -> None:
    wire = UPSTREAM.build_request(embedding(task=task), target("m"))
    assert json.loads(wire.body)["requests"][0].get("taskType") == expected
    assert wire.dropped == dropped


def test_what_cannot_be_said_is_named_or_refused() -> None:
    call = embedding(user="u", extra={"novel": Raw(b"1")})
    assert UPSTREAM.build_request(call, target("m")).dropped == ("novel", "user")
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(call, target("m", strict=True))
    with pytest.raises(Unsupported):
        UPSTREAM.build_request(embedding(inputs=((1, 2),)), target("m"))


def test_a_gemini_client_may_embed_media_and_ask_differently_each_time() -> None:
    call = read(
        {
            "content": {
                "parts": [
                    {"text": "a"},
                    {"inline_data": {"mime_type": "image/png", "data": "aQ=="}},
                ]
            },
            "output_dimensionality": 4,
            "task_type": "CLUSTERING",
            "autoTruncate": True,
        }
    )
    assert call.inputs == ((Text("a"), Image(data="aQ==", media_type="image/png")),)
    assert (call.single, call.dimensions, call.task) == (True, 4, "CLUSTERING")
    assert call.extra == {"autoTruncate": Raw(b"true")}
    mixed = read(
        {
            "requests": [
                {"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"},
                {"content": {"parts": [{"text": "b"}]}},
            ]
        }
    )
    assert "requests" in mixed.extra
    assert mixed.inputs == ("a", "b")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": 5},
        {"content": {"parts": []}},
        {"requests": []},
        {"requests": [{}]},
        {"requests": 5},
        {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": "many"},
    ],
)
def test_a_body_that_breaks_the_rules_is_told_where(body: dict[str, Any]) -> None:
    with pytest.raises(BadCall) as error:
        read(body)
    assert error.value.param


def test_vectors_of_other_families_are_told_in_the_form_of_the_call() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    result = EmbedResult(
        vectors=(packed,), usage=Usage(input=3), dialect="openai.embeddings", raw=b"{}"
    )
    one = json.loads(EMBED.write_result(result, embedding(single=True)))
    assert one["embedding"] == {"values": [0.5, -1.0]}
    assert one["usageMetadata"]["promptTokenCount"] == 3
    many = json.loads(EMBED.write_result(result, embedding()))
    assert many["embeddings"] == [{"values": [0.5, -1.0]}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"embeddings": []},
        {"embedding": {"values": ["x"]}},
        {"embeddings": [{}, {}]},
    ],
)
def test_an_answer_that_does_not_fit_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(response(body), embedding())
