"""The response object: what it repeats of the call, and how it ended."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import Told
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall, StopReason
from adapters.openai import wire
from adapters.openai.responses.calls import ResponsesCall
from adapters.openai.wire import ABSENT, present

Json = dict[str, Any]

_SAME: Final[dict[str, Any]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Repeated as the client wrote it; what stands for a field that it did not write."""
_ONLY_WRITTEN: Final = ("background", "prompt", "prompt_cache_retention")
_REASONS: Final[dict[StopReason, str]] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "filtered": "content_filter",
    "refusal": "content_filter",
}
_CODES: Final = {"rate_limit_exceeded": "rate_limit_exceeded"}
"""Of the error of a response, which has a short list of codes of its own."""


class _Tool(msgspec.Struct, frozen=True):
    type: str = ""


_tools: Final = msgspec.json.Decoder(list[Raw])
_tool: Final = msgspec.json.Decoder(_Tool)
_object: Final = msgspec.json.Decoder(dict[str, Any])


def repeated(call: ChatCall) -> Json:
    """The fields of a response that repeat its call."""
    try:
        top = envelope.fields(call.raw) if call.dialect == wire.RESPONSES else {}
    except BadCall:
        top = {}
    out: Json = {}
    for name, other in _SAME.items():
        raw = top.get(name, ABSENT)
        out[name] = raw if present(raw) else other
    for name in _ONLY_WRITTEN:
        if present(top.get(name, ABSENT)):
            out[name] = top[name]
    out["reasoning"] = {"effort": None, "summary": None, **_dict(top, "reasoning")}
    text = {"format": {"type": "text"}, "verbosity": "medium", **_dict(top, "text")}
    out["text"] = _text(text)
    out["tools"] = _all_tools(top.get("tools", ABSENT))
    if isinstance(call, ResponsesCall):
        out |= call.shown
    return out


def _dict(top: dict[str, Raw], name: str) -> Json:
    try:
        return _object.decode(top.get(name, ABSENT))
    except msgspec.MsgspecError:
        return {}


def _text(text: Json) -> Json:
    if not text["format"]:
        text["format"] = {"type": "text"}
    return text


def _all_tools(raw: Raw) -> list[Any]:
    """The tools; functions with everything that the types of a response want."""
    if not present(raw):
        return []
    try:
        entries = _tools.decode(raw)
    except msgspec.MsgspecError:
        return []
    out: list[Any] = []
    for entry in entries:
        if _tool.decode(entry).type == "function":
            function = {"description": None, "parameters": None, "strict": True}
            out.append(function | _object.decode(entry))
        else:
            out.append(entry)
    return out


def ended(reason: StopReason, native: str) -> Json:
    """`status` and what explains it."""
    if reason in _REASONS:
        return {
            "status": "incomplete",
            "error": None,
            "incomplete_details": {"reason": _REASONS[reason]},
        }
    if reason == "error":
        message = f"the provider ended the answer with an error ({native or reason})"
        return {
            "status": "failed",
            "error": {"code": "server_error", "message": message},
            "incomplete_details": None,
        }
    return {"status": "completed", "error": None, "incomplete_details": None}


def failed(told: Told) -> Json:
    """`status` and `error` of a response that an error ended."""
    code = _CODES.get(told.code or "", "")
    if not code:
        client = told.type == "invalid_request_error"
        code = "invalid_prompt" if client else "server_error"
    return {"status": "failed", "error": {"code": code, "message": told.message}}
