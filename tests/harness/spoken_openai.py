"""OpenAI's answers, whole and streamed, with the fields it is known to send."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, Final

from tests.harness.answers import (
    Answer,
    Called,
    Declined,
    Json,
    Said,
    event,
    pieces,
    vector,
)

CREATED: Final = 1_764_000_000

_STOP: Final = {
    "end": "stop",
    "length": "length",
    "tools": "tool_calls",
    "filtered": "content_filter",
    "refusal": "stop",
}


def _message(answer: Answer) -> Json:
    said = [p for p in answer.parts if isinstance(p, Said)]
    text = "".join(p.text for p in said)
    calls = [p for p in answer.parts if isinstance(p, Called)]
    declined = "".join(p.text for p in answer.parts if isinstance(p, Declined))
    message: Json = {
        "role": "assistant",
        "content": text or (None if calls or declined else ""),
        "refusal": declined or None,
        "annotations": [
            {
                "type": "url_citation",
                "url_citation": {
                    "start_index": 0,
                    "end_index": len(p.text),
                    "title": p.cited.title,
                    "url": p.cited.url,
                },
            }
            for p in said
            if p.cited is not None
        ],
    }
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{index}{call.name}",
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments, ensure_ascii=False),
                },
            }
            for index, call in enumerate(calls)
        ]
    return message


def _logprobs(body: Json, text: str) -> Json | None:
    if not body.get("logprobs"):
        return None
    top = body.get("top_logprobs") or 0

    def one(token: str, value: float) -> Json:
        return {"token": token, "logprob": value, "bytes": list(token.encode())}

    content = [
        one(piece, -0.25)
        | {"top_logprobs": [one(piece, -0.25 - n) for n in range(top)]}
        for piece in pieces(text)
    ]
    return {"content": content, "refusal": None}


def _usage(answer: Answer, choices: int = 1) -> Json:
    tokens = answer.tokens
    output = tokens.output * choices
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": output,
        "total_tokens": tokens.input + output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(body: Json, answer: Answer) -> Json:
    """A chat completion."""
    count = body.get("n") or 1
    message = _message(answer)
    choice = {
        "message": message,
        "logprobs": _logprobs(body, message["content"] or ""),
        "finish_reason": _STOP.get(answer.stop, "stop"),
    }
    return {
        "id": "chatcmpl-CnAbc123",
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"] + "-2025-04-14",
        "choices": [{"index": index, **choice} for index in range(count)],
        "usage": _usage(answer, count),
        "service_tier": "default",
        "system_fingerprint": "fp_b1442291a8",
    }


def stream(body: Json, answer: Answer) -> list[bytes]:
    """Chat completion chunks; several choices take turns."""
    count = body.get("n") or 1
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    frame: Json = {
        "id": "chatcmpl-CnAbc123",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": body["model"] + "-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_b1442291a8",
    }
    usage: Json = {"usage": None} if asked else {}
    out = []
    for step in _steps(body, answer):
        for index in range(count):
            choices = [{"index": index, **step}]
            out.append({**frame, "choices": choices, **usage, "obfuscation": "x7Q"})
    if asked:
        told = _usage(answer, count)
        out.append({**frame, "choices": [], "usage": told, "obfuscation": ""})
    return [*map(event, out), b"data: [DONE]\n\n"]


def _steps(body: Json, answer: Answer) -> Iterator[Json]:
    message = _message(answer)
    head: Json = {"role": "assistant", "content": message["content"] and ""}

    def step(
        delta: Json, logprobs: Json | None = None, stop: str | None = None
    ) -> Json:
        return {"delta": delta, "logprobs": logprobs, "finish_reason": stop}

    yield step({**head, "refusal": None})
    for piece in pieces(message["content"] or "") if message["content"] else []:
        yield step({"content": piece}, _logprobs(body, piece))
    for piece in pieces(message["refusal"]) if message["refusal"] else []:
        yield step({"refusal": piece})
    for index, call in enumerate(message.get("tool_calls", [])):
        name, text = call["function"]["name"], call["function"]["arguments"]
        opened = {**call, "index": index, "function": {"name": name, "arguments": ""}}
        yield step({"tool_calls": [opened]})
        for piece in pieces(text):
            part = {"index": index, "function": {"arguments": piece}}
            yield step({"tool_calls": [part]})
    if message["annotations"]:
        yield step({"annotations": message["annotations"]})
    yield step({}, None, _STOP.get(answer.stop, "stop"))


def completion(body: Json, answer: Answer) -> Json:
    text = "".join(p.text for p in answer.parts if isinstance(p, Said))
    return {
        "id": "cmpl-CnAbc123",
        "object": "text_completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [
            {"text": text, "index": i, "logprobs": None, "finish_reason": "stop"}
            for i in range(body.get("n") or 1)
        ],
        "usage": _usage(answer),
    }


def completion_stream(body: Json, answer: Answer) -> list[bytes]:
    frame = completion(body, answer)
    usage = frame.pop("usage")
    text = frame["choices"][0]["text"]
    out = []
    steps = [*((piece, None) for piece in pieces(text)), ("", "stop")]
    for piece, stop in steps:
        choice = {"text": piece, "index": 0, "logprobs": None, "finish_reason": stop}
        out.append({**frame, "choices": [choice]})
    if (body.get("stream_options") or {}).get("include_usage"):
        out = [{**one, "usage": None} for one in out]
        out.append({**frame, "choices": [], "usage": usage})
    return [*map(event, out), b"data: [DONE]\n\n"]


def embeddings(body: Json) -> Json:
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    size = body.get("dimensions") or 8
    data = []
    for index, text in enumerate(texts):
        floats: Any = vector(text, size)
        if body.get("encoding_format") == "base64":
            floats = base64.b64encode(struct.pack(f"<{size}f", *floats)).decode()
        data.append({"object": "embedding", "index": index, "embedding": floats})
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}
