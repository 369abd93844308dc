"""What Bedrock is asked, by vendor and by what the client said."""

import base64
import json
from typing import Any

import pytest

from adapters.bedrock.family import UPSTREAM
from adapters.bedrock.models import catalogued, named, region
from adapters.bedrock.parameters import PARAMETERS
from adapters.contract import Operation, WireResponse
from adapters.errors import BadCall, Unsupported
from adapters.normal.chat import Conversation
from adapters.registry import DIALECTS
from tests.adapters.bedrock import shapes
from tests.adapters.bedrock.talk import (
    CLAUDE,
    LLAMA,
    NOVA,
    Json,
    asked,
    call_of,
    chat,
    converse,
    message,
    wire,
)

ARN = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/ab12"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(9)).decode()

# --- names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "id_", "vendor", "api"),
    [
        ("anthropic.claude-v2:1", "anthropic.claude-v2:1", "anthropic", ""),
        (CLAUDE, CLAUDE, "anthropic", ""),
        ("global.anthropic.claude-opus-4-8", None, "anthropic", ""),
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", None, "anthropic", ""),
        ("converse/" + NOVA, NOVA, "amazon", "converse"),
        ("invoke/meta.llama3-8b-instruct-v1:0", "meta.llama3-8b-instruct-v1:0", "meta", "invoke"),
        ("us-west-2/" + LLAMA, LLAMA, "meta", ""),
        (ARN, ARN, "", ""),
        ("converse/" + ARN, ARN, "", "converse"),
        ("nova/" + ARN, ARN, "amazon", ""),
        ("invoke/claude/" + ARN, ARN, "anthropic", "invoke"),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/cohere.command-r-v1:0",
            None,
            "cohere",
            "",
        ),
        ("deepseek.r1-v1:0", None, "deepseek", ""),
    ],
)  # fmt: skip
def test_models_by_every_name(
    name: str, id_: str | None, vendor: str, api: str
) -> None:
    model = named(name)
    assert (model.id, model.vendor, model.api) == (id_ or name, vendor, api)


def test_ids_are_one_encoded_segment_of_the_path() -> None:
    url = wire(chat(), ARN).head.url
    assert url.endswith(
        "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-"
        "inference-profile%2Fab12/converse"
    )
    assert wire(chat(), CLAUDE).head.url.endswith("-v1%3A0/converse")
    assert wire(chat(stream=True), CLAUDE).head.url.endswith("/converse-stream")
    with pytest.raises(BadCall):
        named("converse/")


def test_names_that_the_catalogue_may_know() -> None:
    here = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert catalogued("converse/" + CLAUDE, here) == (
        ("eu-west-1/" + CLAUDE[3:], True),
        (CLAUDE, True),
        (CLAUDE[3:], False),
    )
    assert catalogued("amazon.nova-lite-v1:0", "http://127.0.0.1:9")[0] == (
        "amazon.nova-lite-v1:0",
        True,
    )


def test_regions_that_names_tell() -> None:
    assert region(ARN) == "eu-west-1"
    assert region("us-west-2/anthropic.claude-v2") == "us-west-2"
    assert region("invoke/" + ARN) == "eu-west-1"
    assert region(CLAUDE) == ""


@pytest.mark.parametrize(
    ("call", "model", "verb"),
    [
        (message(), CLAUDE, "invoke"),
        (message(stream=True), CLAUDE, "invoke-with-response-stream"),
        (message(), "converse/" + CLAUDE, "converse"),
        (message(), NOVA, "converse"),
        (message(), ARN, "converse"),
        (message(), "claude/" + ARN, "invoke"),
        (message(), "anthropic.claude-v2:1", "converse"),
        (chat(), CLAUDE, "converse"),
        (chat(), "invoke/" + CLAUDE, "invoke"),
        (converse(), CLAUDE, "converse"),
    ],
)
def test_which_api_is_asked(call: Any, model: str, verb: str) -> None:
    assert wire(call, model).head.url.rpartition("/")[2] == verb


