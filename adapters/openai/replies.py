"""Whole answers, written for OpenAI's clients."""

from collections.abc import Iterable
from typing import Any

from adapters import envelope
from adapters.contract import Result
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall, ChatResult, Choice, StopReason
from adapters.normal.content import (
    Audio,
    Citation,
    Document,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from adapters.openai import finish, reasoning, usage, wire


def chat(result: Result, call: ChatCall) -> bytes:
    """A chat completion; one that is OpenAI's already goes verbatim."""
    if not isinstance(result, ChatResult):
        raise TypeError("a chat call is answered with a chat result")
    if result.dialect == wire.CHAT and result.raw:
        return result.raw
    legacy = wants_functions(call)
    body = _envelope(result, call, "chat.completion")
    body["choices"] = [_choice(c, legacy=legacy) for c in result.choices()]
    for name in ("service_tier", "system_fingerprint"):
        if name in result.extra:
            body[name] = result.extra[name]
    if result.usage is not None:
        body["usage"] = usage.write(result.usage)
        body |= usage.tier(result.usage)
    return wire.encode(body)


def text(result: Result, call: ChatCall) -> bytes:
    """A legacy completion; one that is OpenAI's already goes verbatim."""
    if not isinstance(result, ChatResult):
        raise TypeError("a completion call is answered with a chat result")
    if result.dialect == wire.COMPLETIONS and result.raw:
        return result.raw
    body = _envelope(result, call, "text_completion")
    body["choices"] = [
        {
            "text": said(choice.parts),
            "index": choice.index,
            "logprobs": None,
            "finish_reason": text_finish(choice.stop or "end"),
        }
        for choice in result.choices()
    ]
    if result.usage is not None:
        body["usage"] = usage.write(result.usage)
    return wire.encode(body)


def text_finish(reason: StopReason) -> str:
    """A legacy completion knows no tools."""
    word = finish.FINISH[reason]
    return "stop" if word == "tool_calls" else word


def wants_functions(call: ChatCall) -> bool:
    """Whether the client speaks of functions, as before there were tools."""
    if b'"functions"' not in call.raw or call.dialect != wire.CHAT:
        return False
    try:
        top = envelope.fields(call.raw)
    except BadCall:
        return False
    return "functions" in top and "tools" not in top


def annotation(cited: Citation, at: int) -> dict[str, Any]:
    """A source; one without a place in the text stands at its end, `at`."""
    return {
        "type": "url_citation",
        "url_citation": {
            "url": cited.url,
            "title": cited.title or cited.url,
            "start_index": at if cited.start is None else cited.start,
            "end_index": at if cited.end is None else cited.end,
        },
    }


def picture(image: Image, index: int) -> dict[str, Any]:
    """A picture that the model drew, as OpenRouter tells it."""
    url = image.url or f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "index": index, "image_url": {"url": url}}


def said(parts: Iterable[Part]) -> str:
    """The text of an answer."""
    return "".join(part.text for part in parts if isinstance(part, Text))


def _envelope(result: ChatResult, call: ChatCall, kind: str) -> dict[str, Any]:
    return {
        "id": result.id or "chatcmpl-0",
        "object": kind,
        "created": result.created or call.received,
        "model": result.model or call.model,
    }


def _choice(choice: Choice, *, legacy: bool) -> dict[str, Any]:
    stop = choice.stop or "end"
    word = finish.FINISH[stop]
    message = _message(choice.parts, legacy=legacy)
    if "tool_calls" in message and word == "stop" and stop == "end":
        word = "tool_calls"
    if legacy and word == "tool_calls":
        word = "function_call"
    body: dict[str, Any] = {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs if choice.logprobs else None,
        "finish_reason": word,
    }
    if stop in finish.LOSSY:
        body["native_finish_reason"] = choice.native_stop or stop
    return body


def _message(parts: tuple[Part, ...], *, legacy: bool) -> dict[str, Any]:
    texts = [part for part in parts if isinstance(part, Text)]
    content = said(texts)
    refusal = "".join(p.text for p in parts if isinstance(p, Refusal))
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content or None,
        "refusal": refusal or None,
    }
    signature = next((t.signature for t in reversed(texts) if t.signature), "")
    if signature:
        message |= reasoning.signed(signature)
    message |= reasoning.write(p for p in parts if isinstance(p, Thinking))
    calls = [part for part in parts if isinstance(part, ToolUse)]
    if legacy and calls:
        first = calls[0]
        message["function_call"] = {"name": first.name, "arguments": first.arguments}
    elif calls:
        message["tool_calls"] = [tool_call(call) for call in calls]
    elif not content and not refusal:
        message["content"] = ""
    _attached(parts, texts, message)
    return message


def _attached(
    parts: tuple[Part, ...], texts: list[Text], message: dict[str, Any]
) -> None:
    notes: list[dict[str, Any]] = []
    at = 0
    for text_ in texts:
        at += len(text_.text)
        notes += [annotation(cited, at) for cited in text_.citations]
    if notes:
        message["annotations"] = notes
    drawn = [part for part in parts if isinstance(part, Image)]
    if drawn:
        message["images"] = [picture(image, i) for i, image in enumerate(drawn)]
    files = [part for part in parts if isinstance(part, Document) and part.text]
    if files and not message["content"]:
        message["content"] = "\n".join(part.text for part in files)
    for part in parts:
        if isinstance(part, Audio):
            message["audio"] = {
                "id": part.id,
                "data": part.data,
                "expires_at": part.expires_at,
                "transcript": part.transcript,
            }


def tool_call(call: ToolUse) -> dict[str, Any]:
    """One entry of `tool_calls`."""
    if call.custom:
        custom = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.arguments}
    entry = {"id": call.id, "type": "function", "function": function}
    return entry | reasoning.signed(call.signature) if call.signature else entry
