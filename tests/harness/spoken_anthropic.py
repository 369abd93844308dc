"""Anthropic's answers, whole and streamed, with the fields it is known to send."""

import json
from typing import Final

from tests.harness.answers import (
    Answer,
    Called,
    Declined,
    Json,
    Said,
    Thought,
    event,
    pieces,
)

_STOP: Final = {
    "end": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "refusal",
    "refusal": "refusal",
}


def _blocks(answer: Answer) -> list[Json]:
    out: list[Json] = []
    for index, part in enumerate(answer.parts):
        match part:
            case Thought(redacted=True):
                out.append({"type": "redacted_thinking", "data": part.signature})
            case Thought():
                signed = {"signature": part.signature}
                out.append({"type": "thinking", "thinking": part.text, **signed})
            case Said():
                block: Json = {"type": "text", "text": part.text}
                if part.cited is not None:
                    source = {
                        "type": "web_search_result_location",
                        "cited_text": part.text[:150],
                        "url": part.cited.url,
                        "title": part.cited.title,
                        "encrypted_index": "Eo8BCioIBxgCIiQ3YTAw",
                    }
                    block["citations"] = [source]
                out.append(block)
            case Called():
                use = {"id": f"toolu_01Ab{index}", "name": part.name}
                out.append({"type": "tool_use", **use, "input": part.arguments})
            case Declined():
                pass
    return out


def _frame(body: Json, answer: Answer) -> tuple[Json, Json]:
    """The message without content and end, and its usage."""
    tokens = answer.tokens
    usage = {
        "input_tokens": tokens.input - tokens.cached - tokens.written,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": tokens.output,
        "service_tier": "standard",
    }
    message = {
        "model": body["model"],
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    return message, usage


def _end(answer: Answer) -> Json:
    known = answer.stop in _STOP
    return {
        "stop_reason": _STOP[answer.stop] if known else "stop_sequence",
        "stop_sequence": None if known else answer.stop,
    }


def whole(body: Json, answer: Answer) -> Json:
    """A message."""
    message, usage = _frame(body, answer)
    content = _blocks(answer)
    return {**message, "content": content, **_end(answer), "usage": usage}


def stream(body: Json, answer: Answer) -> list[bytes]:
    """The events of a message, with their event lines and a ping."""
    message, usage = _frame(body, answer)
    begun = {**message, "usage": {**usage, "output_tokens": 1}}
    out: list[Json] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(_blocks(answer)):
        opened, deltas = _steps(block)
        at = {"index": index}
        out.append({"type": "content_block_start", **at, "content_block": opened})
        if not index:
            out.append({"type": "ping"})
        out += [{"type": "content_block_delta", **at, "delta": d} for d in deltas]
        out.append({"type": "content_block_stop", **at})
    last = {
        k: v for k, v in usage.items() if k not in ("cache_creation", "service_tier")
    }
    out.append({"type": "message_delta", "delta": _end(answer), "usage": last})
    out.append({"type": "message_stop"})
    return [f"event: {e['type']}\n".encode() + event(e) for e in out]


def _steps(block: Json) -> tuple[Json, list[Json]]:
    """A block as it opens, and how it grows."""
    match block["type"]:
        case "text":
            cited = [
                {"type": "citations_delta", "citation": one}
                for one in block.get("citations", [])
            ]
            grown = [{"type": "text_delta", "text": t} for t in pieces(block["text"])]
            empty: Json = {"type": "text", "text": ""}
            if cited:
                empty["citations"] = []
            return empty, [*cited, *grown]
        case "thinking":
            grown = [
                {"type": "thinking_delta", "thinking": t}
                for t in pieces(block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*grown, signed]
        case "tool_use":
            text = json.dumps(block["input"], ensure_ascii=False)
            grown = [
                {"type": "input_json_delta", "partial_json": t}
                for t in ("", *pieces(text))
            ]
            return {**block, "input": {}}, grown
    return block, []
