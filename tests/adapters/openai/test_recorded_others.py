"""Recorded legacy completions and embeddings."""

import base64
import json
import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion, CreateEmbeddingResponse

from adapters.contract import Hint, WireResponse
from adapters.errors import Garbled, UpstreamError
from adapters.normal.chat import ChatResult
from adapters.normal.delta import Failed, Stop, TextDelta
from adapters.normal.embed import EmbedResult
from adapters.openai import embeddings
from adapters.openai.family import COMPLETIONS, EMBEDDINGS, UPSTREAM
from tests.adapters.openai.material import Recording, recordings
from tests.shared import needs_shared

TEXT_MENDS = {
    "ogether_completion_legacy.yaml.i0_82151e": "object `text.completion`",
    "_async_completions_legacy.yaml.i0_06c558": "Writer tells text and model alone",
}
"""Legacy completions that are not handed on byte for byte."""


def texts() -> list[Recording]:
    return [r for r in recordings("openai_completions") if r.status < 400]


def vectors() -> list[Recording]:
    return [r for r in recordings("openai_embeddings") if r.status < 400]


@needs_shared
def test_legacy_completions_are_handed_on_and_pass_the_official_types() -> None:
    changed, seen = set(), 0
    for recording in texts():
        if recording.stream or recording.form == "binary":
            continue
        call = COMPLETIONS.read_call(recording.request, recording.hint())
        result = UPSTREAM.parse_response(recording.response(), call)
        assert isinstance(result, ChatResult)
        out = COMPLETIONS.write_result(result, call)
        told = json.loads(out)
        if out != recording.body:
            changed.add(recording.name)
        for choice, meant in zip(told["choices"], result.choices(), strict=True):
            choice["finish_reason"] = choice["finish_reason"] or "stop"
            assert "".join(p.text for p in meant.parts) == choice["text"]  # type: ignore[union-attr]
        Completion.model_validate(told, strict=True)
        seen += 1
    assert changed == set(TEXT_MENDS)
    assert seen == 21


@needs_shared
def test_legacy_streams_are_handed_on() -> None:
    seen: Counter[str] = Counter()
    for recording in texts():
        if not recording.stream:
            continue
        call = COMPLETIONS.read_call(recording.request, recording.hint())
        decoder = UPSTREAM.parse_stream(call)
        frames = decoder.feed(recording.body) + decoder.close()
        encoder = COMPLETIONS.write_stream(call, UPSTREAM.dialect)
        said = [d for f in frames for d in f.deltas]
        out = encoder.frames(frames) + encoder.close()
        written = "".join(d.text for d in said if isinstance(d, TextDelta))
        assert written
        if recording.provider == "openai":
            assert out == recording.body
            assert [d.reason for d in said if isinstance(d, Stop)] == ["length"]
        elif recording.provider == "writer":
            # Writer's bare texts have no finish reason and no terminator.
            assert any(isinstance(d, Failed) for d in said)
        seen[recording.provider] += 1
    assert seen == {"openai": 1, "writer": 1}


@needs_shared
def test_embeddings_are_handed_on_in_the_form_that_was_asked_for() -> None:
    changed: Counter[str] = Counter()
    for recording in vectors():
        request = recording.request or b'{"model":"m","input":"x"}'
        call = EMBEDDINGS.read_call(request, Hint())
        result = UPSTREAM.parse_response(recording.response(), call)
        assert isinstance(result, EmbedResult)
        out = EMBEDDINGS.write_result(result, call)
        told, came = json.loads(out), json.loads(recording.body)
        if out != recording.body:
            changed[recording.provider] += 1
        assert result.usage is not None
        assert result.usage.input == came["usage"]["prompt_tokens"]
        asked = json.loads(request).get("encoding_format")
        for entry in told["data"]:
            vector = entry["embedding"]
            if asked == "float":
                assert isinstance(vector, list)
            elif asked == "base64":
                assert isinstance(vector, str)
                data = base64.b64decode(vector + "==")
                count = len(data) // 4
                entry["embedding"] = list(
                    struct.unpack(f"<{count}f", data[: 4 * count])
                )
        if isinstance(told["data"][0]["embedding"], list):
            CreateEmbeddingResponse.model_validate(told, strict=True)
        else:
            assert recording.provider == "perplexity"
    assert dict(changed) == {}


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_vectors_survive_base64(vector: list[float]) -> None:
    assert embeddings.to_floats(embeddings.to_base64(vector)) == vector


def answer(vector: object, **more: object) -> WireResponse:
    entry = {"object": "embedding", "index": 0, "embedding": vector}
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    told = {"object": "list", "data": [entry], "model": "m", "usage": usage, **more}
    return WireResponse(200, (), json.dumps(told).encode())


def call(form: str | None) -> embeddings.EmbedCall:
    told = {"model": "m", "input": ["x"]} | ({"encoding_format": form} if form else {})
    return EMBEDDINGS.read_call(json.dumps(told).encode(), Hint())


def test_a_vendor_that_ignores_the_form_is_corrected() -> None:
    packed = embeddings.to_base64([1.0, -2.5])
    for form, sent, expected in (
        ("float", packed, [1.0, -2.5]),
        ("base64", [1.0, -2.5], packed),
        ("base64_int8", packed, packed),
        (None, packed, packed),
    ):
        result = UPSTREAM.parse_response(answer(sent), call(form))
        out = json.loads(EMBEDDINGS.write_result(result, call(form)))
        assert out["data"][0]["embedding"] == expected


def test_what_lacks_in_an_embeddings_answer_is_filled_in() -> None:
    body = (
        b'{"data":[{"embedding":[1.0]},{"embedding":[2.0]}],"usage":{"total_tokens":7}}'
    )
    result = UPSTREAM.parse_response(WireResponse(200, (), body), call("float"))
    assert isinstance(result, EmbedResult)
    CreateEmbeddingResponse.model_validate(json.loads(result.raw), strict=True)
    assert result.usage is not None
    assert (result.usage.input, result.model) == (7, "m")
    assert result.vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"data":3}', b'{"data":[1]}', b'{"data":[{"embedding":{}}]}'],
)
def test_what_holds_no_vectors_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(WireResponse(200, (), body), call("float"))


def test_an_error_inside_a_success_is_an_error() -> None:
    with pytest.raises(UpstreamError) as caught:
        UPSTREAM.parse_response(
            WireResponse(200, (), b'{"error":{"message":"no","code":429}}'), call(None)
        )
    assert caught.value.kind == "rate_limited"
