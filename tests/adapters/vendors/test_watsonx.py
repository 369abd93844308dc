"""watsonx.ai: plain prompts as recorded, chat, vectors and ranks."""

import json
from itertools import pairwise

import pytest

from adapters.contract import Hint, WireResponse
from adapters.normal.chat import ChatCall, ChatResult
from adapters.normal.delta import Failed
from adapters.normal.rerank import RerankResult
from adapters.normal.usage import Usage
from adapters.registry import DIALECTS
from tests.adapters.test_ranks import call as rank_call
from tests.adapters.vendor import Json, ask, target, upstream
from tests.adapters.vendors.test_vectors import embed, sent
from tests.replay import clients, material, reference
from tests.replay.material import CHAT, CLIENTS, Recording
from tests.shared import needs_shared

PROJECT = "c1234567-2222-2222-3333-444444444444"
PLACE = f"https://us-south.ml.cloud.ibm.com/projects/{PROJECT}"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def prompt(recording: Recording) -> ChatCall:
    """What an OpenAI client would have asked."""
    asked = {
        "model": "alias",
        "prompt": json.loads(recording.request)["input"],
        "stream": recording.streams,
    }
    call = DIALECTS["openai.completions"].read_call(json.dumps(asked).encode(), Hint())
    assert isinstance(call, ChatCall)
    return call


def expected(recording: Recording) -> tuple[str, Usage]:
    results = [told["results"][0] for told in reference.objects(recording)]
    text = "".join(told["generated_text"] for told in results)
    into = max(told["input_token_count"] for told in results)
    return text, Usage(input=into, output=results[-1]["generated_token_count"])


@needs_shared
def test_prompts_are_asked_and_answered_as_recorded() -> None:
    for recording in material.every("watsonx"):
        call = prompt(recording)
        recorded = json.loads(recording.request)
        to = target("watsonx", recorded["model_id"], base_url=PLACE)
        wire = upstream("watsonx").build_request(call, to)
        assert json.loads(wire.body) == recorded
        path = "generation_stream" if recording.streams else "generation"
        root = "https://us-south.ml.cloud.ibm.com/ml/v1/text"
        assert wire.head.url.startswith(f"{root}/{path}?version=2")
        text, used = expected(recording)
        for client in CLIENTS:
            _serves(recording, call, client, text, used)
    assert len(material.every("watsonx")) == 4


def _serves(
    recording: Recording, call: ChatCall, client: str, text: str, used: Usage
) -> None:
    dialect = DIALECTS[client]
    if not recording.streams:
        result = recording.upstream.parse_response(recording.response(), call)
        assert isinstance(result, ChatResult)
        body = dialect.write_result(result, material.call_of(client, stream=False))
        assert isinstance(body, bytes)
        heard = clients.hear(client, body)
    else:
        encoder = dialect.write_stream(material.call_of(client, stream=True), "")
        told = encoder.frames(recording.frames(call)) + encoder.close()
        heard = clients.hear_stream(client, told)
    assert heard.meaning[0].text == text
    assert heard.counts == clients.counts(used)


@needs_shared
def test_a_stream_means_the_same_however_it_is_cut() -> None:
    (recording, *_) = [r for r in material.every("watsonx") if r.streams]
    call = prompt(recording)
    whole = [d for frame in recording.frames(call) for d in frame.deltas]
    for size in (1, 7, 61):
        decoder = recording.decoder(call)
        marks = [*range(0, len(recording.body), size), len(recording.body)]
        frames = []
        for start, end in pairwise(marks):
            frames += decoder.feed(recording.body[start:end])
        frames += decoder.close()
        assert [d for frame in frames for d in frame.deltas] == whole
    half = recording.decoder(call)
    half.feed(recording.body[: len(recording.body) // 2])
    last = half.close()[-1].deltas[0]
    assert isinstance(last, Failed)


def test_chat_is_openai_s_in_other_words() -> None:
    sent_, wire = ask(
        "watsonx",
        {
            "stream": True,
            "max_completion_tokens": 9,
            "tools": [TOOL],
            "tool_choice": "required",
            "user": "u",
        },
        base_url=PLACE.replace("projects", "spaces"),
    )
    assert sent_ == {
        "model_id": "m",
        "space_id": PROJECT,
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "tools": [TOOL],
        "tool_choice_option": "required",
    }
    assert "/ml/v1/text/chat_stream?version=" in wire.head.url
    assert wire.dropped == ("user",)
    chosen: Json = {"type": "function", "function": {"name": "f"}}
    sent_, _ = ask("watsonx", {"tools": [TOOL], "tool_choice": chosen}, base_url=PLACE)
    assert sent_["tool_choice"] == chosen


def test_vectors_and_ranks() -> None:
    wire, body = sent("watsonx", embed(), base_url=PLACE)
    assert "/ml/v1/text/embeddings?" in wire.head.url
    assert body == {"model_id": "m", "project_id": PROJECT, "inputs": ["hi"]}
    wire, body = sent(
        "watsonx", rank_call(top_n=2, max_tokens_per_doc=9), base_url="https://h"
    )
    assert wire.head.url.startswith("https://h/ml/v1/text/rerank?")
    assert body["inputs"] == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert body["parameters"] == {
        "return_options": {"top_n": 2},
        "truncate_input_tokens": 9,
    }
    found = b'{"results":[{"index":1,"score":0.5}],"input_token_count":7}'
    result = upstream("watsonx").parse_response(
        WireResponse(200, (), found), rank_call()
    )
    assert isinstance(result, RerankResult)
    assert result.usage == Usage(input=7)


@pytest.mark.parametrize("status", [400, 404])
def test_errors_stand_in_a_list(status: int) -> None:
    body = {
        "errors": [{"code": "model_not_supported", "message": "Model 'x' is not here"}],
        "trace": "t",
        "status_code": status,
    }
    response = WireResponse(status, (), json.dumps(body).encode())
    error = upstream("watsonx").parse_error(response)
    assert error.message == "Model 'x' is not here"
    assert error.code == "model_not_supported"


def test_an_error_in_a_stream_is_told() -> None:
    recording = Recording("watsonx", "", "", "", b"", "", 200, b"", "events")
    call = DIALECTS["openai.completions"].read_call(
        b'{"model":"m","prompt":"a","stream":true}', Hint()
    )
    decoder = recording.decoder(call)
    told = (
        b'event: error\ndata: {"errors":[{"message":"the service is overloaded"}]}\n\n'
    )
    (frame,) = decoder.feed(told)
    (failed,) = frame.deltas
    assert isinstance(failed, Failed)
    assert failed.error.kind == "overloaded"
    assert CHAT in CLIENTS
