"""The Responses API in the matrix: as a client's dialect over every family, and as what
a provider is asked by, for the clients of every dialect."""

import json
from collections.abc import Iterator
from typing import Any, Final

import anthropic
import openai
import pytest
from google.genai import errors as gemini_errors

from tests.flow.sdk import responses
from tests.flow.sdk.clients import DIALECTS, Got, refused
from tests.flow.sdk.conftest import Scene
from tests.flow.sdk.features import SIGNATURE, THOUGHT, WEATHER, ZURICH, Cell, Feature
from tests.flow.sdk.heard import heard
from tests.flow.sdk.matrix import FEATURES, UNASKABLE
from tests.flow.sdk.test_second_turn import RAIN, SECOND, first, second
from tests.harness.answers import Answer, Called, Said, Thought
from tests.harness.providers import COUNTED, Providers
from tests.harness.spoken_responses import ENCRYPTED

BEHIND: Final = {
    "openai": "openai",
    "plain": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "echo": "echo",
}
"""Alias -> family: OpenAI twice, by its Responses API and by chat completions."""
NOT_ASKED: Final = frozenset({"stop", "several", "seed"})
"""Features that this API has no words for."""
CANNOT: Final = {
    ("anthropic", "audio"): "400: input_audio",
    ("anthropic", "logprobs"): "dropped: message.output_text.logprobs, top_logprobs",
    ("anthropic", "cache_key"): "dropped: prompt_cache_key",
    ("gemini", "one_at_a_time"): "dropped: parallel_tool_calls",
    ("gemini", "cache_key"): "dropped: prompt_cache_key",
    ("plain", "cache_key"): "dropped: prompt_cache_key",
}
"""(alias, feature) -> what happens, as in `matrix`."""
BRIDGED_CANNOT: Final = {
    ("openai", "audio"): "400: input_audio",
    ("gemini", "audio"): "400: input_audio",
    ("openai", "several"): "400: n",
    ("gemini", "several"): "400: n",
    ("openai", "stop"): "dropped: stop",
    ("anthropic", "stop"): "dropped: stop_sequences",
    ("gemini", "stop"): "dropped: generationConfig.stopSequences",
    ("openai", "seed"): "dropped: seed",
    ("gemini", "seed"): "dropped: generationConfig.seed",
    ("anthropic", "cache_marker"): "dropped: cache_control",
    ("anthropic", "tool_error"): "dropped: tool_result.is_error",
    ("gemini", "tool_error"): "dropped: functionResponse.response.error",
    ("gemini", "cached_content"): "dropped: cachedContent",
}
"""(dialect, feature) -> what happens before OpenAI's Responses API."""


def _cells(behind: Iterator[str] | Any, asks: Any) -> Iterator[Any]:
    for number, feature in enumerate(FEATURES.values()):
        for one in behind:
            if not asks(one, feature):
                continue
            for stream in (False, True):
                how = "sync" if (number + stream) % 2 else "async"
                form = "stream" if stream else "whole"
                yield pytest.param(
                    feature, one, stream, how, id=f"{one}-{feature.name}-{form}-{how}"
                )


def _asked_of_chat(alias: str, feature: Feature) -> bool:
    if (alias, feature.name) == ("openai", "audio"):
        return False  # as it came, and refused there
    return "openai" in feature.asks and feature.name not in NOT_ASKED


@pytest.mark.parametrize(
    ("feature", "alias", "stream", "how"), [*_cells(BEHIND, _asked_of_chat)]
)
def test_the_feature_survives_for_responses_clients(
    scene: Scene, feature: Feature, alias: str, stream: bool, how: str
) -> None:
    fate = CANNOT.get((alias, feature.name), "")
    cell = Cell("openai", BEHIND[alias], stream, how)
    asked = responses.of_chat(feature.asks["openai"])
    asked["model"] = alias + ("-thinks" if feature.thinks else "")
    before = len(scene.up.requests)
    try:
        got = _ask(scene, how, stream, asked)
    except openai.APIError as error:
        status, body = refused(error)
        assert (status, f"400: {body['param']}") == (400, fate), body
        assert len(scene.up.requests) == before
        return
    _check_dropped(got, fate)
    if alias != "echo":
        assert got.input == feature.answer.tokens.input
        assert got.output == feature.answer.tokens.output
    feature.shown(got, cell)
    if alias == "echo":
        return
    (request,) = scene.up.requests[before:]
    if alias == "openai":
        told = responses.heard(request)
        model = "gpt-5-mini" if feature.thinks else "gpt-4.1"
        sent = request.json()
        sent.pop("stream", None)
        assert sent == {**asked, "model": model}
    else:
        told = heard(BEHIND[alias], request)
    assert told.stream == stream
    if not fate:
        feature.heard(told, cell)


