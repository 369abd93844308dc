"""Vendors with grammars of their own, as they answer: whole and streamed, one text, one
thought, one call of a tool; what they are asked, where, and by which key.

Shapes are those of the vendors' references and of recordings (2024 to 2026).
"""

import json
from typing import Any, NamedTuple

Json = dict[str, Any]

KEY = "sk-vendor-canary-0123456789"
THOUGHT, TEXT = "I will look.", "Let me see: žluť 😀"
TOOL = ("look", {"place": "Kraków"})
ARGUMENTS = json.dumps(TOOL[1])


class Vendor(NamedTuple):
    """One provider."""

    provider: str
    path: str
    """Of a chat, below its address."""
    whole: Json
    stream: list[bytes]
    kind: str
    """Content type of a stream."""
    tokens: Json
    """What the record must say of an answer."""
    id: str = "call_1"
    """Of the tool's call; empty when the vendor gives none."""
    auth: tuple[str, str] = ("authorization", f"Bearer {KEY}")


def lines(objects: list[Json]) -> list[bytes]:
    return [json.dumps(told).encode() + b"\n" for told in objects]


def events(objects: list[Json], name: str = "") -> list[bytes]:
    """Server-sent events; `name`: the member that also names them."""
    out = []
    for told in objects:
        head = f"event: {told[name]}\n".encode() if name else b""
        out.append(head + b"data: " + json.dumps(told).encode() + b"\n\n")
    return out


def _ollama() -> Vendor:
    call = {"function": {"name": TOOL[0], "arguments": TOOL[1]}}
    when = {"model": "m", "created_at": "2026-01-02T03:04:05.678901234Z"}
    counts = {"prompt_eval_count": 11, "eval_count": 7, "done_reason": "stop"}

    def line(**more: Any) -> Json:
        message = {"role": "assistant", "content": "", **more}
        return {**when, "message": message, "done": False}

    said = {"content": TEXT, "thinking": THOUGHT, "tool_calls": [call]}
    return Vendor(
        "ollama",
        "/api/chat",
        {**line(**said), **counts, "done": True},
        lines(
            [
                line(thinking=THOUGHT[:4]),
                line(thinking=THOUGHT[4:]),
                line(content=TEXT[:5]),
                line(content=TEXT[5:]),
                line(tool_calls=[call]),
                {**line(), **counts, "done": True},
            ]
        ),
        "application/x-ndjson",
        {"input": 11, "output": 7},
        id="",
    )


def _cohere() -> Vendor:
    usage = {
        "billed_units": {"input_tokens": 5, "output_tokens": 6},
        "tokens": {"input_tokens": 11, "output_tokens": 7},
        "cached_tokens": 2,
    }
    function = {"name": TOOL[0], "arguments": ARGUMENTS}
    call = {"id": "call_1", "type": "function", "function": function}
    begun = {**call, "function": {**function, "arguments": ""}}

    def event(type_: str, message: Json | None = None, **more: Any) -> Json:
        delta = {} if message is None else {"delta": {"message": message}}
        return {"type": type_, **delta, **more}

    end = {"finish_reason": "TOOL_CALL", "usage": usage}
    return Vendor(
        "cohere",
        "/v2/chat",
        {
            "id": "c1",
            "message": {
                "role": "assistant",
                "tool_plan": THOUGHT,
                "content": [{"type": "text", "text": TEXT}],
                "tool_calls": [call],
            },
            **end,
        },
        [
            *events(
                [
                    event("message-start", {"role": "assistant"}, id="c1"),
                    event("tool-plan-delta", {"tool_plan": THOUGHT[:4]}),
                    event("tool-plan-delta", {"tool_plan": THOUGHT[4:]}),
                    event("content-start", {"content": {"type": "text"}}, index=0),
                    event("content-delta", {"content": {"text": TEXT[:5]}}, index=0),
                    event("content-delta", {"content": {"text": TEXT[5:]}}, index=0),
                    event("content-end", index=0),
                    event("tool-call-start", {"tool_calls": begun}, index=0),
                    event(
                        "tool-call-delta",
                        {"tool_calls": {"function": {"arguments": ARGUMENTS}}},
                        index=0,
                    ),
                    event("tool-call-end", index=0),
                    {"type": "message-end", "delta": end},
                ],
                "type",
            ),
            b"data: [DONE]\n\n",
        ],
        "text/event-stream",
        {"input": 11, "output": 7, "cached": 2, "paid": [5, 6]},
    )