# --- the table of parameters ----------------------------------------------------------


def test_every_parameter_has_a_fate() -> None:
    assert {*PARAMETERS} == {*Conversation.__struct_fields__}


ASKING: Json = {
    "parallel_tool_calls": False,
    "max_completion_tokens": 9,
    "temperature": 0.1,
    "top_p": 0.2,
    "stop": "x",
    "seed": 1,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "user": "u",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "verbosity": "low",
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "store": True,
    "unheard_of": 1,
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
}


def test_what_is_mapped_and_what_is_dropped() -> None:
    body, dropped = asked(chat(**ASKING), LLAMA)
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {
            "maxTokens": 9,
            "temperature": 0.1,
            "topP": 0.2,
            "stopSequences": ["x"],
        },
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
        "guardrailConfig": ASKING["guardrailConfig"],
    }
    named_ = {
        PARAMETERS[n].name or n for n, f in PARAMETERS.items() if f.fate == "dropped"
    }
    assert dropped == named_ | {"unheard_of"}


def test_a_strict_target_refuses_what_it_would_drop() -> None:
    with pytest.raises(Unsupported, match="seed"):
        asked(chat(seed=1), strict=True)


@pytest.mark.parametrize(
    "more",
    [{"n": 2}, {"modalities": ["text", "audio"]}, {"audio": {"voice": "x", "format": "wav"}}],
)  # fmt: skip
def test_what_would_mislead_is_refused(more: Json) -> None:
    with pytest.raises(Unsupported):
        asked(chat(**more))


# --- turns ---------------------------------------------------------------------------


def test_blank_text_is_left_out_and_neighbours_are_one_turn() -> None:
    call = call_of(
        "openai.chat",
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "  "},
                {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "b"}]},
                {"role": "developer", "content": "d"},
                {"role": "assistant", "content": "begun  "},
            ],
        },
    )  # fmt: skip
    body, _ = asked(call)
    assert body["system"] == [{"text": "s"}, {"text": "d"}]
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "assistant", "content": [{"text": "begun"}]},
    ]


def test_models_without_a_system_prompt_read_it_first() -> None:
    call = call_of(
        "openai.chat",
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "a"},
            ],
        },
    )
    body, _ = asked(call, "amazon.titan-text-express-v1")
    assert "system" not in body
    assert body["messages"][0]["content"] == [{"text": "s"}, {"text": "a"}]


def test_media_by_their_data_only() -> None:
    parts = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        *(
            {"type": "file", "file": {"filename": name, "file_data": f"data:{kind};base64,AAAA"}}
            for name, kind in (
                ("a_b.pdf", "application/pdf"),
                ("a_b.pdf", "application/pdf"),
                ("t.csv", "text/csv"),
            )
        ),
    ]  # fmt: skip
    body, _ = asked(chat(parts))  # type: ignore[arg-type]
    _, image, *files = body["messages"][0]["content"]
    assert image == {"image": {"format": "png", "source": {"bytes": PNG}}}
    assert [(f["document"]["format"], f["document"]["name"]) for f in files] == [
        ("pdf", "a b"),
        ("pdf", "a b 2"),
        ("csv", "t"),
    ]
    web = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    with pytest.raises(Unsupported, match="send the data"):
        asked(chat([web]))  # type: ignore[arg-type]


def test_objects_of_s3_are_named_as_they_are() -> None:
    place = {"uri": "s3://bucket/a.png", "bucketOwner": "123456789012"}
    picture = {"image": {"format": "png", "source": {"s3Location": place}}}
    call = converse(messages=[{"role": "user", "content": [picture, {"text": "x"}]}])
    call.conversation()
    call.raw = b""  # so that it is written anew
    body, _ = asked(call)
    assert body["messages"][0]["content"] == [picture, {"text": "x"}]


# --- tools ---------------------------------------------------------------------------


