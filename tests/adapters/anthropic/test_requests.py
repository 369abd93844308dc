"""How conversations of other dialects are said to Anthropic's models."""

import json
from typing import Any

import pytest
from msgspec import Raw

from adapters.anthropic.family import UPSTREAM
from adapters.anthropic.parameters import MEMBERS, PARAMETERS, client_name
from adapters.contract import Target, WireRequest
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from tests.adapters.anthropic.recordings import target

HI = (Message("user", (Text("hi"),)),)
FUNCTION = Tool("f", "does", Raw(b'{"type":"object","properties":{"a":{}}}'))


def wire(to: Target | None = None, **asked: Any) -> WireRequest:
    asked.setdefault("messages", HI)
    said = ChatCall(
        model="a", dialect="openai.chat", conversation=Conversation(**asked)
    )
    return UPSTREAM.build_request(said, to or target("claude-sonnet-4-5"))


def body(to: Target | None = None, **asked: Any) -> dict[str, Any]:
    return json.loads(wire(to, **asked).body)


SAMPLES: dict[str, Any] = {
    "messages": (Message("user", (Text("another"),)),),
    "tools": (FUNCTION,),
    "tool_choice": ToolChoice("none"),
    "parallel_tools": False,
    "max_tokens": 77,
    "temperature": 0.3,
    "top_p": 0.4,
    "top_k": 5,
    "stop": ("END",),
    "seed": 1,
    "n": 2,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logit_bias": Raw(b'{"1":2}'),
    "logprobs": True,
    "top_logprobs": 3,
    "response_format": ResponseFormat("json"),
    "reasoning": Reasoning(effort="high"),
    "user": "u",
    "metadata": Raw(b'{"a":"b"}'),
    "service_tier": "auto",
    "verbosity": "low",
    "modalities": ("text", "audio"),
    "audio": Raw(b'{"voice":"x"}'),
    "prediction": Raw(b'{"type":"content"}'),
    "cache_key": "k",
    "cache_retention": "24h",
    "safety_identifier": "s",
    "store": True,
    "extra": {"container": Raw(b'"c"')},
}


def test_every_parameter_has_a_fate_and_a_sample() -> None:
    fields = set(Conversation.__struct_fields__)
    assert set(PARAMETERS) == fields == set(SAMPLES)


@pytest.mark.parametrize("field", PARAMETERS)
def test_a_parameter_meets_the_fate_that_the_table_states(field: str) -> None:
    base: dict[str, Any] = {"tools": (FUNCTION,)} if "tool_" in field else {}
    if field == "parallel_tools":
        base = {"tools": (FUNCTION,)}
    plain = body(**base)
    match PARAMETERS[field].fate:
        case "refused":
            with pytest.raises(Unsupported) as refused:
                wire(**{field: SAMPLES[field]})
            assert refused.value.parameter == field
        case "dropped":
            said = wire(**{field: SAMPLES[field]})
            assert said.dropped == (client_name(field),)
            assert json.loads(said.body) == plain
            with pytest.raises(Unsupported, match=client_name(field)):
                wire(target("m", strict=True), **{field: SAMPLES[field]})
        case "mapped":
            said = wire(**{**base, field: SAMPLES[field]})
            assert said.dropped == ()
            assert json.loads(said.body) != plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("presence_penalty", 0.0),
        ("frequency_penalty", 0.0),
        ("n", 1),
        ("logprobs", False),
        ("store", False),
        ("modalities", ("text",)),
        ("verbosity", "medium"),
        ("response_format", ResponseFormat("text")),
        ("metadata", Raw(b"{}")),
    ],
)
def test_a_parameter_that_asks_for_nothing_is_not_named(field: str, value: Any) -> None:
    said = wire(**{field: value})
    assert (said.dropped, json.loads(said.body)) == ((), body())


def test_system_messages_move_out_in_order() -> None:
    said = body(
        messages=(
            Message("system", (Text("one"),)),
            Message("user", (Text("hi"),)),
            Message("developer", (Text("two", cache=Cache("1h")),)),
            Message("assistant", (Text("yes"),)),
            Message("user", (Text("go"),)),
        )
    )
    assert said["system"] == [
        {"type": "text", "text": "one"},
        {
            "type": "text",
            "text": "two",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
    ]
    assert [m["role"] for m in said["messages"]] == ["user", "assistant", "user"]


def test_a_lone_system_message_is_asked_as_the_users() -> None:
    said = body(messages=(Message("system", (Text("do it"),)),))
    assert said["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "do it"}]}
    ]
    assert "system" not in said


def test_parallel_results_stand_in_one_turn_right_after_their_calls() -> None:
    said = body(
        messages=(
            *HI,
            Message("assistant", (ToolUse("a", "f"), ToolUse("b", "f", '{"x":1}'))),
            Message("user", (Text("and?"),)),
            Message("tool", (ToolResult("b", (Text("B"),)),)),
            Message(
                "tool", (ToolResult("a", (Image(data="iVBORw0K"),), is_error=True),)
            ),
        )
    )
    assert said["messages"][1]["content"] == [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {"x": 1}},
    ]
    image = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}
    assert said["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "b", "content": "B"},
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "image", "source": image}],
            "is_error": True,
        },
        {"type": "text", "text": "and?"},
    ]


