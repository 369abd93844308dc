"""Requests: Gemini's words read into everyone's, and everyone's written as Gemini's."""

import base64
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from adapters.errors import BadCall, Unsupported
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
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from tests.adapters.gemini.recordings import call
from tests.adapters.gemini.talk import HI, read, said, write


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
    assert call(body).conversation().messages[2].parts == (result,)


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
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
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
