"""Classes 5, 13 and 14: what conversations with tools lose between two turns."""

import json
import re
from typing import Any, Final

import pytest

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import SIGNED, completion, ollama_line
from tests.flow.sdk.clients import DIALECTS
from tests.flow.sdk.features import WEATHER, ZURICH
from tests.flow.sdk.test_second_turn import first, second
from tests.harness.spoken_responses import ENCRYPTED
from tests.harness.upstream import tell

CALL: Final = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "clock", "arguments": "{}"},
}
TOOL: Final = {
    "type": "function",
    "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}},
}
CHAT: Final = "/v1/chat/completions"
HI: Final = {"role": "user", "content": "hi"}
CLAUDES: Final = ("anthropic", "bedrock-claude", "bedrock-invoked")
"""Claude by its own API, by Converse and by InvokeModel."""


def thoughts(asked: Any) -> list[tuple[str, str]]:
    """Text and signature of what the model is told that it thought."""
    out = []
    for part in asked["messages"][1]["content"]:
        if part.get("type") == "thinking":
            out.append((part["thinking"], part["signature"]))
        if "reasoningContent" in part:
            told = part["reasoningContent"]["reasoningText"]
            out.append((told["text"], told["signature"]))
    return out


def redacted(asked: Any) -> list[str]:
    parts = asked["messages"][1]["content"]
    plain = [p["data"] for p in parts if p.get("type") == "redacted_thinking"]
    wrapped = [p["reasoningContent"] for p in parts if "reasoningContent" in p]
    return plain + [told["redactedContent"] for told in wrapped]