def _tool(name: str = "f", **more: Any) -> Json:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}, **more}}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "choice", "expected", "dropped"),
    [
        (CLAUDE, "auto", {"auto": {}}, set()),
        (CLAUDE, "required", {"any": {}}, set()),
        (CLAUDE, {"type": "function", "function": {"name": "g"}}, {"tool": {"name": "g"}}, set()),
        (NOVA, "required", {"any": {}}, set()),
        (LLAMA, "required", {"auto": {}}, {"tool_choice"}),
        ("mistral.mistral-large-2407-v1:0", {"type": "function", "function": {"name": "g"}}, {"any": {}}, set()),
    ],
)  # fmt: skip
def test_choices_of_tools(
    model: str, choice: Any, expected: Json, dropped: set[str]
) -> None:
    body, gone = asked(chat(tools=[_tool(), _tool("g")], tool_choice=choice), model)
    assert body["toolConfig"]["toolChoice"] == expected
    assert gone == dropped
    if model.startswith("mistral"):
        (only,) = body["toolConfig"]["tools"]
        assert only["toolSpec"]["name"] == "g"


def test_no_tools_are_told_where_none_may_be_used() -> None:
    body, dropped = asked(chat(tools=[_tool()], tool_choice="none"))
    assert "toolConfig" not in body
    assert not dropped


def test_a_history_of_calls_brings_its_tools() -> None:
    """Bedrock refuses calls and results without the tools they are of."""
    call = call_of(
        "openai.chat",
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "a"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}
                    ],
                },
                {"role": "tool", "tool_call_id": "1", "content": ""},
            ],
        },
    )  # fmt: skip
    body, _ = asked(call)
    (tool,) = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "f"
    result = body["messages"][2]["content"][0]["toolResult"]
    assert result == {"toolUseId": "1", "content": [{"text": "(no output)"}]}


def test_names_that_bedrock_forbids_come_back_as_they_were() -> None:
    """Bug class 14."""
    long = "n" * 70
    call = chat(tools=[_tool("a.b"), _tool(long)])
    body, _ = asked(call)
    told = [t["toolSpec"]["name"] for t in body["toolConfig"]["tools"]]
    assert all(len(name) <= 64 and "." not in name for name in told)
    uses = [{"toolUse": {"toolUseId": "1", "name": n, "input": {}}} for n in told]
    answer = {
        "output": {"message": {"role": "assistant", "content": uses}},
        "stopReason": "tool_use",
    }
    result = UPSTREAM.parse_response(
        WireResponse(200, (), json.dumps(answer).encode()), call
    )
    written = json.loads(DIALECTS["openai.chat"].write_result(result, call))
    calls = written["choices"][0]["message"]["tool_calls"]
    assert [c["function"]["name"] for c in calls] == ["a.b", long]


# --- thinking and structure --------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "expected", "dropped"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, set()),
        (NOVA, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, set()),
        (NOVA, "none", {"reasoningConfig": {"type": "disabled"}}, set()),
        ("openai.gpt-oss-120b-1:0", "high", {"reasoning_effort": "high"}, set()),
        (LLAMA, "high", None, {"reasoning_effort"}),
        ("us.anthropic.claude-sonnet-5", "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, set()),
    ],
)  # fmt: skip
def test_thinking_in_each_vendor_s_words(
    model: str, effort: str, expected: Json | None, dropped: set[str]
) -> None:
    body, gone = asked(chat(reasoning_effort=effort), model)
    assert body.get("additionalModelRequestFields") == expected
    assert gone == dropped


