"""Every recorded request: handed on as it came, and read and written again."""

import json
from typing import Any

import msgspec
import pytest

from adapters.contract import Hint
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall
from adapters.openai import body as bodies
from adapters.openai.family import CHAT, COMPLETIONS, EMBEDDINGS, UPSTREAM
from adapters.openai.words import words
from tests.adapters.openai.material import Recording, recordings, target
from tests.shared import needs_shared

pytestmark = needs_shared

DEFECTS = {
    "es_responses_api_async.yaml.gz.i1_597e57": "a multipart upload",
    "chema_parsing_failures.yaml.gz.i1_580fe8": "a multipart upload",
    "parsing_failures_async.yaml.gz.i1_9ae004": "a multipart upload",
    "failures_responses_api.yaml.gz.i1_eb12e0": "a multipart upload",
    "andard.test_pdf_inputs.yaml.gz.i0_494771": "a download without a body",
    "nc_chat_tool_calls_legacy.yaml.i0_4fc5e8": "a trailing comma: no JSON",
}
"""Recordings whose request is no chat completion call."""

UNREADABLE = {
    "ng_chat_tool_calls_legacy.yaml.i0_672691": "tool calls without ids (Writer's SDK)"
}
"""Handed on like all others, but no conversation can be read from them."""

REWRITTEN = {
    "penRouterCommon-grok-tool.yaml.i1_60fdbd": "an empty reasoning detail",
    "ni-3-pro-preview-thinking.yaml.i1_8e9fe2": "an encrypted detail without data",
    "elThinking-gpt-5-thinking.yaml.i1_583bb9": "details get an index of their own",
    "etween_turns_when_provided.yml.i1_953441": "a detail gets its format and index",
    "stral_model_thinking_part.yaml.i1_e7a0bc": "two thoughts become one",
}
"""Conversations that are not written as they were read; nothing a model would miss."""


def asked(family: str = "openai_chat") -> list[Recording]:
    return [r for r in recordings(family) if r.request and r.name not in DEFECTS]


def test_defects_are_refused() -> None:
    found = {r.name: r for r in recordings("openai_chat")}
    for name in DEFECTS:
        with pytest.raises(BadCall):
            CHAT.read_call(found[name].request, found[name].hint())


def test_every_call_reaches_its_provider_as_it_came_but_for_model_and_usage() -> None:
    assert len(asked()) > 1180
    for recording in asked():
        call = recording.call()
        wire = UPSTREAM.build_request(call, target(recording))
        sent, came = json.loads(wire.body), json.loads(recording.request)
        assert sent["model"] == "the-model"
        if came.get("stream"):
            assert sent.pop("stream_options")["include_usage"] is True
            options = came.pop("stream_options", None) or {}
            assert call.include_usage == (options.get("include_usage") is True)
        sent.pop("model"), came.pop("model", None)
        assert sent == came, recording.name
        assert wire.head.url == "https://up.test/v1/chat/completions"
        assert wire.dropped == ()


def test_the_bytes_inside_are_not_touched() -> None:
    raw = b'{"model":"a","temperature":1.0,"messages":[{"role":"user","content":"\\u00e9\\/"}],"x":1e3}'
    call = CHAT.read_call(raw, Hint())
    recording = asked()[0]
    wire = UPSTREAM.build_request(call, target(recording))
    assert wire.body == raw.replace(b'"a"', b'"the-model"', 1)


def test_the_head_says_what_the_body_says() -> None:
    for recording in asked():
        call, body = recording.call(), json.loads(recording.request)
        assert call.model == (body.get("model") or "model-of-the-path")
        assert call.stream == bool(body.get("stream"))
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        assert call.max_tokens == limit
        assert call.user == (body.get("user") or "")


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """A request body in one of its many spellings."""
    skipped = {"model", "stream", "stream_options"}
    out = {k: v for k, v in body.items() if v not in (None, []) and k not in skipped}
    limit = out.pop("max_tokens", None)
    limit = out.pop("max_completion_tokens", limit)
    if limit is not None:
        out["limit"] = limit
    if isinstance(out.get("stop"), str):
        out["stop"] = [out["stop"]]
    if "functions" in out:
        out["tools"] = [{"function": f} for f in out.pop("functions")]
    for tool in out.get("tools", []):
        if "function" in tool:
            tool["type"] = "function"
            function = tool["function"]
            tool["function"] = {
                k: v for k, v in function.items() if v not in (None, "")
            }
    if isinstance(out.get("tool_choice"), dict):
        out["tool_choice"].setdefault("type", "function")
    if out.get("tool_choice") == "any":
        out["tool_choice"] = "required"
    out["messages"] = [plain_message(m) for m in body["messages"]]
    return out