def _check_dropped(got: Got, fate: str) -> None:
    dropped = fate.removeprefix("dropped: ").split(", ") if fate else []
    assert sorted(got.dropped) == sorted(dropped)


def _ask(scene: Scene, how: str, stream: bool, asked: dict[str, Any]) -> Got:
    clients = scene.clients
    if how == "sync":
        return responses.ask(clients.openai, stream, asked)
    got: Got = clients.run(responses.ask_async(clients.openai_async, stream, asked))
    return got


def _asked_of_dialect(dialect: str, feature: Feature) -> bool:
    return (dialect, feature.name) not in UNASKABLE


@pytest.mark.parametrize(
    ("feature", "dialect", "stream", "how"), [*_cells(DIALECTS, _asked_of_dialect)]
)
def test_the_feature_survives_before_the_responses_api(
    scene: Scene, feature: Feature, dialect: str, stream: bool, how: str
) -> None:
    fate = BRIDGED_CANNOT.get((dialect, feature.name), "")
    alias = "bridged" + ("-thinks" if feature.thinks else "")
    before = len(scene.up.requests)
    try:
        asked = {**feature.asks[dialect], "model": alias}
        got = scene.clients.ask(dialect, how, stream, asked)
    except (
        openai.APIError,
        anthropic.APIError,
        gemini_errors.APIError,
    ) as error:
        status, _ = refused(error)
        assert status == 400
        assert fate.startswith("400: "), error
        return
    _check_dropped(got, fate)
    assert got.input == feature.answer.tokens.input
    if feature.name != "thinking":  # which this API shows where it is asked to
        feature.shown(got, Cell(dialect, "openai", stream, how))
    else:
        assert got.thought == ("" if dialect == "openai" else THOUGHT)
    (request,) = scene.up.requests[before:]
    told = responses.heard(request)
    assert told.stream == stream
    assert told.body["store"] is False
    if not fate:
        feature.heard(told, Cell(dialect, "openai", stream, how))


@pytest.mark.parametrize("alias", ["anthropic", "gemini"])
def test_tokens_are_counted_where_the_provider_counts(scene: Scene, alias: str) -> None:
    count = scene.clients.openai.responses.input_tokens.count
    assert count(model=alias, input="How many?").input_tokens == COUNTED


@pytest.mark.parametrize("alias", ["plain", "anthropic", "gemini"])
def test_any_model_makes_a_conversation_short(scene: Scene, alias: str) -> None:
    sdk = scene.clients.openai.responses
    short = sdk.compact(model=alias, input="A long story.")
    (item,) = short.output
    before = len(scene.up.requests)
    asked: Any = [item.model_dump(exclude_none=True), {"role": "user", "content": "?"}]
    sdk.create(model=alias, input=asked)
    (request,) = scene.up.requests[before:]
    (turn,) = {who for who, _ in heard(BEHIND[alias], request).turns}
    assert turn == "user"
    assert "Grüße" in json.dumps(request.json(), ensure_ascii=False)


# --- the second turn ------------------------------------------------------------------


@pytest.fixture(autouse=True)
def answers(providers: Providers) -> None:
    asked = Called("weather", ZURICH, signature=SIGNATURE)
    thought = Thought(THOUGHT, SIGNATURE)
    more = {
        "signed": Answer((thought, asked), "tools"),
        "hidden": Answer((Thought("", SIGNATURE, redacted=True), asked), "tools"),
        "told": Answer((Said(RAIN),)),
    }
    providers.answers = {**providers.answers, **more}


