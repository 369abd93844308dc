"""The body of a Messages request -> `Conversation`.

Differs from the normal form: the system prompt stands outside the messages (and comes
first here), tool results stand in user turns (and become turns of their own here),
effort and schema share `output_config`. Members nobody else knows go to `extra`.
"""

from typing import Final, Literal

import msgspec
from msgspec import Raw

from adapters.anthropic import blocks
from adapters.anthropic.wire import (
    FAMILY,
    NONE,
    Marker,
    call_part,
    encode,
    given,
)
from adapters.errors import BadCall
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Role,
    Tool,
    ToolChoice,
    ToolResult,
)

_HEAD: Final = frozenset({"model", "stream", "messages", "system", "metadata"})
_CHOICES: Final[dict[str, Literal["auto", "none", "required", "tool"]]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
    "tool": "tool",
}
_FUNCTION: Final = frozenset(
    {"type", "name", "description", "input_schema", "strict", "cache_control"}
)


class _Turn(msgspec.Struct, frozen=True):
    role: str
    content: Raw


class _Choice(msgspec.Struct, frozen=True):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class _Body(msgspec.Struct, frozen=True):
    messages: list[_Turn]
    system: Raw = NONE
    tools: list[Raw] | None = None
    tool_choice: _Choice | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    thinking: Raw = NONE
    output_config: Raw = NONE
    output_format: Raw = NONE
    metadata: Raw = NONE
    service_tier: str | None = None


class _Thinking(msgspec.Struct, frozen=True):
    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class _Format(msgspec.Struct, frozen=True):
    type: str = ""
    schema: Raw = NONE


class _Tool(msgspec.Struct, frozen=True):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw = NONE
    strict: bool | None = None
    cache_control: Marker | None = None


def read(body: bytes) -> Conversation:
    """Everything the body asks.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    try:
        body.decode()  # so that no piece that is kept as bytes can be broken text
    except UnicodeError as error:
        raise BadCall(f"the body is not UTF-8: {error}") from error
    asked = call_part(body, _Body)
    top = call_part(body, dict[str, Raw])
    extra = {
        name: raw.copy()
        for name, raw in top.items()
        if name not in _HEAD and name not in _Body.__struct_fields__
    }
    effort, schema = _output(asked, extra)
    user = _user(asked.metadata, extra)
    choice, parallel = _tool_choice(asked.tool_choice)
    return Conversation(
        messages=_messages(asked),
        tools=tuple(_tool(t, f"tools[{i}]") for i, t in enumerate(asked.tools or ())),
        tool_choice=choice,
        parallel_tools=parallel,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=tuple(asked.stop_sequences or ()),
        response_format=schema,
        reasoning=_reasoning(asked.thinking, effort, extra),
        user=user,
        service_tier=asked.service_tier or "",
        extra=extra,
    )


def _messages(asked: _Body) -> tuple[Message, ...]:
    out: list[Message] = []
    if given(asked.system):
        parts = blocks.contents(asked.system, "system")
        if parts:
            out.append(Message("system", parts))
    for i, turn in enumerate(asked.messages):
        where = f"messages[{i}]"
        parts = blocks.contents(turn.content, f"{where}.content")
        match turn.role:
            case "user":
                out += user_turns(parts)
            case "assistant":
                out.append(Message("assistant", parts))
            case "system":
                out.append(Message("system", parts))
            case _:
                told = f"{where}.role: must be user, assistant or system"
                raise BadCall(told, f"{where}.role")
    return tuple(out)


def user_turns(parts: tuple[Part, ...]) -> list[Message]:
    """A user's turn, cut where tool results begin and end."""
    out: list[Message] = []
    run: list[Part] = []
    role: Role = "user"
    for part in parts:
        now: Role = "tool" if isinstance(part, ToolResult) else "user"
        if now != role and run:
            out.append(Message(role, tuple(run)))
            run = []
        role = now
        run.append(part)
    out.append(Message(role, tuple(run)))
    return out


def _tool(raw: Raw, where: str) -> Tool:
    tool = call_part(raw, _Tool, where)
    kept = blocks.cache(tool.cache_control) if tool.cache_control else None
    if tool.type not in (None, "custom"):
        return Tool(
            tool.name or tool.type or "",
            kind="opaque",
            raw=raw.copy(),
            family=FAMILY,
            cache=kept,
        )
    if not tool.name:
        raise BadCall(f"{where}: a tool needs a name", f"{where}.name")
    members = call_part(raw, dict[str, Raw], where)
    more = {k: v for k, v in members.items() if k not in _FUNCTION}
    return Tool(
        tool.name,
        tool.description or "",
        tool.input_schema.copy() if given(tool.input_schema) else NONE,
        tool.strict,
        raw=Raw(encode(more)) if more else NONE,
        family=FAMILY if more else "",
        cache=kept,
    )


def _tool_choice(asked: _Choice | None) -> tuple[ToolChoice | None, bool | None]:
    if asked is None:
        return None, None
    if asked.type not in _CHOICES:
        told = f"tool_choice.type: {asked.type!r} is not auto, any, tool or none"
        raise BadCall(told, "tool_choice.type")
    alone = asked.disable_parallel_tool_use
    names = (asked.name,) if asked.type == "tool" else ()
    parallel = None if alone is None else not alone
    return ToolChoice(_CHOICES[asked.type], names), parallel


def _output(asked: _Body, extra: dict[str, Raw]) -> tuple[str, ResponseFormat | None]:
    """Effort and answer format; the other members of `output_config` go to `extra`.

    `output_format` is the older place of the same thing.
    """
    config: dict[str, Raw] = {}
    if given(asked.output_config):
        config = call_part(asked.output_config, dict[str, Raw], "output_config")
    effort, schema = "", None
    effort_raw = config.pop("effort", NONE)
    if given(effort_raw):
        effort = call_part(effort_raw, str, "output_config.effort")
    format_raw = config.pop("format", asked.output_format)
    if given(format_raw):
        wanted = call_part(format_raw, _Format, "output_config.format")
        if wanted.type == "json_schema" and given(wanted.schema):
            schema = ResponseFormat("schema", schema=wanted.schema.copy())
        else:
            config["format"] = format_raw
    if config:
        extra["output_config"] = Raw(encode(config))
    return effort, schema


def _reasoning(raw: Raw, effort: str, extra: dict[str, Raw]) -> Reasoning | None:
    if not given(raw):
        return Reasoning(effort=effort) if effort else None
    asked = call_part(raw, _Thinking, "thinking")
    show = None if asked.display is None else asked.display != "omitted"
    match asked.type:
        case "enabled":
            return Reasoning(True, effort, asked.budget_tokens, show)
        case "adaptive":
            return Reasoning(True, effort, -1, show)
        case "disabled":
            return Reasoning(False, effort, None, show)
        case _:
            extra["thinking"] = raw.copy()
            return Reasoning(effort=effort) if effort else None


def _user(raw: Raw, extra: dict[str, Raw]) -> str:
    if not given(raw):
        return ""
    members = call_part(raw, dict[str, Raw], "metadata")
    told = members.pop("user_id", NONE)
    if members:
        extra["metadata"] = Raw(encode(members))
    return call_part(told, str, "metadata.user_id") if given(told) else ""
