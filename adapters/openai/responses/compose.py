"""Responses requests, written for a target from what a conversation means."""

from typing import Any, Final

from msgspec import Raw

from adapters.contract import Target
from adapters.errors import Unsupported
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from adapters.openai import request, wire
from adapters.openai.parameters import client_name
from adapters.openai.responses.parameters import NO_WORD
from adapters.openai.thinking import enabled
from adapters.openai.wire import RESPONSES
from adapters.openai.words import words

Json = dict[str, Any]

_SAMPLING: Final = frozenset({"temperature", "top_p", "top_logprobs"})


def write(call: ChatCall, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The call's body for the target, and what had to be left out, in the client's
    names.

    Raises:
        BadCall: the client's body does not follow its dialect.
        Unsupported: something cannot be said, and leaving it out would mislead (or the
            target is strict).
    """
    conversation = call.conversation()
    drop: list[str] = []
    body = _body(conversation, target, drop, own=call.dialect == RESPONSES)
    if call.stream:
        body["stream"] = True
    named = list(dict.fromkeys(client_name(name, call.dialect) for name in drop))
    request.refuse(named, target)
    top = {name: _raw(value) for name, value in body.items()}
    written, bent = request.finished(top, target)
    return written, (*named, *(name for name in bent if name not in named))


def _raw(value: Any) -> Raw:
    return value if isinstance(value, Raw) else Raw(wire.encode(value))


def _body(
    conversation: Conversation, target: Target, drop: list[str], *, own: bool
) -> Json:
    if (conversation.n or 1) > 1:
        raise Unsupported("the Responses API gives one answer per request", "n")
    said = words(target, RESPONSES)
    composer = _Composer(drop)
    for message in conversation.messages:
        composer.message(message)
    store = conversation.store or False
    body: Json = {"model": target.model, "input": composer.items, "store": store}
    drop += [name for name in NO_WORD if _asks(getattr(conversation, name))]
    if conversation.modalities not in ((), ("text",)):
        drop.append("modalities")
    _tools(conversation, drop, body)
    _numbers(conversation, drop, body, reasons=said.reasons)
    _wanted(conversation, drop, body, reasons=said.reasons)
    if said.reasons or not said.official:
        _reasoning(conversation, body)
    elif conversation.reasoning is not None and enabled(conversation.reasoning):
        drop.append("reasoning")
    _text(conversation, body)
    for name, raw in conversation.extra.items():
        if own:
            body.setdefault(name, raw)
        else:
            drop.append(name)
    return body


def _numbers(
    conversation: Conversation, drop: list[str], body: Json, *, reasons: bool
) -> None:
    given: Json = {
        "max_output_tokens": conversation.max_tokens,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_logprobs": conversation.top_logprobs,
        "user": conversation.user or None,
        "metadata": conversation.metadata or None,
        "service_tier": _tier(conversation.service_tier),
        "prompt_cache_key": conversation.cache_key or None,
        "prompt_cache_retention": conversation.cache_retention or None,
        "safety_identifier": conversation.safety_identifier or None,
    }
    asked = conversation.reasoning
    refuses = reasons and (asked is None or asked.effort != "none")
    for name, value in given.items():
        if value is not None and not (refuses and name in _SAMPLING):
            body[name] = value
        elif value not in (None, 1.0):
            drop.append(name)


def _wanted(
    conversation: Conversation, drop: list[str], body: Json, *, reasons: bool
) -> None:
    """What the answer should hold besides."""
    if reasons:
        body["include"] = ["reasoning.encrypted_content"]
    if conversation.logprobs and reasons:
        drop.append("logprobs")
    elif conversation.logprobs:
        body["include"] = ["message.output_text.logprobs"]


def _asks(value: Any) -> bool:
    """Whether a parameter asks for anything."""
    return value is not None and bool(value)


def _tier(tier: str) -> str | None:
    return "default" if tier == "standard_only" else tier or None


def _reasoning(conversation: Conversation, body: Json) -> None:
    asked = conversation.reasoning
    if asked is None:
        return
    out: Json = {}
    effort = asked.effort
    if asked.enabled is False:
        effort = "none"
    elif not effort and asked.budget is not None and asked.budget > 0:
        effort = "low" if asked.budget < 4096 else "medium"
        effort = "high" if asked.budget >= 16384 else effort
    if effort:
        out["effort"] = effort
    shows = asked.show or (asked.show is None and asked.enabled)
    if shows and effort != "none":
        out["summary"] = "auto"
    if out:
        body["reasoning"] = out


def _text(conversation: Conversation, body: Json) -> None:
    text: Json = {}
    if conversation.response_format is not None:
        text["format"] = _format(conversation.response_format)
    if conversation.verbosity:
        text["verbosity"] = conversation.verbosity
    if text:
        body["text"] = text


def _format(form: ResponseFormat) -> Json:
    if form.mode == "text":
        return {"type": "text"}
    if form.mode == "json" or not form.schema:
        return {"type": "json_object"}
    out: Json = {"type": "json_schema", "name": form.name or "response"}
    out["schema"] = form.schema
    if form.description:
        out["description"] = form.description
    if form.strict is not None:
        out["strict"] = form.strict
    return out


def _tools(conversation: Conversation, drop: list[str], body: Json) -> None:
    tools = conversation.tools
    written = [entry for tool in tools if (entry := _tool(tool, drop)) is not None]
    if not written:
        return
    body["tools"] = written
    if conversation.parallel_tools is not None:
        body["parallel_tool_calls"] = conversation.parallel_tools
    if conversation.tool_choice is not None:
        body["tool_choice"] = _choice(conversation.tool_choice, tools)


def _tool(tool: Tool, drop: list[str]) -> Any:
    if tool.cache is not None:
        drop.append("cache")
    if tool.family == RESPONSES and tool.raw:
        return tool.raw
    if tool.kind == "opaque":
        drop.append(f"tools.{tool.name}")
        return None
    out: Json = {"type": tool.kind, "name": tool.name}
    if tool.description:
        out["description"] = tool.description
    if tool.kind == "custom":
        form = _grammar(tool)
        return {**out, "format": form} if form else out
    # Chat completions are lax unless told; this API is strict unless told.
    return {**out, "parameters": tool.schema or None, "strict": bool(tool.strict)}


def _grammar(tool: Tool) -> Json | None:
    """The form of a custom tool's text, which chat completions nest one deeper."""
    if tool.family != wire.FAMILY or not tool.raw:
        return None
    form = wire.value.decode(tool.raw).get("format")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        return {"type": "grammar", **form["grammar"]}
    return form if isinstance(form, dict) else None


def _choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Any:
    kinds = {tool.name: tool.kind for tool in tools}

    def named(name: str) -> Json:
        kind = kinds.get(name, "function")
        return {"type": name} if kind == "opaque" else {"type": kind, "name": name}

    if choice.mode == "tool":
        return named(choice.names[0]) if choice.names else "required"
    if not choice.names:
        return choice.mode
    allowed = [named(name) for name in choice.names]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}


