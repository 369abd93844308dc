"""The body of a Converse request -> `Conversation`.

Differs from the normal form: tool results stand in user turns (and become turns of
their own here), cache points are blocks (and become marks of what stands before them),
what only some models know stands in `additionalModelRequestFields`. Members nobody
else knows go to `extra`.
"""

import base64
import binascii
from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic.conversation import read as read_messages
from adapters.anthropic.conversation import user_turns
from adapters.bedrock import blocks
from adapters.bedrock.wire import (
    FAMILY,
    NONE,
    Block,
    Camel,
    Point,
    T,
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
    Tool,
    ToolChoice,
)

ADDED: Final = "additionalModelRequestFields"
_READ: Final = frozenset(
    {"messages", "system", "inferenceConfig", "toolConfig", "serviceTier", ADDED}
    | {"requestMetadata", "outputConfig", "modelId"}
)


class _Turn(Camel, frozen=True):
    role: str
    content: list[Raw]


class _Inference(Camel, frozen=True):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class _Schema(Camel, frozen=True):
    json: Raw = NONE


class _Spec(Camel, frozen=True):
    name: str
    description: str | None = None
    input_schema: _Schema = _Schema()
    strict: bool | None = None


class _SystemTool(Camel, frozen=True):
    name: str


class _Tool(Camel, frozen=True):
    tool_spec: _Spec | None = None
    system_tool: _SystemTool | None = None
    cache_point: Point | None = None


class _Named(Camel, frozen=True):
    name: str


class _Choice(Camel, frozen=True):
    auto: Raw = NONE
    any: Raw = NONE
    tool: _Named | None = None


class _ToolConfig(Camel, frozen=True):
    tools: tuple[Raw, ...] = ()
    tool_choice: _Choice | None = None


class _Tier(Camel, frozen=True):
    type: str = ""


class _JsonSchema(Camel, frozen=True):
    schema: str = ""
    name: str = ""
    description: str = ""


class _Structure(Camel, frozen=True):
    json_schema: _JsonSchema | None = None


class _TextFormat(Camel, frozen=True):
    structure: _Structure = _Structure()


class _Output(Camel, frozen=True):
    text_format: _TextFormat | None = None
    effort: str | None = None


class _Body(Camel, frozen=True):
    messages: tuple[_Turn, ...] = ()
    system: list[Raw] | None = None
    inference_config: _Inference | None = None
    tool_config: _ToolConfig | None = None
    additional_model_request_fields: Raw = NONE
    service_tier: _Tier | None = None
    request_metadata: dict[str, str] | None = None
    output_config: _Output | None = None


class _Counted(Camel, frozen=True):
    converse: Raw = NONE
    invoke_model: Raw = NONE


class _CountBody(Camel, frozen=True):
    input: _Counted


class _Invoked(Camel, frozen=True):
    body: str = ""


class _Thinking(msgspec.Struct, frozen=True):
    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class _NovaThinking(Camel, frozen=True):
    type: str = ""
    max_reasoning_effort: str = ""


def read(body: bytes) -> Conversation:
    """Everything the body asks.

    Raises:
        BadCall: it does not follow the dialect; says where.
    """
    asked = call_part(body, _Body)
    top = call_part(body, dict[str, Raw])
    extra = {name: raw.copy() for name, raw in top.items() if name not in _READ}
    config = asked.inference_config or _Inference()
    tools, choice = _tools(asked.tool_config)
    added = _Added(asked.additional_model_request_fields)
    output = asked.output_config or _Output()
    if output.effort and not added.effort:
        added.effort = output.effort
    reasoning = added.reasoning()
    if added.rest:
        extra[ADDED] = Raw(encode(added.rest))
    return Conversation(
        messages=_messages(asked),
        tools=tools,
        tool_choice=choice,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=added.top_k,
        stop=tuple(config.stop_sequences or ()),
        response_format=_format(output),
        reasoning=reasoning,
        metadata=Raw(encode(asked.request_metadata))
        if asked.request_metadata
        else NONE,
        service_tier=asked.service_tier.type if asked.service_tier else "",
        extra=extra,
    )


def read_count(body: bytes) -> Conversation:
    """What a CountTokens body would have a model asked.

    Raises:
        BadCall: it does not follow the dialect, or holds a vendor's own body.
    """
    asked = call_part(body, _CountBody).input
    if given(asked.converse):
        return read(bytes(asked.converse))
    if not given(asked.invoke_model):
        told = "input: one of converse and invokeModel is required"
        raise BadCall(told, "input")
    where = "input.invokeModel.body"
    inner = call_part(asked.invoke_model, _Invoked, "input.invokeModel").body
    try:
        return read_messages(base64.b64decode(inner, validate=True))
    except binascii.Error as error:
        raise BadCall(f"{where}: not base64: {error}", where) from error


