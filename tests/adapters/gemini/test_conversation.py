"""Requests: Gemini's words read into everyone's, and everyone's written as Gemini's."""

import base64
import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from adapters.errors import BadCall, Unsupported
from adapters.gemini import conversation, thinking
from adapters.gemini.parameters import NAMES, PARAMETERS
from adapters.gemini.signature import SKIP
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Part,
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
from tests.adapters.gemini.recordings import call, target

HI = Message("user", (Text("hi"),))


def read(body: dict[str, Any]) -> Conversation:
    return call({"contents": [{"parts": [{"text": "hi"}]}], **body}).conversation()


def write(
    talk: Conversation, model: str = "gemini-2.5-flash", ours: bool = False, **more: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    written = conversation.write(talk, target(model, **more), is_ours=ours)
    return json.loads(conversation.flat(written)), written.dropped


def said(*parts: Part, model: str = "gemini-2.5-flash") -> list[dict[str, Any]]:
    body, _ = write(Conversation(messages=(Message("user", parts),)), model)
    found: list[dict[str, Any]] = body["contents"][0]["parts"]
    return found


def test_snake_case_and_camel_case_are_the_same() -> None:
    camel = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {
            "maxOutputTokens": 5,
            "topK": 3,
            "responseMimeType": "application/json",
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 9},
        },
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}
        },
        "tools": [
            {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {}}]}
        ],
    }
    snake = {
        "system_instruction": {"parts": {"text": "s"}},
        "generation_config": {
            "max_output_tokens": 5,
            "top_k": 3.0,
            "response_mime_type": "application/json",
            "thinking_config": {"include_thoughts": True, "thinking_budget": "9"},
        },
        "tool_config": {
            "function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}
        },
        "tools": [
            {"function_declarations": [{"name": "f", "parameters_json_schema": {}}]}
        ],
    }
    assert read(camel) == read(snake)
    assert call({"contents": [], **camel}).max_tokens == 5
    assert call({"contents": [], **snake}).max_tokens == 5


def test_results_find_their_calls_without_ids() -> None:
    contents = [
        {"role": "user", "parts": [{"text": "go"}]},
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "f", "args": {"n": 1}}},
                {"functionCall": {"name": "f", "args": {"n": 2}}},
                {"functionCall": {"name": "g", "args": {}, "id": "own"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "g", "id": "own", "response": {}}},
                {"functionResponse": {"name": "f", "response": {"output": "one"}}},
                {"functionResponse": {"name": "f", "response": {"error": "two"}}},
                {"text": "and now?"},
            ],
        },
    ]
    talk = read({"contents": contents})
    calls = [p for p in talk.messages[1].parts if isinstance(p, ToolUse)]
    assert len({c.id for c in calls}) == 3
    results = [p for p in talk.messages[2].parts if isinstance(p, ToolResult)]
    assert [m.role for m in talk.messages] == ["user", "assistant", "tool", "user"]
    assert [r.id for r in results] == ["own", calls[0].id, calls[1].id]
    assert [r.is_error for r in results] == [False, False, True]
    body, _ = write(talk)
    names = [
        (p["functionResponse"]["name"], p["functionResponse"].get("id"))
        for p in body["contents"][2]["parts"]
    ]
    assert names == [("f", None), ("f", None), ("g", "own")]
    assert "id" not in body["contents"][1]["parts"][0]["functionCall"]


def test_parallel_results_stand_in_one_turn_in_the_order_of_the_calls() -> None:
    talk = Conversation(
        messages=(
            HI,
            Message("assistant", (ToolUse("a", "f"), ToolUse("b", "g", '{"x":1}'))),
            Message("tool", (ToolResult("b", (Text("2"),)),)),
            Message("tool", (ToolResult("a", (Text('{"k":1}'),)),)),
            Message("user", (Text("so?"),)),
        )
    )
    body, dropped = write(talk)
    assert [c["role"] for c in body["contents"]] == ["user", "model", "user", "user"]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"id": "a", "name": "f", "response": {"k": 1}}},
        {"functionResponse": {"id": "b", "name": "g", "response": {"output": "2"}}},
    ]
    assert dropped == ()


