"""A few exchanges of our own, so that a clone without the recordings tries something."""

import json
from typing import Any

from tests.replay.material import Recording

_WORDS = "Zażółć gęślą jaźń 😀"
_ARGUMENTS = '{\n  "city": "Kraków"\n}'
_CUT = len(_ARGUMENTS) // 2


def _openai(name: str, body: bytes, form: str) -> Recording:
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hi"}],
    }
    if form == "events":
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return _recording(
        "openai_chat", name, "openai", "/v1/chat/completions", asked, body, form
    )


def _recording(
    family: str,
    name: str,
    provider: str,
    path: str,
    asked: dict[str, Any],
    body: bytes,
    form: str,
) -> Recording:
    url = f"https://up.test{path}"
    request = json.dumps(asked, ensure_ascii=False).encode()
    kind = "application/json"
    return Recording(
        family, f"own_{name}", provider, url, request, kind, 200, body, form
    )


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-own",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }
    return b"data: %b\n\n" % json.dumps(body, ensure_ascii=False).encode()


_OPENAI_USAGE = {
    "prompt_tokens": 300,
    "completion_tokens": 40,
    "total_tokens": 340,
    "prompt_tokens_details": {"cached_tokens": 256},
    "completion_tokens_details": {"reasoning_tokens": 8},
}


def _call(index: int, id_: str | None, name: str | None, text: str) -> dict[str, Any]:
    told: dict[str, Any] = {"index": index, "function": {"arguments": text}}
    if id_ is not None:
        told |= {"id": id_, "type": "function"}
        told["function"]["name"] = name
    return {"tool_calls": [told]}


_OPENAI_WHOLE = {
    "id": "chatcmpl-own",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": _WORDS,
                "refusal": None,
                "tool_calls": [
                    {
                        "id": f"call_{name}",
                        "type": "function",
                        "function": {"name": name, "arguments": _ARGUMENTS},
                    }
                    for name in ("weather", "time")
                ],
            },
        }
    ],
    "usage": _OPENAI_USAGE,
}

_OPENAI_STREAM = b"".join(
    [
        _chunk({"role": "assistant", "content": ""}),
        _chunk({"content": _WORDS[:7]}),
        _chunk({"content": _WORDS[7:]}),
        _chunk(_call(0, "call_weather", "weather", "")),
        _chunk(_call(0, None, None, _ARGUMENTS[:_CUT])),
        _chunk(_call(0, None, None, _ARGUMENTS[_CUT:])),
        _chunk(_call(1, "call_time", "time", _ARGUMENTS)),
        _chunk({}, "tool_calls"),
        _chunk({}, None, choices=[], usage=_OPENAI_USAGE),
        b"data: [DONE]\n\n",
    ]
)


def _anthropic(name: str, body: bytes, form: str) -> Recording:
    asked = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": form == "events",
    }
    return _recording("anthropic", name, "anthropic", "/v1/messages", asked, body, form)


_ANTHROPIC_USAGE = {
    "input_tokens": 20,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {
        "ephemeral_5m_input_tokens": 100,
        "ephemeral_1h_input_tokens": 200,
    },
    "output_tokens": 50,
}
_MESSAGE = {
    "id": "msg_own",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Hm…", "signature": "c2lnbmVk"},
        {"type": "text", "text": _WORDS},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "weather",
            "input": {"city": "Kraków"},
        },
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": _ANTHROPIC_USAGE,
}


def _event(kind: str, **members: Any) -> bytes:
    body = json.dumps({"type": kind, **members}, ensure_ascii=False).encode()
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def _block(index: int, empty: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    return b"".join(
        [
            _event("content_block_start", index=index, content_block=empty),
            *(_event("content_block_delta", index=index, delta=d) for d in deltas),
            _event("content_block_stop", index=index),
        ]
    )


_ANTHROPIC_STREAM = b"".join(
    [
        _event(
            "message_start",
            message={
                **_MESSAGE,
                "content": [],
                "stop_reason": None,
                "usage": {**_ANTHROPIC_USAGE, "output_tokens": 1},
            },
        ),
        _event("ping"),
        _block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm…"},
            {"type": "signature_delta", "signature": "c2lnbmVk"},
        ),
        _block(
            1,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": _WORDS[:9]},
            {"type": "text_delta", "text": _WORDS[9:]},
        ),
        _block(
            2,
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": _ARGUMENTS[:_CUT]},
            {"type": "input_json_delta", "partial_json": _ARGUMENTS[_CUT:]},
        ),
        _event(
            "message_delta",
            delta={"stop_reason": "tool_use", "stop_sequence": None},
            usage={"output_tokens": 50},
        ),
        _event("message_stop"),
    ]
)


def _gemini(name: str, body: bytes, form: str) -> Recording:
    asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    verb = "streamGenerateContent?alt=sse" if form == "events" else "generateContent"
    path = f"/v1beta/models/gemini-2.5-flash:{verb}"
    return _recording("gemini", name, "gemini", path, asked, body, form)


_GEMINI_USAGE = {
    "promptTokenCount": 500,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 70,
    "cachedContentTokenCount": 400,
    "totalTokenCount": 600,
}


def _candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    inner = {"content": {"role": "model", "parts": [*parts]}, "index": 0, **more}
    return {
        "candidates": [inner],
        "modelVersion": "gemini-2.5-flash",
        "responseId": "own",
    }


_GEMINI_PARTS: list[dict[str, Any]] = [
    {"text": "Hm…", "thought": True},
    {"text": _WORDS},
    {"functionCall": {"name": "weather", "args": {"city": "Kraków"}}},
]
_GEMINI_WHOLE = {
    **_candidate(*_GEMINI_PARTS, finishReason="STOP"),
    "usageMetadata": _GEMINI_USAGE,
}
_GEMINI_STREAM = b"".join(
    b"data: %b\r\n\r\n" % json.dumps(told, ensure_ascii=False).encode()
    for told in (
        _candidate(_GEMINI_PARTS[0]),
        _candidate({"text": _WORDS[:9]}),
        _candidate({"text": _WORDS[9:]}),
        _candidate(_GEMINI_PARTS[2]),
        _candidate({"text": ""}, finishReason="STOP")
        | {"usageMetadata": _GEMINI_USAGE},
    )
)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


EVERY = (
    _openai("whole", _json(_OPENAI_WHOLE), "whole"),
    _openai("stream", _OPENAI_STREAM, "events"),
    _anthropic("message", _json(_MESSAGE), "whole"),
    _anthropic("events", _ANTHROPIC_STREAM, "events"),
    _gemini("answer", _json(_GEMINI_WHOLE), "whole"),
    _gemini("objects", _GEMINI_STREAM, "events"),
)