def two_turns(
    scene: Scene, dialect: str, family: str, stream: bool, prompt: str
) -> None:
    asked = {**first(dialect, prompt), "model": family}
    got = scene.clients.ask(dialect, "sync", stream, asked)
    again = second(dialect, asked, got)
    scene.clients.ask(dialect, "sync", stream, again)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("family", CLAUDES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_class_05_thinking_signatures_return_byte_for_byte(
    scene: Scene, dialect: str, family: str, stream: bool
) -> None:
    two_turns(scene, dialect, family, stream, "[[weather]]")
    assert thoughts(scene.last.json()) == [("Hm…", SIGNED)]
    two_turns(scene, dialect, family, stream, "[[hidden]]")
    assert redacted(scene.last.json()) == [SIGNED]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_class_05_signatures_of_calls_return_to_gemini(
    scene: Scene, dialect: str, stream: bool
) -> None:
    two_turns(scene, dialect, "gemini-3", stream, "[[weather]]")
    parts = scene.last.json()["contents"][1]["parts"]
    (call,) = [part for part in parts if "functionCall" in part]
    assert call["thoughtSignature"] == SIGNED


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("family", [*CLAUDES, "gemini-3", "openai-thinks"])
def test_class_05_reasoning_items_return_to_who_made_them(
    scene: Scene, family: str, stream: bool
) -> None:
    """Of the Responses API, which OpenAI itself is asked by, too."""
    asked: dict[str, Any] = {
        "model": family,
        "tools": [{"type": "function", **WEATHER["openai"]["function"]}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    said: list[Any] = [{"role": "user", "content": "[[weather]]"}]
    create = scene.clients.openai.responses.create
    if stream:
        *_, last = create(**asked, input=said, stream=True)
        output = last.response.output
    else:
        output = create(**asked, input=said).output
    items = [item.model_dump(exclude_none=True) for item in output]
    call = items[-1]
    assert json.loads(call["arguments"]) == ZURICH
    result = {"type": "function_call_output", "call_id": call["call_id"]}
    create(**asked, input=[*said, *items, {**result, "output": "noon"}])
    told = scene.last.json()
    if family in CLAUDES:
        assert thoughts(told) == [("Hm…", SIGNED)]
    elif family == "gemini-3":
        (part,) = [p for p in told["contents"][1]["parts"] if "functionCall" in p]
        assert part["thoughtSignature"] == SIGNED
    else:
        assert told["input"][1:-1] == items
        assert told["input"][1]["encrypted_content"] == ENCRYPTED


@pytest.mark.parametrize("family", ["anthropic", "gemini", "bedrock"])
def test_class_13_parallel_tool_results_are_one_turn(scene: Scene, family: str) -> None:
    calls = [{**CALL, "id": f"call_{at}"} for at in range(3)]
    results = [
        {"role": "tool", "tool_call_id": f"call_{at}", "content": str(at)}
        for at in (0, 1, 2)
    ]
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": calls},
        *results,
    ]
    body = {"model": family, "messages": turns, "tools": [TOOL]}
    assert scene.post(CHAT, body).status_code == 200
    asked = scene.last.json()
    turns = asked["contents" if family == "gemini" else "messages"]
    assert [turn["role"] for turn in turns][::2] == ["user", "user"]
    assert len(turns) == 3
    told = turns[2]["parts" if family == "gemini" else "content"]
    assert len(told) == 3
    texts = [json.dumps(one) for one in told]
    assert all(f'"{at}"' in text for at, text in enumerate(texts))


def answered(scene: Scene, family: str, *ids: str) -> Any:
    """One call, and results for these ids."""
    results = [{"role": "tool", "tool_call_id": i, "content": "noon"} for i in ids]
    turns = [HI, {"role": "assistant", "content": None, "tool_calls": [CALL]}]
    body = {"model": family, "messages": [*turns, *results], "tools": [TOOL]}
    return scene.post(CHAT, body)


@pytest.mark.parametrize("ids", [["call_2"], ["call_1", "call_1"]], ids=str)
@pytest.mark.parametrize(
    "family", ["anthropic", "gemini", "bedrock", "bedrock-invoked"]
)
def test_class_13_results_that_answer_no_call_are_errors(
    scene: Scene, family: str, ids: list[str]
) -> None:
    """Told before the provider is asked, who would refuse them."""
    before = len(scene.up.requests)
    answer = answered(scene, family, *ids)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert repr(ids[-1]) in error["message"]
    assert len(scene.up.requests) == before


def test_class_13_a_provider_s_own_word_on_orphans_is_told(scene: Scene) -> None:
    """Where the conversation goes as it came."""
    message = "messages with role 'tool' must follow a message with 'tool_calls'"
    error = {"message": message, "type": "invalid_request_error", "param": "messages"}
    scene.script("openai", tell(400, {"error": {**error, "code": None}}))
    answer = answered(scene, "plain", "call_2")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == message


@pytest.mark.parametrize("family", ["plain", "gemini", "bedrock"])
def test_class_13_results_in_any_order_answer_their_own_calls(
    scene: Scene, family: str
) -> None:
    names = {"toolu_a": "clock", "toolu_b": "weather"}
    uses = [
        {"type": "tool_use", "id": id_, "name": name, "input": {}}
        for id_, name in names.items()
    ]
    results = [
        {"type": "tool_result", "tool_use_id": id_, "content": f"of {name}"}
        for id_, name in reversed(names.items())
    ]
    body = {
        "model": family,
        "max_tokens": 9,
        "tools": [
            {"name": name, "input_schema": {"type": "object"}}
            for name in names.values()
        ],
        "messages": [
            HI,
            {"role": "assistant", "content": uses},
            {"role": "user", "content": [*results, {"type": "text", "text": "so?"}]},
        ],
    }
    assert scene.post("/v1/messages", body).status_code == 200
    assert results_of(scene.last.json(), names) == {
        name: f"of {name}" for name in names.values()
    }


def results_of(asked: Any, names: dict[str, str]) -> dict[str, str]:
    """Tool -> what it said, as the provider is told."""
    if "contents" in asked:
        parts = asked["contents"][2]["parts"]
        found = [part["functionResponse"] for part in parts]
        return {one["name"]: one["response"]["output"] for one in found}
    if any(turn["role"] == "tool" for turn in asked["messages"]):
        found = [turn for turn in asked["messages"] if turn["role"] == "tool"]
        return {names[one["tool_call_id"]]: one["content"] for one in found}
    (turn,) = asked["messages"][2:]
    found = [p["toolResult"] for p in turn["content"] if "toolResult" in p]
    return {names[one["toolUseId"]]: one["content"][0]["text"] for one in found}


def _ids(asked: Any) -> tuple[str, str]:
    """Of the call, and of its result."""
    _, answer, result = asked["messages"]
    if "tool_calls" in answer:
        return answer["tool_calls"][0]["id"], result["tool_call_id"]
    call, told = answer["content"][0], result["content"][0]
    if "toolUse" in call:
        return call["toolUse"]["toolUseId"], told["toolResult"]["toolUseId"]
    return call["id"], told["tool_use_id"]


ALLOWED = {
    "mistral": "[a-zA-Z0-9]{9}",
    "anthropic": "[a-zA-Z0-9_-]+",
    "bedrock": "[a-zA-Z0-9_.:-]{1,64}",
}


@pytest.mark.parametrize("id_", ["call_1", "functions.clock:0", "x" * 90, "a b/ü"])
@pytest.mark.parametrize("family", ["mistral", "anthropic", "bedrock"])
def test_class_14_tool_call_ids_fit_the_backend(
    scene: Scene, family: str, id_: str
) -> None:
    scene.script("mistral", tell(200, completion({"content": "ok"})))
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": id_}]},
        {"role": "tool", "tool_call_id": id_, "content": "noon"},
    ]
    body = {"model": family, "messages": turns, "tools": [TOOL]}
    seen = set()
    for _ in range(2):
        assert scene.post(CHAT, body).status_code == 200
        call, result = _ids(scene.last.json())
        assert call == result
        seen.add(call)
    assert len(seen) == 1, "the same id every time"
    (found,) = seen
    assert re.fullmatch(ALLOWED[family], found)


@pytest.mark.parametrize("family", ["anthropic", "bedrock", "bedrock-invoked"])
def test_class_14_ids_given_twice_do_not_collide_on_fallback(
    scene: Scene, family: str
) -> None:
    """Two providers, or two answers of one, count their calls alike."""
    turns: list[Any] = [HI]
    for name in ("clock", "weather"):
        function = {"name": name, "arguments": "{}"}
        calls = [{**CALL, "id": "call_0", "function": function}]
        turns += [
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_0", "content": f"of {name}"},
        ]
    body = {"model": family, "messages": turns, "tools": [TOOL]}
    assert scene.post(CHAT, body).status_code == 200
    told = scene.last.json()["messages"]
    parts = [part for turn in told[1:] for part in turn["content"]]
    text = [part.get("toolUse") or part.get("toolResult") or part for part in parts]
    ids = [p.get("toolUseId") or p.get("id") or p["tool_use_id"] for p in text]
    assert ids[::2] == ids[1::2], "each result has the id of its call"
    assert len({*ids}) == 2


def nameless(maker: str, number: int) -> Any:
    """An answer with two calls alike and no ids."""
    call = {"name": "clock", "args": {}}
    if maker == "gemini":
        content = {"role": "model", "parts": [{"functionCall": call}] * 2}
        candidate = {"content": content, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "responseId": f"r{number}"}
    calls = [{"function": {"name": "clock", "arguments": {}}}] * 2
    told = ollama_line(done=True, tool_calls=calls)
    return {**told, "created_at": f"2026-01-02T03:04:0{number}Z", "done_reason": "stop"}


@pytest.mark.parametrize("maker", ["ollama", "gemini"])
def test_class_14_ids_made_for_who_gives_none_are_one_call_s_each(
    scene: Scene, maker: str
) -> None:
    made: list[str] = []
    for number in (3, 4):
        scene.script(maker, tell(200, nameless(maker, number)))
        made += [call[0] for call in scene.ask("openai", maker).calls]
    assert len({*made}) == 4
    for id_ in made:  # fits everybody but Mistral, whose own are made of them
        assert re.fullmatch("[a-zA-Z0-9_-]{1,40}", id_)
