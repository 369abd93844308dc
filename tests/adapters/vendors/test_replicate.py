"""Replicate: predictions that are waited for."""

import json

import pytest

from adapters.contract import WireResponse
from adapters.errors import ContextWindow, Garbled, ServerError, Timeout, Unsupported
from adapters.normal.chat import ChatResult
from adapters.normal.usage import Usage
from tests.adapters.vendor import Json, ask, chat, upstream
from tests.replay import material
from tests.shared import needs_shared

TOOL = {"type": "function", "function": {"name": "f"}}


def answered(**more: object) -> ChatResult:
    body = {"id": "p1", "model": "meta/llama", "status": "succeeded", **more}
    response = WireResponse(201, (), json.dumps(body).encode())
    result = upstream("replicate").parse_response(response, chat({}))
    assert isinstance(result, ChatResult)
    return result


@needs_shared
def test_a_prediction_is_asked_for_as_recorded_and_waited_for() -> None:
    (recording,) = [r for r in material.every("replicate") if "llama-2" in r.path]
    recorded = json.loads(recording.request)["input"]
    said = {"messages": [{"role": "user", "content": recorded["prompt"]}]}
    sent, wire = ask("replicate", said, "meta/llama-2-70b-chat")
    assert sent == {"input": recorded}
    assert wire.head.url == recording.url
    assert (b"prefer", b"wait=60") in wire.headers


@needs_shared
def test_what_has_only_begun_is_late() -> None:
    begun = [r for r in material.every("replicate") if r.status == 201]
    for recording in begun:
        with pytest.raises(Timeout, match="is starting"):
            recording.upstream.parse_response(recording.response(), chat({}))
    assert len(begun) == 2


def test_turns_become_a_prompt() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Bye"},
    ]
    asked: Json = {
        "messages": messages,
        "max_tokens": 9,
        "stop": ["x", "y"],
        "min_tokens": 1,
        "user": "u",
    }
    sent, wire = ask("replicate", asked, "a/b:v1")
    assert wire.head.url == "https://api.replicate.com/v1/predictions"
    assert sent == {
        "version": "v1",
        "input": {
            "max_tokens": 9,
            "min_tokens": 1,
            "prompt": "User: Hi\n\nAssistant: Hello!\n\nUser: Bye\n\nAssistant:",
            "stop_sequences": "x,y",
            "system_prompt": "Be kind.",
        },
    }
    assert wire.dropped == ("user",)
    with pytest.raises(Unsupported, match="no tools"):
        ask("replicate", {"tools": [TOOL]}, "a/b")


def test_pieces_of_the_output_are_the_answer() -> None:
    counts = {"input_token_count": 3, "output_token_count": 2}
    result = answered(output=["He", "llo"], metrics=counts)
    assert result.choices()[0].parts[0].text == "Hello"  # type: ignore[union-attr]
    assert result.usage == Usage(input=3, output=2)
    assert answered(output="Hi").usage is None
    with pytest.raises(Garbled):
        answered(output={"file": 1})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("CUDA went away", ServerError),
        ("prompt is too long: maximum context length is 4096", ContextWindow),
        (None, ServerError),
    ],
)
def test_a_prediction_that_failed_is_an_error(
    error: str | None, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        answered(status="failed", error=error)
