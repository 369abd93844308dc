"""Chat completion requests, read whole.

What has a place in the normal form is put there, in whatever of its spellings; all
other fields stay in `extra`, as written, for a provider of the same family.
"""

from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.errors import BadCall
from adapters.normal.chat import Conversation
from adapters.normal.content import Cache, Reasoning, ResponseFormat, Tool, ToolChoice
from adapters.openai import fields as f
from adapters.openai import turns
from adapters.openai.wire import ABSENT, FAMILY, present

T = TypeVar("T")

MODES: Final[dict[str, Literal["auto", "none", "required"]]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",
}


class _Function(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Choice(msgspec.Struct, frozen=True):
    type: str | None = None
    function: _Named | None = None
    custom: _Named | None = None
    name: str | None = None
    allowed_tools: "_Allowed | None" = None


class _AllowedTool(msgspec.Struct, frozen=True):
    function: _Named | None = None
    custom: _Named | None = None
    name: str | None = None


class _Allowed(msgspec.Struct, frozen=True):
    mode: Literal["auto", "required"]
    tools: list[_AllowedTool]


class _Schema(msgspec.Struct, frozen=True):
    name: str = ""
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class _Format(msgspec.Struct, frozen=True):
    type: str
    json_schema: _Schema | None = None


class _ReasoningIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class _ThinkingIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    budget_tokens: int | None = None


_function = msgspec.json.Decoder(_Function)
_functions = msgspec.json.Decoder(list[_Function])
_choice = msgspec.json.Decoder(_Choice)
_named = msgspec.json.Decoder(_Named)
_format = msgspec.json.Decoder(_Format)
_cache = msgspec.json.Decoder(turns.CacheControl)
_reasoning = msgspec.json.Decoder(_ReasoningIn)
_thinking = msgspec.json.Decoder(_ThinkingIn)
_stop = msgspec.json.Decoder(str | list[str])
_texts = msgspec.json.Decoder(list[str])


def read(body: bytes) -> Conversation:
    """Everything that the body says.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    top = envelope.fields(body)
    for name in ("model", "stream", "stream_options"):
        top.pop(name, None)
    if "messages" not in top:
        raise BadCall("messages: missing", "messages")
    messages = turns.read(top.pop("messages"))
    tools, choice = _tools(top), _tool_choice(top)
    limit = f.take(top, "max_completion_tokens", f.count)
    older = f.take(top, "max_tokens", f.count)
    modalities: list[str] | None = f.take(top, "modalities", _texts)
    return sampling(
        top,
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tools=f.take(top, "parallel_tool_calls", f.flag),
        max_tokens=older if limit is None else limit,
        logprobs=f.take(top, "logprobs", f.flag),
        top_logprobs=f.take(top, "top_logprobs", f.count),
        response_format=_response_format(top),
        reasoning=_effort(top),
        metadata=f.take_raw(top, "metadata"),
        service_tier=f.take_text(top, "service_tier"),
        verbosity=f.take_text(top, "verbosity"),
        modalities=tuple(modalities or ()),
        audio=f.take_raw(top, "audio"),
        prediction=f.take_raw(top, "prediction"),
        cache_key=f.take_text(top, "prompt_cache_key"),
        cache_retention=f.take_text(top, "prompt_cache_retention"),
        safety_identifier=f.take_text(top, "safety_identifier"),
        store=f.take(top, "store", f.flag),
    )


def sampling(top: f.Fields, **read: Any) -> Conversation:
    """The conversation, with what chat and legacy completions have in common; what is
    left in `top` becomes `extra`."""
    stop = f.take(top, "stop", _stop)
    common: dict[str, Any] = {
        "temperature": f.take(top, "temperature", f.number),
        "top_p": f.take(top, "top_p", f.number),
        "top_k": f.take(top, "top_k", f.count),
        "stop": (stop,) if isinstance(stop, str) else tuple(stop or ()),
        "seed": f.take(top, "seed", f.count),
        "n": f.take(top, "n", f.count),
        "presence_penalty": f.take(top, "presence_penalty", f.number),
        "frequency_penalty": f.take(top, "frequency_penalty", f.number),
        "logit_bias": f.take_raw(top, "logit_bias"),
        "user": f.take_text(top, "user"),
    }
    extra = {name: raw.copy() for name, raw in top.items() if present(raw)}
    return Conversation(**common, **read, extra=extra)


def _tools(top: f.Fields) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    raw = top.pop("tools", ABSENT)
    if present(raw):
        entries: list[Raw] = f.decode(f.raws, raw, "tools")
        tools += [_tool(entry, f"tools[{n}]") for n, entry in enumerate(entries)]
    for function in f.take(top, "functions", _functions) or ():
        tools.append(_function_tool(function))
    return tuple(tools)


def _tool(raw: Raw, at: str) -> Tool:
    entry: f.Fields = f.decode(f.fields, raw, at)
    marker = turns.cache(f.take(entry, "cache_control", _cache, at))
    if "function" in entry:
        function = f.decode(_function, entry["function"], f"{at}.function")
        return _function_tool(function, marker=marker)
    if "custom" in entry:
        custom: f.Fields = f.decode(f.fields, entry["custom"], f"{at}.custom")
        return Tool(
            f.take_text(custom, "name", f"{at}.custom"),
            f.take_text(custom, "description", f"{at}.custom"),
            kind="custom",
            raw=entry["custom"].copy(),
            family=FAMILY,
            cache=marker,
        )
    kind = f.take_text(entry, "type", at)
    return Tool(kind, kind="opaque", raw=raw.copy(), family=FAMILY, cache=marker)


def _function_tool(function: _Function, marker: Cache | None = None) -> Tool:
    parameters = function.parameters
    return Tool(
        function.name,
        function.description or "",
        parameters.copy() if present(parameters) else Raw(b""),
        function.strict,
        cache=marker,
    )


def _tool_choice(top: f.Fields) -> ToolChoice | None:
    raw = top.pop("tool_choice", ABSENT)
    legacy = top.pop("function_call", ABSENT)
    if not present(raw):
        return _legacy_choice(legacy) if present(legacy) else None
    if f.is_text(raw):
        return _mode(f.decode(f.text, raw, "tool_choice"), "tool_choice")
    choice = f.decode(_choice, raw, "tool_choice")
    if choice.allowed_tools is not None:
        allowed = choice.allowed_tools
        names = [_name(t.function, t.custom, t.name) for t in allowed.tools]
        return ToolChoice(allowed.mode, tuple(n for n in names if n))
    name = _name(choice.function, choice.custom, choice.name)
    if name:
        return ToolChoice("tool", (name,))
    return _mode(choice.type or "", "tool_choice.type")


def _name(function: _Named | None, custom: _Named | None, name: str | None) -> str:
    named = function or custom
    return named.name if named is not None else name or ""


def _mode(word: str, at: str) -> ToolChoice:
    if word not in MODES:
        raise BadCall(f"{at}: unknown choice {word!r}", at)
    return ToolChoice(MODES[word])


def _legacy_choice(raw: Raw) -> ToolChoice:
    if f.is_text(raw):
        return _mode(f.decode(f.text, raw, "function_call"), "function_call")
    return ToolChoice("tool", (f.decode(_named, raw, "function_call").name,))


def _response_format(top: f.Fields) -> ResponseFormat | None:
    raw = top.get("response_format", ABSENT)
    if not present(raw):
        return None
    found = f.decode(_format, raw, "response_format")
    match found.type:
        case "text":
            form = ResponseFormat()
        case "json_object" if len(f.decode(f.fields, raw, "response_format")) == 1:
            form = ResponseFormat("json")
        case "json_schema" if found.json_schema is not None:
            told = found.json_schema
            form = ResponseFormat(
                "schema",
                told.name,
                told.description or "",
                told.schema.copy() if present(told.schema) else Raw(b""),
                told.strict,
            )
        case _:
            return None
    del top["response_format"]
    return form


def _effort(top: f.Fields) -> Reasoning | None:
    """The three spellings: OpenAI's, OpenRouter's and Anthropic's (as LiteLLM passes
    it). One with details that we do not know stays in `extra`, whole."""
    effort = f.take_text(top, "reasoning_effort")
    asked = _known(top, "reasoning", _reasoning)
    thinking = _known(top, "thinking", _thinking)
    if not effort and asked is None and thinking is None:
        return None
    enabled = False if effort == "none" else None
    budget: int | None = None
    show: bool | None = None
    if asked is not None:
        effort = effort or asked.effort or ""
        enabled = asked.enabled if asked.enabled is not None else enabled
        budget = asked.max_tokens
        show = None if asked.exclude is None else not asked.exclude
    if thinking is not None:
        enabled = thinking.type != "disabled"
        budget = thinking.budget_tokens if budget is None else budget
    return Reasoning(enabled, effort, budget, show)


def _known(top: f.Fields, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
    raw = top.get(name, ABSENT)
    if not present(raw):
        top.pop(name, None)
        return None
    try:
        found = decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    del top[name]
    return found
