"""Any bytes give an answer or an `UpstreamError`, whole or as a stream."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.contract import Hint, WireResponse
from adapters.errors import UpstreamError
from adapters.framing import ndjson
from adapters.normal.delta import Failed
from adapters.registry import DIALECTS
from tests.adapters.vendor import chat, upstream

PROVIDERS = (
    "ollama",
    "cohere",
    "watsonx",
    "replicate",
    "huggingface",
    "cloudflare",
    "oci",
    "sagemaker",
)
STREAMED = tuple(name for name in PROVIDERS if name != "replicate")
VECTORS = ("oci", "ollama", "cohere", "voyage", "jina", "nomic", "tei", "watsonx")
RANKS = ("cohere", "voyage", "jina", "tei", "watsonx", "cloudflare", "openrouter")
pieces = st.sampled_from(
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"error":null}',
        b'{"error":"x"}',
        b'{"message":{"tool_calls":[{"function":{"arguments":[1]}}]},"done":true}',
        b'{"message":{"content":[{"text":"a"}],"citations":[{}]},"finish_reason":"X"}',
        b'{"text":"a","citations":[{"document_ids":[]}]}',
        b'{"created_at":"9999-99-99","message":{"content":"a"},"logprobs":[{}]}',
        b'{"message":{"content":"\\ud800"}}',
        b'data: {"type":"message-end","delta":{}}\n\n',
        b'data: {"type":"tool-call-start","delta":{"message":{"tool_calls":{}}}}\n\n',
        b'data: {"type":"citation-start","delta":{"message":{"citations":{"sources":[{"document":[]}]}}}}\n\n',
        b"data: {}\n\n",
        b'{"results":[{"generated_text":"a","stop_reason":"max_tokens"}]}',
        b'{"results":[]}',
        b'{"results":[{"index":9,"score":1}]}',
        b'{"data":[{"embedding":"!!","index":0}],"usage":{}}',
        b'{"embeddings":[[1,"a"]]}',
        b'{"embeddings":{"float":[[1.5]]},"meta":{}}',
        b"[[0.5]]",
        b'[{"index":0,"score":0.5}]',
        b'{"result":{"response":[{"id":-1,"score":1}]},"success":true}',
        b'{"success":false,"errors":[{"code":7009,"message":"no"}]}',
        b'{"id":"1","status":"succeeded","output":{"a":1}}',
        b'{"id":"1","status":"failed","error":{}}',
        b'data: {"results":[{"stop_reason":"not_finished"}]}\n\n',
        b'{"chatResponse":{"choices":[{"message":{"content":null}}]}}',
        b'data: {"index":1,"finishReason":"stop"}\n\n',
        b'data: {"message":{"toolCalls":[{"arguments":"{}"}]}}\n\n',
        b"\xff\xfe",
        b"\n",
    ]
)
bodies = st.binary(max_size=40) | pieces


@pytest.mark.parametrize("provider", PROVIDERS)
@given(body=bodies)
def test_any_body_is_an_answer_or_an_error(provider: str, body: bytes) -> None:
    family = upstream(provider)
    try:
        family.parse_response(WireResponse(200, (), body), chat({}))
    except UpstreamError as error:
        assert error.message
    error = family.parse_error(WireResponse(500, (), body))
    assert isinstance(error, UpstreamError)


@pytest.mark.parametrize("provider", VECTORS)
@given(body=bodies)
def test_any_vectors_are_vectors_or_an_error(provider: str, body: bytes) -> None:
    call = DIALECTS["openai.embeddings"].read_call(
        b'{"model":"m","input":["a"]}', Hint()
    )
    try:
        upstream(provider).parse_response(WireResponse(200, (), body), call)
    except UpstreamError as error:
        assert error.message


@pytest.mark.parametrize("provider", RANKS)
@given(body=bodies)
def test_any_ranks_are_ranks_or_an_error(provider: str, body: bytes) -> None:
    call = DIALECTS["cohere.rerank"].read_call(
        b'{"model":"m","query":"q","documents":["a"]}', Hint()
    )
    try:
        result = upstream(provider).parse_response(WireResponse(200, (), body), call)
    except UpstreamError as error:
        assert error.message
    else:
        assert DIALECTS["cohere.rerank"].write_result(result, call)


@pytest.mark.parametrize("provider", STREAMED)
@given(parts=st.lists(bodies, max_size=6))
def test_any_stream_ends_or_fails(provider: str, parts: list[bytes]) -> None:
    decoder = upstream(provider).parse_stream(chat({"stream": True}))
    frames = [frame for part in parts for frame in decoder.feed(part)]
    frames += decoder.close()
    failed = [at for at, f in enumerate(frames) if _fails(f.deltas)]
    assert failed in ([], [len(frames) - 1])


def _fails(deltas: tuple[object, ...]) -> bool:
    return any(isinstance(delta, Failed) for delta in deltas)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
@example(b'{"a":1}\r\n\n{"b":2}', [3, 9])
def test_lines_do_not_depend_on_the_cut(data: bytes, places: list[int]) -> None:
    marks = [0, *sorted(p for p in places if p < len(data)), len(data)]
    splitter = ndjson.Splitter()
    lines: list[bytes] = []
    for start, end in pairwise(marks):
        lines += splitter.feed(data[start:end])
    lines += splitter.close()
    assert lines == [line for raw in data.split(b"\n") if (line := raw.strip())]


def test_a_line_without_an_end_is_garbled() -> None:
    splitter = ndjson.Splitter(limit=10)
    with pytest.raises(UpstreamError, match="exceeds 10 bytes"):
        for _ in range(11):
            list(splitter.feed(b"a"))
    with pytest.raises(UpstreamError):
        list(ndjson.Splitter(limit=3).feed(b"abcd\n"))
