"""What a model thought and signed comes back to it with the next turn, through any
client that returns the answer as its SDK holds it."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from google.genai import types as gt

from tests.flow.sdk.clients import DIALECTS, Got
from tests.flow.sdk.conftest import Scene
from tests.flow.sdk.features import (
    CITY,
    SIGNATURE,
    STOPS,
    THOUGHT,
    WEATHER,
    ZURICH,
    ask,
    chat,
    generate,
)
from tests.flow.sdk.heard import heard
from tests.harness.answers import Answer, Called, Said, Thought
from tests.harness.providers import Providers

FIRST: Final = "Think, then use the tool. [[signed]]"
SECOND: Final = "Now tell me. [[told]]"
RAIN: Final = "It rains."
THINKS: Final[dict[str, dict[str, Any]]] = {
    "openai": {"reasoning_effort": "low"},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
    "gemini": {"thinking_config": gt.ThinkingConfig(include_thoughts=True)},
}


@pytest.fixture(autouse=True)
def answers(providers: Providers) -> Iterator[None]:
    asked = Called("weather", ZURICH, signature=SIGNATURE)
    said = (Thought(THOUGHT, SIGNATURE), asked)
    more = {
        "signed": Answer(said, "tools"),
        "hidden": Answer((Thought("", SIGNATURE, redacted=True), asked), "tools"),
        "told": Answer((Said(RAIN),)),
    }
    providers.answers = {**providers.answers, **more}
    yield


def first(dialect: str, prompt: str = FIRST) -> dict[str, Any]:
    tools = {"tools": [WEATHER[dialect]], **THINKS[dialect]}
    how = {"openai": chat, "anthropic": ask, "gemini": generate}[dialect]
    return how(prompt, **tools)


def second(dialect: str, asked: dict[str, Any], got: Got) -> dict[str, Any]:
    """The same conversation, the SDK's answer put back, the tool's result, and more."""
    id_, name, arguments = got.calls[0]
    assert (name, arguments) == ("weather", ZURICH)
    if dialect == "openai":
        answer = got.raw.choices[0].message.model_dump(exclude_none=True)
        answer.pop("annotations", None)
        answer.pop("parsed", None)  # the SDK's own, of its accumulator
        for call in answer["tool_calls"]:
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        result = {"role": "tool", "tool_call_id": id_, "content": RAIN}
        more = {"role": "user", "content": SECOND}
        return {**asked, "messages": [*asked["messages"], answer, result, more]}
    if dialect == "anthropic":
        answer = {"role": "assistant", "content": got.raw.content}
        result = {"type": "tool_result", "tool_use_id": id_, "content": RAIN}
        turn = {"role": "user", "content": [result, {"type": "text", "text": SECOND}]}
        return {**asked, "messages": [*asked["messages"], answer, turn]}
    parts = [
        part
        for response in got.raw
        for part in response.candidates[0].content.parts or []
    ]
    told = gt.FunctionResponse(id=id_ or None, name=name, response={"output": RAIN})
    contents = [
        gt.Content(role="user", parts=[gt.Part(text=asked["contents"])]),
        gt.Content(role="model", parts=parts),
        gt.Content(
            role="user", parts=[gt.Part(function_response=told), gt.Part(text=SECOND)]
        ),
    ]
    return {**asked, "contents": contents}


@pytest.mark.parametrize("how", ["whole-sync", "stream-async"])
@pytest.mark.parametrize("family", ["openai", "anthropic", "gemini", "echo"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_thoughts_and_signatures_come_back_to_who_made_them(
    scene: Scene, dialect: str, family: str, how: str
) -> None:
    stream, mode = how.startswith("stream"), how.partition("-")[2]
    alias = "gemini-3" if family == "gemini" else f"{family}-thinks"
    asked = {**first(dialect), "model": alias}
    got = scene.clients.ask(dialect, mode, stream, asked)
    assert got.stop == STOPS[dialect]["tools"]
    before = len(scene.up.requests)
    again = scene.clients.ask(dialect, mode, stream, second(dialect, asked, got))
    if family == "echo":
        return
    assert again.text == RAIN
    (request,) = scene.up.requests[before:]
    told = heard(family, request, verbatim=dialect == "gemini")
    who, parts = told.turns[1]
    assert who == "model"
    if family == "anthropic":
        assert parts[0] == ("thought", THOUGHT, SIGNATURE)
    (call,) = [part for part in parts if part[0] == "call"]
    assert call[1:3] == ("weather", ZURICH)
    if family == "gemini":
        assert call[4] == SIGNATURE
    result = told.turns[2][1]
    assert result == [("result", "weather", [("text", RAIN)]), ("text", SECOND)]
    assert told.tools["weather"][1] == CITY
    # Gemini wants its signature back, not the summary that it showed beside it; a
    # stream's summary is known to be Gemini's, and goes along. OpenAI shows none.
    may = {("openai", "gemini"): {"thinking"}, ("anthropic", "gemini"): {"thinking"}}
    may["gemini", "openai"] = {"generationConfig.thinkingConfig.includeThoughts"}
    assert again.dropped <= may.get((dialect, family), set())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_encrypted_thoughts_come_back_too(
    scene: Scene, dialect: str, stream: bool
) -> None:
    asked = {**first(dialect, "Use the tool. [[hidden]]"), "model": "anthropic-thinks"}
    got = scene.clients.ask(dialect, "sync", stream, asked)
    before = len(scene.up.requests)
    again = scene.clients.ask(dialect, "sync", stream, second(dialect, asked, got))
    assert again.text == RAIN
    (request,) = scene.up.requests[before:]
    body = request.json()
    redacted = {"type": "redacted_thinking", "data": SIGNATURE}
    assert body["messages"][1]["content"][0] == redacted


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic-thinks", "gemini-3"),
        ("anthropic-thinks", "openai-thinks"),
        ("gemini-3", "anthropic-thinks"),
        ("gemini-3", "openai-thinks"),
    ],
)
def test_a_signature_is_not_shown_to_another_family(
    scene: Scene, dialect: str, one: str, other: str
) -> None:
    asked = {**first(dialect), "model": one}
    got = scene.clients.ask(dialect, "sync", True, asked)
    before = len(scene.up.requests)
    turn = {**second(dialect, asked, got), "model": other}
    again = scene.clients.ask(dialect, "sync", False, turn)
    assert again.text == RAIN
    (request,) = scene.up.requests[before:]
    said = json.dumps(request.json())
    assert SIGNATURE not in said
    assert "cm91dGVpcQ" not in said  # our mark around another family's signature
    family = other.partition("-")[0]
    told = heard(family, request, verbatim=dialect == "gemini")
    assert told.turns[2][1][0] == ("result", "weather", [("text", RAIN)])
