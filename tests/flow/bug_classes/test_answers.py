"""Classes 18 and 19, errors and headers; and what else was seen beside them all."""

import json
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google.genai import errors as genai_errors

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import chunk, completion, sse
from tests.flow.sdk.clients import DIALECTS, KEY, refused
from tests.harness.clients import PATIENT
from tests.harness.spoken_bedrock import event as frame
from tests.harness.spoken_bedrock import exception, streamed
from tests.harness.upstream import events, stall, tell

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
SAID = [{"role": "user", "content": "hi"}]
EACH = pytest.mark.parametrize("dialect", DIALECTS)
PLACES = {"plain": "openai"}
"""Alias -> whose place it is, if not its own."""


def _google(code: int, status: str, message: str) -> Any:
    return {"error": {"code": code, "status": status, "message": message}}


def _anthropic(kind: str, message: str) -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _openai(kind: str, code: str | None, message: str) -> Any:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


LONG, LIMITED, ILL = "context", "rate limit", "ill"
REFUSALS = {
    "openai-long": (
        *("plain", 400, LONG),
        _openai(
            "invalid_request_error",
            "context_length_exceeded",
            "maximum context length is 8192 tokens",
        ),
    ),
    "openai-limited": (
        *("plain", 429, LIMITED),
        _openai("requests", "rate_limit_exceeded", "Rate limit reached"),
    ),
    "anthropic-long": (
        *("anthropic", 400, LONG),
        _anthropic(
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
    ),
    "anthropic-limited": (
        *("anthropic", 429, LIMITED),
        _anthropic("rate_limit_error", "this would exceed your rate limit"),
    ),
    "anthropic-ill": (
        *("anthropic", 529, ILL),
        _anthropic("overloaded_error", "Overloaded"),
    ),
    "gemini-long": (
        *("gemini", 400, LONG),
        _google(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens "
            "allowed (1048576).",
        ),
    ),
    "gemini-limited": (
        *("gemini", 429, LIMITED),
        _google(429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
    ),
    "gemini-ill": (
        *("gemini", 503, ILL),
        _google(503, "UNAVAILABLE", "The model is overloaded."),
    ),
    "bedrock-long": (
        *("bedrock", 400, LONG),
        {"message": "Input is too long for requested model."},
    ),
    "bedrock-limited": (
        *("bedrock", 429, LIMITED),
        {"message": "Too many requests, please wait before trying again."},
    ),
    "bedrock-ill": ("bedrock", 503, ILL, {"message": "Bedrock is unable to serve."}),
}
"""Name -> alias, status, what it means, body."""
AMAZON = {400: "ValidationException", 429: "ThrottlingException"}
TOLD = {LONG: {400}, LIMITED: {429}, ILL: {502, 503, 529}}
ROWS = pytest.mark.parametrize("name", REFUSALS)


def refuse(scene: Scene, name: str) -> str:
    """Have the provider say so; the alias of its model."""
    alias, status, _, body = REFUSALS[name]
    kind = AMAZON.get(status, "ServiceUnavailableException")
    headers = {"x-amzn-errortype": kind} if alias == "bedrock" else {}
    scene.script(PLACES.get(alias, alias), tell(status, body, headers))
    return alias


@EACH
@ROWS
def test_class_18_errors_keep_their_kind(scene: Scene, dialect: str, name: str) -> None:
    """As the SDKs' own, of the status that says what may be done about it."""
    alias, meaning = refuse(scene, name), REFUSALS[name][2]
    kinds = (openai.APIStatusError, anthropic.APIStatusError, genai_errors.APIError)
    with pytest.raises(kinds) as caught:
        scene.ask(dialect, alias)
    status, body = refused(caught.value)
    assert status in TOLD[meaning]
    if meaning == LIMITED:
        limited = (openai.RateLimitError, anthropic.RateLimitError)
        assert isinstance(caught.value, (*limited, genai_errors.ClientError))
    if (dialect, meaning) == ("openai", LONG):
        assert body["code"] == "context_length_exceeded"


BROKEN = {
    "plain": events(sse(_openai("server_error", None, "overloaded"))),
    "anthropic": events(
        sse(_anthropic("overloaded_error", "Overloaded"), done=False, named=True)
    ),
    "gemini": events(sse(_google(503, "UNAVAILABLE", "overloaded"), done=False)),
    "bedrock": streamed([exception("throttlingException", "Too many tokens")]),
}
"""Streams that begin with an error, of status 200."""


def instead(scene: Scene, stream: bool) -> None:
    said = {"role": "assistant", "content": "instead"}
    pieces = sse(chunk(said), chunk({}, "stop"))
    whole = tell(200, completion({"content": "instead"}))
    scene.script("mistral", events(pieces) if stream else whole)


@EACH
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", [n for n in REFUSALS if REFUSALS[n][2] != LONG])
def test_class_18_errors_that_pass_fall_back(
    scene: Scene, dialect: str, name: str, stream: bool
) -> None:
    instead(scene, stream)
    alias = refuse(scene, name)
    assert scene.ask(dialect, f"{alias}-then", stream=stream).text == "instead"


@EACH
@pytest.mark.parametrize("alias", BROKEN)
def test_class_18_streams_that_begin_with_an_error_fall_back(
    scene: Scene, dialect: str, alias: str
) -> None:
    instead(scene, True)
    scene.script(PLACES.get(alias, alias), BROKEN[alias])
    assert scene.ask(dialect, f"{alias}-then", stream=True).text == "instead"


def test_class_18_the_provider_s_own_code_is_not_lost(scene: Scene) -> None:
    error = _openai("invalid_request_error", "model_is_sleeping", "try a nap")
    scene.script("openai", tell(400, error))
    told = scene.post(CHAT, {"model": "plain", "messages": SAID}).json()["error"]
    assert (told["code"], told["message"]) == ("model_is_sleeping", "try a nap")


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
    ill = exception("throttlingException", "Too many tokens")
    scene.script("bedrock", streamed([begun, said, ill]))
    answer = scene.post(CHAT, {"model": "bedrock", "messages": SAID, "stream": True})
    assert "half" in answer.text
    last = answer.text.strip().split("\n\n")[-2]
    assert json.loads(last.removeprefix("data: "))["error"]["message"]
    assert '"finish_reason":"stop"' not in answer.text


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