def test_a_result_of_no_call_is_refused() -> None:
    talk = Conversation(messages=(HI, Message("tool", (ToolResult("x"),))))
    with pytest.raises(BadCall):
        write(talk)


def test_an_image_in_a_result_stands_where_the_model_reads_it() -> None:
    image = Image(data="aWk=", media_type="image/png")
    result = ToolResult("a", (Text("see"), image), "f")
    talk = Conversation(
        messages=(
            HI,
            Message("assistant", (ToolUse("a", "f"),)),
            Message("tool", (result,)),
        )
    )
    blob = {"inlineData": {"mimeType": "image/png", "data": "aWk="}}
    new, _ = write(talk, "gemini-3-pro-preview")
    assert new["contents"][2]["parts"][0]["functionResponse"]["parts"] == [blob]
    old, _ = write(talk, "gemini-2.5-pro")
    assert old["contents"][2]["parts"][1] == blob
    again = call(new).conversation()
    assert again.messages[2].parts == (result,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        '{"output":"x"}',
        '{"error": "x"}',
        "{}",
        '{"a": 1}',
        "[1]",
        "null",
        "{",
    ],
)
@pytest.mark.parametrize("failed", [False, True])
def test_what_a_tool_said_is_never_lost(text: str, failed: bool) -> None:
    result = ToolResult("a", (Text(text),), "f", failed)
    talk = Conversation(
        messages=(
            HI,
            Message("assistant", (ToolUse("a", "f"),)),
            Message("tool", (result,)),
        )
    )
    body, _ = write(talk)
    assert (
        call(body).conversation().messages[2].parts
        in (
            (result,),
            (replace(result, parts=(Text(json.dumps(json.loads(text or "0"))),)),),
        )
        if text.startswith("{") and text != "{"
        else (result,)
    )


def test_an_unsigned_call_is_excused_to_gemini_3_alone() -> None:
    uses = (ToolUse("a", "f"), ToolUse("b", "f"))
    talk = Conversation(
        messages=(
            HI,
            Message("assistant", uses),
            Message("tool", (ToolResult("a", name="f"), ToolResult("b", name="f"))),
        )
    )
    new, _ = write(talk, "gemini-3-flash-preview")
    signs = [p.get("thoughtSignature") for p in new["contents"][1]["parts"]]
    assert signs == [SKIP, None]
    assert base64.b64decode(SKIP) == b"skip_thought_signature_validator"
    assert call(new).conversation() == replace(
        talk,
        messages=(
            HI,
            Message("assistant", uses),
            *call(new).conversation().messages[2:],
        ),
    )
    old, _ = write(talk, "gemini-2.5-flash")
    assert all("thoughtSignature" not in p for p in old["contents"][1]["parts"])
    signed = replace(
        talk, messages=(HI, Message("assistant", (ToolUse("a", "f", "{}", "c2ln"),)))
    )
    own, _ = write(signed, "gemini-3-flash-preview")
    assert own["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"


def test_only_geminis_own_thoughts_go_back() -> None:
    thoughts = (
        Thinking("mine", "c2ln", family="gemini"),
        Thinking("theirs", "sig", family="anthropic"),
        Text("so", signature="dHh0"),
    )
    body, dropped = write(Conversation(messages=(HI, Message("assistant", thoughts))))
    assert body["contents"][1]["parts"] == [
        {"text": "mine", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "so", "thoughtSignature": "dHh0"},
    ]
    assert dropped == ("thinking",)


def test_system_and_developer_speak_apart() -> None:
    talk = Conversation(
        messages=(
            Message("system", (Text("a"),)),
            HI,
            Message("developer", (Text("b"),)),
        )
    )
    body, _ = write(talk)
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert len(body["contents"]) == 1


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            Image(data="aQ==", media_type="image/webp"),
            {"inlineData": {"mimeType": "image/webp", "data": "aQ=="}},
        ),
        (
            Image(url="data:image/png;base64,aQ=="),
            {"inlineData": {"mimeType": "image/png", "data": "aQ=="}},
        ),
        (
            Image(url="data:image/svg+xml,%3Csvg/%3E"),
            {"inlineData": {"mimeType": "image/svg+xml", "data": "PHN2Zy8+"}},
        ),
        (
            Image(url="https://x.test/a/cat.PNG?size=2"),
            {
                "fileData": {
                    "mimeType": "image/png",
                    "fileUri": "https://x.test/a/cat.PNG?size=2",
                }
            },
        ),
        (
            Image(url="https://x.test/cat"),
            {"fileData": {"fileUri": "https://x.test/cat"}},
        ),
        (
            Image(file="files/abc", media_type="image/png"),
            {"fileData": {"mimeType": "image/png", "fileUri": "files/abc"}},
        ),
        (
            Audio(data="aQ==", format="wav"),
            {"inlineData": {"mimeType": "audio/wav", "data": "aQ=="}},
        ),
        (
            Audio(data="aQ==", format="pcm16"),
            {
                "inlineData": {
                    "mimeType": "audio/L16;codec=pcm;rate=24000",
                    "data": "aQ==",
                }
            },
        ),
        (Audio(id="audio_1", transcript="hello"), {"text": "hello"}),
        (
            Document(data="aQ==", media_type="application/pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "aQ=="}},
        ),
        (
            Document(text="plain"),
            {"inlineData": {"mimeType": "text/plain", "data": "cGxhaW4="}},
        ),
        (
            Document(url="gs://bucket/a.pdf"),
            {
                "fileData": {
                    "mimeType": "application/pdf",
                    "fileUri": "gs://bucket/a.pdf",
                }
            },
        ),
        (Refusal("no"), {"text": "no"}),
    ],
)
def test_a_part_has_geminis_word(part: Part, expected: dict[str, Any]) -> None:
    assert said(part) == [expected]


