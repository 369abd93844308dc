"""The grammar of a streamGenerateContent stream, as a client may rely on it.

Objects with candidates, each of which tells its finish reason at most once and says
nothing after it; every candidate finishes, or the prompt was blocked. Usage stands in
the last object at the latest and never counts backwards to nothing. An error is the last
object and stands alone.
"""

import json
from collections.abc import Sequence
from typing import Any

from adapters.framing.sse import Splitter

FINISH = {
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
    "CONTINUATION",
    "MODEL_ARMOR",
}

PARTS = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}


class Broken(AssertionError):
    """The stream is not what the API documents; says why and where."""


def parse(body: bytes, content_type: str = "text/event-stream") -> list[dict[str, Any]]:
    """The objects of a stream, in either of its forms."""
    if not content_type.startswith("text/event-stream"):
        objects = json.loads(body)
        if not isinstance(objects, list):
            raise Broken("the stream is not an array")
        return objects
    splitter = Splitter()
    events = [*splitter.feed(body), *splitter.close()]
    for event in events:
        if event.name:
            raise Broken("events have no names")
        if b"[DONE]" in event.data:
            raise Broken("[DONE] is OpenAI's")
    return [json.loads(event.data) for event in events if event.data]


def check(chunks: Sequence[dict[str, Any]], *, finished: bool = True) -> None:
    """Raise `Broken` unless the objects are a stream; `finished`: to its end."""
    done: set[int] = set()
    seen: set[int] = set()
    blocked = False
    for at, chunk in enumerate(chunks):
        if "error" in chunk:
            if at != len(chunks) - 1:
                raise Broken("something follows an error")
            if list(chunk) != ["error"] or not isinstance(chunk["error"], dict):
                raise Broken("an error stands alone")
            if not {"code", "message", "status"} <= set(chunk["error"]):
                raise Broken("an error has a code, a message and a status")
            return
        if not {"candidates", "promptFeedback", "usageMetadata"} & set(chunk):
            raise Broken(f"object {at} says nothing")
        blocked = blocked or "blockReason" in chunk.get("promptFeedback", {})
        for candidate in chunk.get("candidates", []):
            _candidate(candidate, at, seen, done)
        if "usageMetadata" in chunk:
            _usage(chunk["usageMetadata"])
    if finished and not blocked and (not seen or seen - done):
        raise Broken(f"candidates without an end: {sorted(seen - done)}")


def _candidate(
    candidate: dict[str, Any], at: int, seen: set[int], done: set[int]
) -> None:
    index = candidate.get("index", 0)
    if index in done:
        raise Broken(f"object {at}: candidate {index} speaks after its end")
    seen.add(index)
    content = candidate.get("content", {})
    if content.get("role", "model") != "model":
        raise Broken(f"object {at}: the speaker is not the model")
    for part in content.get("parts", []):
        if not (PARTS & set(part)) and "thoughtSignature" not in part:
            raise Broken(f"object {at}: a part says nothing: {part}")
        call = part.get("functionCall")
        if call is not None and not isinstance(call.get("args", {}), dict):
            raise Broken(f"object {at}: arguments are no object")
    if reason := candidate.get("finishReason"):
        if reason not in FINISH:
            raise Broken(f"object {at}: no finish reason {reason!r}")
        done.add(index)


def _usage(usage: dict[str, Any]) -> None:
    kinds = (
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
    )
    total = sum(usage.get(kind, 0) for kind in kinds)
    if "totalTokenCount" in usage and usage["totalTokenCount"] != total:
        raise Broken(f"the total is {usage['totalTokenCount']}, its parts are {total}")
