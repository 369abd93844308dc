"""`Conversation` -> the body of a Messages request.

Made for calls of other dialects, and for calls of this one whose meaning was altered on
the way: those are written as their client meant them, the others are fitted to what the
target's model takes. `adapters.anthropic.parameters` lists what becomes of each field.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.anthropic import schema, thinking
from adapters.anthropic.models import Powers, powers
from adapters.anthropic.parameters import COUNTED, MEMBERS, THINKING, client_name
from adapters.anthropic.parts import Json, Speech, cached
from adapters.anthropic.turns import arrange
from adapters.anthropic.wire import FAMILY, call_part, encode
from adapters.contract import Target
from adapters.errors import Unsupported
from adapters.normal.chat import Conversation
from adapters.normal.content import ResponseFormat, Tool

DEFAULT_TOKENS: Final = 4096
"""`max_tokens` when neither the client nor the catalogue names one."""
MOST_TOKENS: Final = 16384
"""The most that is asked for when only the catalogue names a limit: rate limits are
charged by `max_tokens` when a request starts."""

_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none", "tool": "tool"}
_TIERS: Final = {
    "auto": "auto",
    "priority": "auto",
    "default": "standard_only",
    "standard_only": "standard_only",
}
JSON_ONLY: Final = "Answer with one valid JSON object and nothing else."
"""The instruction for JSON of any form."""
_SCHEMA: Final = (
    "Answer with one JSON value that fits this JSON Schema, nothing else:\n"
)
FREE_TEXT: Final = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)
"""The schema of a tool that takes free text."""


class _Thinking(msgspec.Struct, frozen=True):
    type: str = ""
    budget_tokens: int | None = None


def write(
    asked: Conversation,
    target: Target,
    *,
    own: bool,
    stream: bool,
    count: bool,
    mended: bool = False,
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the client's names of what it leaves out.

    `mended`: a client of this dialect sent back what another family's model thought.

    Raises:
        Unsupported: the API cannot say it.
        BadCall: a result of a tool answers no call.
    """
    writer = _Writer(asked, target, own, mended)
    body = writer.body()
    if count:
        body = {k: v for k, v in body.items() if k in COUNTED}
    elif stream:
        body["stream"] = True
    return encode(body), tuple(writer.speech.dropped)