def test_top_k_where_it_is_known() -> None:
    for model, expected in (
        ("converse/" + CLAUDE, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        (LLAMA, None),
    ):
        body, dropped = asked(message(top_k=5), model)
        assert body.get("additionalModelRequestFields") == expected
        assert ("top_k" in dropped) == (expected is None)


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize("model", [CLAUDE, "qwen.qwen3-32b-v1:0", LLAMA])
def test_answers_of_a_form(model: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    body, dropped = asked(chat(response_format=form), model)
    if model == LLAMA:
        assert dropped == {"response_format"}
        assert "JSON Schema" in body["system"][0]["text"]
        return
    told = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert told["name"] == "x"
    assert json.loads(told["schema"]) == {**SCHEMA, "additionalProperties": False}


def test_cache_markers_by_vendor() -> None:
    """Bug class 7."""
    text = {
        "type": "text",
        "text": "a",
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }
    turn = {"role": "user", "content": [text]}
    tool = {
        "name": "f",
        "input_schema": {"type": "object"},
        "cache_control": {"type": "ephemeral"},
    }
    call = message(messages=[turn], system=[text], tools=[tool])
    body, dropped = asked(call, "converse/" + CLAUDE)
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "a"}, point]
    assert body["messages"][0]["content"] == [{"text": "a"}, point]
    assert body["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert not dropped
    body, dropped = asked(call, "amazon.nova-pro-v1:0")
    assert body["system"] == [{"text": "a"}, {"cachePoint": {"type": "default"}}]
    assert len(body["toolConfig"]["tools"]) == 1
    assert dropped == {"cache_control.ttl", "tools.cache_control"}
    body, dropped = asked(call, LLAMA)
    assert "cachePoint" not in json.dumps(body)
    assert dropped == {"cache_control"}


# --- relayed and read again ----------------------------------------------------------------


def test_what_a_client_of_converse_wrote_is_read_and_written_again() -> None:
    body: Json = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "a"},
                    {"cachePoint": {"type": "default", "ttl": "5m"}},
                    {"document": {"format": "pdf", "name": "n", "source": {"bytes": "AAAA"}, "citations": {"enabled": True}}},
                    {"image": {"format": "png", "source": {"bytes": PNG}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "t", "signature": "EqQB"}}},
                    {"reasoningContent": {"redactedContent": "EpMCCl0="}},
                    {"text": "b"},
                    {"toolUse": {"toolUseId": "1", "name": "f", "input": {"x": 1.50}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "1", "content": [{"text": "r"}], "status": "error"}},
                ],
            },
        ],
        "system": [{"text": "s"}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 1.0, "stopSequences": ["x"]},
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}},
                {"cachePoint": {"type": "default"}},
            ],
            "toolChoice": {"auto": {}},
        },
        "additionalModelRequestFields": {"top_k": 3, "other": {"y": 1}},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "serviceTier": {"type": "priority"},
        "requestMetadata": {"k": "v"},
        "performanceConfig": {"latency": "optimized"},
    }  # fmt: skip
    call = call_of("bedrock.converse", body, model="m")
    assert json.loads(wire(call).body) == body
    call.conversation()
    call.raw = b""
    again, dropped = asked(call)
    fields = again.pop("additionalModelResponseFieldPaths")
    assert fields == ["/stop_sequence"]
    assert again == body
    assert not dropped


def test_foreign_thoughts_are_taken_out_of_what_is_relayed() -> None:
    foreign = {
        "reasoningContent": {"reasoningText": {"text": "t", "signature": "gemini:c2ln"}}
    }
    carried = base64.b64encode(b"gemini:sign:c2ln").decode()
    hidden = {"reasoningContent": {"redactedContent": carried}}
    own = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "EqQB"}}}
    turns = [
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [foreign, own, {"text": "b"}]},
        {"role": "assistant", "content": [hidden]},
        {"role": "user", "content": [{"text": "c"}]},
    ]
    body, _ = asked(converse(messages=turns))
    assert [t["content"] for t in body["messages"]] == [
        [{"text": "a"}],
        [own, {"text": "b"}],
        [{"text": "c"}],
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": "x"},
        {"messages": [{"role": "wizard", "content": []}]},
        {"messages": [{"role": "user", "content": [{"toolUse": {"toolUseId": "1"}}]}]},
        {"messages": [{"role": "user", "content": [{"toolResult": {"content": []}}]}]},
        {"messages": [{"role": "user", "content": "text"}]},
        {"messages": [], "inferenceConfig": {"maxTokens": "many"}},
    ],
)
def test_what_is_no_call_is_told_where(body: Json) -> None:
    with pytest.raises(BadCall) as caught:
        call_of("bedrock.converse", body, model="m").conversation()
    assert caught.value.param


