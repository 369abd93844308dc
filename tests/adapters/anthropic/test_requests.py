"""How conversations of other dialects are said to Anthropic's models."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from adapters.anthropic.family import UPSTREAM
from adapters.anthropic.models import powers
from adapters.anthropic.parameters import MEMBERS, PARAMETERS, client_name
from adapters.contract import Target, WireRequest
from adapters.errors import BadCall, Unsupported
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
