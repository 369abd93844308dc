"""Classes 17 to 20: pictures, errors, headers and what must come through untouched,
and what else was seen beside them."""

import base64
import json
from binascii import crc32
from typing import Any

import httpx
import openai
import pytest

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import chunk, completion, sse
from tests.flow.sdk.clients import KEY
from tests.harness.clients import PATIENT
from tests.harness.spoken_bedrock import event as frame
from tests.harness.upstream import chunk as piece
from tests.harness.upstream import end, events, head, stall, tell

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
SAID = [{"role": "user", "content": "hi"}]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


@pytest.mark.parametrize("family", ["anthropic", "gemini-3", "bedrock-claude"])
def test_class_17_pictures_in_tool_results_arrive(scene: Scene, family: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    seen = [{"type": "image", "source": source}]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": seen}
    body = {
        "model": family,
        "max_tokens": 9,
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "messages": [
            *SAID,
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
    }
    answer = scene.post(MESSAGES, body)
    assert answer.status_code == 200, answer.text
    assert PNG.encode() in scene.last.body
    assert b"png" in scene.last.body


REFUSALS = [
    (
        "openai",
        400,
        {
            "error": {
                "message": "maximum context length is 8192 tokens",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        400,
    ),
    (
        "anthropic",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000 maximum",
            },
        },
        400,
    ),
    (
        "gemini",
        429,
        {
            "error": {
                "code": 429,
                "message": "Quota exceeded",
                "status": "RESOURCE_EXHAUSTED",
            }
        },
        429,
    ),
    (
        "anthropic",
        529,
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "Overloaded"},
        },
        None,
    ),
]


@pytest.mark.parametrize(("family", "status", "told", "expected"), REFUSALS)
def test_class_18_errors_keep_their_kind(
    scene: Scene, family: str, status: int, told: Any, expected: int | None
) -> None:
    scene.script(family, tell(status, told))
    answer = scene.post(CHAT, {"model": family, "messages": SAID})
    error = answer.json()["error"]
    assert answer.status_code == (expected or answer.status_code)
    assert answer.status_code != 500
    if status == 400:
        assert error["code"] == "context_length_exceeded"
    if status == 429:
        assert error["type"] == "rate_limit_error"


@pytest.mark.parametrize(("family", "status", "told", "expected"), REFUSALS[2:])
def test_class_18_errors_that_pass_fall_back(
    scene: Scene, family: str, status: int, told: Any, expected: int | None
) -> None:
    del expected
    scene.script(family, tell(status, told))
    scene.script("mistral", tell(200, completion({"content": "instead"})))
    answer = scene.post(CHAT, {"model": f"{family}-then", "messages": SAID})
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "instead"


def test_class_19_retry_after_and_rate_limits_reach_the_client(scene: Scene) -> None:
    error = {"error": {"message": "slow", "type": "x", "code": "rate_limit_exceeded"}}
    headers = {"retry-after": "7", "x-ratelimit-remaining-requests": "0"}
    scene.script("openai", tell(429, error, headers))
    with pytest.raises(openai.RateLimitError) as caught:
        scene.ask("openai", "limited")
    assert int(caught.value.response.headers["retry-after"]) in (6, 7)
    limits = {"x-ratelimit-remaining-requests": "41"}
    scene.script("openai", tell(200, completion({"content": "ok"}), limits))
    answer = scene.post(CHAT, {"model": "plain", "messages": SAID})
    assert answer.headers["x-ratelimit-remaining-requests"] == "41"


def test_class_20_passthrough_keeps_unknown_fields_both_ways(scene: Scene) -> None:
    told = completion({"content": "ok", "new_part": {"a": [1, 1.50]}}, new_field="x")
    scene.script("openai", tell(200, told))
    tools = [
        {"type": "function", "function": {"name": n, "parameters": {"type": "object"}}}
        for n in ("zeta", "alpha", "mid")
    ]
    body = {
        "model": "plain",
        "messages": SAID,
        "tools": tools,
        "n": 1,
        "logprobs": True,
        "brand_new": {"deep": [1, None]},
    }
    answer = scene.post(CHAT, body).json()
    assert answer == {**told, "model": answer["model"]}
    assert {**scene.last.json(), "model": "plain"} == body