def plain_message(message: dict[str, Any]) -> dict[str, Any]:
    out = {k: v for k, v in message.items() if v not in (None, [], {})}
    marker = out.pop("cache_control", None)
    content = out.pop("content", None)
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [{k: v for k, v in p.items() if v is not None} for p in content or []]
    parts = [p for p in parts if p != {"type": "text", "text": ""}]
    if marker and parts:
        parts[-1]["cache_control"] = marker
    elif marker:
        out["cache_control"] = marker
    if parts:
        out["content"] = parts
    for call in out.get("tool_calls", []):
        call.pop("index", None)
        call["type"] = call.get("type") or "function"
    thoughts = [out.pop(n) for n in ("reasoning_content", "reasoning") if n in out]
    if thoughts and "reasoning_details" not in out:
        out["thought"] = thoughts[0]
    return out


def again(recording: Recording) -> dict[str, Any]:
    """The body, written from what was read of it."""
    drop: list[str] = []
    said = words(target(recording), "openai.chat")
    conversation = recording.call().conversation()
    written = bodies.compose(conversation, said, drop, "m")
    assert drop == [], recording.name
    found = json.loads(msgspec.json.encode(written))
    assert isinstance(found, dict)
    return found


def test_what_is_read_and_written_again_means_the_same() -> None:
    changed = set()
    for recording in asked():
        if recording.name in UNREADABLE:
            continue
        came = plain(json.loads(recording.request))
        if plain(again(recording)) != came:
            changed.add(recording.name)
    assert changed == set(REWRITTEN)


def test_what_was_written_is_read_the_same_again() -> None:
    for recording in asked():
        if recording.name in UNREADABLE or recording.name in REWRITTEN:
            continue
        raw = json.dumps({**again(recording), "model": "m"}).encode()
        call = CHAT.read_call(raw, Hint())
        was = recording.call().conversation()
        now = call.conversation()
        assert _named(now) == _named(was), recording.name


def _named(found: Any) -> Any:
    """Fields by name, JSON by value."""
    if isinstance(found, msgspec.Raw):
        return json.loads(bytes(found)) if bytes(found) else None
    if isinstance(found, msgspec.Struct):
        fields = {n: _named(getattr(found, n)) for n in found.__struct_fields__}
        return {"": type(found).__name__, **fields}
    if isinstance(found, tuple):
        return [_named(entry) for entry in found]
    if isinstance(found, dict):
        return {name: _named(entry) for name, entry in found.items()}
    return found


def test_what_cannot_be_read_is_refused_with_its_place() -> None:
    found = {r.name: r for r in recordings("openai_chat")}
    for name in UNREADABLE:
        with pytest.raises(BadCall) as caught:
            found[name].call().conversation()
        assert caught.value.param == "messages[1].tool_calls[0].id"


def test_legacy_completions_reach_their_provider_as_they_came() -> None:
    assert len(asked("openai_completions")) == 28
    for recording in asked("openai_completions"):
        call = COMPLETIONS.read_call(recording.request, recording.hint())
        wire = UPSTREAM.build_request(call, target(recording))
        sent, came = json.loads(wire.body), json.loads(recording.request)
        assert wire.head.url == "https://up.test/v1/completions"
        if call.stream:
            assert sent.pop("stream_options") == {"include_usage": True}
        assert {**sent, "model": came["model"]} == came


def test_legacy_completions_can_be_put_to_a_chat_model() -> None:
    refused = 0
    for recording in asked("openai_completions"):
        call = COMPLETIONS.read_call(recording.request, recording.hint())
        provider = msgspec.structs.replace(
            target(recording).provider, operations=frozenset({"chat"})
        )
        prompt = json.loads(recording.request)["prompt"]
        try:
            wire = UPSTREAM.build_request(call, target(recording, provider=provider))
        except BadCall as error:
            assert error.param == "prompt"
            assert isinstance(prompt, list)
            refused += 1
            continue
        assert wire.head.url == "https://up.test/v1/chat/completions"
        sent = json.loads(wire.body)["messages"]
        text = prompt if isinstance(prompt, str) else prompt[0]
        assert sent == [{"role": "user", "content": text}]
    assert refused < 13


def test_embeddings_reach_their_provider_as_they_came() -> None:
    assert len(asked("openai_embeddings")) == 72
    for recording in asked("openai_embeddings"):
        call = EMBEDDINGS.read_call(recording.request, recording.hint())
        wire = UPSTREAM.build_request(call, target(recording))
        came = json.loads(recording.request)
        assert wire.head.url == "https://up.test/v1/embeddings"
        assert {**json.loads(wire.body), "model": came["model"]} == came
        inputs = came["input"]
        assert call.single == (isinstance(inputs, str) or isinstance(inputs[0], int))
        assert not isinstance(call, ChatCall)
