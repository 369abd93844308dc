"""Chunks and what becomes of them, for tests."""

import json
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from adapters.contract import Hint
from adapters.normal.chat import ChatCall
from adapters.normal.delta import (
    Delta,
    Failed,
)
from adapters.openai.family import CHAT, UPSTREAM

DONE = b"data: [DONE]\n\n"


def call(usage: bool = False, **more: Any) -> ChatCall:
    body = {"model": "alias", "messages": [], "stream": True, **more}
    if usage:
        body["stream_options"] = {"include_usage": True}
    return CHAT.read_call(json.dumps(body).encode(), Hint())


def payloads(out: bytes) -> list[dict[str, Any]]:
    events = out.split(b"\n\n")
    assert events.pop() == b""
    return [json.loads(e[6:]) for e in events if e != b"data: [DONE]"]


def accumulated(out: bytes) -> Any:
    state: Any = ChatCompletionStreamState()
    for chunk in payloads(out):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk, strict=True))
    return state.current_completion_snapshot


def chunk(**choice: Any) -> bytes:
    told = {"index": 0, "delta": {}, **choice}
    body = {
        "id": "i",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [told],
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def read(*events: bytes, asked: ChatCall | None = None) -> tuple[list[Delta], bytes]:
    asked = asked or call(usage=True)
    decoder = UPSTREAM.parse_stream(asked)
    frames = decoder.feed(b"".join(events)) + decoder.close()
    encoder = CHAT.write_stream(asked, UPSTREAM.dialect)
    out = encoder.frames(
        [f for f in frames if not any(isinstance(d, Failed) for d in f.deltas)]
    )
    return [d for f in frames for d in f.deltas], out


def piece(
    index: int | None = None,
    id_: str | None = None,
    name: str | None = None,
    arguments: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    told = {
        "index": index,
        "id": id_,
        "function": {k: v for k, v in function.items() if v is not None},
        **more,
    }
    return {k: v for k, v in told.items() if v is not None}
