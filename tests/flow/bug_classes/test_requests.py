"""Classes 4, 6, 7, 12, 15 and 16: what requests and their accounting get wrong."""

import json
from typing import Any

import pytest

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import SIGNED, USED
from tests.flow.sdk.clients import DIALECTS
from tests.harness.upstream import tell

CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "clock", "arguments": "{}"},
}
TOOL = {
    "type": "function",
    "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}},
}
CHAT = "/v1/chat/completions"
EACH = pytest.mark.parametrize("dialect", DIALECTS)
BACKENDS = pytest.mark.parametrize(
    "family", ["plain", "anthropic", "gemini", "bedrock"]
)


@EACH
@pytest.mark.parametrize("stream", [False, True])
@BACKENDS
def test_class_04_cached_tokens_count_and_cost_once(
    scene: Scene, family: str, dialect: str, stream: bool
) -> None:
    got = scene.ask(dialect, family, stream=stream, text="[[calls]]")
    assert (got.input, got.cached) == (USED.input, USED.cached)
    assert got.output == USED.output
    row = scene.gateway.record(got.headers["x-routeiq-id"])
    assert (row["tokens"]["input"], row["tokens"]["cached"]) == (1321, 1000)
    fresh, read, output = 321 * 3000, 1000 * 300, 50 * 15_000
    assert row["cost_nano"] == fresh + read + output


@pytest.mark.parametrize("stream", [False, True])
def test_class_06_gemini_signature_survives_an_openai_client(
    scene: Scene, stream: bool
) -> None:
    got = scene.ask("openai", "gemini-3", stream=stream, text="[[signed]]")
    call = got.raw.choices[0].message.tool_calls[0]
    plain = {**CALL, "id": call.id}
    more = (call.model_extra or {}).get("extra_content")
    turns = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "tool_calls": [{**plain, **({"extra_content": more} if more else {})}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": "noon"},
    ]
    body = {"model": "gemini-3", "messages": turns, "tools": [TOOL]}
    assert scene.post(CHAT, body).status_code == 200
    (part,) = scene.last.json()["contents"][1]["parts"]
    assert part["thoughtSignature"] == SIGNED


@pytest.mark.parametrize("ttl", [None, "1h"])
def test_class_07_cache_control_is_a_cache_point_at_bedrock(
    scene: Scene, ttl: str | None
) -> None:
    mark = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    for alias in ("bedrock-claude", "bedrock-arn"):
        body = {
            "model": alias,
            "max_tokens": 9,
            "system": [{"type": "text", "text": "long", "cache_control": mark}],
            "messages": [{"role": "user", "content": "hi"}],
        }
        answer = scene.post("/v1/messages", body)
        assert answer.status_code == 200
        point = scene.last.json()["system"][1]["cachePoint"]
        assert point == {"type": "default", **({"ttl": ttl} if ttl else {})}
        assert "cache_control" not in answer.headers.get("x-routeiq-dropped", "")


@BACKENDS
@pytest.mark.parametrize("content", [None, "", " \n", []])
@pytest.mark.parametrize("result", ["", " ", []])
def test_class_12_empty_content_beside_tool_calls(
    scene: Scene, family: str, content: Any, result: Any
) -> None:
    """No empty text goes where it is refused, and no call or result is lost."""
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": content, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
    body = {"model": family, "messages": turns, "tools": [TOOL]}
    assert scene.post(CHAT, body).status_code == 200
    asked = scene.last.json()
    if family == "plain":
        assert [m["role"] for m in asked["messages"]] == ["user", "assistant", "tool"]
        assert asked["messages"][1]["tool_calls"][0]["id"] == "call_1"
        return
    turns = asked["contents" if family == "gemini" else "messages"]
    assert len(turns) == 3
    parts = turns[1]["parts" if family == "gemini" else "content"]
    texts = [part["text"] for part in parts if "text" in part]
    assert all(texts)
    if family != "gemini":  # who alone takes blanks
        assert all(text.strip() for text in texts)
    assert len(parts) == 1 + len(texts)
    (answer,) = turns[2]["parts" if family == "gemini" else "content"]
    assert answer.keys() & {"functionResponse", "toolResult", "tool_use_id"}


SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"Place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    "properties": {
        "at": {"$ref": "#/$defs/Place"},
        "days": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["at"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("family", ["plain", "anthropic", "gemini", "bedrock"])
def test_class_15_json_schema_keeps_its_meaning(scene: Scene, family: str) -> None:
    function = {"name": "go", "parameters": SCHEMA}
    bare = {"type": "function", "function": {"name": "bare"}}
    tools = [{"type": "function", "function": function}, bare]
    body = {
        "model": family,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": tools,
    }
    assert scene.post(CHAT, body).status_code == 200
    asked = scene.last.json()
    text = json.dumps(asked)
    assert '"bare"' in text
    match family:
        case "plain":
            assert asked["tools"] == tools
        case "anthropic":
            assert asked["tools"][0]["input_schema"] == SCHEMA
            assert asked["tools"][1]["input_schema"]["type"] == "object"
        case "bedrock":
            first, second = asked["toolConfig"]["tools"]
            assert first["toolSpec"]["inputSchema"]["json"] == SCHEMA
            assert second["toolSpec"]["inputSchema"]["json"]["type"] == "object"
        case "gemini":
            first, _ = asked["tools"][0]["functionDeclarations"]
            assert first["parametersJsonSchema"] == SCHEMA


def test_class_16_unsupported_params_are_named_or_refused(scene: Scene) -> None:
    said = [{"role": "user", "content": "hi"}]
    body = {"model": "anthropic", "messages": said, "seed": 7, "logprobs": True}
    answer = scene.post(CHAT, body)
    assert answer.status_code == 200
    named = set(answer.headers["x-routeiq-dropped"].split(", "))
    assert {"seed", "logprobs"} <= named
    assert not {"seed", "logprobs"} & scene.last.json().keys()


@EACH
@pytest.mark.parametrize("stream", [False, True])
def test_class_16_reasoning_models_get_their_own_limit(
    scene: Scene, dialect: str, stream: bool
) -> None:
    limit: dict[str, Any] = {"max_tokens": 77}
    if dialect == "gemini":
        limit = {"config": {"max_output_tokens": 77}}
    scene.ask(dialect, "openai-thinks", stream=stream, **limit)
    asked = scene.last.json()
    assert asked["max_completion_tokens"] == 77
    assert "max_tokens" not in asked


@pytest.mark.parametrize(
    ("model", "limits"),
    [
        ("openai", {"max_tokens": 77}),
        ("openai", {"max_completion_tokens": 77}),
        ("plain", {"max_tokens": 77}),
        ("openai-thinks", {"max_completion_tokens": 77}),
        ("openai-thinks", {"max_tokens": 77, "max_completion_tokens": 78}),
    ],
)
def test_class_16_a_limit_stays_as_written_where_it_is_taken(
    scene: Scene, model: str, limits: dict[str, int]
) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **limits}
    assert scene.post(CHAT, body).status_code == 200
    assert {**scene.last.json(), "model": model} == body


def test_class_16_ollama_is_told_how_much_to_say(scene: Scene) -> None:
    from_ollama = {
        "model": "m",
        "created_at": "2026-01-02T03:04:05Z",
        "message": {"role": "assistant", "content": "and so"},
        "done": True,
        "done_reason": "length",
        "prompt_eval_count": 3,
        "eval_count": 77,
    }
    scene.script("ollama", tell(200, from_ollama))
    got = scene.ask("openai", "ollama", max_tokens=77)
    assert scene.last.json()["options"]["num_predict"] == 77
    assert got.stop == "length"
