"""The recorded exchanges: what goes up, what comes back, what is understood of it."""

import json
from typing import Any

import pytest

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.contract import Hint
from adapters.errors import BadCall, Garbled, UpstreamError
from adapters.normal.chat import ChatCall, ChatResult, TokenCount
from adapters.normal.usage import Usage
from tests.adapters.anthropic import recordings
from tests.adapters.anthropic.recordings import Recording, call, names, response, target
from tests.shared import needs_shared

pytestmark = needs_shared

REQUESTS = recordings.requests()
ANSWERS = recordings.answers()
STREAMS = recordings.streams()
COUNTS = [r for r in recordings.every() if r.count and r.status == 200]

UNREADABLE = {
    "DataDog_dd-trace-py__tests-contrib-anthropic-cassettes-anthropic_completion_error.yaml.i0_ec3486.json": "the recording is of a call that the API refused",
}
"""Recordings whose request is no Messages request, and why."""


@pytest.mark.parametrize("recording", REQUESTS, ids=names(REQUESTS))
def test_a_call_of_the_same_dialect_goes_up_as_it_came(recording: Recording) -> None:
    asked = json.dumps(recording.request, ensure_ascii=False, indent=1).encode()
    read = call(asked, recording.count)
    wire = UPSTREAM.build_request(read, target("claude-other"))
    sent = json.loads(wire.body)
    assert sent.pop("model") == "claude-other"
    expected = dict(recording.request or {})
    expected.pop("model")
    assert sent == expected
    old = json.dumps(read.model, ensure_ascii=False).encode()
    assert wire.body == asked.replace(b'"model": ' + old, b'"model":"claude-other"', 1)
    assert wire.dropped == ()
    assert wire.head.url.endswith("/count_tokens" if recording.count else "/messages")


@pytest.mark.parametrize("recording", ANSWERS, ids=names(ANSWERS))
def test_a_whole_answer_comes_back_as_it_went(recording: Recording) -> None:
    asked = call()
    result = UPSTREAM.parse_response(response(recording.body), asked)
    assert MESSAGES.write_result(result, asked) == recording.body
    assert isinstance(result, ChatResult)
    wire = json.loads(recording.body)
    assert (result.id, result.model) == (wire["id"], wire["model"])
    (choice,) = result.choices()
    assert choice.native_stop == (wire["stop_reason"] or "")
    texts = [b["text"] for b in wire["content"] if b["type"] == "text"]
    assert [p.text for p in choice.parts if p.__class__.__name__ == "Text"] == texts
    uses = [b for b in wire["content"] if b["type"] == "tool_use"]
    read = [p for p in choice.parts if p.__class__.__name__ == "ToolUse"]
    assert [(p.id, p.name, json.loads(p.arguments)) for p in read] == [
        (b["id"], b["name"], b["input"]) for b in uses
    ]


@pytest.mark.parametrize("recording", COUNTS, ids=names(COUNTS))
def test_a_token_count_is_understood_and_comes_back_as_it_went(
    recording: Recording,
) -> None:
    asked = call(count=True)
    result = UPSTREAM.parse_response(response(recording.body), asked)
    assert isinstance(result, TokenCount)
    assert result.input == json.loads(recording.body)["input_tokens"]
    assert MESSAGES.write_result(result, asked) == recording.body


def reference(wire: dict[str, Any]) -> dict[str, int]:
    """What is billed, by the words of the API's reference."""
    made = wire.get("cache_creation") or {}
    passes = [i for i in wire.get("iterations") or [] if i["type"] == "compaction"]

    def total(name: str) -> int:
        return (wire.get(name) or 0) + sum(i[name] for i in passes)

    read = total("cache_read_input_tokens")
    written = total("cache_creation_input_tokens")
    return {
        "input": total("input_tokens") + read + written,
        "output": total("output_tokens"),
        "cached": read,
        "cache_write": written,
        "cache_write_1h": made.get("ephemeral_1h_input_tokens", 0),
        "reasoning": (wire.get("output_tokens_details") or {}).get(
            "thinking_tokens", 0
        ),
    }


def counted(usage: Usage | None) -> dict[str, int]:
    assert usage is not None
    fields = ("input", "output", "cached", "cache_write", "cache_write_1h", "reasoning")
    return {name: getattr(usage, name) for name in fields}


@pytest.mark.parametrize("recording", ANSWERS, ids=names(ANSWERS))
def test_the_usage_of_an_answer_is_what_is_billed(recording: Recording) -> None:
    result = UPSTREAM.parse_response(response(recording.body), call())
    assert isinstance(result, ChatResult)
    assert counted(result.usage) == reference(json.loads(recording.body)["usage"])