def _openai(provider: str, path: str, **more: Any) -> Vendor:
    """Those who speak OpenAI's grammar at a place of their own."""
    function = {"name": TOOL[0], "arguments": ARGUMENTS}
    call = {"id": "call_1", "type": "function", "function": function}
    head = {"id": "o1", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    said = {"content": TEXT, "reasoning_content": THOUGHT, "tool_calls": [call]}
    message = {"role": "assistant", **said}

    def chunk(word: str | None = None, **delta: Any) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": word}
        return {**head, "object": "chat.completion.chunk", "choices": [choice]}

    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return Vendor(
        provider,
        path,
        {**head, "choices": [choice], "usage": usage},
        [
            *events(
                [
                    chunk(role="assistant", content=""),
                    chunk(reasoning_content=THOUGHT),
                    chunk(content=TEXT[:5]),
                    chunk(content=TEXT[5:]),
                    chunk(tool_calls=[{"index": 0, **call}]),
                    chunk("tool_calls"),
                    {**chunk(), "choices": [], "usage": usage},
                ]
            ),
        ],
        "text/event-stream",
        {"input": 11, "output": 7},
        **more,
    )


def _oci() -> Vendor:
    usage = {"promptTokens": 11, "completionTokens": 7, "totalTokens": 18}
    call = {"id": "call_1", "type": "FUNCTION", "name": TOOL[0]}
    called = {**call, "arguments": ARGUMENTS}

    def message(**more: Any) -> Json:
        return {"role": "ASSISTANT", **more}

    def text(words: str) -> list[Json]:
        return [{"type": "TEXT", "text": words}]

    def event(**more: Any) -> Json:
        return {"index": 0, "message": message(**more), "pad": "aa"}

    said = {"content": text(TEXT), "reasoningContent": THOUGHT, "toolCalls": [called]}
    choice = {"index": 0, "message": message(**said), "finishReason": "tool_calls"}
    answer = {"apiFormat": "GENERIC", "choices": [choice], "usage": usage}
    return Vendor(
        "oci",
        "/20231130/actions/chat",
        {"modelId": "m", "modelVersion": "1", "chatResponse": answer},
        events(
            [
                event(reasoningContent=THOUGHT),
                event(content=text(TEXT[:5])),
                event(content=text(TEXT[5:])),
                event(toolCalls=[{**call, "arguments": ARGUMENTS[:4]}]),
                event(toolCalls=[{"type": "FUNCTION", "arguments": ARGUMENTS[4:]}]),
                {"finishReason": "tool_calls", "pad": "a"},
                {"usage": usage, "pad": "a"},
            ]
        ),
        "text/event-stream",
        {"input": 11, "output": 7},
        auth=("authorization", SIGNED),
    )


SIGNED = "Signature"
"""In place of a key: each request is signed."""
TOKEN = "iam-token-0123456789"
"""What a key is exchanged for."""
VENDORS = {
    vendor.provider: vendor
    for vendor in (
        _ollama(),
        _cohere(),
        _oci(),
        _openai("huggingface", "/v1/chat/completions"),
        _openai("cloudflare", "/v1/chat/completions"),
        _openai(
            "gigachat",
            "/chat/completions",
            auth=("authorization", f"Bearer {TOKEN}"),
        ),
        _openai(
            "watsonx", "/ml/v1/text/chat", auth=("authorization", f"Bearer {TOKEN}")
        ),
    )
}
