"""What a provider was asked, read from its native request body into plain values.

Independent of the gateway's own readers, and strict: a word that the provider does not
know is a mistake, not something to skip.

Parts are tuples: `("text", text)`, `("image", media type, bytes)`, `("image_url",
url)`, `("pdf", bytes)`, `("pdf_url", url)`, `("audio", format, bytes)`, `("call", name,
arguments, id)`, `("result", name of the tool, parts)`, `("thought", text, signature)`;
among the parts of a result, `("failed",)`.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Final

from tests.flow.sdk import shapes
from tests.harness.upstream import Request

Json = dict[str, Any]
Part = tuple[Any, ...]
_USERS: Final = ("args", "response", "parametersJsonSchema", "responseJsonSchema")
_TYPES: Final = ("", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT")
"""Google's types of schemas, by their number in protobuf."""
_WEB: Final = str.maketrans("+/", "-_")


@dataclass
class Heard:
    """One request, as its provider understands it."""

    family: str
    body: Json
    path: str
    stream: bool = False
    system: list[str] = field(default_factory=list)
    turns: list[tuple[str, list[Part]]] = field(default_factory=list)
    """(`user` or `model`, parts), neighbours of one speaker joined."""
    tools: dict[str, tuple[str, Json]] = field(default_factory=dict)
    choice: str = ""
    """`auto`, `none`, `required`, `tool:name`; empty when not said."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence: float | None = None
    frequency: float | None = None
    stop: list[str] = field(default_factory=list)
    seed: int | None = None
    n: int | None = None
    logprobs: int | None = None
    """Alternatives asked for; `None` when not asked."""
    schema: Json | None = None
    json_mode: bool = False
    thinks: Any = None
    """Effort (a word) or budget (a number)."""
    marks: list[str] = field(default_factory=list)
    """Kinds of what carries a prompt-cache marker, in order."""
    headers: dict[str, str] = field(default_factory=dict)

    def last(self) -> list[Part]:
        return self.turns[-1][1]

    def add(self, speaker: str, parts: list[Part]) -> None:
        if self.turns and self.turns[-1][0] == speaker:
            self.turns[-1][1].extend(parts)
        elif parts:
            self.turns.append((speaker, parts))

    def calls(self) -> dict[str, str]:
        """id -> name of the calls so far."""
        found = [p for _, parts in self.turns for p in parts if p[0] == "call"]
        return {p[3]: p[1] for p in found}


def heard(family: str, request: Request, *, verbatim: bool = False) -> Heard:
    """A chat request. `verbatim`: as Google's SDK wrote it, which mixes both spellings
    of a member, as its API allows; the gateway's own are spelled as documented."""
    body = request.json()
    if family == "gemini":
        body = camel(body, mend=verbatim)
        if verbatim:
            body.pop("model", None)  # of the path, as some clients repeat it
    shapes.check(family, body)
    out = Heard(family, body, request.target, headers=request.headers)
    {"openai": _openai, "anthropic": _anthropic, "gemini": _gemini}[family](body, out)
    return out


