"""`Conversation` -> the body of a Converse request, fitted to the model's vendor.

`adapters.bedrock.parameters` lists what becomes of each field.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Raw

from adapters.anthropic import schema
from adapters.anthropic.models import powers
from adapters.anthropic.pairing import paired
from adapters.anthropic.request import FREE_TEXT, JSON_ONLY, fitted, instruction
from adapters.anthropic.turns import free, trimmed
from adapters.anthropic.wire import FAMILY as CLAUDE
from adapters.bedrock import thinking
from adapters.bedrock.conversation import ADDED
from adapters.bedrock.models import Model
from adapters.bedrock.parameters import COUNTED, MEMBERS, TIERS, client_name
from adapters.bedrock.parts import Json, Speech
from adapters.bedrock.wire import FAMILY, NONE, call_part, encode, given, tool_name
from adapters.contract import Target
from adapters.errors import Unsupported
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)

_LABEL: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
"""What keys and values of `requestMetadata` may be made of."""
_SEQUENCE: Final = "/stop_sequence"


def write(
    asked: Conversation, target: Target, model: Model, *, count: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the client's names of what it leaves out.

    Raises:
        Unsupported: the API cannot say it.
        BadCall: a result of a tool answers no call.
    """
    writer = _Writer(asked, target, model)
    body = writer.body()
    if count:
        inner = {k: v for k, v in body.items() if k in COUNTED}
        body = {"input": {"converse": inner}}
    dropped = tuple(writer.speech.dropped)
    if dropped and target.strict:
        raise Unsupported(f"Bedrock cannot say {dropped[0]}", dropped[0])
    return encode(body), dropped