def test_ids_the_api_refuses_are_replaced_alike_in_call_and_result() -> None:
    said = body(
        messages=(
            *HI,
            Message(
                "assistant",
                (ToolUse("call|1:é", "f"), ToolUse("", "g"), ToolUse("", "h")),
            ),
            Message(
                "tool",
                (ToolResult("call|1:é"), ToolResult(""), ToolResult("")),
            ),
        )
    )
    used = [b["id"] for b in said["messages"][1]["content"]]
    answered = [b["tool_use_id"] for b in said["messages"][2]["content"]]
    assert used == answered
    assert len(set(used)) == 3
    assert all(id_.replace("_", "").replace("-", "").isascii() for id_ in used)
    assert all(
        set(id_) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for id_ in used
    )


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_blank_text_is_left_out(blank: str) -> None:
    said = body(
        messages=(
            *HI,
            Message("assistant", (Text(blank), ToolUse("a", "f"))),
            Message("tool", (ToolResult("a", (Text(blank),)),)),
            Message("user", (Text(blank),)),
        )
    )
    assert said["messages"][1]["content"][0]["type"] == "tool_use"
    assert said["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a"}
    ]
    assert len(said["messages"]) == 3


def test_arguments_that_are_no_object_are_wrapped() -> None:
    odd = ["", "[1]", '{"cut', '"text"', '{"n": 12345678901234567890, "n2": 1.0}']
    uses = tuple(ToolUse(f"i{i}", "f", text) for i, text in enumerate(odd))
    said = wire(messages=(*HI, Message("assistant", uses)))
    inputs = [b["input"] for b in json.loads(said.body)["messages"][1]["content"]]
    assert inputs[:4] == [{}, {"input": "[1]"}, {"input": '{"cut'}, {"input": '"text"'}]
    assert b'{"n": 12345678901234567890, "n2": 1.0}' in said.body


def test_only_its_own_thoughts_are_given_back() -> None:
    said = wire(
        messages=(
            *HI,
            Message(
                "assistant",
                (
                    Text("so"),
                    Thinking("mine", "c2ln", family="anthropic"),
                    Thinking(redacted="cmVk", family="anthropic"),
                    Thinking("theirs", "x", family="gemini"),
                    Thinking("unsigned"),
                ),
            ),
            *HI,
        )
    )
    assert json.loads(said.body)["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "mine", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk"},
        {"type": "text", "text": "so"},
    ]
    assert said.dropped == ("reasoning_content",)


def test_media_of_every_kind_have_a_form_or_are_refused() -> None:
    parts = (
        Image(data="/9j/4AAQ"),
        Image(url="https://a.test/x.png"),
        Document(data="JVBER", media_type="application/pdf", name="a.pdf"),
        Document(data="aGV5", media_type="text/markdown"),
        Document(url="https://a.test/x.pdf", title="T", context="C", citations=True),
        Refusal("no"),
    )
    said = body(messages=(Message("user", parts),))
    sources = [b.get("source") for b in said["messages"][0]["content"]]
    assert sources == [
        {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"},
        {"type": "url", "url": "https://a.test/x.png"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBER"},
        {"type": "text", "media_type": "text/plain", "data": "hey"},
        {"type": "url", "url": "https://a.test/x.pdf"},
        None,
    ]
    assert said["messages"][0]["content"][4]["citations"] == {"enabled": True}
    assert said["messages"][0]["content"][2]["title"] == "a.pdf"
    refused: list[tuple[Any, str]] = [
        (Audio(data="x", format="wav"), "input_audio"),
        (Image(url="gs://bucket/x.png"), "image_url"),
        (Image(file="file-1"), "file_id"),
        (Document(file="file-1"), "file_id"),
        (Document(data="UEsD", media_type="application/zip"), "file"),
        (Document(data="!!", media_type="text/plain"), "file"),
    ]
    for part, name in refused:
        with pytest.raises(Unsupported) as error:
            wire(messages=(Message("user", (part,)),))
        assert error.value.parameter == name
    heard = Message("assistant", (Audio(transcript="said"),))
    assert body(messages=(*HI, heard))["messages"][1]["content"] == [
        {"type": "text", "text": "said"}
    ]


def test_what_only_another_family_understands_is_named() -> None:
    part = Opaque("gemini", "executable_code", Raw(b"{}"))
    tool = Tool("google_search", kind="opaque", family="gemini", raw=Raw(b"{}"))
    said = wire(
        messages=(Message("user", (Text("hi"), part, Image(data="x", detail="high"))),),
        tools=(tool,),
        tool_choice=ToolChoice("required"),
        extra={
            "web_search_options": Raw(b"{}"),
            "cache_control": Raw(b'{"type":"ephemeral"}'),
        },
    )
    assert said.dropped == (
        "executable_code",
        "image_url.detail",
        "tools.google_search",
        "tool_choice",
        "web_search_options",
    )
    out = json.loads(said.body)
    assert "tools" not in out
    assert "tool_choice" not in out
    assert out["cache_control"] == {"type": "ephemeral"}


def test_members_of_the_api_beside_a_foreign_call_go_through() -> None:
    extra = {name: Raw(b'{"type":"x"}') for name in MEMBERS - {"top_k", "speed"}}
    said = wire(extra=extra)
    assert said.dropped == ()
    assert set(extra) <= set(json.loads(said.body))
    wanted = Raw(b'{"type":"enabled","budget_tokens":5000}')
    out = body(extra={"thinking": wanted}, temperature=None)
    assert out["max_tokens"] > 5000
    of_zhipu = Raw(b'{"type":"enabled","clear_thinking":false}')
    said = wire(extra={"thinking": of_zhipu})
    assert said.dropped == ("thinking",)
    assert "thinking" not in json.loads(said.body)