@pytest.mark.parametrize(
    "part",
    [
        Image(file="file-abc"),
        Document(file="file-abc"),
        Image(url="ftp://x.test/a.png"),
        Image(url="javascript:alert(1)"),
        Image(url="data:image/png;base64"),
        Document(),
    ],
)
def test_what_only_another_provider_holds_is_refused(part: Part) -> None:
    with pytest.raises((Unsupported, BadCall)):
        said(part)


def test_what_is_left_out_is_named() -> None:
    parts: tuple[Part, ...] = (
        Text("a", cache=Cache()),
        Image(data="aQ==", media_type="image/png", detail="high"),
        Document(data="aQ==", media_type="application/pdf", title="t", context="c"),
        Opaque("anthropic", "server_tool_use", Raw(b"{}")),
        Audio(id="audio_1"),
    )
    talk = Conversation(
        messages=(Message("user", parts, name="bob"),),
        tools=(
            Tool("f", strict=True),
            Tool("web_search", kind="opaque", family="anthropic", raw=Raw(b"{}")),
        ),
    )
    _, dropped = write(talk)
    assert dropped == (
        "audio.id",
        "cache_control",
        "detail",
        "document.context",
        "document.title",
        "messages.name",
        "server_tool_use",
        "tools.strict",
        "tools.web_search",
    )
    with pytest.raises(Unsupported):
        write(talk, strict=True)


def test_media_of_a_gemini_client_are_what_their_type_says() -> None:
    contents = [
        {
            "role": "user",
            "parts": [
                {
                    "inlineData": {"mimeType": "image/png", "data": "-_8="},
                    "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
                },
                {"inline_data": {"mime_type": "audio/mpeg", "data": "aQ=="}},
                {
                    "inlineData": {
                        "mimeType": "text/csv",
                        "data": "aQ==",
                        "displayName": "n",
                    }
                },
                {"inlineData": {"mimeType": "video/mp4", "data": "aQ=="}},
                {
                    "fileData": {
                        "mimeType": "image/png",
                        "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x",
                    }
                },
                {
                    "fileData": {
                        "mimeType": "application/pdf",
                        "fileUri": "https://x.test/a.pdf",
                    }
                },
                {"fileData": {"fileUri": "https://youtu.be/x"}},
                {"executableCode": {"code": "1"}},
                {},
            ],
        }
    ]
    parts = read({"contents": contents}).messages[0].parts
    assert parts[0] == Image(data="+/8=", media_type="image/png", detail="high")
    assert parts[1] == Audio(data="aQ==", format="mp3")
    assert parts[2] == Document(data="aQ==", media_type="text/csv", name="n")
    assert isinstance(parts[3], Opaque)
    assert parts[4] == Image(
        file="https://generativelanguage.googleapis.com/v1beta/files/x",
        media_type="image/png",
    )
    assert parts[5] == Document(
        url="https://x.test/a.pdf", media_type="application/pdf"
    )
    labels = [p.label for p in parts if isinstance(p, Opaque)]
    assert labels == ["video", "video", "executableCode"]
    assert len(parts) == 8