def test_class_20_passthrough_keeps_beta_headers_and_server_tools(
    scene: Scene,
) -> None:
    body = {
        "model": "anthropic",
        "max_tokens": 9,
        "messages": SAID,
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        "brand_new": {"deep": [1, None]},
    }
    headers = {"anthropic-beta": "context-1m-2025-08-07"}
    assert scene.post(MESSAGES, body, **headers).status_code == 200
    asked = scene.last.json()
    assert {**asked, "model": "anthropic"} == body
    assert "context-1m-2025-08-07" in scene.last.headers["anthropic-beta"]


# --- also seen ---------------------------------------------------------------------------


def test_also_seen_an_arn_is_one_segment_of_the_path(scene: Scene) -> None:
    scene.ask("openai", "bedrock-arn")
    inner = scene.last.target.partition("/model/")[2].rpartition("/")[0]
    assert "/" not in inner
    assert inner.endswith("application-inference-profile%2Fab")


def test_also_seen_an_exception_of_an_event_stream_is_an_error(scene: Scene) -> None:
    """As a frame of its own kind, after the answer has begun."""
    begun = frame("messageStart", {"role": "assistant"})
    delta = {"contentBlockIndex": 0, "delta": {"text": "half"}}
    said = frame("contentBlockDelta", delta)
    ill = exception("throttlingException", {"message": "Too many tokens"})
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    script = head(200, kind) + piece(begun) + piece(said) + piece(ill) + end()
    scene.script("bedrock", script)
    answer = scene.post(CHAT, {"model": "bedrock", "messages": SAID, "stream": True})
    assert "half" in answer.text
    last = answer.text.strip().split("\n\n")[-2]
    assert json.loads(last.removeprefix("data: "))["error"]["message"]
    assert '"finish_reason":"stop"' not in answer.text


def exception(kind: str, told: Any) -> bytes:
    """A frame with `:message-type` `exception`."""
    payload = json.dumps(told).encode()
    named = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    lines = b""
    for name, value in named.items():
        lines += bytes([len(name)]) + name.encode() + b"\x07"
        lines += len(value).to_bytes(2, "big") + value.encode()
    size = 16 + len(lines) + len(payload)
    prelude = size.to_bytes(4, "big") + len(lines).to_bytes(4, "big")
    prelude += crc32(prelude).to_bytes(4, "big")
    whole = prelude + lines + payload
    return whole + crc32(whole).to_bytes(4, "big")


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_also_seen_pieces_of_a_stream_are_not_held_back(
    scene: Scene, path: str
) -> None:
    """The first word arrives though the provider never says another."""
    begun = sse(chunk({"role": "assistant", "content": "now"}), done=False)
    scene.script("azure-like", events(begun, then=stall()))
    said: dict[str, Any] = {"messages": SAID, "max_tokens": 9}
    body = {"model": "azure-like", "stream": True}
    body |= {"input": "hi"} if path == RESPONSES else said
    headers = {"authorization": f"Bearer {KEY}"}
    url = scene.gateway.url + path
    with httpx.stream("POST", url, json=body, headers=headers, **PATIENT) as answer:
        assert any("now" in line for line in answer.iter_lines())


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_also_seen_azure_s_first_chunk_without_choices(
    scene: Scene, dialect: str
) -> None:
    first = chunk(None, prompt_filter_results=[{"prompt_index": 0}])  # type: ignore[arg-type]
    pieces = sse(
        first, chunk({"role": "assistant", "content": "ok"}), chunk({}, "stop")
    )
    scene.script("azure-like", events(pieces))
    assert scene.ask(dialect, "azure-like", stream=True).text == "ok"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("family", ["plain", "anthropic", "gemini", "bedrock"])
def test_also_seen_a_cut_answer_is_an_incomplete_response(
    scene: Scene, family: str, stream: bool
) -> None:
    said: dict[str, Any] = {"model": family, "input": "[[cut]]"}
    client = scene.clients.openai.responses
    if stream:
        (told,) = [
            one.response
            for one in client.create(**said, stream=True)
            if one.type == "response.incomplete"
        ]
    else:
        told = client.create(**said)
    assert told.status == "incomplete"
    assert told.incomplete_details is not None
    assert told.incomplete_details.reason == "max_output_tokens"