class _Writer:
    def __init__(
        self, asked: Conversation, target: Target, own: bool, mended: bool
    ) -> None:
        self.mended = mended
        self.asked = asked
        self.target = target
        self.own = own
        self.speech = Speech(own)
        self.powers = powers(target.model, target.abilities)
        self.body_: Json = {"model": target.model}

    def body(self) -> Json:
        asked, out = self.asked, self.body_
        self._refuse()
        turns = arrange(asked.messages, self.speech)
        plan = self._plan(turns.free)
        out["max_tokens"] = self._max_tokens(plan)
        out["messages"] = turns.messages
        schema_ = self._format(turns.system)
        if turns.system:
            out["system"] = _short(turns.system)
        self._tools(plan.on)
        self._sampling(plan.on)
        self._think(plan, schema_)
        self._rest()
        self._extra()
        return out

    def _refuse(self) -> None:
        asked = self.asked
        if (asked.n or 1) > 1:
            raise Unsupported("Anthropic gives one answer per request", "n")
        if "audio" in asked.modalities or asked.audio:
            name = "modalities" if asked.modalities else "audio"
            raise Unsupported("Anthropic models do not speak", name)
        if any(m != "text" for m in asked.modalities):
            raise Unsupported("Anthropic models answer in text", "modalities")

    def _plan(self, free: bool) -> thinking.Plan:
        asked = self.asked
        if self.own:
            plan = thinking.verbatim(asked.reasoning)
            if free or not self.mended or not plan.on:
                return plan
            self.speech.drop("thinking")
            return thinking.Plan(effort=plan.effort)
        told = self._thinking_as_written()
        if told is not None:
            return thinking.Plan(
                thinking={"type": told.type}, budget=told.budget_tokens or 0
            )
        plan = thinking.plan(asked.reasoning, self.powers, asked.max_tokens, free)
        if plan.dropped and asked.reasoning is not None:
            said = bool(asked.reasoning.effort)
            self.speech.drop(client_name("reasoning") if said else "thinking")
        return plan

    def _thinking_as_written(self) -> _Thinking | None:
        """`thinking` of a client of another dialect, in this API's words: other
        vendors call theirs the same (Zhipu's has a `clear_thinking`)."""
        raw = self.asked.extra.get("thinking")
        if raw is None or call_part(raw, dict[str, Raw], "thinking").keys() - THINKING:
            return None
        return call_part(raw, _Thinking, "thinking")

    def _max_tokens(self, plan: thinking.Plan) -> int:
        wanted = self.asked.max_tokens
        most = self.target.limits.get("max_output_tokens", 0)
        if wanted is None:
            default = min(most, MOST_TOKENS) if most > 0 else DEFAULT_TOKENS
            wanted = default + plan.budget
            return min(wanted, most) if most > plan.budget else wanted
        if not self.own and 0 < most < wanted:
            self.speech.drop("max_tokens")
            return most
        return wanted

    def _format(self, system: list[Json | Raw]) -> Raw | None:
        """The schema to ask for, or else an instruction in the system prompt."""
        form = self.asked.response_format
        if form is None or form.mode == "text":
            return None
        if form.mode == "json" or not form.schema:
            system.append({"type": "text", "text": JSON_ONLY})
            return None
        if self.own:
            return form.schema
        if self.powers.schema:
            try:
                return schema.closed(form.schema)
            except schema.Open:
                pass
        self.speech.drop("response_format")
        system.append({"type": "text", "text": instruction(form)})
        return None

    def _tools(self, thinks: bool) -> None:
        asked, choice = self.asked, self.asked.tool_choice
        tools = asked.tools
        if choice is not None and choice.names and choice.mode != "tool":
            tools = tuple(
                t for t in tools if t.name in choice.names or t.kind == "opaque"
            )
        written = [w for t in tools if (w := self._tool(t)) is not None]
        if written:
            self.body_["tools"] = written
        elif not self.own:
            if choice is not None and choice.mode in ("required", "tool"):
                self.speech.drop("tool_choice")
            return
        alone = asked.parallel_tools is False
        if choice is None and not alone:
            return
        mode = _CHOICES[choice.mode if choice is not None else "auto"]
        forced = mode in ("any", "tool")
        if forced and not self.own and (thinks or not self.powers.forced):
            self.speech.drop("tool_choice")
            mode = "auto"
        out: Json = {"type": mode}
        if mode == "tool" and choice is not None:
            out["name"] = choice.names[0] if choice.names else ""
        if mode != "none" and asked.parallel_tools is not None:
            out["disable_parallel_tool_use"] = alone
        self.body_["tool_choice"] = out

    def _tool(self, tool: Tool) -> Json | Raw | None:
        if tool.kind == "opaque":
            if tool.family == FAMILY:
                return tool.raw
            self.speech.drop(f"tools.{tool.name}")
            return None
        out: Json = {"name": tool.name}
        if tool.description:
            out["description"] = tool.description
        shape = FREE_TEXT if tool.kind == "custom" else tool.schema
        out["input_schema"] = shape if self.own else schema.for_tool(shape)
        if self.own and not shape:
            del out["input_schema"]
        if tool.strict is not None and self.own:
            out["strict"] = tool.strict
        elif tool.strict and self.powers.schema:
            try:
                out["input_schema"] = schema.closed(schema.for_tool(shape))
                out["strict"] = True
            except schema.Open:
                self.speech.drop("tools.strict")
        if tool.family == FAMILY and tool.raw:
            out.update(call_part(tool.raw, dict[str, Raw], "tools"))
        if tool.cache is not None:
            out["cache_control"] = cached(tool.cache)
        return out

    def _sampling(self, thinks: bool) -> None:
        asked, out = self.asked, self.body_
        told = {"temperature": asked.temperature, "top_p": asked.top_p}
        told["top_k"] = asked.top_k
        if not self.own:
            told = fitted(told, self.powers, thinks)
            for name in ("temperature", "top_p", "top_k"):
                if told[name] != getattr(asked, name):
                    self.speech.drop(name)
        out.update({name: value for name, value in told.items() if value is not None})
        stops = asked.stop
        if not self.own and any(not stop.strip() for stop in stops):
            stops = tuple(stop for stop in stops if stop.strip())
            self.speech.drop("stop")
        if stops:
            out["stop_sequences"] = stops

    def _think(self, plan: thinking.Plan, schema_: Raw | None) -> None:
        config: Json = {}
        if plan.effort:
            config["effort"] = plan.effort
        if schema_ is not None:
            config["format"] = {"type": "json_schema", "schema": schema_}
        if config:
            self.body_["output_config"] = config
        if plan.thinking is not None:
            self.body_["thinking"] = plan.thinking

    def _rest(self) -> None:
        asked, out = self.asked, self.body_
        user = asked.user or asked.safety_identifier
        if user and "@" in user and not self.own:
            self.speech.drop("user" if asked.user else "safety_identifier")
        elif user:
            out["metadata"] = {"user_id": user}
        if asked.service_tier:
            tier = _TIERS.get(asked.service_tier)
            if self.own or tier:
                out["service_tier"] = asked.service_tier if self.own else tier
            else:
                self.speech.drop("service_tier")
        silent: dict[str, object] = {
            "seed": asked.seed is not None,
            "presence_penalty": asked.presence_penalty,
            "frequency_penalty": asked.frequency_penalty,
            "logit_bias": bytes(asked.logit_bias) not in (b"", b"{}", b"null"),
            "logprobs": asked.logprobs,
            "top_logprobs": asked.top_logprobs,
            "metadata": bytes(asked.metadata) not in (b"", b"{}", b"null"),
            "verbosity": asked.verbosity not in ("", "medium"),
            "prediction": bytes(asked.prediction) not in (b"", b"null"),
            "cache_key": asked.cache_key,
            "cache_retention": asked.cache_retention,
            "store": asked.store,
        }
        for field, wanted in silent.items():
            if wanted:
                self.speech.drop(client_name(field))

    def _extra(self) -> None:
        out = self.body_
        for name, raw in self.asked.extra.items():
            foreign = name == "thinking" and self._thinking_as_written() is None
            if not self.own and (foreign or name not in MEMBERS):
                self.speech.drop(name)
            elif name in ("output_config", "metadata") and name in out:
                more = call_part(raw, dict[str, Raw], name)
                out[name] = {**more, **_members(out[name])}
            else:
                out[name] = raw


def _members(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def fitted(
    told: dict[str, float | None], powers: Powers, thinks: bool
) -> dict[str, float | None]:
    """Sampling as the model takes it; thinking allows a `top_p` from 0.95 only."""
    heat, top_p = told["temperature"], told["top_p"]
    if not powers.sampling:
        return {"temperature": None, "top_p": None, "top_k": None}
    if heat is not None and heat > 1:
        heat = 1.0
    if thinks:
        heat = heat if heat == 1 else None
        top_p = top_p if top_p is not None and top_p >= 0.95 else None
    if heat is not None and top_p is not None and not powers.both:
        top_p = None
    return {
        "temperature": heat,
        "top_p": top_p,
        "top_k": None if thinks else told["top_k"],
    }


def instruction(form: ResponseFormat) -> str:
    """The instruction for JSON of a certain form."""
    return _SCHEMA + bytes(form.schema).decode(errors="replace")


def _short(system: list[Json | Raw]) -> object:
    only = system[0] if len(system) == 1 else None
    if isinstance(only, dict) and set(only) == {"type", "text"}:
        return only["text"]
    return system