def camel(value: Any, *, mend: bool) -> Any:
    """Members in camelCase; what users wrote themselves is left alone."""
    if isinstance(value, list):
        return [camel(one, mend=mend) for one in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, inner in value.items():
        first, *rest = name.split("_")
        said = first + "".join(word.title() for word in rest)
        assert mend or said == name
        out[said] = _member(name, said, inner, mend=mend)
    return out


def _member(name: str, said: str, value: Any, *, mend: bool) -> Any:
    if name == "properties":
        return {key: camel(one, mend=mend) for key, one in value.items()}
    if said in _USERS:
        return value
    if mend and said == "type" and isinstance(value, int):
        return _TYPES[value]
    value = camel(value, mend=mend)
    # One part may stand alone, as protobuf's JSON has it.
    alone = mend and said == "parts" and isinstance(value, dict)
    return [value] if alone else value


def _bytes(data: str) -> bytes:
    return base64.b64decode(data, validate=True)


# --- OpenAI ------------------------------------------------------------------------


def _openai(body: Json, out: Heard) -> None:
    out.stream = bool(body.get("stream"))
    for message in body["messages"]:
        _openai_message(message, out)
    for tool in body.get("tools", []):
        function = tool["function"]
        described = function.get("description", "")
        out.tools[function["name"]] = (described, function.get("parameters", {}))
    choice = body.get("tool_choice", "")
    if isinstance(choice, dict):
        choice = "tool:" + choice["function"]["name"]
    out.choice = choice
    out.max_tokens = body.get("max_completion_tokens", body.get("max_tokens"))
    out.temperature, out.top_p = body.get("temperature"), body.get("top_p")
    out.top_k = body.get("top_k")
    out.presence = body.get("presence_penalty")
    out.frequency = body.get("frequency_penalty")
    stop = body.get("stop") or []
    out.stop = [stop] if isinstance(stop, str) else stop
    out.seed, out.n = body.get("seed"), body.get("n")
    if body.get("logprobs"):
        out.logprobs = body.get("top_logprobs", 0)
    form = body.get("response_format") or {}
    out.json_mode = form.get("type") == "json_object"
    if form.get("type") == "json_schema":
        out.schema = form["json_schema"]["schema"]
    out.thinks = body.get("reasoning_effort")


def _openai_message(message: Json, out: Heard) -> None:
    content = message.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = [_openai_part(one, out) for one in content]
    match message["role"]:
        case "system" | "developer":
            out.system += [part[1] for part in parts]
        case "user":
            out.add("user", parts)
        case "assistant":
            for call in message.get("tool_calls") or []:
                function = call["function"]
                arguments = json.loads(function["arguments"])
                parts.append(("call", function["name"], arguments, call["id"]))
            out.add("model", parts)
        case "tool":
            name = out.calls()[message["tool_call_id"]]
            out.add("user", [("result", name, parts)])


def _openai_part(one: Json, out: Heard) -> Part:
    if "cache_control" in one:
        out.marks.append(one["type"])
    match one["type"]:
        case "text":
            return ("text", one["text"])
        case "image_url":
            url = one["image_url"]["url"]
            if not url.startswith("data:"):
                return ("image_url", url)
            media, _, data = url.removeprefix("data:").partition(";base64,")
            return ("image", media, _bytes(data))
        case "file":
            media, _, data = one["file"]["file_data"].partition(";base64,")
            assert media == "data:application/pdf"
            assert one["file"]["filename"]
            return ("pdf", _bytes(data))
        case "input_audio":
            sound = one["input_audio"]
            return ("audio", sound["format"], _bytes(sound["data"]))
    raise AssertionError(f"OpenAI knows no such part: {one}")


# --- Anthropic ---------------------------------------------------------------------

_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}


def _anthropic(body: Json, out: Heard) -> None:
    assert body["max_tokens"] > 0
    out.stream = bool(body.get("stream"))
    system = body.get("system", [])
    if isinstance(system, str):
        system = [{"type": "text", "text": system}]
    out.system = [_anthropic_part(one, out)[1] for one in system]
    for message in body["messages"]:
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        speaker = {"user": "user", "assistant": "model"}[message["role"]]
        for one in content:
            out.add(speaker, [_anthropic_part(one, out)])
    for tool in body.get("tools", []):
        if "cache_control" in tool:
            out.marks.append("tool")
        described = tool.get("description", "")
        out.tools[tool["name"]] = (described, tool["input_schema"])
    choice = body.get("tool_choice")
    if choice is not None:
        named = choice["type"] == "tool"
        out.choice = f"tool:{choice['name']}" if named else _CHOICES[choice["type"]]
    out.max_tokens, out.temperature = body["max_tokens"], body.get("temperature")
    out.top_p, out.top_k = body.get("top_p"), body.get("top_k")
    out.stop = body.get("stop_sequences", [])
    config = body.get("output_config") or {}
    if config.get("format"):
        assert config["format"]["type"] == "json_schema"
        out.schema = config["format"]["schema"]
    thinking = body.get("thinking") or {}
    out.thinks = config.get("effort") or thinking.get("budget_tokens")
    if thinking.get("type") == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"]


def _anthropic_part(one: Json, out: Heard) -> Part:
    if "cache_control" in one:
        out.marks.append(one["type"])
    match one["type"]:
        case "text":
            return ("text", one["text"])
        case "image":
            source = one["source"]
            if source["type"] == "url":
                return ("image_url", source["url"])
            return ("image", source["media_type"], _bytes(source["data"]))
        case "document":
            return _anthropic_document(one["source"])
        case "tool_use":
            return ("call", one["name"], one["input"], one["id"])
        case "tool_result":
            content = one.get("content", [])
            if isinstance(content, str):
                content = [{"type": "text", "text": content}]
            inner = [_anthropic_part(piece, out) for piece in content]
            inner += [("failed",)] if one.get("is_error") else []
            return ("result", out.calls()[one["tool_use_id"]], inner)
        case "thinking" | "redacted_thinking":
            opaque = one.get("signature") or one.get("data")
            return ("thought", one.get("thinking", ""), opaque)
    raise AssertionError(f"Anthropic knows no such block: {one}")


