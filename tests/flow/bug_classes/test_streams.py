"""Classes 1, 2, 3, 8, 9, 10 and 11: what streams get wrong."""

import json
from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors as gemini_errors

from tests.adapters.anthropic import grammar as messages_grammar
from tests.adapters.openai_responses import grammar as responses_grammar
from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import CALLS, STREAMS, chunk, sse
from tests.flow.sdk.clients import DIALECTS
from tests.harness.upstream import close, events, reset
from tests.replay import clients, ends
from tests.replay.material import CHAT, MESSAGES, RESPONSES

TALKERS = ("plain", "anthropic", "gemini", "bedrock", *STREAMS)
FAMILIES = pytest.mark.parametrize("family", TALKERS)
EACH = pytest.mark.parametrize("dialect", DIALECTS)
CALLING = {"openai": "tool_calls", "anthropic": "tool_use", "gemini": "STOP"}
"""How each dialect ends an answer that calls tools."""
PATHS = {
    CHAT: "/v1/chat/completions",
    MESSAGES: "/v1/messages",
    RESPONSES: "/v1/responses",
}
SAID = {"role": "user", "content": "[[calls]]"}


def call_twice(scene: Scene, family: str) -> None:
    if family in STREAMS:
        scene.script(family, STREAMS[family])


def stream(scene: Scene, client: str, family: str, **more: Any) -> bytes:
    """The bytes of a stream."""
    said = {"input": "[[calls]]"} if client == RESPONSES else {"messages": [SAID]}
    limit = {"max_tokens": 99} if client == MESSAGES else {}
    body = {"model": family, "stream": True, **said, **limit, **more}
    return scene.post(PATHS[client], body).content


@FAMILIES
def test_class_01_stream_tool_call_index_counts_from_nought(
    scene: Scene, family: str
) -> None:
    call_twice(scene, family)
    *data, last = clients.events(stream(scene, CHAT, family))
    assert last == b"[DONE]"
    told = [choice for d in data for choice in json.loads(d)["choices"]]
    assert {choice["index"] for choice in told} == {0}
    found = [c for one in told for c in one["delta"].get("tool_calls") or []]
    arguments = {0: "", 1: ""}
    names, ids = {}, {}
    for call in found:
        arguments[call["index"]] += call["function"].get("arguments") or ""
        names.setdefault(call["index"], call["function"].get("name"))
        ids.setdefault(call["index"], call.get("id"))
    assert sorted(names) == [0, 1]
    assert [(names[at], json.loads(arguments[at])) for at in (0, 1)] == CALLS
    assert len({*ids.values()}) == 2
    assert all(ids.values())


@FAMILIES
@EACH
def test_class_01_stream_tool_call_accumulates_in_every_sdk(
    scene: Scene, dialect: str, family: str
) -> None:
    call_twice(scene, family)
    got = scene.ask(dialect, family, stream=True, text="[[calls]]")
    assert [call[1:] for call in got.calls] == CALLS


@FAMILIES
@EACH
def test_class_02_finish_reason_with_tool_calls(
    scene: Scene, dialect: str, family: str
) -> None:
    """Gemini and Ollama say `stop` for it, Gemini in a chunk of its own."""
    call_twice(scene, family)
    got = scene.ask(dialect, family, stream=True, text="[[calls]]")
    assert got.stop == CALLING[dialect]


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_class_02_tool_calls_do_not_mask_a_cut(scene: Scene, dialect: str) -> None:
    call = {"functionCall": {"name": "clock", "args": {}}}
    parts = {"content": {"role": "model", "parts": [call]}, "index": 0}
    end = {"finishReason": "MAX_TOKENS", "index": 0}
    pieces = sse({"candidates": [parts]}, {"candidates": [end]}, done=False)
    scene.script("gemini", events(pieces))
    got = scene.ask(dialect, "gemini", stream=True)
    assert got.calls
    assert got.stop == {"openai": "length", "anthropic": "max_tokens"}[dialect]


@FAMILIES
@pytest.mark.parametrize("asks", [True, False])
def test_class_03_stream_usage_comes_once_if_asked_for(
    scene: Scene, family: str, asks: bool
) -> None:
    call_twice(scene, family)
    options = {"stream_options": {"include_usage": True}} if asks else {}
    said = {"model": family, "stream": True, "messages": [SAID], **options}
    answer = scene.post(PATHS[CHAT], said)
    *data, _ = clients.events(answer.content)
    told = [c for c in map(json.loads, data) if c.get("usage")]
    counted = family not in ("mistral", "azure-like")  # those two never tell any
    assert len(told) == (asks and counted)
    assert all(c["choices"] == [] for c in told)
    tokens = scene.gateway.record(answer.headers["x-routeiq-id"])["tokens"]
    assert tokens["input"] > 0
    assert tokens["output"] > 0
    if family in ("plain", "azure-like"):
        assert scene.last.json()["stream_options"] == {"include_usage": True}