USE: Final = "Think, then use the tool. [[signed]]"


def _first(model: str, prompt: str = USE) -> dict[str, Any]:
    return {
        "model": model,
        "input": [{"role": "user", "content": prompt}],
        "tools": [{"type": "function", **WEATHER["openai"]["function"]}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }


def _second(asked: dict[str, Any], got: Got) -> dict[str, Any]:
    """The SDK's answer put back as it is, the tool's result, and more."""
    id_, name, arguments = got.calls[0]
    assert (name, arguments) == ("weather", ZURICH)
    answer = [item.model_dump(exclude_none=True) for item in got.raw.output]
    for item in answer:
        item.pop("parsed_arguments", None)  # the SDK's own
    result = {"type": "function_call_output", "call_id": id_, "output": RAIN}
    more = {"role": "user", "content": SECOND}
    return {**asked, "input": [*asked["input"], *answer, result, more]}


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("alias", ["openai-thinks", "anthropic-thinks", "gemini-3"])
def test_thoughts_come_back_to_who_made_them(
    scene: Scene, alias: str, stream: bool, kept: bool
) -> None:
    """By the client's hand, or (`kept`) by naming the response before."""
    how = "async" if stream else "sync"
    family = alias.partition("-")[0]
    asked = _first(alias)
    got = _ask(scene, how, stream, asked)
    assert got.thought == THOUGHT
    turn = _second(asked, got)
    if kept:
        turn["input"] = turn["input"][-2:]
        turn["previous_response_id"] = got.raw.id
    before = len(scene.up.requests)
    again = _ask(scene, how, stream, turn)
    assert again.text == RAIN
    (request,) = scene.up.requests[before:]
    if family == "openai":
        body = request.json()
        if kept:
            assert body["previous_response_id"] == got.raw.id
        else:
            assert body["input"][1]["encrypted_content"] == ENCRYPTED
        return
    told = heard(family, request)
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


def test_encrypted_thoughts_come_back_too(scene: Scene) -> None:
    asked = _first("anthropic-thinks", "Use the tool. [[hidden]]")
    got = _ask(scene, "sync", True, asked)
    before = len(scene.up.requests)
    assert _ask(scene, "sync", False, _second(asked, got)).text == RAIN
    (request,) = scene.up.requests[before:]
    redacted = {"type": "redacted_thinking", "data": SIGNATURE}
    assert request.json()["messages"][1]["content"][0] == redacted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic-thinks", "gemini-3"),
        ("anthropic-thinks", "openai-thinks"),
        ("gemini-3", "openai-thinks"),
        ("gemini-3", "plain-thinks"),
        ("openai-thinks", "anthropic-thinks"),
    ],
)
def test_a_signature_is_not_shown_to_another_family(
    scene: Scene, one: str, other: str
) -> None:
    asked = _first(one)
    got = _ask(scene, "sync", True, asked)
    before = len(scene.up.requests)
    again = _ask(scene, "sync", False, {**_second(asked, got), "model": other})
    assert again.text == RAIN
    assert again.dropped
    (request,) = scene.up.requests[before:]
    said = json.dumps(request.json())
    assert SIGNATURE not in said
    assert ENCRYPTED not in said
    assert "routeiq." not in said


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_openai_s_encrypted_thoughts_travel_through_every_dialect(
    scene: Scene, dialect: str, stream: bool
) -> None:
    asked = {**first(dialect), "model": "bridged-thinks"}
    got = scene.clients.ask(dialect, "sync", stream, asked)
    before = len(scene.up.requests)
    again = scene.clients.ask(dialect, "sync", stream, second(dialect, asked, got))
    assert again.text == RAIN
    (request,) = scene.up.requests[before:]
    told = responses.heard(request)
    (thought,) = [part for part in told.turns[1][1] if part[0] == "thought"]
    assert thought[2] == ENCRYPTED
    reasoning = [i for i in request.json()["input"] if i.get("type") == "reasoning"]
    assert [i.get("id") for i in reasoning] == ["rs_0" if dialect == "openai" else None]
