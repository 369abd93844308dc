"""Responses requests, read whole.

What has a place in the normal form is put there; what only this API understands stays
in `extra`, as written. What the gateway does itself (keeping answers, running them in
the background, repeating metadata) is not asked of a backend.
"""

from typing import Final, Literal

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.errors import BadCall
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
)
from adapters.openai import conversation as chat
from adapters.openai import fields as f
from adapters.openai.responses import items
from adapters.openai.wire import ABSENT, RESPONSES, present

_OURS: Final = frozenset(
    {
        "model",
        "stream",
        "stream_options",
        "store",
        "background",
        "metadata",
        "include",
    }
)
"""Done by the gateway, or asking for nothing where a backend has no such thing."""
SUMMARISE: Final = (
    "Summarise our conversation so far, so that it can go on from the summary alone: "
    "what was asked, decided and done, results of tools, names, numbers and code that "
    "are still needed, and what is open. Answer with the summary and nothing else."
)
_NAMED: Final = frozenset({"function", "custom"})
"""Tools that are chosen by their name; all others are OpenAI's own."""
_ELSEWHERE: Final = ("previous_response_id", "conversation", "prompt")
"""What only stands for something: where it is still there, nobody knew what for."""
LOGPROBS: Final = "message.output_text.logprobs"


class _Function(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class _Custom(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""
    name: str | None = None
    mode: str | None = None
    tools: Raw = ABSENT


class _Format(msgspec.Struct, frozen=True):
    type: str = "text"
    name: str = ""
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class _Text(msgspec.Struct, frozen=True):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct, frozen=True):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


_function = msgspec.json.Decoder(_Function)
_custom = msgspec.json.Decoder(_Custom)
_kind = msgspec.json.Decoder(_Kind)
_kinds = msgspec.json.Decoder(list[_Kind])
_text = msgspec.json.Decoder(_Text)
_reasoning = msgspec.json.Decoder(_Reasoning)
_texts = msgspec.json.Decoder(list[str])


def read(body: bytes) -> Conversation:
    """Everything that the body says.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    top = envelope.fields(body)
    include: list[str] = f.take(top, "include", _texts) or []
    for name in _OURS:
        top.pop(name, None)
    for name in _ELSEWHERE:
        told = top.pop(name, ABSENT)
        if present(told):
            said = bytes(told).decode(errors="replace")[:128]
            raise BadCall(f"{name}: this model's provider does not know {said}", name)
    messages = (*_instructions(top), *items.read(top.pop("input", ABSENT)))
    form = f.take(top, "text", _text) or _Text()
    likely = f.take(top, "top_logprobs", f.count)
    logprobs = True if LOGPROBS in include or likely else None
    truncation = f.take_text(top, "truncation")
    if truncation not in ("", "disabled"):
        top["truncation"] = f.plain(truncation)
    tools = _tools(top)
    return Conversation(
        messages=messages,
        tools=tools,
        tool_choice=_choice(top),
        parallel_tools=f.take(top, "parallel_tool_calls", f.flag),
        max_tokens=f.take(top, "max_output_tokens", f.count),
        temperature=f.take(top, "temperature", f.number),
        top_p=f.take(top, "top_p", f.number),
        logprobs=logprobs,
        top_logprobs=likely or None,
        response_format=_format(form.format),
        reasoning=_thinking(top),
        user=f.take_text(top, "user"),
        service_tier=f.take_text(top, "service_tier"),
        verbosity=form.verbosity or "",
        cache_key=f.take_text(top, "prompt_cache_key"),
        cache_retention=f.take_text(top, "prompt_cache_retention"),
        safety_identifier=f.take_text(top, "safety_identifier"),
        extra={name: raw.copy() for name, raw in top.items() if present(raw)},
    )


def read_for_summary(body: bytes) -> Conversation:
    """The same, with the wish for a summary at its end: how a model that cannot
    compact a conversation does it all the same.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    found = read(body)
    asked = Message("user", (Text(SUMMARISE),))
    return msgspec.structs.replace(
        found,
        messages=(*found.messages, asked),
        tool_choice=ToolChoice("none") if found.tools else None,
        response_format=None,
    )


def _instructions(top: f.Fields) -> tuple[Message, ...]:
    raw = top.pop("instructions", ABSENT)
    if not present(raw):
        return ()
    if f.is_text(raw):
        said = f.decode(f.text, raw, "instructions")
        return (Message("system", (Text(said),)),) if said else ()
    return items.read(raw, "instructions")


def _tools(top: f.Fields) -> tuple[Tool, ...]:
    raw = top.pop("tools", ABSENT)
    if not present(raw):
        return ()
    entries: list[Raw] = f.decode(f.raws, raw, "tools")
    return tuple(_tool(entry, f"tools[{n}]") for n, entry in enumerate(entries))


def _tool(raw: Raw, at: str) -> Tool:
    kind = f.decode(_kind, raw, at).type
    if kind == "function":
        told = f.decode(_function, raw, at)
        schema = told.parameters.copy() if present(told.parameters) else Raw(b"")
        return Tool(told.name, told.description or "", schema, told.strict)
    if kind == "custom":
        named = f.decode(_custom, raw, at)
        return Tool(
            named.name,
            named.description or "",
            kind="custom",
            raw=raw.copy(),
            family=RESPONSES,
        )
    if not kind:
        raise BadCall(f"{at}.type: missing", f"{at}.type")
    return Tool(kind, kind="opaque", raw=raw.copy(), family=RESPONSES)


def _choice(top: f.Fields) -> ToolChoice | None:
    """What was chosen; a tool that only OpenAI hosts stays, as it was written."""
    raw = top.get("tool_choice", ABSENT)
    if not present(raw):
        return None
    if f.is_text(raw):
        word = f.decode(f.text, raw, "tool_choice")
        if word not in chat.MODES:
            raise BadCall(f"tool_choice: unknown choice {word!r}", "tool_choice")
        found = ToolChoice(chat.MODES[word])
    else:
        told = f.decode(_kind, raw, "tool_choice")
        mode: Literal["auto", "required", "tool"] = "tool"
        chosen = [told]
        if told.type == "allowed_tools" and present(told.tools):
            mode = "required" if told.mode == "required" else "auto"
            chosen = f.decode(_kinds, told.tools, "tool_choice.tools")
        names = tuple(one.name for one in chosen if one.type in _NAMED and one.name)
        if not names and any(one.type in _NAMED for one in chosen):
            raise BadCall("tool_choice.name: missing", "tool_choice.name")
        if not names:
            return None
        found = ToolChoice(mode, names)
    del top["tool_choice"]
    return found


def _format(told: _Format | None) -> ResponseFormat | None:
    if told is None:
        return None
    if told.type == "json_object":
        return ResponseFormat("json")
    if told.type == "json_schema":
        return ResponseFormat(
            "schema",
            told.name,
            told.description or "",
            told.schema.copy() if present(told.schema) else Raw(b""),
            told.strict,
        )
    return None


def _thinking(top: f.Fields) -> Reasoning | None:
    told = f.take(top, "reasoning", _reasoning)
    if told is None:
        return None
    summary = told.summary or told.generate_summary
    if not told.effort and not summary:
        return None
    return Reasoning(
        enabled=False if told.effort == "none" else None,
        effort=told.effort or "",
        show=True if summary else None,
    )