class _Composer:
    """Writes input items."""

    def __init__(self, drop: list[str]) -> None:
        self.items: list[Any] = []
        self._drop = drop

    def message(self, message: Message) -> None:
        if message.name:
            self._drop.append("messages.name")
        if message.role == "assistant":
            self._assistant(message.parts)
        elif message.role == "tool":
            for part in message.parts:
                if isinstance(part, ToolResult):
                    self._result(part)
        else:
            content = [one for part in message.parts for one in self._seen(part)]
            if content:
                entry = {"type": "message", "role": message.role, "content": content}
                self.items.append(entry)

    def _assistant(self, parts: tuple[Part, ...]) -> None:
        said: list[Json] = []
        for part in parts:
            match part:
                case Text():
                    if part.text:
                        said.append({"type": "output_text", "text": part.text})
                    continue
                case Refusal():
                    said.append({"type": "refusal", "refusal": part.text})
                    continue
            self._flush(said)
            match part:
                case Thinking():
                    self._thinking(part)
                case ToolUse():
                    self.items.append(_call(part))
                case Opaque():
                    self._opaque(part)
                case _:
                    kind = type(part).__name__.lower()
                    self._drop.append(f"messages.assistant.{kind}")
        self._flush(said)

    def _flush(self, said: list[Json]) -> None:
        if said:
            entry = {"type": "message", "role": "assistant", "content": [*said]}
            self.items.append(entry)
            said.clear()

    def _thinking(self, part: Thinking) -> None:
        """A reasoning item; its two halves, summary and what is encrypted, in one.
        Clients of other dialects lose its id, which the API can do without."""
        if part.family != RESPONSES or not (part.id or part.redacted):
            self._drop.append("messages.thinking")
            return
        last = self.items[-1] if self.items else None
        if not (
            isinstance(last, dict)
            and last.get("type") == "reasoning"
            and last.get("id", "") == part.id
            and "encrypted_content" not in last
        ):
            last = {"type": "reasoning", "summary": []}
            if part.id:
                last["id"] = part.id
            self.items.append(last)
        if part.text:
            last["summary"].append({"type": "summary_text", "text": part.text})
        if part.redacted:
            last["encrypted_content"] = part.redacted

    def _result(self, result: ToolResult) -> None:
        if result.is_error:
            self._drop.append("is_error")
        if result.cache is not None:
            self._drop.append("cache")
        parts = result.parts
        output: Any
        if all(isinstance(part, Text) for part in parts):
            output = "".join(p.text for p in parts if isinstance(p, Text))
        else:
            output = [one for part in parts for one in self._seen(part)]
        entry = {
            "type": "function_call_output",
            "call_id": result.id,
            "output": output,
        }
        for item in self.items:
            custom = isinstance(item, dict) and item.get("type") == "custom_tool_call"
            if custom and item["call_id"] == result.id:
                entry["type"] = "custom_tool_call_output"
        self.items.append(entry)

    def _seen(self, part: Part) -> list[Any]:
        """What a user or a tool shows."""
        if getattr(part, "cache", None) is not None:
            self._drop.append("cache")
        match part:
            case Text():
                return [{"type": "input_text", "text": part.text}]
            case Image():
                return [_image(part)]
            case Document():
                return [self._document(part)]
            case Audio():
                raise Unsupported("the Responses API takes no audio", "input_audio")
            case Refusal():
                return [{"type": "input_text", "text": part.text}]
            case Opaque():
                self._opaque(part)
        return []

    def _opaque(self, part: Opaque) -> None:
        if part.family == RESPONSES:
            self.items.append(part.raw)
        elif part.label == "video":
            raise Unsupported("the Responses API takes no video", part.label)
        else:
            self._drop.append(part.label)

    def _document(self, part: Document) -> Json:
        if part.citations:
            self._drop.append("documents.citations")
        if part.text:
            title = part.title or part.name
            told = "\n\n".join(p for p in (title, part.context, part.text) if p)
            return {"type": "input_text", "text": told}
        if part.file:
            return {"type": "input_file", "file_id": part.file}
        if part.url:
            return {"type": "input_file", "file_url": part.url}
        media_type = part.media_type or "application/pdf"
        return {
            "type": "input_file",
            "filename": part.name or part.title or "document.pdf",
            "file_data": f"data:{media_type};base64,{part.data}",
        }


def _call(part: ToolUse) -> Json:
    if part.custom:
        return {
            "type": "custom_tool_call",
            "call_id": part.id,
            "name": part.name,
            "input": part.arguments,
        }
    return {
        "type": "function_call",
        "call_id": part.id,
        "name": part.name,
        "arguments": part.arguments,
    }


def _image(part: Image) -> Json:
    out: Json = {"type": "input_image", "detail": part.detail or "auto"}
    if part.file:
        return {**out, "file_id": part.file}
    data = f"data:{part.media_type or 'image/png'};base64,{part.data}"
    return {**out, "image_url": part.url or data}
