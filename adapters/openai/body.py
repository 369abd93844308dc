"""Chat completion requests, written for a target from what a conversation means."""

from typing import Any, Final

from msgspec import Raw

from adapters.contract import Target
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import ResponseFormat, Tool, ToolChoice
from adapters.openai import request, thinking, wire
from adapters.openai.compose import Composer, Json
from adapters.openai.parameters import client_name
from adapters.openai.words import Words, words

_SAMPLING: Final = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "stop",
)
"""What OpenAI's reasoning models refuse."""
_NEUTRAL: Final[dict[str, object]] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "logprobs": False,
}
"""Values that ask for nothing: left out without a word."""
_HOUSE: Final = {
    "verbosity": "verbosity",
    "prediction": "prediction",
    "audio": "audio",
    "cache_key": "prompt_cache_key",
    "cache_retention": "prompt_cache_retention",
    "safety_identifier": "safety_identifier",
    "store": "store",
    "metadata": "metadata",
    "modalities": "modalities",
}
"""What only OpenAI and Azure understand."""
_TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_STOPS: Final = 4
"""Stop sequences that OpenAI takes."""


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
    body = compose(conversation, words(target, call.dialect), drop, target.model)
    if call.stream:
        body["stream"] = True
        if target.provider.quirks.stream_usage:
            body["stream_options"] = {"include_usage": True}
    named = list(dict.fromkeys(client_name(name, call.dialect) for name in drop))
    request.refuse(named, target)
    top = {name: _raw(value) for name, value in body.items()}
    written, bent = request.finished(top, target)
    return written, (*named, *(name for name in bent if name not in named))


def compose(
    conversation: Conversation, said: Words, drop: list[str], model: str
) -> Json:
    """The fields of the body; what cannot be said is named in `drop`."""
    composer = Composer(said, drop)
    body: Json = {"model": model, "messages": composer.messages(conversation.messages)}
    _tools(conversation, said, composer, drop, body)
    _numbers(conversation, said, drop, body)
    if conversation.response_format is not None:
        _format(conversation.response_format, said, drop, body)
    if conversation.reasoning is not None:
        thinking.ask(conversation.reasoning, conversation.extra, said, drop, body)
    _house(conversation, said, drop, body)
    for name, raw in conversation.extra.items():
        if said.own:
            body.setdefault(name, raw)
        else:
            drop.append(name)
    return body


def _raw(value: Any) -> Raw:
    return value if isinstance(value, Raw) else Raw(wire.encode(value))


def _numbers(
    conversation: Conversation, said: Words, drop: list[str], body: Json
) -> None:
    if conversation.max_tokens is not None:
        body[said.limit] = conversation.max_tokens
    stop = list(conversation.stop)
    if said.official and len(stop) > _STOPS:
        stop = stop[:_STOPS]
        drop.append("stop")
    given: Json = {
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "seed": conversation.seed,
        "n": conversation.n,
        "presence_penalty": conversation.presence_penalty,
        "frequency_penalty": conversation.frequency_penalty,
        "logit_bias": conversation.logit_bias or None,
        "logprobs": conversation.logprobs,
        "top_logprobs": conversation.top_logprobs,
        "stop": stop or None,
        "user": conversation.user or None,
    }
    effort = conversation.reasoning.effort if conversation.reasoning else ""
    refuses = said.reasons and effort != "none" and not said.own
    for name, value in given.items():
        if value is None:
            continue
        if refuses and name in _SAMPLING:
            if name not in _NEUTRAL or value != _NEUTRAL[name]:
                drop.append(name)
            continue
        body[name] = value
    if conversation.top_k is not None:
        if said.top_k:
            body["top_k"] = conversation.top_k
        else:
            drop.append("top_k")


def _house(
    conversation: Conversation, said: Words, drop: list[str], body: Json
) -> None:
    understood = said.official or said.own
    for field, name in _HOUSE.items():
        value = getattr(conversation, field)
        if value is None or (not value and value is not False):
            continue
        if field == "modalities" and tuple(value) == ("text",) and not said.own:
            continue
        if understood:
            body[name] = value
        else:
            drop.append(field)
    tier = conversation.service_tier
    if not tier:
        return
    tier = "default" if tier == "standard_only" else tier
    if said.own or (said.official and tier in _TIERS):
        body["service_tier"] = tier
    elif tier != "auto":
        drop.append("service_tier")


def _tools(
    conversation: Conversation,
    said: Words,
    composer: Composer,
    drop: list[str],
    body: Json,
) -> None:
    tools = list(conversation.tools)
    choice = conversation.tool_choice
    narrow = choice is not None and choice.mode in ("auto", "required") and choice.names
    if choice is not None and narrow and not (said.official or said.own):
        tools = [tool for tool in tools if tool.name in choice.names]
        choice = ToolChoice(choice.mode)
    written = [entry for tool in tools if (entry := _tool(tool, composer, drop))]
    if written:
        body["tools"] = written
        if conversation.parallel_tools is not None:
            body["parallel_tool_calls"] = conversation.parallel_tools
    if choice is not None and (written or said.own):
        body["tool_choice"] = _choice(choice, tools)


def _tool(tool: Tool, composer: Composer, drop: list[str]) -> Any:
    if tool.kind == "opaque":
        if tool.family == wire.FAMILY:
            return tool.raw
        drop.append(f"tools.{tool.name}")
        return None
    if tool.kind == "custom":
        own = tool.family == wire.FAMILY and tool.raw
        entry = {"type": "custom", "custom": tool.raw if own else _custom(tool)}
        return composer.cached(entry, tool.cache)
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.schema:
        function["parameters"] = tool.schema
    if tool.strict is not None:
        function["strict"] = tool.strict
    return composer.cached({"type": "function", "function": function}, tool.cache)


def _custom(tool: Tool) -> Json:
    """A custom tool; the grammar of its text stands one deeper here than in the
    Responses API."""
    custom: Json = {"name": tool.name, "description": tool.description}
    if tool.family == wire.RESPONSES and tool.raw:
        form = wire.value.decode(tool.raw).get("format")
        if isinstance(form, dict) and form.get("type") == "grammar":
            grammar = {name: value for name, value in form.items() if name != "type"}
            form = {"type": "grammar", "grammar": grammar}
        if form:
            custom["format"] = form
    return custom


def _choice(choice: ToolChoice, tools: list[Tool]) -> Any:
    custom = {tool.name for tool in tools if tool.kind == "custom"}

    def named(name: str) -> Json:
        kind = "custom" if name in custom else "function"
        return {"type": kind, kind: {"name": name}}

    if choice.mode == "tool":
        return named(choice.names[0]) if choice.names else "required"
    if not choice.names:
        return choice.mode
    allowed = {"mode": choice.mode, "tools": [named(name) for name in choice.names]}
    return {"type": "allowed_tools", "allowed_tools": allowed}


def _format(form: ResponseFormat, said: Words, drop: list[str], body: Json) -> None:
    if form.mode == "text":
        if said.own:
            body["response_format"] = {"type": "text"}
        return
    if form.mode == "json" or not form.schema:
        body["response_format"] = {"type": "json_object"}
        return
    if not said.schema and not said.own:
        drop.append("response_format")
        body["response_format"] = {"type": "json_object"}
        return
    schema: Json = {"schema": form.schema}
    if form.name or not said.own:
        schema["name"] = form.name or "response"
    if form.description:
        schema["description"] = form.description
    if form.strict is not None:
        schema["strict"] = form.strict
    body["response_format"] = {"type": "json_schema", "json_schema": schema}