@pytest.mark.parametrize("recording", STREAMS, ids=names(STREAMS))
def test_the_usage_of_a_stream_is_what_is_billed(recording: Recording) -> None:
    wire: dict[str, Any] = {}
    for line in recording.body.decode().split("\n"):
        if line.startswith("data:"):
            event = json.loads(line[5:])
            told = event.get("usage") or (event.get("message") or {}).get("usage") or {}
            wire.update({k: v for k, v in told.items() if v is not None})
        if line == 'data: {"type":"message_stop"}':
            break  # some recordings hold several messages; the first one counts
    seen = recordings.deltas(recordings.decode(recording.body))
    used = [d.usage for d in seen if d.__class__.__name__ == "Used"]
    assert counted(used[-1]) == reference(wire)


ROUND_TRIP_DIFFERS: dict[str, str] = {}
"""Recordings that are not said again as they were, and why."""


@pytest.mark.parametrize("recording", REQUESTS, ids=names(REQUESTS))
def test_a_conversation_that_was_read_is_written_as_it_was(
    recording: Recording,
) -> None:
    raw = json.dumps(recording.request).encode()
    read = call(raw, recording.count)
    if recording.name in UNREADABLE:
        with pytest.raises(BadCall):
            read.conversation()
        return
    again = ChatCall(
        model="m",
        dialect=recordings.DIALECT,
        operation=read.operation,
        stream=read.stream,
        conversation=read.conversation(),
    )
    model = (recording.request or {})["model"]
    wire = UPSTREAM.build_request(again, target(model))
    sent, asked = meaning(json.loads(wire.body)), meaning(recording.request or {})
    if recording.name in ROUND_TRIP_DIFFERS:
        assert sent != asked, "the exception is no longer one"
    else:
        assert sent == asked
    assert wire.dropped == ()


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """A request without the freedoms of its wording."""
    out = dict(body)
    if isinstance(out.get("system"), str):
        text = out["system"]
        out["system"] = [{"type": "text", "text": text}] if text else []
    out["messages"] = turns(body["messages"])
    if "output_format" in out:  # the older place of the same thing
        out["output_config"] = {"format": out.pop("output_format")}
    if not out.get("stream"):
        out.pop("stream", None)
    for empty in ("tools", "stop_sequences", "system", "thinking"):
        if out.get(empty) in ([], None):
            out.pop(empty, None)
    out["tools"] = [bare(t) for t in out.get("tools") or []]
    return out


def turns(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns as lists of blocks, neighbours of a role joined (as the API does)."""
    out: list[dict[str, Any]] = []
    for turn in messages:
        content = turn["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        blocks = [bare(block) for block in content]
        if not blocks:
            continue
        if out and out[-1]["role"] == turn["role"] and turn["role"] != "system":
            out[-1]["content"] += blocks
        else:
            out.append({"role": turn["role"], "content": blocks})
    return out


def bare(block: dict[str, Any]) -> dict[str, Any]:
    """A block without members at their defaults."""
    out = {k: v for k, v in block.items() if v is not None}
    if out.get("type") == "tool_result":
        content = out.get("content", [])
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        out["content"] = [bare(b) for b in content]
        if not out.get("is_error"):
            out.pop("is_error", None)
    if out.get("type") == "tool_use" and out.get("caller") == {"type": "direct"}:
        del out["caller"]
    if out.get("type") == "custom":
        del out["type"]
    if out.get("description") == "":
        del out["description"]
    if out.get("citations") == {"enabled": False}:
        del out["citations"]
    return out


def test_an_answer_that_is_no_message_is_garbled() -> None:
    odd = [r for r in recordings.every() if r.status == 200 and not r.stream]
    odd = [r for r in odd if r not in ANSWERS and not r.count]
    assert odd
    for recording in odd:
        with pytest.raises(Garbled):
            UPSTREAM.parse_response(response(recording.body), call())


FAILED = [r for r in recordings.every() if r.status >= 400]


@pytest.mark.parametrize("recording", FAILED, ids=names(FAILED))
def test_a_recorded_error_keeps_the_words_of_the_provider(recording: Recording) -> None:
    error = UPSTREAM.parse_error(response(recording.body, recording.status))
    told = json.loads(recording.body)["error"]
    assert isinstance(error, UpstreamError)
    assert (error.message, error.type) == (told["message"], told["type"])
    assert error.status == recording.status
    assert error.body == recording.body
    expected = {400: "bad_request", 401: "unauthorized", 404: "not_found"}
    assert error.kind == expected[recording.status]


def test_a_hint_of_no_model_leaves_the_body_to_tell() -> None:
    read = MESSAGES.read_call(b'{"model":"a","messages":[]}', Hint())
    assert read.model == "a"
