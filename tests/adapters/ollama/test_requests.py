"""What Ollama is asked: as recorded, and what becomes of every parameter."""

import json

import pytest

from adapters.contract import Hint
from adapters.errors import BadCall, Unsupported
from adapters.normal.chat import ChatCall
from adapters.normal.embed import EmbedResult
from adapters.registry import DIALECTS
from tests.adapters.vendor import Json, ask, target, upstream
from tests.replay import material
from tests.shared import needs_shared

RECORDED = [r for r in material.every("ollama") if r.request]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def as_client(recorded: Json) -> Json:
    """What an OpenAI client would have asked."""
    options = dict(recorded.get("options") or {})
    asked: Json = {k: recorded[k] for k in ("messages", "stream") if k in recorded}
    if limit := options.pop("num_predict", None):
        asked["max_tokens"] = limit
    if tools := recorded.get("tools"):
        asked["tools"] = tools
    if recorded.get("format") == "json":
        asked["response_format"] = {"type": "json_object"}
    return {**asked, **options}


@needs_shared
def test_a_chat_is_asked_as_it_was_recorded() -> None:
    chats = [r for r in RECORDED if r.path == "/api/chat"]
    for recording in chats:
        recorded = json.loads(recording.request)
        sent, wire = ask("ollama", as_client(recorded), recording.model)
        assert wire.head.url == "http://localhost:11434/api/chat"
        expected = {"stream": False, **recorded}
        options = dict(expected.get("options") or {})
        if "think" in options:  # a client's mistake: it is no option
            expected |= {"think": options.pop("think"), "options": options}
        for name in ("format", "tools", "options"):
            if not expected.get(name):
                expected.pop(name, None)
        assert sent == expected, recording.id
        assert wire.dropped == ()
    assert len(chats) > 8


@needs_shared
def test_a_plain_prompt_goes_to_generate() -> None:
    prompts = [r for r in RECORDED if r.path == "/api/generate"]
    for recording in prompts:
        recorded = json.loads(recording.request)
        options = recorded["options"]
        asked = {
            "model": "alias",
            "prompt": recorded["prompt"],
            "max_tokens": options.get("num_predict"),
            "temperature": options.get("temperature"),
            "stream": recorded["stream"],
        }
        call = DIALECTS["openai.completions"].read_call(
            json.dumps(asked).encode(), Hint()
        )
        wire = upstream("ollama").build_request(call, target("ollama", "llama3.1"))
        sent = json.loads(wire.body)
        assert wire.head.url.endswith("/api/generate")
        assert sent["prompt"] == recorded["prompt"]
        told = {k: v for k, v in options.items() if v != []}
        assert sent.get("options", {}) == told
    assert len(prompts) >= 4


def test_a_suffix_is_filled_in() -> None:
    body = b'{"model":"a","prompt":"def f(","suffix":"return 1"}'
    call = DIALECTS["openai.completions"].read_call(body, Hint())
    wire = upstream("ollama").build_request(call, target("ollama", "m"))
    assert json.loads(wire.body)["suffix"] == "return 1"


@needs_shared
def test_vectors_are_asked_for_as_recorded_and_read() -> None:
    embeds = [r for r in RECORDED if r.path == "/api/embed"]
    for recording in embeds:
        recorded = json.loads(recording.request)
        asked = {"model": "alias", "input": recorded["input"], **recorded["options"]}
        call = DIALECTS["openai.embeddings"].read_call(
            json.dumps(asked).encode(), Hint()
        )
        wire = upstream("ollama").build_request(call, target("ollama", recording.model))
        assert wire.head.url.endswith("/api/embed")
        assert json.loads(wire.body) == {**recorded, "input": [recorded["input"]]}
        result = recording.result(call)
        assert isinstance(result, EmbedResult)
        told = json.loads(recording.body)
        assert [list(v) for v in result.vectors] == told["embeddings"]
        assert result.usage is not None
        assert result.usage.input == told["prompt_eval_count"]
    assert len(embeds) >= 4


