"""Streams and answers of hostile or odd providers."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from adapters.contract import Hint, WireResponse
from adapters.errors import Garbled, RateLimited
from adapters.normal.chat import ChatCall, ChatResult
from adapters.normal.delta import (
    Failed,
    Frame,
    Stop,
    ToolDelta,
    ToolStart,
)
from adapters.openai.family import CHAT, COMPLETIONS, UPSTREAM
from tests.adapters.openai.chunking import (
    DONE,
    call,
    chunk,
    payloads,
    piece,
    read,
)

ODD = {
    "one index for all": [piece(0, "a", "f", "{}"), piece(0, "b", "g", "{}")],
    "counting from one": [piece(1, "a", "f", "{}"), piece(2, "b", "g", "{}")],
    "no index": [piece(None, "a", "f", "{}"), piece(None, "b", "g", "{}")],
    "no index, in pieces": [
        piece(None, "a", "f", ""),
        piece(None, None, None, "{}"),
        piece(None, "b", "g"),
        piece(None, "b", None, "{}"),
    ],
    "ids repeated": [
        piece(0, "a", "f", "{"),
        piece(0, "a", None, "}"),
        piece(1, "b", "g", "{"),
        piece(1, "b", None, "}"),
    ],
    "empty ids after": [
        piece(0, "a", "f", "{", type="function"),
        piece(0, "", None, "}"),
        piece(1, "b", "g", "{}"),
        piece(1, "", "", ""),
    ],
    "interleaved": [
        piece(0, "a", "f"),
        piece(1, "b", "g"),
        piece(0, None, None, "{}"),
        piece(1, None, None, "{}"),
    ],
    "name after id": [
        piece(0, "a", None, ""),
        piece(0, None, "f", "{}"),
        piece(1, "b", "g", "{}"),
    ],
    "arguments before name": [
        piece(0, "a", None, "{"),
        piece(0, None, "f", "}"),
        piece(1, "b", "g", "{}"),
    ],
    "arguments as JSON": [
        piece(0, "a", "f") | {"function": {"name": "f", "arguments": {}}},
        piece(1, "b", "g", "{}"),
    ],
}


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("together", [True, False])
def test_tool_calls_are_told_apart_however_they_are_numbered(
    how: str, together: bool
) -> None:
    pieces = ODD[how]
    events = (
        [chunk(delta={"tool_calls": pieces})]
        if together
        else [chunk(delta={"tool_calls": [p]}) for p in pieces]
    )
    deltas, out = read(*events, chunk(finish_reason="stop"), DONE)
    starts = [(d.tool, d.id, d.name) for d in deltas if isinstance(d, ToolStart)]
    assert starts == [(0, "a", "f"), (1, "b", "g")]
    for at in (0, 1):
        assert (
            "".join(
                d.arguments for d in deltas if isinstance(d, ToolDelta) and d.tool == at
            )
            == "{}"
        )
    assert [d.reason for d in deltas if isinstance(d, Stop)] == ["tool_use"]
    calls = [
        t for c in payloads(out) for t in c["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert {c["index"] for c in calls} == {0, 1}
    for told in payloads(out):
        ChatCompletionChunk.model_validate(told, strict=True)


def test_a_call_without_an_id_gets_one_for_all() -> None:
    deltas, out = read(
        chunk(delta={"tool_calls": [piece(0, None, "f", "{}")]}),
        chunk(finish_reason="tool_calls"),
        DONE,
    )
    (start,) = [d for d in deltas if isinstance(d, ToolStart)]
    assert start.id
    assert payloads(out)[0]["choices"][0]["delta"]["tool_calls"][0]["id"] == start.id


def test_a_stream_without_its_terminator_is_whole_when_all_choices_are() -> None:
    first, second = chunk(finish_reason="stop"), chunk(index=1, finish_reason="stop")
    assert not any(isinstance(d, Failed) for d in read(first)[0])
    assert not any(
        isinstance(d, Failed) for d in read(first, second, asked=call(n=2))[0]
    )
    assert any(isinstance(d, Failed) for d in read(first, asked=call(n=2))[0])
    assert any(isinstance(d, Failed) for d in read(chunk(delta={"content": "x"}))[0])
    assert any(isinstance(d, Failed) for d in read()[0])


def test_an_error_without_a_status_is_told_apart() -> None:
    deltas, _ = read(
        chunk(delta={"content": "x"}),
        b'data: {"error":{"message":"slow down","code":429}}\n\n',
    )
    assert isinstance(deltas[-1], Failed)
    assert isinstance(deltas[-1].error, RateLimited)


def test_nothing_follows_a_terminator_or_a_failure() -> None:
    decoder = UPSTREAM.parse_stream(call())
    decoder.feed(chunk(finish_reason="stop") + DONE)
    assert decoder.feed(chunk(delta={"content": "late"})) == []
    assert decoder.close() == []


@given(st.binary(max_size=200), st.integers(0, 3))
def test_garbage_never_raises(data: bytes, before: int) -> None:
    decoder = UPSTREAM.parse_stream(call())
    frames = (
        decoder.feed(chunk(delta={"content": "x"}) * before + data) + decoder.close()
    )
    assert sum(isinstance(d, Failed) for f in frames for d in f.deltas) <= 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "index",
                    "delta",
                    "content",
                    "role",
                    "tool_calls",
                    "id",
                    "function",
                    "name",
                    "arguments",
                    "finish_reason",
                    "logprobs",
                    "usage",
                    "prompt_tokens",
                    "reasoning_details",
                    "reasoning",
                    "annotations",
                    "images",
                    "type",
                    "extra_content",
                    "audio",
                    "error",
                    "choices",
                    "x_groq",
                    "message",
                    "text",
                    "refusal",
                    "custom",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "usage",
                    "id",
                    "object",
                    "created",
                    "model",
                    "error",
                    "x_groq",
                    "citations",
                    "service_tier",
                    "moderation",
                ]
            ),
            JSON,
            max_size=5,
        ),
        max_size=3,
    ),
    st.booleans(),
)
def test_odd_chunks_are_mended_or_failed_and_never_raise(
    bodies: list[dict[str, Any]], legacy: bool
) -> None:
    asked: ChatCall = call()
    if legacy:
        asked = COMPLETIONS.read_call(
            b'{"model":"m","prompt":"x","stream":true}', Hint()
        )
    decoder = UPSTREAM.parse_stream(asked)
    frames: list[Frame] = []
    for body in bodies:
        frames += decoder.feed(b"data: " + json.dumps(body).encode() + b"\n\n")
    frames += decoder.close()
    if legacy:
        return
    encoder = CHAT.write_stream(asked, UPSTREAM.dialect)
    for told in payloads(encoder.frames([f for f in frames if f.raw])):
        ChatCompletionChunk.model_validate(told, strict=True)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "choices",
                "usage",
                "id",
                "object",
                "created",
                "model",
                "error",
                "service_tier",
                "metadata",
                "system_fingerprint",
            ]
        ),
        JSON,
        max_size=8,
    )
)
def test_odd_answers_are_mended_or_refused(body: dict[str, Any]) -> None:
    response = WireResponse(200, (), json.dumps(body).encode())
    try:
        result = UPSTREAM.parse_response(response, call())
    except Exception as error:
        assert type(error).__module__ == "adapters.errors"
        return
    assert isinstance(result, ChatResult)
    ChatCompletion.model_validate(
        json.loads(CHAT.write_result(result, call())), strict=True
    )
    result.choices()


def test_sloppy_json_is_mended() -> None:
    body = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\\ud83d b"},"finish_reason":"stop","logprobs":{"content":[{"token":"a","logprob":-Infinity,"top_logprobs":[]}]}}]}'
    result = UPSTREAM.parse_response(WireResponse(200, (), body), call())
    assert isinstance(result, ChatResult)
    told = json.loads(CHAT.write_result(result, call()))
    ChatCompletion.model_validate(told, strict=True)
    assert told["choices"][0]["logprobs"]["content"][0]["logprob"] == -9999.0


@given(st.lists(st.integers(0, 400), max_size=8))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    stream = (
        chunk(delta={"content": "é✓"})
        + b": ping\r\n\r\n"
        + chunk(finish_reason="stop").replace(b"\n\n", b"\r\n\r\n")
        + DONE
    )
    edges = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    decoder = UPSTREAM.parse_stream(call())
    frames = [
        f for a, b in pairwise(edges) for f in decoder.feed(stream[a:b])
    ] + decoder.close()
    assert b"".join(f.raw for f in frames) == stream


def test_a_body_that_is_no_answer_is_garbled() -> None:
    for body in (
        b"",
        b"[]",
        b"<html>",
        b'{"message":"Runs batch ingested"}',
        b"null",
        b'"x"',
    ):
        with pytest.raises(Garbled):
            UPSTREAM.parse_response(WireResponse(200, (), body), call())
