"""Requests of grammars kin to chat completions, Cohere's and Ollama's, read strictly
and apart from the gateway's own readers."""

import base64
import json
from typing import Any, Final

from tests.flow.sdk.heard import Heard, Json, Part
from tests.harness.upstream import Request

_SPEAKERS: Final = {"user": "user", "assistant": "model"}
_STARTS: Final = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_COHERE: Final = (
    *("model", "stream", "messages", "tools", "tool_choice", "max_tokens"),
    *("temperature", "p", "k", "seed", "stop_sequences", "response_format"),
    *("frequency_penalty", "presence_penalty", "logprobs", "thinking"),
)
_OLLAMA: Final = ("model", "stream", "messages", "tools", "format", "options", "think")
_OPTIONS: Final = (
    *("num_predict", "temperature", "top_p", "top_k", "seed", "stop"),
    *("presence_penalty", "frequency_penalty"),
)


def _known(told: Json, *names: str) -> None:
    """Raises `AssertionError` for any other member."""
    beyond = sorted(told.keys() - {*names})
    assert not beyond, f"no reader for {beyond}"


def _tools(body: Json, out: Heard) -> None:
    for tool in body.get("tools") or []:
        _known(tool, "type", "function")
        function = tool["function"]
        _known(function, "name", "description", "parameters")
        told = (function.get("description", ""), function.get("parameters") or {})
        out.tools[function["name"]] = told


def _data(data: str) -> bytes:
    return base64.b64decode(data, validate=True)


# --- Cohere ------------------------------------------------------------------------


def cohere(request: Request) -> Heard:
    """A call of /v2/chat."""
    body = request.json()
    _known(body, *_COHERE)
    out = Heard("cohere", body, request.target, headers=request.headers)
    out.stream = bool(body.get("stream"))
    for message in body["messages"]:
        _cohere_message(message, out)
    _tools(body, out)
    choice = body.get("tool_choice")
    out.choice = {"REQUIRED": "required", "NONE": "none", None: ""}[choice]
    out.max_tokens, out.temperature = body.get("max_tokens"), body.get("temperature")
    out.top_p, out.top_k, out.seed = body.get("p"), body.get("k"), body.get("seed")
    out.presence = body.get("presence_penalty")
    out.frequency = body.get("frequency_penalty")
    out.stop = body.get("stop_sequences") or []
    out.logprobs = 0 if body.get("logprobs") else None
    form = body.get("response_format") or {}
    if form:
        _known(form, "type", "json_schema")
        assert form["type"] == "json_object"
        out.schema, out.json_mode = form.get("json_schema"), "json_schema" not in form
    thinking = body.get("thinking") or {}
    _known(thinking, "type", "token_budget")
    if thinking.get("type") == "enabled":
        out.thinks = thinking.get("token_budget", True)
    return out


def _cohere_message(message: Json, out: Heard) -> None:
    content = message.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [_cohere_part(one) for one in content]
    match message["role"]:
        case "system":
            _known(message, "role", "content")
            out.system += [part[1] for part in parts]
        case "tool":
            _known(message, "role", "content", "tool_call_id")
            name = out.calls()[message["tool_call_id"]]
            out.add("user", [("result", name, parts)])
        case role:
            _known(message, "role", "content", "tool_calls", "tool_plan")
            if message.get("tool_plan"):
                parts.insert(0, ("thought", message["tool_plan"], None))
            for call in message.get("tool_calls") or []:
                function = call["function"]
                arguments = json.loads(function["arguments"])
                parts.append(("call", function["name"], arguments, call["id"]))
            out.add(_SPEAKERS[role], parts)


def _cohere_part(one: Json) -> Part:
    match one["type"]:
        case "text":
            return ("text", one["text"])
        case "thinking":
            return ("thought", one["thinking"], None)
        case "image_url":
            url = one["image_url"]["url"]
            if not url.startswith("data:"):
                return ("image_url", url)
            media, _, data = url.removeprefix("data:").partition(";base64,")
            return ("image", media, _data(data))
        case "document":
            return ("text", one["document"]["data"])
    raise AssertionError(f"no reader for Cohere's {one['type']}")


# --- Ollama ------------------------------------------------------------------------


def ollama(request: Request) -> Heard:
    """A call of /api/chat."""
    body = request.json()
    _known(body, *_OLLAMA)
    out = Heard("ollama", body, request.target, headers=request.headers)
    out.stream = bool(body.get("stream", True))
    for message in body["messages"]:
        _ollama_message(message, out)
    _tools(body, out)
    options = body.get("options") or {}
    _known(options, *_OPTIONS)
    out.max_tokens, out.seed = options.get("num_predict"), options.get("seed")
    out.temperature, out.top_p = options.get("temperature"), options.get("top_p")
    out.top_k, out.stop = options.get("top_k"), options.get("stop") or []
    out.presence = options.get("presence_penalty")
    out.frequency = options.get("frequency_penalty")
    form: Any = body.get("format") or None
    out.json_mode = form == "json"
    out.schema = form if isinstance(form, dict) else None
    out.thinks = body.get("think")
    return out


def _ollama_message(message: Json, out: Heard) -> None:
    text = message.get("content")
    parts: list[Part] = [("text", text)] if text else []
    parts = [*(_ollama_image(data) for data in message.get("images") or []), *parts]
    match message["role"]:
        case "system":
            _known(message, "role", "content")
            out.system += [part[1] for part in parts]
        case "tool":
            _known(message, "role", "content", "tool_name", "tool_call_id")
            out.add("user", [("result", message["tool_name"], parts)])
        case role:
            _known(message, "role", "content", "images", "thinking", "tool_calls")
            if message.get("thinking"):
                parts.insert(0, ("thought", message["thinking"], None))
            for call in message.get("tool_calls") or []:
                _known(call, "id", "type", "function")
                function = call["function"]
                assert isinstance(function["arguments"], dict)
                told = ("call", function["name"], function["arguments"])
                parts.append((*told, call.get("id", "")))
            out.add(_SPEAKERS[role], parts)


def _ollama_image(data: str) -> Part:
    """Ollama is not told what kind it is."""
    image = _data(data)
    (media,) = [kind for start, kind in _STARTS.items() if image.startswith(start)]
    return ("image", media, image)