def _anthropic_document(source: Json) -> Part:
    if source["type"] == "text":
        return ("text", source["data"])
    if source["type"] == "url":
        return ("pdf_url", source["url"])
    assert source["type"] == "base64"
    assert source["media_type"] == "application/pdf"
    return ("pdf", _bytes(source["data"]))


# --- Google ------------------------------------------------------------------------


_MODES: Final = {
    "AUTO": "auto",
    "VALIDATED": "auto",
    "NONE": "none",
    "ANY": "required",
}


def _gemini(body: Json, out: Heard) -> None:
    out.stream = ":stream" in out.path
    system = (body.get("systemInstruction") or {}).get("parts", [])
    out.system = [part["text"] for part in system]
    for content in body["contents"]:
        speaker = content.get("role", "user")
        assert speaker in ("user", "model")
        out.add(speaker, [_gemini_part(part) for part in content["parts"]])
    for tool in body.get("tools", []):
        for one in tool.get("functionDeclarations", []):
            schema = one.get("parametersJsonSchema") or _lower(one.get("parameters"))
            out.tools[one["name"]] = (one.get("description", ""), schema or {})
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if calling is not None:
        names = calling.get("allowedFunctionNames", [])
        word = _MODES[calling["mode"].upper()]
        out.choice = f"tool:{names[0]}" if len(names) == 1 else word
    config = body.get("generationConfig") or {}
    out.max_tokens = config.get("maxOutputTokens")
    out.temperature = config.get("temperature")
    out.top_p, out.top_k = config.get("topP"), config.get("topK")
    out.presence = config.get("presencePenalty")
    out.frequency = config.get("frequencyPenalty")
    out.stop = config.get("stopSequences", [])
    out.seed, out.n = config.get("seed"), config.get("candidateCount")
    if config.get("responseLogprobs"):
        out.logprobs = config.get("logprobs", 0)
    schema = config.get("responseJsonSchema") or _lower(config.get("responseSchema"))
    as_json = config.get("responseMimeType") == "application/json"
    assert as_json or not schema
    out.schema, out.json_mode = schema, as_json and not schema
    thinking = config.get("thinkingConfig") or {}
    out.thinks = thinking.get("thinkingBudget", thinking.get("thinkingLevel"))


def _gemini_part(part: Json) -> Part:
    if "functionCall" in part:
        call = part["functionCall"]
        args, signed = call.get("args", {}), part.get("thoughtSignature", "")
        return ("call", call["name"], args, call.get("id", ""), signed)
    if "functionResponse" in part:
        found = part["functionResponse"]
        said = found["response"]
        inner: list[Part] = []
        if isinstance(said.get("error"), str) and len(said) == 1:
            inner = [("text", said["error"]), ("failed",)]
        elif said:
            inner = [("text", said.get("output", said))]
        inner += [_gemini_part(one) for one in found.get("parts", [])]
        return ("result", found["name"], inner)
    if part.get("thought"):
        text = part.get("text", "")
        return ("thought", text, part.get("thoughtSignature", ""))
    if "inlineData" in part:
        media = part["inlineData"]["mimeType"]
        # Google's own SDK sends the other alphabet; its API takes both.
        data = base64.urlsafe_b64decode(part["inlineData"]["data"].translate(_WEB))
        if media == "application/pdf":
            return ("pdf", data)
        kind, _, word = media.partition("/")
        return ("audio", word, data) if kind == "audio" else ("image", media, data)
    if "fileData" in part:
        place = part["fileData"]
        pdf = place.get("mimeType") == "application/pdf"
        return ("pdf_url" if pdf else "image_url", place["fileUri"])
    return ("text", part["text"])


def _lower(schema: Any) -> Any:
    """Google's schema words as JSON Schema's."""
    if isinstance(schema, dict):
        return {
            k: v.lower() if k == "type" and isinstance(v, str) else _lower(v)
            for k, v in schema.items()
            if k != "propertyOrdering"
        }
    return [_lower(one) for one in schema] if isinstance(schema, list) else schema