@FAMILIES
def test_class_08_messages_over_other_backends_keep_the_grammar(
    scene: Scene, family: str
) -> None:
    call_twice(scene, family)
    body = stream(scene, MESSAGES, family)
    told = messages_grammar.parse(body)
    assert [name for name, _ in told].count("message_start") == 1
    opened: list[int] = []
    closed: list[int] = []
    for name, data in told:
        if name == "content_block_start":
            assert opened == closed, "a block begins inside another"
            opened.append(data["index"])
        if name == "content_block_delta":
            assert data["index"] == opened[-1]
            assert data["index"] not in closed
        if name == "content_block_stop":
            closed.append(data["index"])
    assert opened == closed == [*range(len(opened))]
    assert told[-1][0] == "message_stop"


def test_class_08_thoughts_have_a_block_of_their_own(scene: Scene) -> None:
    pieces = sse(
        chunk({"role": "assistant", "reasoning_content": "Hm"}),
        chunk({"reasoning_content": "…"}),
        chunk({"content": "Ja."}),
        chunk({}, "stop"),
    )
    scene.script("azure-like", events(pieces))
    got = scene.ask("anthropic", "azure-like", stream=True)
    assert [block.type for block in got.raw.content] == ["thinking", "text"]
    assert (got.thought, got.text) == ("Hm…", "Ja.")


@FAMILIES
def test_class_09_responses_bridge_tells_every_event(scene: Scene, family: str) -> None:
    call_twice(scene, family)
    told = responses_grammar.parse(stream(scene, RESPONSES, family))
    final = responses_grammar.check(told)
    assert final["status"] == "completed"
    calls = [one for one in final["output"] if one["type"] == "function_call"]
    assert [(c["name"], json.loads(c["arguments"])) for c in calls] == CALLS
    with scene.clients.openai.responses.stream(
        model=family, input="[[calls]]"
    ) as by_the_sdk:
        response = by_the_sdk.get_final_response()
    names = [one.name for one in response.output if one.type == "function_call"]
    assert names == [name for name, _ in CALLS]


BEGUN = {
    "plain": sse(chunk({"role": "assistant", "content": "half of"}), done=False),
    "anthropic": sse(
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 9, "output_tokens": 1},
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "half of"},
        },
        done=False,
        named=True,
    ),
    "gemini": sse(
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "half of"}]},
                    "index": 0,
                }
            ]
        },
        done=False,
    ),
}
PLACES = {"plain": "openai"}


@pytest.mark.parametrize("fault", [reset, close], ids=["reset", "close"])
@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("family", BEGUN)
def test_class_10_mid_stream_errors_are_told(
    scene: Scene, family: str, client: str, fault: Any
) -> None:
    broken = events(BEGUN[family], then=fault())
    scene.script(PLACES.get(family, family), broken)
    body = stream(scene, client, family)
    assert b"half of" in body
    ends.check_error(client, body)
    assert not ends.finishes(client, body)


@EACH
def test_class_10_mid_stream_errors_are_errors_of_the_sdks(
    scene: Scene, dialect: str
) -> None:
    scene.script("anthropic", events(BEGUN["anthropic"], then=reset()))
    kinds = (openai.APIError, anthropic.APIError, gemini_errors.APIError)
    with pytest.raises(kinds):
        scene.ask(dialect, "anthropic", stream=True)


def cuts(body: bytes) -> dict[str, list[bytes]]:
    """Ways in which the same bytes may come, or be spelled."""
    return {
        "bytes": [bytes([one]) for one in body],
        "sevens": [body[at : at + 7] for at in range(0, len(body), 7)],
        "crlf": [body.replace(b"\n", b"\r\n")],
        "crlf-bytes": [bytes([one]) for one in body.replace(b"\n", b"\r\n")],
        "comments": [b": keep-alive\n\n" + body.replace(b"\n\n", b"\n\n: ping\n\n")],
        "data-lines": [body.replace(b'{"', b'{\ndata: "', 1)],
    }


TEXT = [*sse(chunk({"role": "assistant", "content": "Grüße! 🙂 日本"}), done=False)]
TEXT += sse(chunk({}, "stop"))


@EACH
@pytest.mark.parametrize("how", [*cuts(b"")])
def test_class_11_sse_cut_anywhere_says_the_same(
    scene: Scene, dialect: str, how: str
) -> None:
    scene.script("azure-like", events(cuts(b"".join(TEXT))[how]))
    got = scene.ask(dialect, "azure-like", stream=True)
    assert got.text == "Grüße! 🙂 日本"
