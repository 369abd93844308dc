"""What tests of requests share: reading, writing, one word of greeting."""

import json
from typing import Any

from adapters.gemini import conversation
from adapters.normal.chat import Conversation
from adapters.normal.content import Message, Part, Text
from tests.adapters.gemini.recordings import call, target

HI = Message("user", (Text("hi"),))


def read(body: dict[str, Any]) -> Conversation:
    return call({"contents": [{"parts": [{"text": "hi"}]}], **body}).conversation()


def write(
    talk: Conversation, model: str = "gemini-2.5-flash", ours: bool = False, **more: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    written = conversation.write(talk, target(model, **more), is_ours=ours)
    return json.loads(conversation.flat(written)), written.dropped


def said(*parts: Part, model: str = "gemini-2.5-flash") -> list[dict[str, Any]]:
    body, _ = write(Conversation(messages=(Message("user", parts),)), model)
    found: list[dict[str, Any]] = body["contents"][0]["parts"]
    return found
