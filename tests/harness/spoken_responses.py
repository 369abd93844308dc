"""OpenAI's Responses API, whole and streamed, with the fields it is known to send."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.harness.answers import (
    Answer,
    Called,
    Declined,
    Json,
    Said,
    Thought,
    pieces,
)

CREATED: Final = 1_764_000_000
ENCRYPTED: Final = "gAAAAABencryptedByOpenAI"
_INCOMPLETE: Final = {"length": "max_output_tokens", "filtered": "content_filter"}


def _items(body: Json, answer: Answer) -> list[Json]:
    items: list[Json] = []
    content: list[Json] = []
    for at, part in enumerate(answer.parts):
        match part:
            case Thought():
                items.append(_reasoning(body, at, part))
            case Said():
                content.append(_text(body, part))
            case Declined():
                content.append({"type": "refusal", "refusal": part.text})
            case Called():
                arguments = json.dumps(part.arguments, ensure_ascii=False)
                items.append(
                    {
                        "id": f"fc_{at}",
                        "type": "function_call",
                        "status": "completed",
                        "call_id": f"call_{at}{part.name}",
                        "name": part.name,
                        "arguments": arguments,
                    }
                )
    if content:
        message = {
            "id": "msg_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": content,
        }
        calls = [i for i, item in enumerate(items) if item["type"] == "function_call"]
        items.insert(calls[0] if calls else len(items), message)
    return items


def _reasoning(body: Json, at: int, thought: Thought) -> Json:
    shown = bool((body.get("reasoning") or {}).get("summary"))
    summary = [{"type": "summary_text", "text": thought.text}] if shown else []
    item: Json = {"id": f"rs_{at}", "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (body.get("include") or []):
        item["encrypted_content"] = ENCRYPTED
    return item


def _text(body: Json, said: Said) -> Json:
    notes = []
    if said.cited is not None:
        notes.append(
            {
                "type": "url_citation",
                "start_index": 0,
                "end_index": len(said.text),
                "title": said.cited.title,
                "url": said.cited.url,
            }
        )
    likely = [one for piece in pieces(said.text) for one in _logprobs(body, piece)]
    return {
        "type": "output_text",
        "annotations": notes,
        "logprobs": likely,
        "text": said.text,
    }


def _logprobs(body: Json, piece: str) -> list[Json]:
    if "message.output_text.logprobs" not in (body.get("include") or []):
        return []

    def one(value: float) -> Json:
        return {"token": piece, "logprob": value, "bytes": [*piece.encode()]}

    top = [one(-0.25 - n) for n in range(body.get("top_logprobs") or 0)]
    return [{**one(-0.25), "top_logprobs": top}]


def whole(body: Json, answer: Answer) -> Json:
    """A response that has ended."""
    tokens = answer.tokens
    reason = _INCOMPLETE.get(answer.stop)
    return {
        "id": "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b",
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "billing": {"payer": "developer"},
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"] + "-2025-04-14",
        "output": _items(body, answer),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": tokens.input,
            "input_tokens_details": {
                "cached_tokens": tokens.cached,
                "cache_write_tokens": 0,
            },
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        },
        "metadata": body.get("metadata") or {},
    }


def stream(body: Json, answer: Answer) -> list[bytes]:
    """Its events."""
    response = whole(body, answer)
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    told: list[tuple[str, Json]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
    ]
    for index, item in enumerate(response["output"]):
        told += _grown(body, index, item)
    told.append((response["status"], {"response": response}))
    out = []
    for number, (name, fields) in enumerate(told):
        data = {"type": f"response.{name}", "sequence_number": number, **fields}
        text = json.dumps(data, ensure_ascii=False)
        out.append(f"event: response.{name}\ndata: {text}\n\n".encode())
    return out


def _grown(body: Json, index: int, item: Json) -> Iterator[tuple[str, Json]]:
    at: Json = {"output_index": index, "item_id": item["id"]}
    empty: Json = {**item, "status": "in_progress"}
    empty |= {name: [] for name in ("content", "summary") if name in item}
    empty.pop("encrypted_content", None)
    if "arguments" in item:
        empty["arguments"] = ""
    yield "output_item.added", {"output_index": index, "item": empty}
    for n, part in enumerate(item.get("summary", ())):
        place = {**at, "summary_index": n}
        yield "reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield "reasoning_summary_text.delta", {**place, "delta": piece}
        yield "reasoning_summary_text.done", {**place, "text": part["text"]}
        yield "reasoning_summary_part.done", {**place, "part": part}
    for n, part in enumerate(item.get("content", ())):
        yield from _part(body, {**at, "content_index": n}, part)
    if "arguments" in item:
        for piece in pieces(item["arguments"]):
            yield "function_call_arguments.delta", {**at, "delta": piece}
        done = {"arguments": item["arguments"], "name": item["name"]}
        yield "function_call_arguments.done", {**at, **done}
    yield "output_item.done", {"output_index": index, "item": item}


def _part(body: Json, place: Json, part: Json) -> Iterator[tuple[str, Json]]:
    field = "text" if part["type"] == "output_text" else "refusal"
    more: dict[str, Any] = {"logprobs": []} if field == "text" else {}
    empty = {**part, field: "", **more}
    if field == "text":
        empty["annotations"] = []
    yield "content_part.added", {**place, "part": empty}
    for piece in pieces(part[field]):
        likely = {"logprobs": _logprobs(body, piece)} if more else {}
        told = {**place, "delta": piece, **likely}
        yield f"{part['type']}.delta", told
    for n, note in enumerate(part.get("annotations", ())):
        told = {**place, "annotation": note, "annotation_index": n}
        yield "output_text.annotation.added", told
    yield f"{part['type']}.done", {**place, field: part[field], **more}
    yield "content_part.done", {**place, "part": part}