def test_a_schema_of_openapi_becomes_json_schema() -> None:
    given = {
        "type": "OBJECT",
        "property_ordering": ["b", "a"],
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"], "max_length": "9"},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int64"}},
            "type": {"type": 3, "anyOf": [{"type": "NUMBER"}]},
            "snake_name": {"any_of": [{"type": "BOOLEAN"}], "nullable": True},
        },
        "required": ["b"],
    }
    declared = {"name": "f", "description": "d", "parameters": given}
    (tool,) = read({"tools": [{"functionDeclarations": [declared]}]}).tools
    schema = json.loads(bytes(tool.schema))
    assert schema == {
        "type": "object",
        "properties": {
            "b": {"type": "array", "items": {"type": "integer", "format": "int64"}},
            "a": {"type": ["string", "null"], "enum": ["x", None], "maxLength": 9},
            "type": {"type": "integer", "anyOf": [{"type": "number"}]},
            "snake_name": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["b"],
    }
    assert list(schema["properties"])[0] == "b"


def test_json_schema_goes_up_byte_for_byte() -> None:
    schema = Raw(
        b'{"type": "object", "$defs": {"T": {"const": 1.0}}, "additionalProperties": false}'
    )
    talk = Conversation(
        messages=(HI,),
        tools=(Tool("f", "d", schema),),
        response_format=ResponseFormat("schema", "n", schema=schema, strict=True),
    )
    written = conversation.flat(conversation.write(talk, target(), is_ours=False))
    assert written.count(bytes(schema)) == 2
    assert b"parametersJsonSchema" in written
    assert b"responseJsonSchema" in written


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            ToolChoice("required", ("f", "g")),
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
        ),
        (
            ToolChoice("auto", ("f",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_a_tool_choice_is_a_mode(choice: ToolChoice, config: dict[str, Any]) -> None:
    body, _ = write(Conversation(messages=(HI,), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert read(body).tool_choice == choice


def test_geminis_own_fields_come_back_and_are_named_elsewhere() -> None:
    given = {
        "safetySettings": [{"category": "C", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/x",
        "toolConfig": {
            "functionCallingConfig": {"mode": "VALIDATED"},
            "retrievalConfig": {"languageCode": "de"},
        },
        "generationConfig": {
            "speechConfig": {"voiceConfig": {}},
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "thinkingConfig": {"thinkingBudget": 5, "novel": 1},
            "responseMimeType": "text/x.enum",
            "responseSchema": {"type": "STRING", "enum": ["A"]},
        },
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
        "novel": 1,
    }
    talk = read(given)
    body, dropped = write(talk, ours=True)
    del body["contents"]
    assert body.pop("generationConfig") == {
        "thinkingConfig": {"thinkingBudget": 5, "novel": 1},
        "speechConfig": {"voiceConfig": {}},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["A"]},
    }
    del given["generationConfig"]
    assert body == given
    assert dropped == ()
    foreign, dropped = write(talk, ours=False)
    assert foreign["safetySettings"] == given["safetySettings"]
    assert "novel" in dropped
    assert "toolConfig" in dropped
    assert "generationConfig.speechConfig" in dropped


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-2.5-flash", (2, 5)),
        ("models/gemini-2.5-pro-preview-05-06", (2, 5)),
        ("gemini-3-pro-preview", (3, 0)),
        ("gemini-3.1-pro-preview", (3, 1)),
        ("gemini-2.0-flash-001", (2, 0)),
        ("gemini-1.5-flash", (1, 5)),
        ("gemini-flash-latest", (3, 1)),
        ("gemma-3-27b-it", (0, 0)),
        ("learnlm-2.0", (0, 0)),
        ("gemini-robotics-er-1.5-preview", (1, 5)),
    ],
)
def test_a_models_name_tells_its_generation(
    model: str, version: tuple[int, int]
) -> None:
    assert thinking.generation(model) == version


EFFORTS: dict[str, dict[str, Any]] = {
    "gemini-3-flash-preview": {
        "none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-3-pro-preview": {
        "none": "LOW", "minimal": "LOW", "low": "LOW", "medium": "HIGH", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-3.1-pro-preview": {
        "none": "LOW", "minimal": "LOW", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
    },
    "gemini-2.5-flash": {
        "none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576,
    },
    "gemini-2.5-pro": {
        "none": 128, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "effort"), [(m, e) for m, row in EFFORTS.items() for e in row]
)
def test_an_effort_is_a_level_or_a_budget(model: str, effort: str) -> None:
    talk = Conversation(messages=(HI,), reasoning=Reasoning(effort=effort))
    body, dropped = write(talk, model)
    expected = EFFORTS[model][effort]
    word = "thinkingLevel" if isinstance(expected, str) else "thinkingBudget"
    assert body["generationConfig"]["thinkingConfig"] == {word: expected}
    assert dropped == ()


@pytest.mark.parametrize(
    ("ask", "model", "config"),
    [
        (Reasoning(enabled=False), "gemini-2.5-flash", {"thinkingBudget": 0}),
        (Reasoning(enabled=False), "gemini-2.5-pro", {"thinkingBudget": 128}),
        (Reasoning(enabled=False), "gemini-3-flash", {"thinkingLevel": "MINIMAL"}),
        (Reasoning(True), "gemini-2.5-flash", {"thinkingBudget": -1}),
        (Reasoning(True, budget=4000), "gemini-2.5-flash", {"thinkingBudget": 4000}),
        (Reasoning(True, budget=99999), "gemini-2.5-flash", {"thinkingBudget": 24576}),
        (Reasoning(True, budget=99999), "gemini-2.5-pro", {"thinkingBudget": 32768}),
        (Reasoning(True, budget=4000), "gemini-3-flash", {"thinkingBudget": 4000}),
        (Reasoning(True, budget=-1), "gemini-2.5-pro", {"thinkingBudget": -1}),
        (
            Reasoning(True, "high", 4000, True),
            "gemini-3-flash",
            {"includeThoughts": True, "thinkingLevel": "HIGH"},
        ),
        (Reasoning(show=True), "gemini-2.5-flash", {"includeThoughts": True}),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    ask: Reasoning, model: str, config: dict[str, Any]
) -> None:
    body, _ = write(Conversation(messages=(HI,), reasoning=ask), model)
    assert body["generationConfig"]["thinkingConfig"] == config


def test_a_model_that_cannot_think_is_not_asked_to() -> None:
    for model in ("gemini-2.0-flash", "gemma-3-27b-it"):
        talk = Conversation(messages=(HI,), reasoning=Reasoning(effort="high"))
        body, dropped = write(talk, model)
        assert "generationConfig" not in body
        assert dropped == ("reasoning",)
        talk = Conversation(messages=(HI,), reasoning=Reasoning(enabled=False))
        assert write(talk, model) == ({"contents": body["contents"]}, ())


def test_limits_of_the_model_and_of_the_api_hold() -> None:
    talk = Conversation(messages=(HI,), max_tokens=100_000)
    body, _ = write(talk, limits={"max_output_tokens": 65_536})
    assert body["generationConfig"]["maxOutputTokens"] == 65_536
    with pytest.raises(Unsupported):
        write(Conversation(messages=(HI,), stop=tuple("abcdef")))


def test_a_custom_tool_is_refused() -> None:
    with pytest.raises(Unsupported):
        write(Conversation(messages=(HI,), tools=(Tool("sh", kind="custom"),)))


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("null", {}),
        ('{"a": 1.0}', {"a": 1.0}),
        ("[1]", {"arguments": "[1]"}),
        ("{oops", {"arguments": "{oops"}),
    ],
)
def test_arguments_are_always_an_object(arguments: str, args: dict[str, Any]) -> None:
    use = ToolUse("a", "f", arguments)
    body, _ = write(Conversation(messages=(HI, Message("assistant", (use,)))))
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == args


SAMPLES: dict[str, Any] = {
    "messages": (HI, Message("assistant", (Text("yo"),))),
    "tools": (Tool("f"),),
    "tool_choice": ToolChoice("required"),
    "parallel_tools": False,
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "stop": ("x",),
    "seed": 5,
    "n": 2,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "logit_bias": Raw(b'{"5":1}'),
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": ResponseFormat("json"),
    "reasoning": Reasoning(effort="high"),
    "user": "u",
    "metadata": Raw(b'{"a":"b"}'),
    "service_tier": "flex",
    "verbosity": "low",
    "modalities": ("text", "image"),
    "audio": Raw(b"{}"),
    "prediction": Raw(b"{}"),
    "cache_key": "k",
    "cache_retention": "24h",
    "safety_identifier": "s",
    "store": True,
    "extra": {"novel": Raw(b"1")},
}


def test_the_table_names_every_parameter() -> None:
    assert set(PARAMETERS) == set(Conversation.__struct_fields__) == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_table_of_parameters_is_true(name: str) -> None:
    plain, nothing = write(Conversation(messages=(HI,)))
    body, dropped = write(Conversation(**{"messages": (HI,), name: SAMPLES[name]}))
    assert nothing == ()
    fate = PARAMETERS[name][0]
    if fate == "mapped":
        assert body != plain
        assert dropped == ()
    else:
        assert body == plain
        assert dropped == (("novel",) if name == "extra" else (NAMES.get(name, name),))
        with pytest.raises(Unsupported):
            write(Conversation(**{"messages": (HI,), name: SAMPLES[name]}), strict=True)


def test_a_tier_that_gemini_lacks_is_named() -> None:
    talk = Conversation(messages=(HI,), service_tier="scale")
    assert write(talk)[1] == ("service_tier",)
    assert write(replace(talk, service_tier="auto"))[1] == ()
    assert write(replace(talk, service_tier="default"))[0]["serviceTier"] == "standard"


@pytest.mark.parametrize(
    "body",
    [
        {"contents": 5},
        {"contents": ["hi"]},
        {"contents": [{"role": "robot", "parts": []}]},
        {"contents": [{"parts": 5}]},
        {"contents": [{"parts": [5]}]},
        {"contents": [{"parts": [{"text": 5}]}]},
        {"contents": [{"parts": [{"functionCall": {}}]}]},
        {"contents": [{"parts": [{"functionCall": {"name": "f", "args": []}}]}]},
        {"contents": [{"parts": [{"functionResponse": {"response": {}}}]}]},
        {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": 1}}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]},
        {"contents": [{"parts": [{"fileData": {}}]}]},
        {"systemInstruction": "text"},
        {"tools": [5]},
        {"tools": [{"functionDeclarations": [{}]}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": 5}]}]},
        {"toolConfig": []},
        {"generationConfig": {"temperature": "hot"}},
        {"generationConfig": {"stopSequences": "x"}},
        {"generationConfig": {"thinkingConfig": 5}},
        {"generationConfig": {"responseSchema": "x"}},
    ],
)
def test_a_body_that_breaks_the_rules_is_told_where(body: dict[str, Any]) -> None:
    with pytest.raises(BadCall) as error:
        read(body)
    assert error.value.param


@pytest.mark.parametrize(
    "deep",
    [
        b'{"contents":' + b"[" * 50_000,
        b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":'
        + b'{"a":' * 5_000
        + b"1"
        + b"}" * 5_000
        + b"}}]}]}",
        b'{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":'
        + b'{"items":' * 900
        + b"{}"
        + b"}" * 900
        + b"}]}]}",
        b'{"contents":[{"parts":[{"text":"\xff\xfe"}]}]}',
        b'{"contents":[{"parts":[{"text":"\\ud800"}]}]}',
        b"\xff",
        b"",
        b"[]",
        b"null",
    ],
)
def test_hostile_bodies_are_bad_calls(deep: bytes) -> None:
    with pytest.raises(BadCall):
        call(deep).conversation()