def test_options_of_every_kind_are_put_where_they_belong() -> None:
    sent, wire = ask(
        "ollama",
        {
            "max_tokens": 7,
            "temperature": 0.5,
            "stop": ["x"],
            "num_ctx": 8192,
            "options": {"mirostat": 2, "temperature": 0.1},
            "keep_alive": "5m",
            "truncate": True,
        },
    )
    assert sent["options"] == {
        "num_predict": 7,
        "temperature": 0.1,
        "stop": ["x"],
        "num_ctx": 8192,
        "mirostat": 2,
    }
    assert sent["keep_alive"] == "5m"
    assert sent["truncate"] is True
    assert wire.dropped == ()


@pytest.mark.parametrize(
    ("asked", "model", "think"),
    [
        ({"reasoning_effort": "high"}, "qwen3", True),
        ({"reasoning_effort": "high"}, "gpt-oss:20b", "high"),
        ({"reasoning_effort": "minimal"}, "gpt-oss", "low"),
        ({"reasoning_effort": "none"}, "qwen3", False),
        ({"think": "low"}, "x", "low"),
        ({}, "qwen3", None),
    ],
)
def test_thinking_is_asked_for(
    asked: Json, model: str, think: bool | str | None
) -> None:
    sent, wire = ask("ollama", asked, model)
    assert sent.get("think") == think
    assert wire.dropped == ()


def test_a_turn_with_tools_and_pictures() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    sent, wire = ask(
        "ollama",
        {
            "tools": [TOOL],
            "tool_choice": "required",
            "response_format": form,
            "user": "u",
            "messages": [
                {"role": "developer", "content": "Be kind."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "See"},
                        {"type": "image_url", "image_url": {"url": PIXEL}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "reasoning_content": "Hm.",
                    "tool_calls": calls,
                },
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
            ],
        },
    )
    assert sent["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "See", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "Hm.",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {}}}],
        },
        {"role": "tool", "content": "42", "tool_name": "f", "tool_call_id": "c1"},
    ]
    assert sent["format"] == schema
    assert sent["tools"] == [TOOL]
    assert set(wire.dropped) == {"tool_choice", "user"}


def test_no_tools_are_shown_where_none_may_be_used() -> None:
    sent, wire = ask("ollama", {"tools": [TOOL], "tool_choice": "none"})
    assert "tools" not in sent
    assert wire.dropped == ()


@pytest.mark.parametrize(
    "content",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ],
)
def test_what_cannot_be_shown_is_refused(content: Json) -> None:
    message = {"role": "user", "content": [content]}
    with pytest.raises(Unsupported):
        ask("ollama", {"messages": [message]})


def test_a_strict_target_refuses_what_would_be_dropped() -> None:
    with pytest.raises(Unsupported, match="Ollama cannot be asked for user"):
        ask("ollama", {"user": "u"}, strict=True)
    with pytest.raises(Unsupported, match="custom"):
        custom = {"type": "custom", "custom": {"name": "c"}}
        ask("ollama", {"tools": [custom]})
    with pytest.raises(BadCall):
        ask("ollama", {"options": "fast"})


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/api"])
def test_the_address_of_its_openai_api_is_understood(end: str) -> None:
    _, wire = ask("ollama", {}, base_url=f"http://h:1{end}")
    assert wire.head.url == "http://h:1/api/chat"
    assert (b"authorization", b"Bearer k") in wire.head.headers


def test_a_call_without_an_id_has_the_same_one_every_time() -> None:
    body = (
        b'{"model":"m","created_at":"2026-01-01T00:00:00.123456789Z","message":'
        b'{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f",'
        b'"arguments":{"a":1}}},{"function":{"name":"f","arguments":{"a":1}}}]},'
        b'"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4}'
    )
    recording = material.Recording("ollama", "x", "", "", b"", "", 200, body, "whole")
    call = material.call_of("openai.chat", stream=False)
    assert isinstance(call, ChatCall)
    ids = []
    for _ in range(2):
        whole = recording.result(call)
        parts = whole.choices()[0].parts  # type: ignore[union-attr]
        ids.append([part.id for part in parts])  # type: ignore[union-attr]
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2
    streamed = recording._replace(body=body + b"\n").frames(call)
    starts = [d.id for f in streamed for d in f.deltas if hasattr(d, "name")]
    assert starts == ids[0]