def test_counting_takes_a_vendor_s_body_too() -> None:
    inner = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    packed = base64.b64encode(json.dumps(inner).encode()).decode()
    body = {"input": {"invokeModel": {"body": packed}}}
    call = call_of(
        "bedrock.converse", body, model="m", operation=Operation.count_tokens
    )
    assert call.conversation().messages[0].text == "hi"
    assert json.loads(wire(call).body) == body
    for bad in ({}, {"input": {}}, {"input": {"invokeModel": {"body": "!"}}}):
        with pytest.raises(BadCall):
            call_of(
                "bedrock.converse", bad, model="m", operation=Operation.count_tokens
            ).conversation()


# --- vendors' own bodies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            "amazon.titan-text-express-v1",
            {
                "inputText": "User: hi\nBot: yes\nUser: go\nBot:",
                "textGenerationConfig": {"maxTokenCount": 9, "temperature": 0.5, "stopSequences": ["x"]},
            },
        ),
        (
            "meta.llama3-8b-instruct-v1:0",
            {
                "prompt": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>"
                "<|start_header_id|>assistant<|end_header_id|>\n\nyes<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\ngo<|eot_id|>"
                "<|start_header_id|>assistant<|end_header_id|>\n\n",
                "max_gen_len": 9,
                "temperature": 0.5,
            },
        ),
        (
            "mistral.mistral-7b-instruct-v0:2",
            {
                "prompt": "<s>[INST] hi [/INST] yes</s>[INST] go [/INST]",
                "max_tokens": 9,
                "temperature": 0.5,
                "stop": ["x"],
            },
        ),
        (
            "anthropic.claude-v2:1",
            {
                "prompt": "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: go\n\nAssistant:",
                "max_tokens_to_sample": 9,
                "temperature": 0.5,
                "stop_sequences": ["x"],
            },
        ),
        (
            "mistral.pixtral-large-2502-v1:0",
            {
                "messages": [
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": "yes"},
                    {"role": "user", "content": "go"},
                ],
                "max_tokens": 9,
                "temperature": 0.5,
                "stop": ["x"],
            },
        ),
    ],
)  # fmt: skip
def test_bodies_of_vendors_through_invoke(model: str, expected: Json) -> None:
    turns = [("user", "hi"), ("assistant", "yes"), ("user", "go")]
    messages = [{"role": r, "content": t} for r, t in turns]
    more = {"max_tokens": 9, "temperature": 0.5, "stop": ["x"]}
    call = call_of("openai.chat", {"model": "m", "messages": messages, **more})
    body, dropped = asked(call, f"invoke/{model}")
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    assert body == expected
    assert dropped == ({"stop"} if "llama" in model else set())


def test_texts_are_completed_without_a_template() -> None:
    call = call_of("openai.completions", {"model": "m", "prompt": "Once"})
    body, _ = asked(call, "invoke/meta.llama3-8b-instruct-v1:0")
    assert body["prompt"] == "Once"
    with pytest.raises(Unsupported, match="tools"):
        asked(chat(tools=[_tool()]), "invoke/amazon.titan-text-express-v1")


def test_written_requests_fit_the_service_s_model() -> None:
    call = chat(
        tools=[_tool(description="d", strict=True)],
        tool_choice="required",
        **{k: v for k, v in ASKING.items() if k != "unheard_of"},
    )
    for model in (CLAUDE, NOVA, LLAMA, ARN):
        body, _ = asked(call, model)
        shapes.check_input("Converse", {**body, "modelId": model})
