"""A stream as the official SDK puts it together, and what that means."""

from typing import Any

from anthropic._models import construct_type
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from tests.adapters.anthropic import grammar

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def whole(body: bytes, *, strict: bool = False) -> dict[str, Any]:
    """The message that the SDK makes of a stream. `strict`: its types must fit."""
    message = None
    buffers: dict[int, bytes] = {}
    for name, data in events(body):
        if name == "ping":
            continue
        if strict and not foreign(data):
            EVENT.validate_python(data)
        event: Any = construct_type(type_=RawMessageStreamEvent, value=data)
        message = accumulate_event(
            event=event, current_snapshot=message, json_bufs=buffers
        )
        if name == "message_stop":
            break
    assert message is not None
    return message.to_dict(mode="json", warnings=False)


def foreign(data: dict[str, Any]) -> bool:
    """Beta blocks, which the stable types do not name."""
    kind = (data.get("content_block") or data.get("delta") or {}).get("type", "")
    return kind.startswith(("mcp_", "compaction", "tool_search"))


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    return grammar.parse(body.rstrip() + b"\n\n")


def meaning(message: dict[str, Any]) -> dict[str, Any]:
    """What the message says, however its text is cut into blocks."""
    content: list[dict[str, Any]] = []
    for block in message["content"]:
        kept = {k: v for k, v in block.items() if v is not None}
        kept.pop("caller", None) if kept["type"] == "tool_use" else None
        kept.pop("parsed_output", None)
        if kept["type"] == "text":
            kept.setdefault("citations", [])
            if content and content[-1]["type"] == "text":
                content[-1]["text"] += kept["text"]
                content[-1]["citations"] = content[-1]["citations"] + kept["citations"]
                continue
            if not kept["text"] and not kept["citations"]:
                continue
        if kept["type"] == "thinking":
            kept.setdefault("signature", "")
            if not kept["thinking"] and not kept["signature"]:
                continue
        content.append(kept)
    usage = message["usage"]
    return {
        "id": message["id"],
        "model": message["model"],
        "content": content,
        "stop_reason": message["stop_reason"],
        "stop_sequence": message["stop_sequence"],
        "usage": {
            name: usage.get(name) or 0
            for name in (
                "input_tokens",
                "output_tokens",
                "cache_read_input_tokens",
                "cache_creation_input_tokens",
            )
        },
    }


def validated(body: bytes) -> Message:
    """A whole answer, by the SDK's own types, strictly."""
    return Message.model_validate_json(body, strict=True)