def _messages(asked: _Body) -> tuple[Message, ...]:
    out: list[Message] = []
    if asked.system:
        parts = blocks.contents(asked.system, "system")
        if parts:
            out.append(Message("system", parts))
    for i, turn in enumerate(asked.messages):
        where = f"messages[{i}]"
        _mark_before(turn, out, where)
        parts = blocks.contents(turn.content, f"{where}.content")
        match turn.role:
            case "user":
                out += user_turns(parts)
            case "assistant":
                out.append(Message("assistant", parts))
            case "system":
                out.append(Message("system", parts))
            case _:
                told = f"{where}.role: must be user or assistant"
                raise BadCall(told, f"{where}.role")
    return tuple(out)


def _mark_before(turn: _Turn, out: list[Message], where: str) -> None:
    """A cache point that begins a turn marks the end of the one before."""
    if not turn.content or not out or b"cachePoint" not in bytes(turn.content[0]):
        return
    first = call_part(turn.content[0], Block, f"{where}.content[0]")
    if first.cache_point is not None:
        parts: list[Part] = list(out[-1].parts)
        blocks.mark(parts, first.cache_point)
        out[-1] = Message(out[-1].role, tuple(parts), out[-1].name)


def _tools(
    config: _ToolConfig | None,
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    if config is None:
        return (), None
    tools: list[Tool] = []
    for i, raw in enumerate(config.tools):
        where = f"toolConfig.tools[{i}]"
        tool = call_part(raw, _Tool, where)
        spec = tool.tool_spec
        if tool.cache_point is not None:
            if tools:
                kept = blocks.cache(tool.cache_point)
                tools[-1] = msgspec.structs.replace(tools[-1], cache=kept)
        elif spec is not None:
            schema = spec.input_schema.json
            tools.append(
                Tool(
                    spec.name,
                    spec.description or "",
                    schema.copy() if given(schema) else NONE,
                    spec.strict,
                )
            )
        else:
            name = tool.system_tool.name if tool.system_tool is not None else "tool"
            tools.append(Tool(name, kind="opaque", raw=raw.copy(), family=FAMILY))
    return tuple(tools), _choice(config.tool_choice)


def _choice(choice: _Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    if choice.tool is not None:
        return ToolChoice("tool", (choice.tool.name,))
    if given(choice.any):
        return ToolChoice("required")
    return ToolChoice("auto") if given(choice.auto) else None


def _format(output: _Output) -> ResponseFormat | None:
    form = output.text_format
    told = form.structure.json_schema if form is not None else None
    if told is None:
        return None
    schema = call_part(told.schema.encode(), Raw, "outputConfig").copy()
    return ResponseFormat("schema", told.name, told.description, schema)


class _Added:
    """`additionalModelRequestFields`: what others have words for, and the rest."""

    def __init__(self, raw: Raw) -> None:
        self.rest: dict[str, Raw] = {}
        if given(raw):
            self.rest = call_part(raw, dict[str, Raw], ADDED)
        self.effort = ""
        self.top_k = self._pop("top_k", int)
        self._enabled: bool | None = None
        self._budget: int | None = None
        self._show: bool | None = None
        self._read()

    def reasoning(self) -> Reasoning | None:
        """How much the model should think, in whatever words it was asked."""
        if not self.effort and self._enabled is None:
            return None
        return Reasoning(self._enabled, self.effort, self._budget, self._show)

    def _read(self) -> None:
        self._read_thinking()
        config = self._pop("output_config", dict[str, Raw])
        if config is not None:
            if given(effort := config.pop("effort", NONE)):
                self.effort = call_part(effort, str, f"{ADDED}.output_config.effort")
            if config:
                self.rest["output_config"] = Raw(encode(config))
        inner = self._pop("inferenceConfig", dict[str, Raw])
        if inner is not None:
            if given(top_k := inner.pop("topK", NONE)):
                self.top_k = call_part(top_k, int, f"{ADDED}.inferenceConfig.topK")
            if inner:
                self.rest["inferenceConfig"] = Raw(encode(inner))

    def _read_thinking(self) -> None:
        for name in ("thinking", "reasoning_config"):
            told = self._pop(name, _Thinking)
            if told is not None and told.type:
                self._enabled = told.type != "disabled"
                self._budget = told.budget_tokens
                if told.type == "adaptive":
                    self._budget = -1
                if told.display is not None:
                    self._show = told.display != "omitted"
        nova = self._pop("reasoningConfig", _NovaThinking)
        if nova is not None and nova.type:
            self._enabled = nova.type != "disabled"
            self.effort = nova.max_reasoning_effort
        self.effort = self._pop("reasoning_effort", str) or self.effort

    def _pop(self, name: str, kind: type[T]) -> T | None:
        raw = self.rest.pop(name, NONE)
        return call_part(raw, kind, f"{ADDED}.{name}") if given(raw) else None
