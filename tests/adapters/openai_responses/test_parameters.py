"""What a conversation asks, said to the Responses API: nothing is lost unnamed."""

import json
from typing import Any

import pytest
from hypothesis import given
from msgspec import Raw

from adapters.contract import Hint, Provider, Target, WireRequest
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from adapters.openai.responses.parameters import PARAMETERS
from adapters.registry import DIALECTS, RESPONSES
from tests.adapters.openai.test_conversation import CONVERSATIONS

ROW = Provider(
    id="openai",
    family="openai",
    base_url="https://api.openai.com/v1",
    operations=frozenset({"chat", "responses", "count_tokens", "compact"}),
)


def target(model: str = "gpt-4.1", **more: Any) -> Target:
    return Target(model=model, base_url=ROW.base_url, provider=ROW, **more)


def ask(
    conversation: Conversation, to: Target, dialect: str = "openai.chat"
) -> WireRequest:
    call = ChatCall(model="a", dialect=dialect, conversation=conversation)
    return RESPONSES.build_request(call, to)


def body(conversation: Conversation, to: Target | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(conversation, to or target()).body)
    return found


GIVEN: dict[str, Any] = {
    "messages": (Message("user", (Text("x"),)),),
    "tools": (Tool("f"),),
    "tool_choice": ToolChoice("auto"),
    "parallel_tools": False,
    "max_tokens": 3,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 3,
    "stop": ("a",),
    "seed": 1,
    "n": 2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logit_bias": Raw(b'{"1":2}'),
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": ResponseFormat("json"),
    "reasoning": Reasoning(effort="low"),
    "user": "u",
    "metadata": Raw(b'{"a":"b"}'),
    "service_tier": "flex",
    "verbosity": "low",
    "modalities": ("text", "audio"),
    "audio": Raw(b"{}"),
    "prediction": Raw(b"{}"),
    "cache_key": "k",
    "cache_retention": "24h",
    "safety_identifier": "s",
    "store": True,
    "extra": {"unknown": Raw(b"1")},
}


def test_each_parameter_has_its_fate_and_keeps_it() -> None:
    assert set(PARAMETERS) == set(Conversation.__struct_fields__) == set(GIVEN)
    empty = body(Conversation())
    for name, value in GIVEN.items():
        tools = {"tools": (Tool("f"),)}
        more = tools if name in ("tool_choice", "parallel_tools") else {}
        conversation = Conversation(**{**more, name: value})
        to = target("gpt-5.2" if name == "reasoning" else "gpt-4.1")
        fate = PARAMETERS[name]
        if fate.fate == "refused":
            with pytest.raises(Unsupported) as refused:
                ask(conversation, to)
            assert refused.value.parameter == name
            continue
        wire = ask(conversation, to)
        if fate.fate == "mapped":
            assert wire.dropped == (), name
            assert json.loads(wire.body) != empty, name
            continue
        told = "unknown" if name == "extra" else fate.name or name
        assert wire.dropped == (told,), name
        with pytest.raises(Unsupported) as caught:
            ask(conversation, target(strict=True))
        assert caught.value.parameter == told


@pytest.mark.parametrize("name", ["temperature", "top_p", "logprobs", "top_logprobs"])
def test_reasoning_models_are_not_sampled(name: str) -> None:
    wire = ask(Conversation(**{name: GIVEN[name]}), target("gpt-5.2"))
    assert wire.dropped == (name,)
    assert json.loads(wire.body)["include"] == ["reasoning.encrypted_content"]


def test_models_that_do_not_reason_are_not_asked_to() -> None:
    wire = ask(Conversation(reasoning=Reasoning(effort="low")), target("gpt-4.1"))
    assert wire.dropped == ("reasoning_effort",)
    assert "reasoning" not in json.loads(wire.body)


@given(CONVERSATIONS)
def test_what_was_said_is_read_the_same(conversation: Conversation) -> None:
    """But for what this API has no word for, which is named."""
    few = Conversation(
        messages=conversation.messages,
        tools=conversation.tools,
        tool_choice=conversation.tool_choice,
        parallel_tools=conversation.parallel_tools,
        max_tokens=conversation.max_tokens,
        temperature=conversation.temperature,
        response_format=conversation.response_format,
        user=conversation.user,
    )
    try:
        wire = ask(few, target())
    except Unsupported as refused:
        assert refused.parameter == "input_audio"
        return
    call = DIALECTS["openai.responses"].read_call(wire.body, Hint())
    assert isinstance(call, ChatCall)
    again = call.conversation()
    assert again.max_tokens == few.max_tokens
    assert again.temperature == few.temperature
    assert again.user == few.user
    assert [t.name for t in again.tools] == [t.name for t in few.tools]
    assert again.tool_choice == few.tool_choice
    said = [_words(m) for m in few.messages if m.role != "tool"]
    heard = [_words(m) for m in again.messages if m.role != "tool"]
    assert "".join(heard) == "".join(said)
    called = [p.id for m in again.messages for p in m.parts if isinstance(p, ToolUse)]
    calls = [p.id for m in few.messages for p in m.parts if isinstance(p, ToolUse)]
    assert called == calls
    answered = [
        (p.id, "".join(t.text for t in p.parts if isinstance(t, Text)))
        for m in again.messages
        for p in m.parts
        if isinstance(p, ToolResult)
    ]
    assert answered == [
        (p.id, "".join(t.text for t in p.parts if isinstance(t, Text)))
        for m in few.messages
        for p in m.parts
        if isinstance(p, ToolResult)
    ]
    thoughts = [p for m in few.messages for p in m.parts if isinstance(p, Thinking)]
    assert bool(thoughts) == ("messages.thinking" in wire.dropped)


def _words(message: Message) -> str:
    return message.text


def test_azure_s_dated_paths_are_beside_its_deployments() -> None:
    url = "https://x.openai.azure.com/openai/deployments/{model}?api-version=2025-04-01"
    to = Target(model="gpt", base_url=url, provider=ROW)
    head = ask(Conversation(), to).head
    assert (
        head.url == "https://x.openai.azure.com/openai/responses?api-version=2025-04-01"
    )
