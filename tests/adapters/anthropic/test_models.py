"""Tools, schemas, thinking and limits, said as each of Anthropic's models takes them."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from adapters.anthropic.family import UPSTREAM
from adapters.anthropic.models import powers
from adapters.contract import Target, WireRequest
from adapters.errors import BadCall
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


TOOLS = {"tools": (FUNCTION, Tool("g"), Tool("h", kind="custom"))}


def test_tools_get_a_schema_of_an_object() -> None:
    said = body(**TOOLS)["tools"]
    assert said[0]["input_schema"] == {"type": "object", "properties": {"a": {}}}
    assert said[1] == {
        "name": "g",
        "input_schema": {"type": "object", "properties": {}},
    }
    assert said[2]["input_schema"]["required"] == ["input"]
    typeless = Tool("t", schema=Raw(b'{"properties":{"a":{"type":"string"}}}'))
    assert body(tools=(typeless,))["tools"][0]["input_schema"]["type"] == "object"


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("required"), None, {"type": "any"}),
        (
            ToolChoice("required"),
            False,
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("tool", ("g",)), None, {"type": "tool", "name": "g"}),
    ],
)
def test_tool_choices_have_their_words(
    choice: ToolChoice | None, parallel: bool | None, expected: Any
) -> None:
    said = body(tool_choice=choice, parallel_tools=parallel, **TOOLS)
    assert said.get("tool_choice") == expected


def test_allowed_tools_are_the_only_ones_sent() -> None:
    said = body(tool_choice=ToolChoice("required", ("g",)), **TOOLS)
    assert [t["name"] for t in said["tools"]] == ["g"]
    assert said["tool_choice"] == {"type": "any"}


def test_a_strict_tool_is_closed_where_the_model_takes_it() -> None:
    open_ = Raw(b'{"type":"object","properties":{"a":{"type":"integer","minimum":3}}}')
    strict = Tool("f", schema=open_, strict=True)
    (said,) = body(tools=(strict,))["tools"]
    assert said["strict"] is True
    assert said["input_schema"] == {
        "type": "object",
        "properties": {"a": {"type": "integer", "description": "(minimum: 3)"}},
        "additionalProperties": False,
    }
    (older,) = body(target("claude-3-5-haiku"), tools=(strict,))["tools"]
    assert "strict" not in older
    assert older["input_schema"]["properties"]["a"]["minimum"] == 3


SCHEMA = Raw(
    b'{"type":"object","properties":{"a":{"type":"string","maxLength":3,'
    b'"description":"A"},"b":{"oneOf":[{"type":"null"},{"$ref":"#/$defs/B"}]}},'
    b'"$defs":{"B":{"type":"object","properties":{"c":{"type":"array",'
    b'"items":{"type":"number"},"minItems":2}}}}}'
)


def test_a_schema_for_the_answer_is_closed() -> None:
    form = ResponseFormat("schema", name="n", schema=SCHEMA, strict=True)
    said = wire(response_format=form)
    told = json.loads(said.body)["output_config"]["format"]
    assert told["type"] == "json_schema"
    schema = told["schema"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["a"]["description"] == "A\n\n(maxLength: 3)"
    assert schema["properties"]["b"] == {
        "anyOf": [{"type": "null"}, {"$ref": "#/$defs/B"}]
    }
    inner = schema["$defs"]["B"]
    assert inner["additionalProperties"] is False
    assert "minItems" not in inner["properties"]["c"]
    assert said.dropped == ()


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        ("claude-3-5-haiku", SCHEMA),
        ("claude-opus-5", Raw(b'{"type":"object","additionalProperties":true}')),
        ("claude-opus-5", Raw(b'{"type":"object","additionalProperties":{}}')),
        ("claude-opus-5", Raw(b'{"type":"object"}')),
    ],
)
def test_a_schema_that_cannot_be_asked_for_is_an_instruction(
    model: str, schema: Raw
) -> None:
    said = wire(target(model), response_format=ResponseFormat("schema", schema=schema))
    out = json.loads(said.body)
    assert "output_config" not in out
    assert bytes(schema).decode() in out["system"]
    assert said.dropped == ("response_format",)


def test_json_of_any_form_is_an_instruction() -> None:
    system = Message("system", (Text("be brief"),))
    said = body(messages=(system, *HI), response_format=ResponseFormat("json"))
    assert [b["text"][:8] for b in said["system"]] == ["be brief", "Answer w"]


@pytest.mark.parametrize(
    ("model", "asked", "limit", "expected", "tokens", "effort"),
    [
        ("claude-3-5-haiku", Reasoning(effort="low"), None, None, 4096, None),
        ("claude-sonnet-4-5", Reasoning(effort="low"), None, 1024, 5120, None),
        ("claude-sonnet-4-5", Reasoning(effort="high"), None, 16384, 20480, None),
        ("claude-sonnet-4-5", Reasoning(effort="high"), 4000, 3000, 4000, None),
        ("claude-sonnet-4-5", Reasoning(effort="low"), 1025, 1024, 1025, None),
        ("claude-sonnet-4-5", Reasoning(effort="low"), 1024, None, 1024, None),
        ("claude-sonnet-4-5", Reasoning(budget=10), None, 1024, 5120, None),
        ("claude-sonnet-4-5", Reasoning(budget=2000), None, 2000, 6096, None),
        ("claude-sonnet-4-5", Reasoning(budget=-1), None, 4096, 8192, None),
        ("claude-sonnet-4-5", Reasoning(effort="none"), None, None, 4096, None),
        (
            "claude-sonnet-4-6",
            Reasoning(effort="medium"),
            None,
            "adaptive",
            4096,
            "medium",
        ),
        ("claude-sonnet-4-6", Reasoning(budget=2000), None, 2000, 6096, None),
        ("claude-opus-5", Reasoning(budget=2000), None, "adaptive", 4096, "medium"),
        ("claude-opus-5", Reasoning(effort="minimal"), None, "adaptive", 4096, "low"),
        ("claude-sonnet-4-6", Reasoning(effort="xhigh"), None, "adaptive", 4096, "max"),
        ("claude-opus-5", Reasoning(effort="xhigh"), None, "adaptive", 4096, "xhigh"),
        ("claude-opus-5", Reasoning(enabled=False), None, "disabled", 4096, None),
        ("claude-opus-5", Reasoning(), None, None, 4096, None),
    ],
)
def test_effort_and_budget_are_said_as_the_model_takes_them(
    model: str,
    asked: Reasoning,
    limit: int | None,
    expected: Any,
    tokens: int,
    effort: Any,
) -> None:
    said = wire(target(model), reasoning=asked, max_tokens=limit)
    out = json.loads(said.body)
    thinking = out.get("thinking")
    if isinstance(expected, int):
        assert thinking == {"type": "enabled", "budget_tokens": expected}
    else:
        assert (thinking or {}).get("type") == expected
    assert out["max_tokens"] == tokens
    assert out.get("output_config", {}).get("effort") == effort
    silent = asked.effort in ("none", "") and not asked.budget
    assert said.dropped == (("reasoning_effort",) if not (thinking or silent) else ())


def test_the_catalogue_says_more_than_the_name() -> None:
    able = frozenset({"reasoning", "adaptive_thinking", "output_config"})
    assert powers("anything", able).adaptive
    assert not powers("claude-opus-5", frozenset({"vision"})).budget
    both = frozenset({"reasoning", "adaptive_thinking", "legacy_thinking"})
    assert powers("anything", both).budget
    said = body(target("anything", abilities=able), reasoning=Reasoning(effort="max"))
    assert said["thinking"] == {"type": "adaptive"}
    assert said["output_config"] == {"effort": "high"}


def test_thinking_excludes_sampling_and_force() -> None:
    said = wire(
        reasoning=Reasoning(effort="low"),
        temperature=0.2,
        top_p=0.5,
        top_k=3,
        tool_choice=ToolChoice("tool", ("f",)),
        tools=(FUNCTION,),
    )
    out = json.loads(said.body)
    assert set(said.dropped) == {"temperature", "top_p", "top_k", "tool_choice"}
    assert out["tool_choice"] == {"type": "auto"}
    assert not {"temperature", "top_p", "top_k"} & set(out)
    warm = wire(reasoning=Reasoning(effort="low"), temperature=1.0)
    assert (warm.dropped, json.loads(warm.body)["temperature"]) == ((), 1.0)


def test_a_model_goes_on_without_thoughts_when_those_of_its_turn_are_gone() -> None:
    history = (
        *HI,
        Message("assistant", (ToolUse("a", "f"),)),
        Message("tool", (ToolResult("a", (Text("1"),)),)),
    )
    said = wire(messages=history, reasoning=Reasoning(effort="low"), tools=(FUNCTION,))
    assert "thinking" not in json.loads(said.body)
    assert said.dropped == ("reasoning_effort",)
    signed = Message(
        "assistant", (Thinking("t", "c2ln", family="anthropic"), ToolUse("a", "f"))
    )
    kept = (history[0], signed, history[2])
    assert "thinking" in body(messages=kept, reasoning=Reasoning(effort="low"))


@pytest.mark.parametrize(
    ("model", "asked", "sent", "dropped"),
    [
        ("claude-3-5-haiku", {"temperature": 1.7}, {"temperature": 1.0}, ("temperature",)),
        ("claude-3-5-haiku", {"temperature": 0.1, "top_p": 0.9}, {"temperature": 0.1, "top_p": 0.9}, ()),
        ("claude-sonnet-4-5", {"temperature": 0.1, "top_p": 0.9}, {"temperature": 0.1}, ("top_p",)),
        ("claude-sonnet-4-5", {"top_p": 0.9}, {"top_p": 0.9}, ()),
        ("claude-opus-5", {"temperature": 0.1}, {}, ("temperature",)),
        ("claude-sonnet-4-5", {"stop": ("a", " \n")}, {"stop_sequences": ["a"]}, ("stop",)),
        ("claude-sonnet-4-5", {"user": "me@a.test"}, {}, ("user",)),
        ("claude-sonnet-4-5", {"safety_identifier": "s"}, {"metadata": {"user_id": "s"}}, ()),
        ("claude-sonnet-4-5", {"service_tier": "flex"}, {}, ("service_tier",)),
        ("claude-sonnet-4-5", {"service_tier": "default"}, {"service_tier": "standard_only"}, ()),
    ],
)  # fmt: skip
def test_values_the_api_refuses_are_mended_and_named(
    model: str, asked: dict[str, Any], sent: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    said = wire(target(model), **asked)
    out = json.loads(said.body)
    for fixed in ("model", "messages", "max_tokens"):
        out.pop(fixed)
    assert (out, said.dropped) == (sent, dropped)


@pytest.mark.parametrize(
    ("limits", "asked", "expected", "dropped"),
    [
        ({}, None, 4096, ()),
        ({"max_output_tokens": 128000}, None, 16384, ()),
        ({"max_output_tokens": 3000}, None, 3000, ()),
        ({"max_output_tokens": 3000}, 9000, 3000, ("max_tokens",)),
        ({}, 9000, 9000, ()),
    ],
)
def test_max_tokens_is_always_said(
    limits: dict[str, int], asked: int | None, expected: int, dropped: tuple[str, ...]
) -> None:
    said = wire(target("claude-3-5-haiku", limits=limits), max_tokens=asked)
    assert json.loads(said.body)["max_tokens"] == expected
    assert said.dropped == dropped


def test_a_token_count_asks_only_what_counting_takes() -> None:
    asked = Conversation(messages=HI, temperature=0.1, tools=(FUNCTION,), user="u")
    said = ChatCall(
        model="a", dialect="openai.chat", operation="count_tokens", conversation=asked
    )
    out = UPSTREAM.build_request(said, target("claude-opus-5"))
    assert set(json.loads(out.body)) == {"model", "messages", "tools"}
    assert out.head.url == "https://api.anthropic.com/v1/messages/count_tokens"


def test_streaming_is_asked_for_by_a_foreign_call() -> None:
    said = ChatCall(
        model="a", dialect="x", stream=True, conversation=Conversation(messages=HI)
    )
    assert json.loads(UPSTREAM.build_request(said, target()).body)["stream"] is True


def test_an_answer_begun_by_a_foreign_client_has_no_space_at_its_end() -> None:
    begun = Message("assistant", (Text("It is \n"),))
    assert body(messages=(*HI, begun))["messages"][1]["content"] == "It is"


def test_a_schema_of_broken_text_is_the_clients_fault() -> None:
    broken = Raw(b'{"type":"object","title":"\xff"}')
    for asked in (
        {"response_format": ResponseFormat("schema", schema=broken)},
        {"tools": (msgspec.structs.replace(FUNCTION, schema=broken),)},
    ):
        with pytest.raises(BadCall):
            wire(**asked)