class _Writer:
    def __init__(self, asked: Conversation, target: Target, model: Model) -> None:
        self.asked = asked
        self.target = target
        self.model = model
        self.speech = Speech(model)
        self.powers = powers(model.bare, target.abilities)
        self.added: Json = {}
        self.body_: Json = {}

    def body(self) -> Json:
        asked, out = self.asked, self.body_
        self._refuse()
        system, turns = self._turns()
        fields, thinks, dropped = thinking.plan(
            asked, self.model, self.powers, free(turns)
        )
        self.added |= fields
        if dropped and asked.reasoning is not None:
            said = bool(asked.reasoning.effort)
            self.speech.drop(client_name("reasoning") if said else "thinking")
        self._format(system)
        messages = self._messages(system, turns)
        out["messages"] = messages
        if system:
            out["system"] = system
        self._inference(thinks)
        self._tools(thinks)
        self._rest()
        self._extra()
        return out

    def _refuse(self) -> None:
        asked = self.asked
        if (asked.n or 1) > 1:
            raise Unsupported("Bedrock gives one answer per request", "n")
        if "audio" in asked.modalities or asked.audio:
            name = "modalities" if asked.modalities else "audio"
            raise Unsupported("Converse answers in text", name)
        if any(m != "text" for m in asked.modalities):
            raise Unsupported("Converse answers in text", "modalities")

    # --- what is said ----------------------------------------------------------------

    def _turns(self) -> tuple[list[Json | Raw], list[tuple[str, list[Part]]]]:
        system: list[Json | Raw] = []
        turns: list[tuple[str, list[Part]]] = []
        for message in paired(self.asked.messages, strict=True):
            if message.role in ("system", "developer"):
                system += self._system(message)
                continue
            role = "assistant" if message.role == "assistant" else "user"
            if message.name:
                self.speech.drop("messages.name")
            if turns and turns[-1][0] == role:
                turns[-1][1].extend(message.parts)
            else:
                turns.append((role, list(message.parts)))
        return system, turns

    def _system(self, message: Message) -> list[Json | Raw]:
        out: list[Json | Raw] = []
        for part in message.parts:
            if isinstance(part, Text):
                out += self.speech.blocks(part)
            else:
                self.speech.drop(f"system.{type(part).__name__.lower()}")
        return out

    def _messages(
        self, system: list[Json | Raw], turns: list[tuple[str, list[Part]]]
    ) -> list[Json]:
        out: list[Json] = []
        for place, (role, parts) in enumerate(turns):
            last = place == len(turns) - 1
            own = trimmed(parts) if role == "assistant" and last else parts
            content = [b for part in _ordered(own) for b in self.speech.blocks(part)]
            if not content:
                continue
            if out and out[-1]["role"] == role:
                # The turn between had nothing that could be said.
                out[-1]["content"] = [*_list(out[-1]["content"]), *content]
            else:
                out.append({"role": role, "content": content})
        if system and (not out or not self.model.system):
            said = [b for b in system if isinstance(b, dict) and "text" in b]
            if out and out[0]["role"] == "user":
                out[0]["content"] = [*said, *_list(out[0]["content"])]
            else:
                out.insert(0, {"role": "user", "content": said})
            system.clear()
        return out

    def _format(self, system: list[Json | Raw]) -> None:
        """The schema to ask for, or else an instruction in the system prompt."""
        form = self.asked.response_format
        if form is None or form.mode == "text":
            return
        if form.mode == "json" or not form.schema:
            system.append({"text": JSON_ONLY})
            return
        takes = "native_structured_output" in self.target.abilities
        claude = self.model.is_claude and self.powers.schema
        if takes or claude or self.model.schemas:
            try:
                shape = bytes(schema.closed(form.schema)).decode()
            except schema.Open:
                pass
            else:
                told: Json = {"schema": shape, "name": form.name or "answer"}
                if form.description:
                    told["description"] = form.description
                text = {"type": "json_schema", "structure": {"jsonSchema": told}}
                self.body_["outputConfig"] = {"textFormat": text}
                return
        self.speech.drop("response_format")
        system.append({"text": instruction(form)})

    # --- how it is answered ----------------------------------------------------------

    def _inference(self, thinks: bool) -> None:
        asked = self.asked
        most = self.target.limits.get("max_output_tokens", 0)
        limit = asked.max_tokens
        if limit is not None and 0 < most < limit:
            self.speech.drop("max_tokens")
            limit = most
        told = self._sampling(thinks)
        wanted: Json = {
            "maxTokens": limit,
            "temperature": told["temperature"],
            "topP": told["top_p"],
        }
        out = {name: value for name, value in wanted.items() if value is not None}
        self._top_k(told["top_k"])
        stops = tuple(stop for stop in asked.stop if stop.strip())
        if len(stops) < len(asked.stop):
            self.speech.drop("stop")
        if stops:
            out["stopSequences"] = stops
            if self.model.is_claude:
                # Which one it was is told only when it is asked for.
                self.body_["additionalModelResponseFieldPaths"] = [_SEQUENCE]
        if out:
            self.body_["inferenceConfig"] = out

    def _sampling(self, thinks: bool) -> dict[str, float | None]:
        asked = self.asked
        told = {"temperature": asked.temperature, "top_p": asked.top_p}
        told["top_k"] = asked.top_k
        if self.model.is_claude or (thinks and not self.model.vendor):
            told = fitted(told, self.powers, thinks)
        else:
            heat = told["temperature"]
            told["temperature"] = None if heat is None else min(heat, 1.0)
            if self.model.nova >= 2 and "high" in str(self.added):
                told = dict.fromkeys(told)
        for name in ("temperature", "top_p", "top_k"):
            if told[name] != getattr(asked, name):
                self.speech.drop(name)
        return told

    def _top_k(self, top_k: float | None) -> None:
        if top_k is None:
            return
        if self.model.nova:
            self.added["inferenceConfig"] = {"topK": int(top_k)}
        elif self.model.vendor in {"", "anthropic", "mistral"}:
            self.added["top_k"] = int(top_k)
        else:
            self.speech.drop("top_k")

    def _tools(self, thinks: bool) -> None:
        asked, choice = self.asked, self.asked.tool_choice
        if asked.parallel_tools is False:
            self.speech.drop(client_name("parallel_tools"))
        tools = asked.tools
        if choice is not None and choice.names and choice.mode != "tool":
            tools = tuple(
                t for t in tools if t.name in choice.names or t.kind == "opaque"
            )
        used = _used(asked.messages)
        told, tools = self._choice(choice, tools, thinks)
        if choice is not None and choice.mode == "none":
            if not used:
                return
            self.speech.drop("tool_choice")
        written = [w for tool in tools for w in self._tool(tool)]
        if not written:
            # Calls and results in the history want their tools to be known.
            written = [_spec(name, "", NONE) for name in used]
        if not written:
            if choice is not None and choice.mode in ("required", "tool"):
                self.speech.drop("tool_choice")
            return
        config: Json = {"tools": written}
        if told is not None:
            config["toolChoice"] = told
        self.body_["toolConfig"] = config

    def _choice(
        self, choice: ToolChoice | None, tools: tuple[Tool, ...], thinks: bool
    ) -> tuple[Json | None, tuple[Tool, ...]]:
        if choice is None or choice.mode in ("none", "auto"):
            auto = choice is not None and choice.mode == "auto"
            return ({"auto": {}} if auto else None), tools
        claude = self.model.is_claude
        if not self.model.forced or (claude and (thinks or not self.powers.forced)):
            self.speech.drop("tool_choice")
            return {"auto": {}}, tools
        if choice.mode == "required":
            return {"any": {}}, tools
        name = choice.names[0] if choice.names else ""
        if self.model.vendor in {"mistral", "openai", "writer"}:
            # They can be made to use any, not a certain one: so it stands alone.
            return {"any": {}}, tuple(t for t in tools if t.name == name)
        return {"tool": {"name": tool_name(name)}}, tools

    def _tool(self, tool: Tool) -> list[Json | Raw]:
        if tool.kind == "opaque":
            if tool.family == FAMILY:
                return [tool.raw]
            self.speech.drop(f"tools.{tool.name}")
            return []
        shape = FREE_TEXT if tool.kind == "custom" else schema.for_tool(tool.schema)
        strict = False
        if tool.strict and self.model.is_claude and self.powers.schema:
            try:
                shape = schema.closed(shape)
                strict = True
            except schema.Open:
                self.speech.drop("tools.strict")
        spec = _spec(tool.name, tool.description, shape)
        if strict:
            spec["toolSpec"]["strict"] = True  # type: ignore[index]
        if tool.family == CLAUDE and tool.raw:
            self.speech.drop(f"tools.{tool.name}.extras")
        if tool.cache is not None and self.model.nova:
            self.speech.drop("tools.cache_control")  # Nova caches no tools
            return [spec]
        return [spec, *self.speech.point(tool.cache)]

    # --- the rest --------------------------------------------------------------------

    def _rest(self) -> None:
        asked, out = self.asked, self.body_
        if asked.service_tier and asked.service_tier != "auto":
            tier = TIERS.get(asked.service_tier)
            if tier:
                out["serviceTier"] = {"type": tier}
            else:
                self.speech.drop("service_tier")
        self._metadata()
        silent: dict[str, object] = {
            "seed": asked.seed is not None,
            "presence_penalty": asked.presence_penalty,
            "frequency_penalty": asked.frequency_penalty,
            "logit_bias": bytes(asked.logit_bias) not in (b"", b"{}", b"null"),
            "logprobs": asked.logprobs,
            "top_logprobs": asked.top_logprobs,
            "user": asked.user,
            "verbosity": asked.verbosity not in ("", "medium"),
            "prediction": bytes(asked.prediction) not in (b"", b"null"),
            "cache_key": asked.cache_key,
            "cache_retention": asked.cache_retention,
            "safety_identifier": asked.safety_identifier,
            "store": asked.store,
        }
        for field, wanted in silent.items():
            if wanted:
                self.speech.drop(client_name(field))

    def _metadata(self) -> None:
        if bytes(self.asked.metadata) in (b"", b"{}", b"null"):
            return
        told = call_part(self.asked.metadata, dict[str, object], "metadata")
        kept = {k: v for k, v in told.items() if _label(k) and _label(v)}
        kept = dict([*kept.items()][:16])
        if len(kept) < len(told):
            self.speech.drop("metadata")
        if kept:
            self.body_["requestMetadata"] = kept

    def _extra(self) -> None:
        for name, raw in self.asked.extra.items():
            if name not in MEMBERS:
                self.speech.drop(name)
            elif name == ADDED and given(raw):
                self.added |= call_part(raw, dict[str, Raw], name)
            else:
                self.body_[name] = raw
        if self.added:
            self.body_[ADDED] = self.added


def _spec(name: str, description: str, shape: Raw) -> Json:
    spec: Json = {"name": tool_name(name)}
    if description:
        spec["description"] = description
    spec["inputSchema"] = {"json": shape or schema.for_tool(NONE)}
    return {"toolSpec": spec}


def _used(messages: Iterable[Message]) -> list[str]:
    """Names of the tools that the history calls, each once."""
    names = [p.name for m in messages for p in m.parts if isinstance(p, ToolUse)]
    return [*dict.fromkeys(names)]


def _ordered(parts: list[Part]) -> list[Part]:
    """Results of tools first, as Claude demands; thoughts before what they led to."""
    first = [p for p in parts if isinstance(p, ToolResult | Thinking)]
    return first + [p for p in parts if not isinstance(p, ToolResult | Thinking)]


def _label(value: object) -> bool:
    return isinstance(value, str) and _LABEL.fullmatch(value) is not None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
